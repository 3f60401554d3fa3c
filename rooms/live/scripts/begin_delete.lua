-- operations.BeginDelete: room, reason, key ('' for the house itself), visitor, ref.
local room, reason, name, visitor, ref = unpack(ARGV, FIRST)
local state = redis.call('HMGET', key('room', room), 'epoch_seq', 'gone', 'closing', 'host', 'host_visitor')
if not state[1] or state[2] then return {'room_not_found', '', {}} end
if name ~= '' and (state[4] ~= name or state[5] ~= visitor) then return {'not_host', '', {}} end
if not state[3] then begin_delete(room, reason, ref) end
return {'', '', {}}
