-- operations.Send, any number of them, in MessagePack: room, key, visitor, ref, body, too fast of each. One text for each,
-- cheap to read: '!refusal'; or '=seq:text' sent before under this ref; or 'seq at participants node node…'.
-- Nothing else happens while a script runs, so a room is looked at once, however many lines it gets.
local rooms = {}

local function look(room)
  local state, refused = find(room)
  local found = {refused = refused, records = {}}
  if state then
    found.seq, found.head = state.seq, state.seq
    found.participants = count(room)
    found.suffix = ' ' .. AT .. ' ' .. found.participants .. ' ' .. table.concat(recipients(room), ' ')
    found.said = PREFIX .. 'said:' .. room .. ':'
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

local answers = {}
for _, line in ipairs(cmsgpack.unpack(ARGV[FIRST])) do
  local room, name, visitor, ref, body, too_fast = unpack(line)
  local found = rooms[room] or look(room)
  local answer
  if found.refused then
    answer = '!' .. found.refused
  else
    local said_key = found.said .. visitor .. ':' .. ref
    local refused
    if not is_member(room, found, name, visitor) then
      refused = '!not_in_room'
    elseif too_fast then
      refused = '!too_fast'
    else
      local seq = found.seq + 1
      local number = int(seq)
      local text = with_seq(body, number, found.participants)
      if redis.call('SET', said_key, number .. ':' .. text, 'NX', 'PX', REF_AGE) then
        keep(room, number, text, 0)
        found.seq = seq
        answer = number .. found.suffix
      end
    end
    if not answer then
      local said = redis.call('GET', said_key)
      answer = said and '=' .. said or refused
    end
  end
  answers[#answers + 1] = answer
end

for room, found in pairs(rooms) do
  if found.seq ~= found.head then
    redis.call('HSET', key('room', room), 'seq', int(found.seq))
    keep_no_longer_than_allowed(room)
  end
end
return answers
