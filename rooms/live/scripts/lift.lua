-- moderation.Lift: room, actor, visitor, ref, person, the number to remember of the ref.
local room, actor, visitor, ref, person, number = unpack(ARGV, FIRST)
local refused, _, made = let_act(room, actor, visitor, ref)
if refused or made then return {refused or '', '', {}} end
note(room, visitor, ref, number)
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
