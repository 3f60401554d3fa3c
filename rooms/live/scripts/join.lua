-- operations.Join: room, key, nick, visitor, tag, after ('' for none), size, then name, before, most, window of a charge,
-- then name and before of the address, and made_at.
local room, name, nick, visitor, tag, after, size, address, before, most, window, from, from_before, made_at =
  unpack(ARGV, FIRST)
skip_pause()
local state, refused = find(room)
if not state then return {refused, '', {}} end
local who = {key = name, nick = nick, visitor = visitor, tag = tag, address = from, before = from_before, made_at = made_at}
local taken, answer, events = join(room, state.host, who, after, tonumber(size), function()
  return spend('joins', address, before, tonumber(most), tonumber(window))
end)
return {taken or '', answer or '', events or {}}
