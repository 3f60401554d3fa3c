-- operations.Depart: day, name, held.
local day, name, held = unpack(ARGV, FIRST)
hold_open(tonumber(day), name, tonumber(held))
return {'', '', {}}
