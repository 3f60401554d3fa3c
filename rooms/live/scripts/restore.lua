-- operations.Restore: room, seq, then key, nick, visitor, tag of each person.
local room, seen = ARGV[FIRST], tonumber(ARGV[FIRST + 1])
local state, refused = find(room)
if not state then return {refused, '', {}} end
if state.seq < seen then redis.call('HSET', key('room', room), 'seq', int(seen)) end
local restored = tonumber(redis.call('HGET', key('room', room), 'restored_until')) > NOW
local events, out, recount = {}, {}, false

-- Whether the person had been out or waited for.
local function put_back(who, present)
  local awaited = redis.call('ZSCORE', PREFIX .. 'deadlines', deadline_name(room, who.key))
  if not present then
    local to = recipients(room)
    add(room, who)
    if not redis.call('HGET', key('windows', room), who.visitor) then
      set_window(room, who, redis.call('HGET', key('room', room), 'seq'))
    end
    if not restored then events[#events + 1] = joined(room, who, to) end
  elseif awaited and not restored and state.host == who.key then
    events[#events + 1] = host_back(room, present)
  end
  hold(room, who.key)
  return not present or awaited
end

for i = FIRST + 2, #ARGV, 4 do
  local who = {key = ARGV[i], nick = ARGV[i + 1], visitor = ARGV[i + 2], tag = ARGV[i + 3]}
  local present = member(room, who.key)
  if present and present.visitor ~= who.visitor then
    out[#out + 1] = who.key
  elseif put_back(who, present) and restored then
    recount = true
  end
end
if recount then events[#events + 1] = append(room, event_body('Recounted', {roomID = room}), recipients(room)) end
list(room)
touch(room)
return {'', {out, state.epoch_seq, kept_after(room, state.epoch_seq)}, events}
