-- Members: who is in a room, which nodes hold them, and what becomes of those whom nobody holds.

local function deadline_name(room, name) return room .. ':' .. name end

-- A member is kept as visitor:tag:nick.
local function member(room, name)
  local text = redis.call('HGET', key('members', room), name)
  if not text then return nil end
  local visitor, tag, nick = string.match(text, '^([^:]*):([^:]*):(.*)$')
  return {key = name, visitor = visitor, tag = tag, nick = nick}
end

-- How many are in, and how many of them a node holds, is kept with the room too: by that it shows what was evicted.
local function tally(room, what, number)
  if redis.call('HEXISTS', key('room', room), what) == 1 then redis.call('HINCRBY', key('room', room), what, number) end
end

-- Whether nothing of who is in was evicted.
local function whole(room)
  local known = redis.call('HMGET', key('room', room), 'people', 'held')
  local people, held = tonumber(known[1] or 0), tonumber(known[2] or 0)
  return count(room) >= people and redis.call('ZCARD', key('order', room)) >= people
    and redis.call('HLEN', key('holders', room)) >= held
end

local function add(room, who)
  redis.call('HSET', key('members', room), who.key, who.visitor .. ':' .. who.tag .. ':' .. who.nick)
  redis.call('ZADD', key('order', room), redis.call('HINCRBY', key('room', room), 'arrivals', 1), who.key)
  tally(room, 'people', 1)
end

-- From which event on a visitor may be sent what they missed, and when they were last out: seq:ms.
local function set_window(room, who, seq)
  redis.call('HSET', key('windows', room), in_room(room, who.visitor), int(seq) .. ':' .. AT)
end

local function window_of(room, visitor) return redis.call('HGET', key('windows', room), in_room(room, visitor)) end

-- Holders of a member are kept as the nodes' names with a space after each.
local function hold(room, name)
  redis.call('ZREM', PREFIX .. 'deadlines', deadline_name(room, name))
  local holders = redis.call('HGET', key('holders', room), name) or ''
  if string.find(holders, NODE .. ' ', 1, true) then return end
  redis.call('HSET', key('holders', room), name, holders .. NODE .. ' ')
  if holders == '' then tally(room, 'held', 1) end
  redis.call('HINCRBY', key('nodes', room), NODE, 1)
  redis.call('SADD', key('held', NODE), room)
  -- A node that holds someone without a lease would never be missed: it gets one, and is told at its next beat.
  if not redis.call('ZSCORE', PREFIX .. 'leases', NODE) then
    local lease = redis.call('HGET', PREFIX .. 'times', 'lease') or HISTORY_AGE
    redis.call('ZADD', PREFIX .. 'leases', int(NOW + lease), NODE)
    redis.call('SADD', PREFIX .. 'unregistered', NODE)
    redis.call('PEXPIRE', PREFIX .. 'unregistered', LIFE)
    redis.call('PEXPIRE', PREFIX .. 'leases', LIFE)
  end
end

-- Takes a node from a member's holders; true when nobody holds them any more.
local function let_go(room, name, node)
  local holders = redis.call('HGET', key('holders', room), name) or ''
  local from, to = string.find(holders, node .. ' ', 1, true)
  if from then
    holders = string.sub(holders, 1, from - 1) .. string.sub(holders, to + 1)
    if holders == '' then
      redis.call('HDEL', key('holders', room), name)
      tally(room, 'held', -1)
    else
      redis.call('HSET', key('holders', room), name, holders)
    end
    if redis.call('HINCRBY', key('nodes', room), node, -1) <= 0 then
      redis.call('HDEL', key('nodes', room), node)
      redis.call('SREM', key('held', node), room)
    end
  end
  return holders == ''
end

local function remove(room, who)
  tally(room, 'people', -redis.call('HDEL', key('members', room), who.key))
  redis.call('ZREM', key('order', room), who.key)
  redis.call('HDEL', key('addresses', room), who.key)
  redis.call('ZREM', PREFIX .. 'deadlines', deadline_name(room, who.key))
end

-- Removes a member nobody holds. When the host goes, the room's deletion begins: the second value returned.
local function take_out(room, who, host, reason, to)
  remove(room, who)
  local window = window_of(room, who.visitor)
  if window and reason == 'left' then
    -- Whoever leaves on purpose is sent nothing of what is said after.
    redis.call('HDEL', key('windows', room), in_room(room, who.visitor))
  elseif window then
    set_window(room, who, string.match(window, '^%d+'))
    redis.call('ZADD', key('outs', room), AT, in_room(room, who.visitor))
    redis.call('PEXPIRE', key('outs', room), LIFE)
  end
  local body = event_body('Exited', {roomID = room, nickName = who.nick, tag = who.tag, reason = reason})
  local event = append(room, body, to)
  list(room)
  if host ~= who.key then return event, false end
  begin_delete(room, 'host_' .. reason, '')
  return event, true
end

-- Gives a member nobody holds a deadline; the host's is announced.
local function await_return(room, who, host, grace, host_grace, to)
  local name = deadline_name(room, who.key)
  if redis.call('ZSCORE', PREFIX .. 'deadlines', name) then return nil end
  local due = int(NOW + (host == who.key and host_grace or grace))
  redis.call('ZADD', PREFIX .. 'deadlines', due, name)
  if host ~= who.key then return nil end
  return append(room, event_body('HostAway', {roomID = room, nickName = who.nick, closesAt = due}), to)
end

