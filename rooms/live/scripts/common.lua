-- What every script shares. It is put in front of each of them (rooms/live/redis.py).
-- ARGV: 1 key prefix, 2 history (events), 3 history age (ms), 4 ref age (ms), 5 life of a room's keys (ms),
-- 6 the asking process; the operation's own arguments follow.

local PREFIX, HISTORY, HISTORY_AGE, REF_AGE, LIFE, PROCESS =
  ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local FIRST = 7

local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)
local NOW_MICROSECONDS = time[1] * 1000000 + time[2]

-- Whole numbers beyond 2^31 must not be written as 1.7e+15.
local function int(number) return string.format('%.0f', number) end

local AT = int(NOW)

local function key(kind, room) return PREFIX .. kind .. ':' .. room end

local ROOM_KINDS = {'room', 'members', 'order', 'holders', 'processes', 'been'}

local function touch(room)
  for _, kind in ipairs(ROOM_KINDS) do redis.call('PEXPIRE', key(kind, room), LIFE) end
  redis.call('PEXPIRE', key('held', PROCESS), LIFE)
end

-- The indexes live as long as anybody beats or comes in.
local function touch_indexes()
  for _, name in ipairs({'rooms', 'lobby', 'leases', 'deadlines', 'closing'}) do
    redis.call('PEXPIRE', PREFIX .. name, LIFE)
  end
end

local function count(room) return redis.call('HLEN', key('members', room)) end

local function processes(room) return redis.call('HKEYS', key('processes', room)) end

local function deadline_name(room, name) return room .. ':' .. name end

-- A member is kept as visitor:tag:nick.
local function member(room, name)
  local text = redis.call('HGET', key('members', room), name)
  if not text then return nil end
  local visitor, tag, nick = string.match(text, '^([^:]*):([^:]*):(.*)$')
  return {key = name, visitor = visitor, tag = tag, nick = nick}
end

-- The room's state, or a refusal: unknown (nothing is known of it), room_not_found (closing or gone).
local function find(room)
  local state = redis.call('HMGET', key('room', room), 'host', 'closing', 'gone', 'base', 'seq')
  if not state[4] then return nil, 'unknown' end
  if state[2] or state[3] then return nil, 'room_not_found' end
  return {host = state[1] or '', base = tonumber(state[4]), seq = tonumber(state[5]) or 0}
end

local function list(room)
  local state = redis.call('HMGET', key('room', room), 'listed', 'created_at', 'closing')
  if state[1] == '1' and not state[3] then
    -- Fullest first, then oldest: both in one number, exact below 2^53.
    redis.call('ZADD', PREFIX .. 'lobby', int(count(room) * 17179869184 - math.floor(state[2] / 1000)), room)
  else
    redis.call('ZREM', PREFIX .. 'lobby', room)
  end
end

local function forget_old(room)
  local events = key('events', room)
  while true do
    local oldest = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
    if not oldest or tonumber(oldest[2][4]) + HISTORY_AGE > NOW then return end
    redis.call('XDEL', events, oldest[1])
  end
end

-- Here and in keep, ``seq`` is its text.
local function with_seq(body, seq, participants)
  return body .. ',"seq":' .. seq .. ',"at":' .. AT .. ',"participants":' .. participants .. '}'
end

local function keep(room, seq, text, ended)
  redis.call('XADD', key('events', room), 'MAXLEN', HISTORY, seq .. '-0', 'text', text, 'at', AT, 'ended', ended)
end

-- To be called after events were kept.
local function keep_no_longer_than_allowed(room)
  forget_old(room)
  redis.call('PEXPIRE', key('events', room), HISTORY_AGE)
end

-- Gives an event its seq, at and participants, and keeps it. Returns what the hub needs of it.
local function append(room, body, participants, tell, ended)
  local seq = redis.call('HINCRBY', key('room', room), 'seq', 1)
  local number = int(seq)
  local text = with_seq(body, number, participants)
  keep(room, number, text, ended and 1 or 0)
  keep_no_longer_than_allowed(room)
  return {room, seq, text, ended and 1 or 0, tell}
end

