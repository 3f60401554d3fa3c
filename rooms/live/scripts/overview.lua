-- moderation.Overview: rooms. Answers room, participants, locked, slow, topic, whether the host is away of each open one.
local rooms = {}
for i = FIRST, #ARGV do
  local room = ARGV[i]
  local state = find(room)
  if state then
    local about = redis.call('HMGET', key('room', room), 'locked', 'topic')
    local away = redis.call('ZSCORE', PREFIX .. 'deadlines', deadline_name(room, state.host)) and 1 or 0
    rooms[#rooms + 1] = {room, count(room), about[1] == '1' and 1 or 0, state.slow, about[2] or '', away}
  end
end
return {'', rooms, {}}
