-- Events: their texts, their numbers, and how long they are kept.

local function json_string(text)
  -- The encoder here escapes slashes, the one in Python does not: one room's events are to look alike.
  return (string.gsub(cjson.encode(text), '\\/', '/'))
end

-- The text of an event without its closing brace, like protocol.event_body. EVENTS has the text of each struct with
-- $field$ in place of what is filled in here, in quotation marks where the field is text.
local function event_body(name, values)
  local body = string.gsub(EVENTS[name], '("?)%$(%a+)%$"?', function(quote, field)
    local value = assert(values[field], field)
    return quote == '' and value or json_string(value)
  end)
  return body
end

-- Here and in keep, ``seq`` is its text.
local function with_seq(body, seq, participants)
  return body .. ',"seq":' .. seq .. ',"at":' .. AT .. ',"participants":' .. participants .. '}'
end

-- What a ref made is remembered in one of two hashes, by time: the one in use, and the one before it.
local function refs_key(room, before)
  return key('refs', room) .. ':' .. int(math.floor(NOW / REF_AGE) - before)
end

-- The one in use lives until it is neither that nor the one before. To be called after something was put into it.
local function keep_refs(room)
  redis.call('PEXPIREAT', refs_key(room, 0), int((math.floor(NOW / REF_AGE) + 2) * REF_AGE - 1))
end

local function note(room, visitor, ref, seq)
  if ref == '' then return end
  redis.call('HSET', refs_key(room, 0), visitor .. ':' .. ref, int(seq))
  keep_refs(room)
end

-- Lines of talk and all other events are kept apart, so that comings and goings cost no line its place; and of the others
-- those that last longer than the rest.
local OTHERS = 3 * HISTORY

-- An entry of a stream is {id, {'text', text, 'at', at, 'ended', ended, 'who', who}}: of a line, ``who`` is the person who
-- said it; of another event, the name that it puts out. A process of an earlier version knows the first three.
local function keep(kind, room, seq, text, ended, who)
  redis.call('XADD', key(kind, room), seq .. '-0', 'text', text, 'at', AT, 'ended', ended, 'who', who)
end

local function entry_seq(entry) return tonumber(string.match(entry[1], '^%d+')) end

-- Lets go of the kept events beyond so many, and of those that are too old. What was the last line to go is noted: who
-- asks for what came before it has missed something. To be called after events were kept.
local function trim(kind, room, most)
  local events = key(kind, room)
  local gone
  local excess = redis.call('XLEN', events) - most
  if excess > 0 then
    local first = redis.call('XRANGE', events, '-', '+', 'COUNT', excess)
    gone = first[#first]
    redis.call('XTRIM', events, 'MAXLEN', most)
  end
  while true do
    local oldest = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
    if not oldest or tonumber(oldest[2][4]) + HISTORY_AGE > NOW then break end
    redis.call('XDEL', events, oldest[1])
    gone = oldest
  end
  if gone and kind == 'lines' and redis.call('EXISTS', key('room', room)) == 1 then
    redis.call('HSET', key('room', room), 'lost', int(entry_seq(gone)))
  end
  redis.call('PEXPIRE', events, HISTORY_AGE)
  if redis.call('ZADD', PREFIX .. 'aging', 'NX', AT, room) == 1 then redis.call('PEXPIRE', PREFIX .. 'aging', LIFE) end
end

-- All but the lines. What lasts takes its place from the rest.
local function trim_others(room)
  local lasting = redis.call('XLEN', key('lasting', room))
  if lasting > 0 then
    trim('lasting', room, OTHERS)
    lasting = redis.call('XLEN', key('lasting', room))
  end
  trim('others', room, OTHERS - lasting)
end

-- Gives an event its seq, at and participants, and keeps it. Returns what the hub needs of it (operations.Event).
-- ``out``: the name that it puts out; ``kind``: 'lasting' for those that are kept longer.
local function append(room, body, to, ended, out, kind)
  local seq = redis.call('HINCRBY', key('room', room), 'seq', 1)
  local number = int(seq)
  local text = with_seq(body, number, ended and 0 or count(room))
  keep(kind or 'others', room, number, text, ended and 1 or 0, out or '')
  trim_others(room)
  return {room, seq, text, ended and 1 or 0, to, out or ''}
end

-- What stands in the place of lines that were taken back: by seq, when the line was said, and the text. Beyond so many,
-- and when the line would be too old, it goes; that a line was there is said no more, so it is lost.
local function trim_removed(room)
  local removed = key('removed', room)
  local most = redis.call('ZCARD', removed) - HISTORY
  while true do
    local first = redis.call('ZRANGE', removed, 0, 0, 'WITHSCORES')
    if not first[1] or (most <= 0 and string.match(first[1], '^%d+') + HISTORY_AGE > NOW) then return end
    redis.call('ZREM', removed, first[1])
    redis.call('HSET', key('room', room), 'lost_removed', int(tonumber(first[2])))
    most = most - 1
  end
end

local function is_kept(entry) return tonumber(entry[2][4]) + HISTORY_AGE > NOW end

-- A kept line, as the stream has it.
local function line_of(room, seq)
  local line = redis.call('XRANGE', key('lines', room), seq .. '-0', seq .. '-0')[1]
  return line and is_kept(line) and line or nil
end

-- The text of whatever is kept with a seq.
local function text_of(room, seq)
  for _, kind in ipairs({'lines', 'others', 'lasting'}) do
    local entry = redis.call('XRANGE', key(kind, room), seq .. '-0', seq .. '-0')[1]
    if entry then return entry[2][2] end
  end
  local removed = redis.call('ZRANGEBYSCORE', key('removed', room), seq, seq)[1]
  return removed and string.match(removed, '^%d+:(.*)$') or ''
end

-- What a visitor's ref made: seq and text.
local function made_by(room, visitor, ref)
  local field = visitor .. ':' .. ref
  local seq = ref ~= '' and (redis.call('HGET', refs_key(room, 1), field) or redis.call('HGET', refs_key(room, 0), field))
  return seq and {seq, text_of(room, seq)} or nil
end

-- The kept events after a number, lines and others, in order.
local function kept_after(room, after)
  local kept = {}
  for _, kind in ipairs({'lines', 'others', 'lasting'}) do
    for _, entry in ipairs(redis.call('XRANGE', key(kind, room), '(' .. int(after) .. '-0', '+')) do
      if is_kept(entry) then
        local out = kind ~= 'lines' and entry[2][8] or ''
        kept[#kept + 1] = {entry_seq(entry), entry[2][2], tonumber(entry[2][6]), out}
      end
    end
  end
  local removed = redis.call('ZRANGEBYSCORE', key('removed', room), '(' .. int(after), '+inf', 'WITHSCORES')
  for i = 1, #removed, 2 do
    local at, text = string.match(removed[i], '^(%d+):(.*)$')
    if at + HISTORY_AGE > NOW then kept[#kept + 1] = {tonumber(removed[i + 1]), text, 0, ''} end
  end
  table.sort(kept, function(a, b) return a[1] < b[1] end)
  return kept
end

local function joined(room, who, to)
  return append(room, event_body('Joined', {roomID = room, nickName = who.nick, tag = who.tag}), to)
end

local function host_back(room, who)
  return append(room, event_body('HostBack', {roomID = room, nickName = who.nick}), recipients(room))
end
