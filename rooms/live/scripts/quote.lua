-- moderation.Quote: room, key, visitor, line. Answers the lines around it, the line itself, the author, and which visitor
-- that is if they are in.
local room, name, visitor, line = unpack(ARGV, FIRST)
local state, refused = find(room)
if not state then return {refused, '', {}} end
if not in_room_as(room, name, visitor) then return {'not_in_room', '', {}} end
local said = line_of(room, line)
if not said then return {'bad_field:line', '', {}} end
local lines, texts = key('lines', room), {}
local before = redis.call('XREVRANGE', lines, line .. '-0', '-', 'COUNT', QUOTED + 1)
for i = #before, 1, -1 do
  if is_kept(before[i]) then texts[#texts + 1] = before[i][2][2] end
end
for _, after in ipairs(redis.call('XRANGE', lines, '(' .. line .. '-0', '+', 'COUNT', QUOTED)) do
  texts[#texts + 1] = after[2][2]
end
local author = ''
for _, record in ipairs(redis.call('HVALS', key('members', room))) do
  local each = string.match(record, '^[^:]*')
  if in_room(room, each) == said[2][8] then author = each end
end
return {'', {texts, said[2][2], said[2][8] or '', author}, {}}
