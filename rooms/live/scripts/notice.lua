-- moderation.Notice: room, ref, the event's body. Answers what the ref did before.
local room, ref, body = unpack(ARGV, FIRST)
local refused, _, made = let_act(room, '', '', ref)
if refused or made then return {refused or '', made or '', {}} end
return done(room, '', ref, append(room, body, recipients(room)))
