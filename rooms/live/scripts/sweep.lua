-- operations.Sweep: grace, host grace, most, pause. Answers the rooms that are being deleted now because their host was lost.
local grace, host_grace, most, pause = unpack(ARGV, FIRST)
grace, host_grace = tonumber(grace), tonumber(host_grace)
local events, closing = {}, {}

redis.call('HSET', PREFIX .. 'times', 'pause', pause)
skip_pause()
redis.call('HSET', PREFIX .. 'times', 'swept', AT)

-- The deadlines end with one that never comes. If it is missing, they were never there or were evicted.
if not redis.call('ZSCORE', PREFIX .. 'deadlines', 'never') then
  redis.call('ZADD', PREFIX .. 'deadlines', 'inf', 'never')
  for _, room in ipairs(redis.call('SMEMBERS', PREFIX .. 'rooms')) do
    local state = find(room)
    for _, name in ipairs(state and redis.call('HKEYS', key('members', room)) or {}) do
      if redis.call('HEXISTS', key('holders', room), name) == 0 then
        events[#events + 1] = await_return(room, member(room, name), state.host, grace, host_grace, recipients(room))
      end
    end
  end
end

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

-- What is too old to be kept goes, also where nothing new comes in.
for _, room in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'aging', '-inf', int(NOW - HISTORY_AGE), 'LIMIT', 0, 200)) do
  local oldest = math.huge
  for _, kind in ipairs({'lines', 'others'}) do
    trim(kind, room, kind == 'lines' and HISTORY or OTHERS)
    local first = redis.call('XRANGE', key(kind, room), '-', '+', 'COUNT', 1)[1]
    if first then oldest = math.min(oldest, tonumber(first[2][4])) end
  end
  local out = redis.call('ZRANGEBYSCORE', key('outs', room), '-inf', int(NOW - HISTORY_AGE))
  local here = {}
  for _, text in ipairs(#out > 0 and redis.call('HVALS', key('members', room)) or {}) do
    -- Under another name the visitor may be in still.
    here[in_room(room, string.match(text, '^[^:]*'))] = true
  end
  for _, hash in ipairs(out) do
    if not here[hash] then redis.call('HDEL', key('windows', room), hash) end
    redis.call('ZREM', key('outs', room), hash)
  end
  local first = redis.call('ZRANGE', key('outs', room), 0, 0, 'WITHSCORES')
  if first[2] then oldest = math.min(oldest, tonumber(first[2])) end
  if oldest == math.huge then
    redis.call('ZREM', PREFIX .. 'aging', room)
  else
    redis.call('ZADD', PREFIX .. 'aging', int(oldest), room)
  end
end

-- A room whose keys ran out (nobody has been in it for long) must not stay in the lists, nor one be missing there.
for _, room in ipairs(redis.call('SRANDMEMBER', PREFIX .. 'rooms', 10)) do
  if redis.call('EXISTS', key('room', room)) == 0 then
    redis.call('SREM', PREFIX .. 'rooms', room)
    redis.call('ZREM', PREFIX .. 'lobby', room)
  else
    list(room)
  end
end
touch_indexes()
return {'', closing, events}
