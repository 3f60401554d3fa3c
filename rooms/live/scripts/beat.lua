-- Renew the asking process's lease for so many ms; answers 1 when it was still good. Its rooms' keys live on.
local lease = tonumber(ARGV[FIRST])
local due = redis.call('ZSCORE', PREFIX .. 'leases', PROCESS)
local alive = due and tonumber(due) > NOW and redis.call('SISMEMBER', PREFIX .. 'unregistered', PROCESS) == 0
redis.call('SREM', PREFIX .. 'unregistered', PROCESS)
redis.call('ZADD', PREFIX .. 'leases', int(NOW + lease), PROCESS)
touch_indexes()
if ARGV[FIRST + 1] == '1' then
  for _, room in ipairs(redis.call('SMEMBERS', key('held', PROCESS))) do touch(room) end
end
return alive and 1 or 0
