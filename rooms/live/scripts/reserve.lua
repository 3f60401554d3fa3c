-- operations.Reserve: visitor, ref, room, then name, before, most, window of a charge. Answers the room that this ref makes.
local visitor, ref, room, address, before, most, window = unpack(ARGV, FIRST)
local name = PREFIX .. 'made:' .. redis.sha1hex(visitor .. ':' .. ref)
local made = redis.call('GET', name)
if made then return {'', made, {}} end
local wait = spend('creates', address, before, tonumber(most), tonumber(window))
if wait > 0 then return {'too_much', wait, {}} end
redis.call('SET', name, room, 'PX', REF_AGE)
return {'', room, {}}
