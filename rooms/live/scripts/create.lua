-- operations.Create: room, name, listed, created_at, host key, nick, visitor, tag, held, grace, seq, address of the opener
-- and the one before, topic, locked, slow, how many are blocked, those, then each who is muted and until when.
local room, name, listed, created_at, host, nick, visitor, tag, held, grace, seq, address, before, topic, locked, slow,
  blocked = unpack(ARGV, FIRST, FIRST + 16)
local who = host ~= '' and
  {key = host, nick = nick, visitor = visitor, tag = tag, address = address, before = before, made_at = 0} or nil

skip_pause()
local state, refused = find(room)
if refused == 'room_not_found' then return {refused, '', {}} end
-- Of a room whose people were evicted nothing can be told any more but its name: it begins anew.
if state and whole(room) then
  -- An index may have lost it.
  redis.call('SADD', PREFIX .. 'rooms', room)
  list(room)
  if not who or held ~= '1' then return {'', entered(room, who, '', false), {}} end
  local taken, answer, events = join(room, state.host, who, '', count(room) + 1)
  return {taken or '', answer or '', events or {}}
end

local epoch_seq = math.max(NOW_MICROSECONDS, seq + 1, state and state.seq + 1 or 0)
redis.call('HSET', key('room', room), 'name', name, 'listed', listed, 'created_at', created_at,
  'host', host, 'host_nick', nick, 'host_visitor', visitor, 'locked', locked, 'topic', topic, 'slow', slow,
  'seq', int(epoch_seq), 'epoch_seq', int(epoch_seq), 'restored_until', held == '1' and '0' or int(NOW + grace),
  'people', 0, 'held', 0)
redis.call('DEL', key('members', room), key('order', room), key('holders', room), key('nodes', room),
  key('addresses', room))
for i = 1, blocked do redis.call('HSET', key('room', room), block_field(ARGV[FIRST + 16 + i]), 1) end
local mutes = 0
for i = FIRST + 17 + blocked, #ARGV, 2 do
  redis.call('HSET', key('room', room), mute_field(ARGV[i]), ARGV[i + 1])
  mutes = math.max(mutes, ARGV[i + 1])
end
redis.call('HSET', key('room', room), 'mutes', int(mutes))
if address ~= '' then redis.call('HSET', key('room', room), 'opener', address .. ' ' .. before) end
redis.call('SADD', PREFIX .. 'rooms', room)
if who then
  add(room, who)
  if address ~= '' then redis.call('HSET', key('addresses', room), host, address) end
  set_window(room, who, epoch_seq)
  if held == '1' then
    hold(room, host)
  else
    redis.call('ZADD', PREFIX .. 'deadlines', int(NOW + grace), deadline_name(room, host))
  end
end
list(room)
touch(room)
touch_indexes()
return {'', entered(room, who, '', false), {}}
