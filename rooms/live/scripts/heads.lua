-- contract.Heads: rooms. Answers room, seq, room, seq… of those that are known.
local heads = {}
for i = FIRST, #ARGV do
  local seq = redis.call('HGET', key('room', ARGV[i]), 'seq')
  if seq then
    heads[#heads + 1] = ARGV[i]
    heads[#heads + 1] = seq
  end
end
return {'', heads, {}}
