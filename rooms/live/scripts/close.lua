-- contract.Close: room, reason, key ('' for the house itself), visitor, ref.
local room, name = ARGV[FIRST], ARGV[FIRST + 2]
local state = redis.call('HMGET', key('room', room), 'base', 'gone', 'closing', 'host', 'host_visitor')
if not state[1] or state[2] then return {'room_not_found', '', {}} end
if name ~= '' and (state[4] ~= name or state[5] ~= ARGV[FIRST + 3]) then return {'not_host', '', {}} end
if not state[3] then close(room, ARGV[FIRST + 1], ARGV[FIRST + 4]) end
return {'', '', {}}
