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

-- Lines of talk and all other events are kept apart, so that comings and goings cost no line its place.
local OTHERS = 3 * HISTORY

local function keep(kind, room, seq, text, ended)
  redis.call('XADD', key(kind, room), seq .. '-0', 'text', text, 'at', AT, 'ended', ended)
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

-- Gives an event its seq, at and participants, and keeps it. Returns what the hub needs of it (operations.Event).
local function append(room, body, to, ended)
  local seq = redis.call('HINCRBY', key('room', room), 'seq', 1)
  local number = int(seq)
  local text = with_seq(body, number, ended and 0 or count(room))
  keep('others', room, number, text, ended and 1 or 0)
  trim('others', room, OTHERS)
  return {room, seq, text, ended and 1 or 0, to}
end

-- The kept events after a number, lines and others, in order.
local function kept_after(room, after)
  local kept = {}
  for _, kind in ipairs({'lines', 'others'}) do
    for _, entry in ipairs(redis.call('XRANGE', key(kind, room), '(' .. int(after) .. '-0', '+')) do
      if tonumber(entry[2][4]) + HISTORY_AGE > NOW then
        kept[#kept + 1] = {entry_seq(entry), entry[2][2], tonumber(entry[2][6])}
      end
    end
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
