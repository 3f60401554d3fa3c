-- operations.Arrive: day, name, before, held, open, most, window.
local day, name, before, held, open, most, window = unpack(ARGV, FIRST)
day, held, open = tonumber(day), tonumber(held), tonumber(open)
if open_at(day, NODE, name) >= held then return {'', '', {}} end
if open > 0 then
  local all = held + open_at(day - 1, NODE, before)
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'leases', '(' .. AT, '+inf')) do
    if node ~= NODE then all = all + open_at(day, node, name) + open_at(day - 1, node, before) end
  end
  if all > open then return {'too_much', 0, {}} end
end
local wait = spend('arrivals', name, before, tonumber(most), tonumber(window))
if wait > 0 then return {'too_much', wait, {}} end
hold_open(day, name, held)
return {'', '', {}}
