-- operations.Exit: room, key, visitor. Answers whether the room is being deleted because this was the host.
local room, name, visitor = unpack(ARGV, FIRST)
local state = find(room)
if state then
  local who = member(room, name)
  if not who or who.visitor ~= visitor then return {'', 0, {}} end
  local to = recipients(room)
  if not let_go(room, name, NODE) then return {'', 0, {}} end
  local event, closing = take_out(room, who, state.host, 'left', to)
  return {'', closing and 1 or 0, {event}}
end
-- Asked again after the host's leaving had been carried out: the deletion is still to be finished.
local closing = redis.call('HMGET', key('room', room), 'closing', 'host_visitor')
return {'', closing[1] == 'host_left' and closing[2] == visitor and 1 or 0, {}}
