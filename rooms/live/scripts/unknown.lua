-- Which of the rooms are neither open nor in deletion.
local unknown = {}
for i = FIRST, #ARGV do
  if redis.call('SISMEMBER', PREFIX .. 'rooms', ARGV[i]) == 0 and not redis.call('ZSCORE', PREFIX .. 'closing', ARGV[i]) then
    unknown[#unknown + 1] = ARGV[i]
  end
end
return unknown
