-- contract.Finish: room. Answers the deletion's text, '' when there was nothing to finish.
local room = ARGV[FIRST]
local state = redis.call('HMGET', key('room', room), 'closing', 'closing_ref', 'gone')
if not state[1] or state[3] then return {'', '', {}} end
local tell = processes(room)
for _, process in ipairs(tell) do redis.call('SREM', key('held', process), room) end
for _, name in ipairs(redis.call('HKEYS', key('members', room))) do
  redis.call('ZREM', PREFIX .. 'deadlines', deadline_name(room, name))
end
local ref = state[2] ~= '' and ',"ref":' .. cjson.encode(state[2]) or ''
local body = '{"type":"SERVER_ROOM_DELETE","roomID":' .. room .. ',"reason":"' .. state[1] .. '","status":true' .. ref
local event = append(room, body, 0, tell, true)
-- The events and a mark stay for a while, so that a process which missed the end finds out.
redis.call('DEL', key('members', room), key('order', room), key('holders', room), key('processes', room), key('been', room))
redis.call('HSET', key('room', room), 'gone', '1')
redis.call('HDEL', key('room', room), 'name', 'host_nick', 'host', 'host_visitor')
redis.call('PEXPIRE', key('room', room), HISTORY_AGE)
redis.call('ZREM', PREFIX .. 'closing', room)
return {'', event[3], {event}}
