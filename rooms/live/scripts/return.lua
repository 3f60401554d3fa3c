-- contract.Return: room, seq, then key, nick, visitor, tag of each person.
local room, seen = ARGV[FIRST], tonumber(ARGV[FIRST + 1])
local state, refused = find(room)
if not state then return {refused, '', {}} end
if state.seq < seen then redis.call('HSET', key('room', room), 'seq', int(seen)) end
local restored = tonumber(redis.call('HGET', key('room', room), 'restored_until')) > NOW
local events, out, silent = {}, {}, false
for i = FIRST + 2, #ARGV, 4 do
  local who = {key = ARGV[i], nick = ARGV[i + 1], visitor = ARGV[i + 2], tag = ARGV[i + 3]}
  local present = member(room, who.key)
  if present and present.visitor ~= who.visitor then
    out[#out + 1] = who.key
  else
    local awaited = redis.call('ZSCORE', PREFIX .. 'deadlines', deadline_name(room, who.key))
    if not present then
      local tell = processes(room)
      add(room, who)
      local seq = redis.call('HGET', key('room', room), 'seq')
      redis.call('HSETNX', key('been', room), who.visitor, seq .. ':' .. int(NOW))
      if restored then
        silent = true
      else
        events[#events + 1] = append(room, joined(room, who), count(room), tell, false)
      end
    elseif awaited and restored then
      silent = true
    elseif awaited and state.host == who.key then
      events[#events + 1] = append(room, host_back(room, present), count(room), processes(room), false)
    end
    hold(room, who.key)
  end
end
if silent then
  local body = '{"type":"SERVER_ROOM_COUNT","roomID":' .. room
  events[#events + 1] = append(room, body, count(room), processes(room), false)
end
list(room)
touch(room)
return {'', {out, state.base, kept_after(room, state.base)}, events}
