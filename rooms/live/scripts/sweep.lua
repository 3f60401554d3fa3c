-- operations.Sweep: grace, host grace, most. Answers the rooms that are being deleted now because their host was lost.
local grace, host_grace, most = tonumber(ARGV[FIRST]), tonumber(ARGV[FIRST + 1]), ARGV[FIRST + 2]
local events, closing = {}, {}

for _, dead in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'leases', '-inf', int(NOW), 'LIMIT', 0, 10)) do
  for _, room in ipairs(redis.call('SMEMBERS', key('held', dead))) do
    local state = find(room)
    if state then
      local to = recipients(room)
      local holders = redis.call('HGETALL', key('holders', room))
      for i = 1, #holders, 2 do
        if string.find(holders[i + 1], dead .. ' ', 1, true) and let_go(room, holders[i], dead) then
          local who = member(room, holders[i])
          if who then events[#events + 1] = await_return(room, who, state.host, grace, host_grace, to) end
        end
      end
    end
  end
  redis.call('DEL', key('held', dead))
  redis.call('ZREM', PREFIX .. 'leases', dead)
end

for _, due in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'deadlines', '-inf', int(NOW), 'LIMIT', 0, most)) do
  local room, name = string.match(due, '^(%d+):(.*)$')
  local state = find(room)
  local who = state and member(room, name)
  if who then
    local event, host_lost = take_out(room, who, state.host, 'lost', recipients(room))
    events[#events + 1] = event
    if host_lost then closing[#closing + 1] = room end
  else
    redis.call('ZREM', PREFIX .. 'deadlines', due)
  end
end

-- A room whose keys ran out (nobody has been in it for long) must not stay in the lists.
for _, room in ipairs(redis.call('SRANDMEMBER', PREFIX .. 'rooms', 10)) do
  if redis.call('EXISTS', key('room', room)) == 0 then
    redis.call('SREM', PREFIX .. 'rooms', room)
    redis.call('ZREM', PREFIX .. 'lobby', room)
  end
end
touch_indexes()
return {'', closing, events}
