-- operations.Positions: held, rooms. Answers room, seq, room, seq… of those that are known; with held only of those that
-- are gone or in which the asking node holds someone, and of which nothing was evicted.
local positions = {}
for i = FIRST + 1, #ARGV do
  local room = ARGV[i]
  local state = redis.call('HMGET', key('room', room), 'seq', 'gone')
  local whole = ARGV[FIRST] == '0' or state[2] or (redis.call('HEXISTS', key('nodes', room), NODE) == 1
    and redis.call('EXISTS', key('members', room), key('order', room), key('holders', room)) == 3
    and redis.call('HLEN', key('members', room)) >= redis.call('HLEN', key('holders', room)))
  if state[1] and whole then
    positions[#positions + 1] = room
    positions[#positions + 1] = state[1]
  end
end
return {'', positions, {}}
