-- operations.Positions: rooms. Answers room, seq, room, seq… of those that are known.
local positions = {}
for i = FIRST, #ARGV do
  local seq = redis.call('HGET', key('room', ARGV[i]), 'seq')
  if seq then
    positions[#positions + 1] = ARGV[i]
    positions[#positions + 1] = seq
  end
end
return {'', positions, {}}
