-- operations.FinishDelete: room. Answers the deletion's text, '' when there was nothing to finish.
local room = ARGV[FIRST]
local state = redis.call('HMGET', key('room', room), 'closing', 'closing_ref', 'gone')
if not state[1] or state[3] then return {'', '', {}} end
local to = recipients(room)
for _, node in ipairs(to) do redis.call('SREM', key('held', node), room) end
for _, name in ipairs(redis.call('HKEYS', key('members', room))) do
  redis.call('ZREM', PREFIX .. 'deadlines', deadline_name(room, name))
end
local name = state[2] ~= '' and 'DeletedByRef' or 'Deleted'
-- What was said goes with the room; that it ended stays for a while, so that a node which missed it finds out.
redis.call('DEL', key('lines', room), key('others', room), key('windows', room), key('outs', room), refs_key(room, 0), refs_key(room, 1))
local event = append(room, event_body(name, {roomID = room, reason = state[1], ref = state[2]}), to, true)
redis.call('DEL', key('members', room), key('order', room), key('holders', room), key('nodes', room))
redis.call('HSET', key('room', room), 'gone', '1')
redis.call('HDEL', key('room', room), 'name', 'host_nick', 'host', 'host_visitor', 'closing_ref', 'opener')
redis.call('PEXPIRE', key('room', room), HISTORY_AGE)
redis.call('ZREM', PREFIX .. 'closing', room)
return {'', event[3], {event}}