-- At most MEMBERS_MAX, those who have been in longest first: nick, tag, nick, tag…
local function listed_members(room)
  local members = {}
  local names = redis.call('ZRANGE', key('order', room), 0, MEMBERS_MAX - 1)
  if #names > 0 then
    for _, text in ipairs(redis.call('HMGET', key('members', room), unpack(names))) do
      if text then
        local tag, nick = string.match(text, '^[^:]*:([^:]*):(.*)$')
        members[#members + 1] = nick
        members[#members + 1] = tag
      end
    end
  end
  return members
end

-- What a newcomer is told (operations.Entered): the values of ROOM_STATE, recovered (-1: not asked), replay.
local function entered(room, who, after, known)
  local state = redis.call('HMGET', key('room', room), 'name', 'host_nick', 'locked', 'seq', 'epoch_seq', 'host', 'topic', 'slow',
    who and mute_field(in_room(room, who.visitor)) or '')
  local seq, epoch_seq = tonumber(state[4]), tonumber(state[5])
  local muted = tonumber(state[9] or 0)
  local away = state[6] ~= '' and redis.call('ZSCORE', PREFIX .. 'deadlines', deadline_name(room, state[6]))
  local found = {
    roomID = tonumber(room), roomName = state[1], nickName = who and who.nick or '', tag = who and who.tag or '',
    host = state[2], participants = count(room), members = listed_members(room), locked = state[3] == '1' and 1 or 0,
    topic = state[7] or '', slow = tonumber(state[8] or 0), mutedUntil = muted > NOW and muted or 0,
    seq = seq, at = NOW, closesAt = away and tonumber(away) or 0
  }
  local values = {}
  for i, field in ipairs(ROOM_STATE) do values[i] = assert(found[field], field) end
  local recovered, replay = -1, {}
  if after ~= '' and who then
    after = tonumber(after)
    recovered = 0
    if known and after <= seq then
      local first = tonumber(string.match(window_of(room, who.visitor), '^%d+'))
      local start = math.max(after, first)
      trim('lines', room, HISTORY)
      trim_removed(room)
      for _, event in ipairs(kept_after(room, start)) do replay[#replay + 1] = event[2] end
      -- If none is left at all, they ran out together: the last one said is the last one lost.
      local none = redis.call('EXISTS', key('lines', room)) == 0
      local losses = redis.call('HMGET', key('room', room), none and 'last_line' or 'lost', 'lost_removed')
      local lost = math.max(losses[1] or 0, losses[2] or 0)
      -- Whoever has seen less than their coming in missed what is not theirs to be sent.
      if after >= epoch_seq and after >= first and after >= lost then recovered = 1 end
    end
  end
  return {values, recovered, replay}
end

-- Who was put out from an address, and keeps newer identities out: since:ends:person with a space after each, those only
-- that have not ended and are not ``without``.
local function kicks_from(text, without)
  local kicks = {}
  for since, ends, person in string.gmatch(text or '', '(%d+):(%d+):(%S+) ') do
    if tonumber(ends) > NOW and person ~= without then kicks[#kicks + 1] = {since, ends, person} end
  end
  return kicks
end

local function kicks_text(kicks)
  local texts = {}
  for i, kick in ipairs(kicks) do texts[i] = table.concat(kick, ':') .. ' ' end
  return table.concat(texts)
end

-- Why a rule of the room keeps a person out, if one does. ``who`` has ``address``, ``before`` and ``made_at`` if known.
local function kept_out(room, host, who, here)
  local state = redis.call('HMGET', key('room', room), 'locked', 'host_visitor', block_field(in_room(room, who.visitor)))
  if state[3] then return 'banned' end
  if here then return nil end
  if who.address and who.address ~= '' then
    for _, text in ipairs(redis.call('HMGET', key('kicked', room), who.address, who.before)) do
      for _, kick in ipairs(kicks_from(text)) do
        if tonumber(who.made_at) > tonumber(kick[1]) then return 'banned' end
      end
    end
  end
  if state[1] == '1' and not (host == who.key and state[2] == who.visitor) then return 'room_locked' end
end

-- Puts a person in, or finds them in already. ``pay`` is called for those who were not in a moment ago, and says how
-- long they have to wait. Returns the refusal and that time, or the answer and the events.
local function join(room, host, who, after, size, pay)
  local present = member(room, who.key)
  local refused = kept_out(room, host, who, present and present.visitor == who.visitor)
  if refused then return refused end
  if present and present.visitor ~= who.visitor then return 'name_taken' end
  local events = {}
  local window = window_of(room, who.visitor)
  local known = window and (present or tonumber(string.match(window, '%d+$')) + HISTORY_AGE > NOW)
  if not present then
    if count(room) >= size then return 'room_full' end
    local wait = not known and pay and pay() or 0
    if wait > 0 then return 'too_much', wait end
    local to = recipients(room)
    add(room, who)
    events[1] = joined(room, who, to)
    if not known then set_window(room, who, events[1][2]) end
    list(room)
    present = who
  elseif host == who.key and redis.call('ZSCORE', PREFIX .. 'deadlines', deadline_name(room, who.key)) then
    events[1] = host_back(room, present)
  end
  hold(room, who.key)
  if who.address and who.address ~= '' then redis.call('HSET', key('addresses', room), who.key, who.address) end
  redis.call('ZREM', key('outs', room), in_room(room, who.visitor))
  -- Now that all of them are there.
  touch(room)
  return nil, entered(room, present, after, known), events
end
