-- Renew the asking node's lease for so many ms; answers 1 when it was still good. Its rooms' keys live on.
local lease, refresh = unpack(ARGV, FIRST)
skip_pause()
redis.call('HSET', PREFIX .. 'times', 'lease', lease)
local due = redis.call('ZSCORE', PREFIX .. 'leases', NODE)
-- Until the node confirms that it has put its people back, it is told so again: the answer may have been lost.
if not due or tonumber(due) <= NOW then redis.call('SADD', PREFIX .. 'unregistered', NODE) end
redis.call('ZADD', PREFIX .. 'leases', int(NOW + lease), NODE)
redis.call('PEXPIRE', PREFIX .. 'unregistered', LIFE)
touch_indexes()
if refresh == '1' then
  for _, room in ipairs(redis.call('SMEMBERS', key('held', NODE))) do touch(room) end
  for _, day in ipairs({math.floor(NOW / DAY) - 1, math.floor(NOW / DAY)}) do
    redis.call('PEXPIRE', open_key(day, NODE), int(day_life(day)))
  end
end
return 1 - redis.call('SISMEMBER', PREFIX .. 'unregistered', NODE)
