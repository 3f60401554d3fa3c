-- operations.Send, any number of them, in MessagePack: room, key, visitor, ref, body, too fast of each. One text for each,
-- cheap to read: '!refusal'; or '=seq:text' sent before under this ref, without the text when it is no longer kept; or
-- 'seq at participants node node…'.
-- Nothing else happens while a script runs, so a room is looked at once, however many lines it gets.
local rooms = {}

local function look(room)
  local state, refused = find(room)
  local found = {refused = refused, records = {}}
  if state then
    found.seq, found.head = state.seq, state.seq
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

local function kept_line(room, seq)
  local kept = redis.call('XRANGE', key('lines', room), seq .. '-0', seq .. '-0')[1]
  return kept and kept[2][2] or ''
end

local answers = {}
for _, line in ipairs(cmsgpack.unpack(ARGV[FIRST])) do
  local room, name, visitor, ref, body, too_fast = unpack(line)
  local found = rooms[room] or look(room)
  local answer
  if found.refused then
    answer = '!' .. found.refused
  else
    local field = visitor .. ':' .. ref
    local refused = not is_member(room, found, name, visitor) and '!not_in_room' or too_fast and '!too_fast'
    local made = found.refs_before and redis.call('HGET', found.refs_before, field)
    if not made and not refused then
      local number = int(found.seq + 1)
      if redis.call('HSETNX', found.refs, field, number) == 1 then
        keep('lines', room, number, with_seq(body, number, found.participants), 0)
        found.seq = found.seq + 1
        answer = number .. found.suffix
      end
    end
    if not answer then
      made = made or redis.call('HGET', found.refs, field)
      answer = made and '=' .. made .. ':' .. kept_line(room, made) or refused
    end
  end
  answers[#answers + 1] = answer
end

for room, found in pairs(rooms) do
  if found.seq ~= found.head then
    local state = key('room', room)
    if redis.call('XLEN', key('lines', room)) == found.seq - found.head then
      -- Those before have run out together, without being noted as lost.
      redis.call('HSET', state, 'lost', redis.call('HGET', state, 'last_line') or 0)
    end
    redis.call('HSET', state, 'seq', int(found.seq), 'last_line', int(found.seq))
    trim('lines', room, HISTORY)
    -- Until it is neither the one in use nor the one before.
    redis.call('PEXPIREAT', found.refs, int((math.floor(NOW / REF_AGE) + 2) * REF_AGE))
  end
end
return answers
