-- operations.Cancel: visitor, ref, room, then the name of a charge's address ('' for no charge).
local visitor, ref, room, address = unpack(ARGV, FIRST)
local name = PREFIX .. 'made:' .. redis.sha1hex(visitor .. ':' .. ref)
if redis.call('GET', name) == room then
  redis.call('DEL', name)
  if address ~= '' then refund('creates', address) end
end
return {'', '', {}}
