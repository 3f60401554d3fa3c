-- What every script shares: time, keys, and a room's state. rooms/live/lua.py puts in front of each script the constants
-- and the texts of events that it takes from rooms/protocol.py (MEMBERS_MAX, ROOM_STATE, EVENTS…), then this file, then
-- addresses.lua, events.lua and members.lua, and rules.lua or lines.lua, as far as the script needs them.
-- ARGV: 1 key prefix, 2 history (lines), 3 history age (ms), 4 ref age (ms), 5 life of a room's keys (ms),
-- 6 the asking node; the operation's own arguments follow, from FIRST on.

local PREFIX, HISTORY, HISTORY_AGE, REF_AGE, LIFE, NODE =
  ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local FIRST = 7

local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)
local NOW_MICROSECONDS = time[1] * 1000000 + time[2]

-- Whole numbers beyond 2^31 must not be written as 1.7e+15.
local function int(number) return string.format('%.0f', number) end

local AT = int(NOW)

local function key(kind, room) return PREFIX .. kind .. ':' .. room end

local ROOM_KINDS = {'room', 'members', 'order', 'holders', 'nodes', 'windows', 'outs', 'addresses', 'removed'}

local function touch(room)
  for _, kind in ipairs(ROOM_KINDS) do redis.call('PEXPIRE', key(kind, room), LIFE) end
  redis.call('PEXPIRE', key('held', NODE), LIFE)
end

-- The indexes live as long as anybody beats or comes in.
local function touch_indexes()
  for _, name in ipairs({'rooms', 'lobby', 'leases', 'deadlines', 'closing', 'aging', 'times', 'reacting'}) do
    redis.call('PEXPIRE', PREFIX .. name, LIFE)
  end
end

-- A time in which nobody swept, or by which the clock was set, is one in which nobody could come back: it does not count.
-- Whatever sets a deadline or a lease calls this first: what is set after that time must not be moved by it.
local function skip_pause()
  local swept, pause = unpack(redis.call('HMGET', PREFIX .. 'times', 'swept', 'pause'))
  local missed = swept and NOW - swept or 0
  if missed >= 0 and missed <= tonumber(pause or 0) then return end
  redis.call('HSET', PREFIX .. 'times', 'swept', AT)
  for _, name in ipairs({'deadlines', 'leases'}) do
    local times = redis.call('ZRANGE', PREFIX .. name, 0, -1, 'WITHSCORES')
    for i = 1, #times, 2 do redis.call('ZINCRBY', PREFIX .. name, int(missed), times[i]) end
  end
end

-- A visitor as a room's past knows them: the same visitor cannot be told in another room's.
local function in_room(room, visitor) return string.sub(redis.sha1hex(room .. ':' .. visitor), 1, 20) end

-- Who cannot come in and who is muted stands in the room's own hash: what is evicted of it is evicted with the room.
local function block_field(person) return 'b:' .. person end
local function mute_field(person) return 'm:' .. person end

local function count(room) return redis.call('HLEN', key('members', room)) end

-- The nodes that have people in the room now.
local function recipients(room) return redis.call('HKEYS', key('nodes', room)) end

-- The room's state, or a refusal: unknown (nothing is known of it), room_not_found (being deleted, or gone). ``mutes`` is
-- a time after which nobody is muted.
local function find(room)
  local state = redis.call('HMGET', key('room', room), 'host', 'closing', 'gone', 'epoch_seq', 'seq', 'slow', 'mutes')
  if not state[4] then return nil, 'unknown' end
  if state[2] or state[3] then return nil, 'room_not_found' end
  return {
    host = state[1] or '', epoch_seq = tonumber(state[4]), seq = tonumber(state[5]) or 0,
    slow = tonumber(state[6] or 0), mutes = tonumber(state[7] or 0)
  }
end

-- Puts the room in its place in the lobby, or takes it out.
local function list(room)
  local state = redis.call('HMGET', key('room', room), 'listed', 'created_at', 'closing')
  if state[1] == '1' and not state[3] then
    -- Fullest first, then oldest: both in one number. 2^42 ms are more than now; exact for up to 2047 people.
    redis.call('ZADD', PREFIX .. 'lobby', int(count(room) * 4398046511104 - state[2]), room)
  else
    redis.call('ZREM', PREFIX .. 'lobby', room)
  end
end

local function begin_delete(room, reason, ref)
  redis.call('HSET', key('room', room), 'closing', reason, 'closing_ref', ref)
  redis.call('ZADD', PREFIX .. 'closing', int(NOW), room)
  redis.call('SREM', PREFIX .. 'rooms', room)
  redis.call('ZREM', PREFIX .. 'lobby', room)
  touch_indexes()
end
