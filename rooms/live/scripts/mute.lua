-- moderation.Mute: room, actor, visitor, ref, the ref as the room is told it, target, whose that is ('': anyone's), until (0 lifts it). Answers what the
-- ref did before.
local room, actor, visitor, ref, told, target, whose, ends = unpack(ARGV, FIRST)
local refused, state, made = let_act(room, actor, visitor, ref)
if refused or made then return {refused or '', made or '', {}} end
local who
refused, who = target_of(room, actor, target, whose)
if refused then return {refused, '', {}} end
if state.mutes <= NOW then
  -- None of them is in force.
  for _, field in ipairs(redis.call('HKEYS', key('room', room))) do
    if string.sub(field, 1, 2) == mute_field('') then redis.call('HDEL', key('room', room), field) end
  end
end
redis.call('HSET', key('room', room), mute_field(in_room(room, who.visitor)), ends,
  'mutes', int(math.max(state.mutes, ends)))
local muted = {roomID = room, nickName = who.nick, tag = who.tag, ['until'] = ends, by = by(actor)}
return done(room, visitor, ref, append(room, event_body('Muted', muted) .. told, recipients(room)))
