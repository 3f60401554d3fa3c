-- moderation.Change: room, actor, visitor, ref, the event's body, field, value. Answers what the ref did before.
local room, actor, visitor, ref, body, field, value = unpack(ARGV, FIRST)
local refused, _, made = let_act(room, actor, visitor, ref)
if refused or made then return {refused or '', made or '', {}} end
redis.call('HSET', key('room', room), field, value)
-- When they spoke last counts from now on.
if field == 'slow' then redis.call('DEL', key('spoke', room)) end
return done(room, visitor, ref, append(room, body, recipients(room), false, '', 'lasting'))
