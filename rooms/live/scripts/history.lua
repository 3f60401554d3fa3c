-- operations.History: room, after. Answers the latest seq ('' when the room is unknown), the kept events, epoch_seq.
local room, after = unpack(ARGV, FIRST)
local state = redis.call('HMGET', key('room', room), 'seq', 'epoch_seq')
if not state[1] then return {'', {'', {}, 0}, {}} end
return {'', {state[1], kept_after(room, tonumber(after)), state[2]}, {}}
