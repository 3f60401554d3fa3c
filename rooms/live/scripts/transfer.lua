-- moderation.Transfer: room, actor, visitor, ref, the ref as the room is told it, target, whose that is ('': anyone's),
-- grace. Answers what the ref did before.
local room, actor, visitor, ref, told, target, whose, grace = unpack(ARGV, FIRST)
local refused, state, made = let_act(room, actor, visitor, ref)
if refused or made then return {refused or '', made or '', {}} end
local who
refused, who = target_of(room, actor, target, whose, true)
if refused then return {refused, '', {}} end
-- A former host who is away is waited for like everyone else.
redis.call('ZADD', PREFIX .. 'deadlines', 'XX', 'LT', int(NOW + grace), deadline_name(room, state.host))
redis.call('HSET', key('room', room), 'host', who.key, 'host_nick', who.nick, 'host_visitor', who.visitor)
local transferred = {roomID = room, nickName = who.nick, tag = who.tag, by = by(actor)}
local body = event_body('HostTransferred', transferred) .. told
return done(room, visitor, ref, append(room, body, recipients(room), false, '', 'lasting'))
