-- contract.Say, any number of them: room, key, visitor, ref, body, wait of each. One text for each, cheap to read:
-- '!refusal'; or '=seq:text' said before under this ref; or 'seq at participants process process…'.
local answers = {}
for i = FIRST, #ARGV, 6 do
  local room, name, visitor, ref = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local state, refused = find(room)
  local answer
  if not state then
    answer = '!' .. refused
  else
    local said_key = PREFIX .. 'said:' .. room .. ':' .. visitor .. ':' .. ref
    local said = redis.call('GET', said_key)
    local record = redis.call('HGET', key('members', room), name)
    if said then
      answer = '=' .. said
    elseif not record or string.sub(record, 1, #visitor + 1) ~= visitor .. ':' then
      answer = '!not_in_room'
    elseif ARGV[i + 5] ~= '0' then
      answer = '!too_fast'
    else
      local participants = count(room)
      local event = append(room, ARGV[i + 4], participants, nil, false)
      local seq = int(event[2])
      redis.call('SET', said_key, seq .. ':' .. event[3], 'PX', REF_AGE)
      answer = seq .. ' ' .. int(NOW) .. ' ' .. participants .. ' ' .. table.concat(processes(room), ' ')
    end
  end
  answers[#answers + 1] = answer
end
return answers
