-- operations.Disconnect: room, key, visitor, grace, host grace.
local room, name, visitor, grace, host_grace = unpack(ARGV, FIRST)
skip_pause()
local who = member(room, name)
if not who or who.visitor ~= visitor then return {'', '', {}} end
local to = recipients(room)
if not let_go(room, name, NODE) then return {'', '', {}} end
local state = find(room)
if not state then return {'', '', {}} end
local event = await_return(room, who, state.host, tonumber(grace), tonumber(host_grace), to)
touch_indexes()
return {'', '', {event}}
