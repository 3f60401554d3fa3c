-- All open rooms, and those left closing for more than so many ms.
return {
  redis.call('SMEMBERS', PREFIX .. 'rooms'),
  redis.call('ZRANGEBYSCORE', PREFIX .. 'closing', '-inf', int(NOW - ARGV[FIRST]))
}
