-- operations.Positions: held, rooms. Answers room, seq, room, seq… of those that are known, of whose people nothing was
-- evicted; with held only of those that are gone or in which the asking node holds someone.
local positions = {}
for i = FIRST + 1, #ARGV do
  local room = ARGV[i]
  local state = redis.call('HMGET', key('room', room), 'seq', 'gone')
  local here = ARGV[FIRST] == '0' or redis.call('HEXISTS', key('nodes', room), NODE) == 1
  if state[1] and (state[2] or here and whole(room)) then
    positions[#positions + 1] = room
    positions[#positions + 1] = state[1]
  end
end
return {'', positions, {}}
