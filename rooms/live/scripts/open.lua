-- contract.Open: room, name, listed, created_at, host key, nick, visitor, tag, held, grace, seq.
local room, name, listed, created_at = ARGV[FIRST], ARGV[FIRST + 1], ARGV[FIRST + 2], ARGV[FIRST + 3]
local host = ARGV[FIRST + 4]
local who = host ~= '' and
  {key = host, nick = ARGV[FIRST + 5], visitor = ARGV[FIRST + 6], tag = ARGV[FIRST + 7]} or nil
local held, grace, seq = ARGV[FIRST + 8] == '1', tonumber(ARGV[FIRST + 9]), tonumber(ARGV[FIRST + 10])

local state, refused = find(room)
if refused == 'room_not_found' then
  -- Closing or gone; a room being brought back from its row is left to be finished by others.
  return {refused, '', {}}
end
if state then
  if not who or not held then return {'', entered(room, who, '', false), {}} end
  local taken, answer, events = join(room, state.host, who, '', count(room) + 1)
  return {taken or '', answer or '', events or {}}
end

local base = math.max(NOW_MICROSECONDS, seq + 1)
redis.call('HSET', key('room', room), 'name', name, 'listed', listed, 'created_at', created_at,
  'host', host, 'host_nick', who and who.nick or '', 'host_visitor', who and who.visitor or '', 'locked', '0', 'seq', int(base), 'base', int(base),
  'restored_until', held and '0' or int(NOW + grace))
redis.call('SADD', PREFIX .. 'rooms', room)
if who then
  add(room, who)
  redis.call('HSET', key('been', room), who.visitor, int(base) .. ':' .. int(NOW))
  if held then
    hold(room, host)
  else
    redis.call('ZADD', PREFIX .. 'deadlines', int(NOW + grace), deadline_name(room, host))
  end
end
list(room)
touch(room)
touch_indexes()
return {'', entered(room, who, '', false), {}}
