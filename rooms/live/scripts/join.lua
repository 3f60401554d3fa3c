-- operations.Join: room, key, nick, visitor, tag, after ('' for none), size.
local room, name, nick, visitor, tag, after, size = unpack(ARGV, FIRST)
skip_pause()
local state, refused = find(room)
if not state then return {refused, '', {}} end
local who = {key = name, nick = nick, visitor = visitor, tag = tag}
local taken, answer, events = join(room, state.host, who, after, tonumber(size))
return {taken or '', answer or '', events or {}}
