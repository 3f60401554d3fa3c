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

local function keep(room, seq, text, ended)
  redis.call('XADD', key('events', room), 'MAXLEN', HISTORY, seq .. '-0', 'text', text, 'at', AT, 'ended', ended)
end

-- To be called after events were kept.
local function keep_no_longer_than_allowed(room)
  local events = key('events', room)
  while true do
    local oldest = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
    if not oldest or tonumber(oldest[2][4]) + HISTORY_AGE > NOW then break end
    redis.call('XDEL', events, oldest[1])
  end
  redis.call('PEXPIRE', events, HISTORY_AGE)
end

-- Gives an event its seq, at and participants, and keeps it. Returns what the hub needs of it (operations.Event).
local function append(room, body, to, ended)
  local seq = redis.call('HINCRBY', key('room', room), 'seq', 1)
  local number = int(seq)
  local text = with_seq(body, number, ended and 0 or count(room))
  keep(room, number, text, ended and 1 or 0)
  keep_no_longer_than_allowed(room)
  return {room, seq, text, ended and 1 or 0, to}
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

local function joined(room, who, to)
  return append(room, event_body('Joined', {roomID = room, nickName = who.nick, tag = who.tag}), to)
end

local function host_back(room, who)
  return append(room, event_body('HostBack', {roomID = room, nickName = who.nick}), recipients(room))
end
