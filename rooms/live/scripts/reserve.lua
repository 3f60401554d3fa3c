-- contract.Reserve: visitor, ref, room. Answers the room that this ref makes.
local name = PREFIX .. 'made:' .. ARGV[FIRST] .. ':' .. ARGV[FIRST + 1]
redis.call('SET', name, ARGV[FIRST + 2], 'NX', 'PX', REF_AGE)
return {'', redis.call('GET', name), {}}
