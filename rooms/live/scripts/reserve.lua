-- operations.Reserve: visitor, ref, room. Answers the room that this ref makes.
local visitor, ref, room = unpack(ARGV, FIRST)
local name = PREFIX .. 'made:' .. redis.sha1hex(visitor .. ':' .. ref)
redis.call('SET', name, room, 'NX', 'PX', REF_AGE)
return {'', redis.call('GET', name), {}}