local function kept_after(room, after)
  local kept = {}
  for _, entry in ipairs(redis.call('XRANGE', key('events', room), '(' .. int(after) .. '-0', '+')) do
    if tonumber(entry[2][4]) + HISTORY_AGE > NOW then
      kept[#kept + 1] = {tonumber(string.match(entry[1], '^%d+')), entry[2][2], tonumber(entry[2][6])}
    end
  end
  return kept
end

local function exited(room, who, reason)
  return '{"type":"SERVER_ROOM_EXIT","roomID":' .. room .. ',"nickName":' .. cjson.encode(who.nick) ..
    ',"tag":"' .. who.tag .. '","reason":"' .. reason .. '","status":true'
end

local function joined(room, who)
  return '{"type":"SERVER_ROOM_JOIN","roomID":' .. room .. ',"nickName":' .. cjson.encode(who.nick) ..
    ',"tag":"' .. who.tag .. '","status":true'
end

local function host_back(room, who)
  return '{"type":"SERVER_HOST_BACK","roomID":' .. room .. ',"nickName":' .. cjson.encode(who.nick)
end

local function host_away(room, who, closes_at)
  return '{"type":"SERVER_HOST_AWAY","roomID":' .. room .. ',"nickName":' .. cjson.encode(who.nick) ..
    ',"closesAt":' .. int(closes_at)
end

local function close(room, reason, ref)
  redis.call('HSET', key('room', room), 'closing', reason, 'closing_ref', ref)
  redis.call('ZADD', PREFIX .. 'closing', int(NOW), room)
  redis.call('SREM', PREFIX .. 'rooms', room)
  redis.call('ZREM', PREFIX .. 'lobby', room)
  touch_indexes()
end

local function add(room, who)
  redis.call('HSET', key('members', room), who.key, who.visitor .. ':' .. who.tag .. ':' .. who.nick)
  redis.call('ZADD', key('order', room), int(NOW_MICROSECONDS), who.key)
end

-- Holders of a member are kept as the processes' names with a space after each.
local function hold(room, name)
  redis.call('ZREM', PREFIX .. 'deadlines', deadline_name(room, name))
  local holders = redis.call('HGET', key('holders', room), name) or ''
  if string.find(holders, PROCESS .. ' ', 1, true) then return end
  redis.call('HSET', key('holders', room), name, holders .. PROCESS .. ' ')
  redis.call('HINCRBY', key('processes', room), PROCESS, 1)
  redis.call('SADD', key('held', PROCESS), room)
  -- A process that holds someone without a lease would never be missed: it gets one, and is told at its next beat.
  if not redis.call('ZSCORE', PREFIX .. 'leases', PROCESS) then
    redis.call('ZADD', PREFIX .. 'leases', int(NOW + HISTORY_AGE), PROCESS)
    redis.call('SADD', PREFIX .. 'unregistered', PROCESS)
    redis.call('PEXPIRE', PREFIX .. 'unregistered', LIFE)
  end
end

-- Takes a process from a member's holders; true when nobody holds them any more.
local function let_go(room, name, process)
  local holders = redis.call('HGET', key('holders', room), name) or ''
  local from, to = string.find(holders, process .. ' ', 1, true)
  if from then
    holders = string.sub(holders, 1, from - 1) .. string.sub(holders, to + 1)
    if holders == '' then
      redis.call('HDEL', key('holders', room), name)
    else
      redis.call('HSET', key('holders', room), name, holders)
    end
    if redis.call('HINCRBY', key('processes', room), process, -1) <= 0 then
      redis.call('HDEL', key('processes', room), process)
      redis.call('SREM', key('held', process), room)
    end
  end
  return holders == ''
end

-- Removes a member nobody holds. The host's going marks the room closing: the second value returned.
local function take_out(room, who, host, reason, tell)
  redis.call('HDEL', key('members', room), who.key)
  redis.call('ZREM', key('order', room), who.key)
  redis.call('ZREM', PREFIX .. 'deadlines', deadline_name(room, who.key))
  local been = redis.call('HGET', key('been', room), who.visitor)
  if been then
    redis.call('HSET', key('been', room), who.visitor, string.match(been, '^%d+') .. ':' .. int(NOW))
  end
  local event = append(room, exited(room, who, reason), count(room), tell, false)
  list(room)
  if host ~= who.key then return event, false end
  close(room, 'host_' .. reason, '')
  return event, true
end

-- Gives a member nobody holds a deadline; the host's is announced.
local function await_return(room, who, host, grace, host_grace, tell)
  local name = deadline_name(room, who.key)
  if redis.call('ZSCORE', PREFIX .. 'deadlines', name) then return nil end
  local due = NOW + (host == who.key and host_grace or grace)
  redis.call('ZADD', PREFIX .. 'deadlines', int(due), name)
  if host ~= who.key then return nil end
  return append(room, host_away(room, who, due), count(room), tell, false)
end

-- What a newcomer is told (contract.Entered), flat.
local function entered(room, who, after, known)
  local state = redis.call('HMGET', key('room', room), 'name', 'host_nick', 'locked', 'seq', 'base')
  local members = {}
  local names = redis.call('ZRANGE', key('order', room), 0, 199)
  if #names > 0 then
    for _, text in ipairs(redis.call('HMGET', key('members', room), unpack(names))) do
      if text then
        local tag, nick = string.match(text, '^[^:]*:([^:]*):(.*)$')
        members[#members + 1] = nick
        members[#members + 1] = tag
      end
    end
  end
  local seq, base = tonumber(state[4]), tonumber(state[5])
  local recovered, replay = -1, {}
  if after ~= '' and who then
    after = tonumber(after)
    recovered = 0
    if known and after <= seq then
      local first = tonumber(string.match(redis.call('HGET', key('been', room), who.visitor), '^%d+'))
      local start = math.max(after, first)
      local kept = kept_after(room, start)
      for _, event in ipairs(kept) do replay[#replay + 1] = event[2] end
      if after >= base and (start == seq or (kept[1] and kept[1][1] == start + 1)) then recovered = 1 end
    end
  end
  return {
    state[1], who and who.nick or '', who and who.tag or '', state[2] or '', count(room), members,
    state[3] == '1' and 1 or 0, seq, NOW, recovered, replay
  }
end

-- Puts a person in, or finds them in already. Returns the refusal, or the answer and the events.
local function join(room, host, who, after, size)
  local present = member(room, who.key)
  if present and present.visitor ~= who.visitor then return 'name_taken' end
  local events = {}
  local been = redis.call('HGET', key('been', room), who.visitor)
  local known = been and (present or tonumber(string.match(been, '%d+$')) + HISTORY_AGE > NOW)
  if not present then
    if count(room) >= size then return 'room_full' end
    local tell = processes(room)
    add(room, who)
    events[1] = append(room, joined(room, who), count(room), tell, false)
    if not known then redis.call('HSET', key('been', room), who.visitor, int(events[1][2]) .. ':' .. int(NOW)) end
    list(room)
    touch(room)
    present = who
  elseif host == who.key and redis.call('ZSCORE', PREFIX .. 'deadlines', deadline_name(room, who.key)) then
    events[1] = append(room, host_back(room, present), count(room), processes(room), false)
  end
  hold(room, who.key)
  return nil, entered(room, present, after, known), events
end
