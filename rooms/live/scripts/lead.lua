-- Whether a duty that one node does for all is the asking node's for the next so many ms.
local duty, lease = unpack(ARGV, FIRST)
local leader = redis.call('GET', key('duty', duty))
if leader and leader ~= NODE then return 0 end
redis.call('SET', key('duty', duty), NODE, 'PX', lease)
return 1
