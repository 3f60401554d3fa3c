-- operations.FinishDelete: room. Answers the deletion's text, '' when there was nothing to finish.
local room = ARGV[FIRST]
local state = redis.call('HMGET', key('room', room), 'closing', 'closing_ref', 'gone', 'epoch_seq')
if not state[1] or state[3] then return {'', '', {}} end
local to = recipients(room)
for _, node in ipairs(to) do redis.call('SREM', key('held', node), room) end
for _, name in ipairs(redis.call('HKEYS', key('members', room))) do
  redis.call('ZREM', PREFIX .. 'deadlines', deadline_name(room, name))
end
local name = state[2] ~= '' and 'DeletedByRef' or 'Deleted'
-- What was said goes with the room; that it ended stays for a while, so that a node which missed it finds out.
for _, kind in ipairs({'lines', 'others', 'lasting', 'removed', 'reactions', 'tallies', 'changed'}) do
  redis.call('DEL', key(kind, room))
end
redis.call('DEL', refs_key(room, 0), refs_key(room, 1))
redis.call('SREM', PREFIX .. 'reacting', room)
local event = append(room, event_body(name, {roomID = room, reason = state[1], ref = state[2]}), to, true)
for _, kind in ipairs({'room', 'members', 'order', 'holders', 'nodes', 'windows', 'outs', 'addresses', 'kicked', 'spoke'}) do
  redis.call('DEL', key(kind, room))
end
redis.call('HSET', key('room', room), 'gone', '1', 'closing', state[1], 'seq', int(event[2]), 'epoch_seq', state[4])
redis.call('PEXPIRE', key('room', room), HISTORY_AGE)
redis.call('ZREM', PREFIX .. 'closing', room)
return {'', event[3], {event}}
