-- contract.Lose: room, key, visitor, grace, host grace.
local room, name, visitor = ARGV[FIRST], ARGV[FIRST + 1], ARGV[FIRST + 2]
local who = member(room, name)
if not who or who.visitor ~= visitor then return {'', '', {}} end
local tell = processes(room)
if not let_go(room, name, PROCESS) then return {'', '', {}} end
local state = find(room)
if not state then return {'', '', {}} end
local event = await_return(room, who, state.host, tonumber(ARGV[FIRST + 3]), tonumber(ARGV[FIRST + 4]), tell)
touch_indexes()
return {'', '', {event}}
