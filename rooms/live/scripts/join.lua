-- contract.Join: room, key, nick, visitor, tag, after ('' for none), size.
local room = ARGV[FIRST]
local state, refused = find(room)
if not state then return {refused, '', {}} end
local who = {key = ARGV[FIRST + 1], nick = ARGV[FIRST + 2], visitor = ARGV[FIRST + 3], tag = ARGV[FIRST + 4]}
local taken, answer, events = join(room, state.host, who, ARGV[FIRST + 5], tonumber(ARGV[FIRST + 6]))
return {taken or '', answer or '', events or {}}
