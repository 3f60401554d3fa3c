-- operations.Send, any number of them, in MessagePack: room, key, visitor, ref, body, wait, reply_to, person of each. One
-- text for each, cheap to read: '!refusal' or '!refusal:more'; or '=seq:text' sent before under this ref, without the text
-- when it is no longer kept; or 'seq at participants node node…'.
-- Nothing else happens while a script runs, so a room is looked at once, however many lines it gets.
local rooms = {}

local function look(room)
  local state, refused = find(room)
  local found = {refused = refused, records = {}}
  if state then
    found.seq, found.head, found.slow, found.mutes = state.seq, state.seq, state.slow, state.mutes
    found.trimmed = found.seq
    if redis.call('EXISTS', key('lines', room)) == 0 then
      -- Those before have run out together, without being noted as lost.
      local last = redis.call('HGET', key('room', room), 'last_line')
      if last then redis.call('HSET', key('room', room), 'lost', last) end
    end
    found.participants = count(room)
    found.suffix = ' ' .. AT .. ' ' .. found.participants .. ' ' .. table.concat(recipients(room), ' ')
    found.refs, found.refs_before = refs_key(room, 0), refs_key(room, 1)
    if redis.call('EXISTS', found.refs_before) == 0 then found.refs_before = nil end
  end
  rooms[room] = found
  return found
end

local function is_member(room, found, name, visitor)
  local record = found.records[name]
  if record == nil then
    record = redis.call('HGET', key('members', room), name)
    found.records[name] = record
  end
  return record and string.sub(record, 1, #visitor + 1) == visitor .. ':'
end

-- Before a kept line is looked for, those go that the lines of this call have put out.
local function settle(room, found)
  if found.trimmed ~= found.seq then trim('lines', room, HISTORY) end
  found.trimmed = found.seq
end

-- Whether slow mode, which is on, is for a visitor.
local function is_slowed(room, found, visitor)
  found.host_visitor = found.host_visitor or redis.call('HGET', key('room', room), 'host_visitor') or ''
  return visitor ~= found.host_visitor
end

-- Why a visitor who is in may not say a line, if so.
local function held_back(room, found, visitor, wait, reply_to, person)
  if reply_to > 0 then
    settle(room, found)
    if not line_of(room, int(reply_to)) then return '!bad_field:replyTo' end
  end
  if found.mutes > NOW then
    local muted = tonumber(redis.call('HGET', key('room', room), mute_field(person)) or 0)
    if muted > NOW then return '!muted:' .. int(muted - NOW) end
  end
  if found.slow > 0 and is_slowed(room, found, visitor) then
    local spoke = redis.call('HGET', key('spoke', room), person)
    if spoke then wait = math.max(wait, spoke + found.slow * 1000 - NOW) end
  end
  if wait > 0 then return '!too_fast:' .. int(wait) end
end

local answers = {}
for _, line in ipairs(cmsgpack.unpack(ARGV[FIRST])) do
  local room, name, visitor, ref, body, wait, reply_to, person = unpack(line)
  local found = rooms[room] or look(room)
  local answer
  if found.refused then
    answer = '!' .. found.refused
  else
    local field = visitor .. ':' .. ref
    local refused = not is_member(room, found, name, visitor) and '!not_in_room'
    if not refused and (wait > 0 or reply_to > 0 or found.mutes > NOW or found.slow > 0) then
      refused = held_back(room, found, visitor, wait, reply_to, person)
    end
    local made = found.refs_before and redis.call('HGET', found.refs_before, field)
    if not made and not refused then
      local number = int(found.seq + 1)
      if redis.call('HSETNX', found.refs, field, number) == 1 then
        keep('lines', room, number, with_seq(body, number, found.participants), 0, person)
        if found.slow > 0 and is_slowed(room, found, visitor) then
          redis.call('HSET', key('spoke', room), person, AT)
          redis.call('PEXPIRE', key('spoke', room), found.slow * 1000)
        end
        found.seq = found.seq + 1
        answer = number .. found.suffix
      end
    end
    if not answer then
      made = made or redis.call('HGET', found.refs, field)
      settle(room, found)
      answer = made and '=' .. made .. ':' .. text_of(room, made) or refused
    end
  end
  answers[#answers + 1] = answer
end

for room, found in pairs(rooms) do
  if found.seq ~= found.head then
    local state = key('room', room)
    redis.call('HSET', state, 'seq', int(found.seq), 'last_line', int(found.seq))
    trim('lines', room, HISTORY)
    keep_refs(room)
  end
end
return answers
