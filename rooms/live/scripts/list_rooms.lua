-- All open rooms, and those whose deletion began more than so many ms ago.
return {
  redis.call('SMEMBERS', PREFIX .. 'rooms'),
  redis.call('ZRANGEBYSCORE', PREFIX .. 'closing', '-inf', int(NOW - ARGV[FIRST]))
}
