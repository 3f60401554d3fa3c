-- The fullest listed rooms, at most so many: total, then id, name, host, participants, locked, created_at, topic of each.
local lobby = {redis.call('ZCARD', PREFIX .. 'lobby')}
for _, room in ipairs(redis.call('ZREVRANGE', PREFIX .. 'lobby', 0, ARGV[FIRST] - 1)) do
  local state = redis.call('HMGET', key('room', room), 'name', 'host_nick', 'locked', 'created_at', 'topic')
  if state[1] then
    lobby[#lobby + 1] = {room, state[1], state[2] or '', count(room), state[3] == '1' and 1 or 0, state[4], state[5] or ''}
  end
end
return lobby
