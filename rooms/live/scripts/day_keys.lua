-- The day, and the keys by which its addresses and those of the day before are hashed. The first that is offered counts.
local day = math.floor(NOW / DAY)
redis.call('SET', key('day', int(day)), ARGV[FIRST], 'NX', 'PX', 2 * DAY)
return {day, redis.call('GET', key('day', int(day))), redis.call('GET', key('day', int(day - 1))) or ''}
