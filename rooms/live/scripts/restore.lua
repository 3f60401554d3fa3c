-- operations.Restore: room, seq, grace, host grace, how many are joining, their keys, then key, nick, visitor, tag of each person.
local room, seen, grace, host_grace, joining = unpack(ARGV, FIRST, FIRST + 4)
seen = tonumber(seen)
skip_pause()
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
    if not window_of(room, who.visitor) then
      set_window(room, who, redis.call('HGET', key('room', room), 'seq'))
    end
    if not restored then events[#events + 1] = joined(room, who, to) end
  elseif awaited and not restored and state.host == who.key then
    events[#events + 1] = host_back(room, present)
  end
  hold(room, who.key)
  redis.call('ZREM', key('outs', room), in_room(room, who.visitor))
  return not present or awaited
end

local mine = {}
for i = 1, joining do mine[ARGV[FIRST + 4 + i]] = true end
for i = FIRST + 5 + joining, #ARGV, 4 do
  local who = {key = ARGV[i], nick = ARGV[i + 1], visitor = ARGV[i + 2], tag = ARGV[i + 3]}
  local present = member(room, who.key)
  if present and present.visitor ~= who.visitor then
    out[#out + 1] = who.key
  else
    mine[who.key] = true
    if put_back(who, present) and restored then recount = true end
  end
end

-- What the node said is all that it holds here: a member that it is thought to hold beyond that, it does not.
local to, held = recipients(room), 0
local holders = redis.call('HGETALL', key('holders', room))
for i = 1, #holders, 2 do
  if string.find(holders[i + 1], NODE .. ' ', 1, true) then
    if mine[holders[i]] then
      held = held + 1
    elseif let_go(room, holders[i], NODE) then
      local who = member(room, holders[i])
      if who then events[#events + 1] = await_return(room, who, state.host, tonumber(grace), tonumber(host_grace), to) end
    end
  end
end
if held > 0 then
  redis.call('HSET', key('nodes', room), NODE, held)
  redis.call('SADD', key('held', NODE), room)
end
if recount then events[#events + 1] = append(room, event_body('Recounted', {roomID = room}), recipients(room)) end
redis.call('SADD', PREFIX .. 'rooms', room)
list(room)
touch(room)
touch_indexes()
return {'', {out, state.epoch_seq, kept_after(room, state.epoch_seq)}, events}
