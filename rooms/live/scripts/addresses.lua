-- What is counted by address: open connections, and how often something was done lately. An address comes as the hash
-- under the key of its day, and under that of the day before ('' for none): what was counted under either counts.

local DAY, STEPS = 86400000, 10

local function open_key(day, node) return key('open', int(day)) .. ':' .. node end

-- How long what is known of a day's addresses may stay: until its key is gone, 48 hours after the day has begun.
local function day_life(day) return math.min(LIFE, (day + 2) * DAY - NOW) end

-- Counts once more, in tenths of the window; returns 0, or, counting nothing, in how many ms it may be done again.
local function spend(kind, name, before, most, window)
  if most == 0 then return 0 end
  local length = math.floor(window / STEPS)
  local step = math.floor(NOW / length)
  local used, oldest = 0, step
  for _, each in ipairs(before ~= '' and {name, before} or {name}) do
    local counts = redis.call('HGETALL', key(kind, each))
    for i = 1, #counts, 2 do
      local at = tonumber(counts[i])
      if at < step - STEPS or at > step then
        redis.call('HDEL', key(kind, each), counts[i])
      else
        used = used + counts[i + 1]
        oldest = math.min(oldest, at)
      end
    end
  end
  if used >= most then return (oldest + STEPS + 1) * length - NOW end
  redis.call('HINCRBY', key(kind, name), int(step), 1)
  redis.call('PEXPIRE', key(kind, name), int((step + STEPS + 1) * length - NOW))
  return 0
end

-- The last time does not count.
local function refund(kind, name)
  local last = -1
  for _, at in ipairs(redis.call('HKEYS', key(kind, name))) do last = math.max(last, tonumber(at)) end
  if last >= 0 and redis.call('HINCRBY', key(kind, name), int(last), -1) == 0 then
    redis.call('HDEL', key(kind, name), int(last))
  end
end

local function open_at(day, node, name)
  return name ~= '' and tonumber(redis.call('HGET', open_key(day, node), name) or 0) or 0
end

-- The asking node has so many connections from an address. Of an address whose key is gone nothing can be known.
local function hold_open(day, name, held)
  local life = day_life(day)
  if life <= 0 then return end
  if held > 0 then
    redis.call('HSET', open_key(day, NODE), name, held)
    redis.call('PEXPIRE', open_key(day, NODE), int(life))
  else
    redis.call('HDEL', open_key(day, NODE), name)
  end
end
