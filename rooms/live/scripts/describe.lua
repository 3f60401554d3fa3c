-- What would make an open room as it is: name, listed, created_at, and the host's key, nick, visitor and tag.
local room = ARGV[FIRST]
local state = redis.call('HMGET', key('room', room), 'name', 'listed', 'created_at', 'host', 'closing', 'gone')
if not state[1] or state[5] or state[6] then return false end
local host = state[4] ~= '' and member(room, state[4]) or {key = '', nick = '', visitor = '', tag = ''}
return {state[1], state[2], state[3], host.key, host.nick, host.visitor, host.tag}
