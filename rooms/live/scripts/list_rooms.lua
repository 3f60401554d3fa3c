-- Some of the open rooms, from a cursor on, and with the first those whose deletion began more than so many ms ago.
-- Answers the next cursor ('0' at the end), the open rooms, the closing ones.
local closing_for, cursor, most = unpack(ARGV, FIRST)
local page = redis.call('SSCAN', PREFIX .. 'rooms', cursor, 'COUNT', most)
local closing = {}
if cursor == '0' then closing = redis.call('ZRANGEBYSCORE', PREFIX .. 'closing', '-inf', int(NOW - closing_for)) end
return {page[1], page[2], closing}
