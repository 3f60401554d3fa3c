-- contract.History: room, after. Answers the latest seq and the first ('' when the room is unknown) and the kept events.
local room = ARGV[FIRST]
local state = redis.call('HMGET', key('room', room), 'seq', 'base')
if not state[1] then return {'', {'', {}, 0}, {}} end
return {'', {state[1], kept_after(room, tonumber(ARGV[FIRST + 1])), state[2]}, {}}
