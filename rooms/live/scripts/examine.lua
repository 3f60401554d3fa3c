-- moderation.Examine: room, actor, visitor, ref, target ('' for none), heir. Answers key, nick, tag, visitor, person, held
-- of the target ({} without), and what the ref did before.
local room, actor, visitor, ref, target, heir = unpack(ARGV, FIRST)
local refused, _, made = let_act(room, actor, visitor, ref)
if refused then return {refused, '', {}} end
if made or target == '' then return {'', {{}, made or ''}, {}} end
local who
refused, who = target_of(room, actor, target, '', heir == '1')
if refused then return {refused, '', {}} end
local person = in_room(room, who.visitor)
return {'', {{who.key, who.nick, who.tag, who.visitor, person, is_held(room, who.key)}, ''}, {}}
