-- Whether a duty that one node does for all is the asking node's for the next so many ms. What is another's for longer than
-- that was given before the clock was set back.
local duty, lease = unpack(ARGV, FIRST)
local leader = redis.call('GET', key('duty', duty))
if leader and leader ~= NODE and redis.call('PTTL', key('duty', duty)) <= tonumber(lease) then return 0 end
redis.call('SET', key('duty', duty), NODE, 'PX', lease)
return 1
