-- Renew the asking node's lease for so many ms; answers 1 when it was still good. Its rooms' keys live on.
local lease = tonumber(ARGV[FIRST])
local due = redis.call('ZSCORE', PREFIX .. 'leases', NODE)
local alive = due and tonumber(due) > NOW and redis.call('SISMEMBER', PREFIX .. 'unregistered', NODE) == 0
redis.call('SREM', PREFIX .. 'unregistered', NODE)
redis.call('ZADD', PREFIX .. 'leases', int(NOW + lease), NODE)
touch_indexes()
if ARGV[FIRST + 1] == '1' then
  for _, room in ipairs(redis.call('SMEMBERS', key('held', NODE))) do touch(room) end
end
return alive and 1 or 0
