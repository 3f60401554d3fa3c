-- operations.Join: room, key, nick, visitor, tag, after ('' for none), size, then name, before, most, window of a charge.
local room, name, nick, visitor, tag, after, size, address, before, most, window = unpack(ARGV, FIRST)
skip_pause()
local state, refused = find(room)
if not state then return {refused, '', {}} end
local who = {key = name, nick = nick, visitor = visitor, tag = tag}
local taken, answer, events = join(room, state.host, who, after, tonumber(size), function()
  return spend('joins', address, before, tonumber(most), tonumber(window))
end)
return {taken or '', answer or '', events or {}}
