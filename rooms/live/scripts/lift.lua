-- moderation.Lift: room, actor, visitor, person.
local room, actor, visitor, person = unpack(ARGV, FIRST)
local refused = let_act(room, actor, visitor, '')
if refused then return {refused, '', {}} end
redis.call('HDEL', key('room', room), block_field(person))
local kicked = redis.call('HGETALL', key('kicked', room))
for i = 1, #kicked, 2 do
  local kicks = kicks_from(kicked[i + 1], person)
  if kicks[1] then
    redis.call('HSET', key('kicked', room), kicked[i], kicks_text(kicks))
  else
    redis.call('HDEL', key('kicked', room), kicked[i])
  end
end
return {'', '', {}}
