-- The listed rooms in their order, at most so many; of so many first places, how many go to one address at most. Answers
-- the total, then id, name, host, participants, locked, created_at, topic, later of each.
local most, places, share = unpack(ARGV, FIRST)
most, places, share = tonumber(most), tonumber(places), tonumber(share)
local STEP = 100
local front, stands, later, groups, shares = {}, {}, {}, {}, {}

-- Whether a room's opener has its share of the first places already. The same address has another name each day, and
-- knows the one of the day before.
local function has_its_share(opener)
  local name, before = string.match(opener, '^(%S+) (%S*)$')
  if not name then return false end
  local group = groups[name] or groups[before] or name
  groups[name] = group
  if before ~= '' then groups[before] = group end
  if shares[group] == share then return true end
  shares[group] = (shares[group] or 0) + 1
  return false
end

local from = 0
while #front < places do
  local rooms = redis.call('ZREVRANGE', PREFIX .. 'lobby', from, from + STEP - 1)
  for _, room in ipairs(rooms) do
    local state = redis.call('HMGET', key('room', room), 'name', 'opener')
    if #front == places then break end
    if state[1] and has_its_share(state[2] or '') then
      later[room] = 1
    elseif state[1] then
      front[#front + 1] = room
      stands[room] = true
    end
  end
  if #rooms < STEP then break end
  from = from + STEP
end

local order = front
for _, room in ipairs(redis.call('ZREVRANGE', PREFIX .. 'lobby', 0, most - 1)) do
  if not stands[room] then order[#order + 1] = room end
end
local lobby = {redis.call('ZCARD', PREFIX .. 'lobby')}
for i = 1, math.min(most, #order) do
  local room = order[i]
  local state = redis.call('HMGET', key('room', room), 'name', 'host_nick', 'locked', 'created_at', 'topic')
  if state[1] then
    local locked = state[3] == '1' and 1 or 0
    lobby[#lobby + 1] = {room, state[1], state[2] or '', count(room), locked, state[4], state[5] or '', later[room] or 0}
  end
end
return lobby
