-- What becomes of lines. By line and reaction, ``reactions`` has the persons, scored by the line; ``tallies`` how many they
-- are; ``changed`` what is to be told of, by the time it changed; ``reacting`` the rooms that have such.

local function in_room_as(room, name, visitor)
  local who = member(room, name)
  return who and who.visitor == visitor
end

local function forget_reaction(room, member)
  redis.call('HDEL', key('tallies', room), string.match(member, '^%d+:%a+'))
  redis.call('ZREM', key('reactions', room), member)
end

-- Lets go of the reactions under lines that are no longer kept.
local function forget_reactions(room)
  local first = redis.call('XRANGE', key('lines', room), '-', '+', 'COUNT', 1)[1]
  local before = first and '(' .. int(entry_seq(first)) or '+inf'
  for _, each in ipairs(redis.call('ZRANGEBYSCORE', key('reactions', room), '-inf', before)) do
    forget_reaction(room, each)
  end
end

-- The next event that tells of reactions, if it is time for one.
local function tell_reactions(room)
  local told = tonumber(redis.call('HGET', key('room', room), 'reacted') or 0)
  if NOW >= told and NOW - told < REACTIONS_EVERY then return nil end
  while true do
    local first = redis.call('ZRANGE', key('changed', room), 0, 0)[1]
    if not first then
      redis.call('SREM', PREFIX .. 'reacting', room)
      return nil
    end
    redis.call('ZREM', key('changed', room), first)
    local line, reaction = string.match(first, '^(%d+):(%a+)$')
    if line_of(room, line) then
      redis.call('HSET', key('room', room), 'reacted', AT)
      local number = int(math.max(0, redis.call('HGET', key('tallies', room), first) or 0))
      local body = event_body('Reacted', {roomID = room, line = line, reaction = reaction, count = number})
      return append(room, body, recipients(room))
    end
  end
end
