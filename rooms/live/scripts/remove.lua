-- moderation.Remove: room, actor, visitor, ref, the ref as the room is told it, line, own_for. Answers what the ref did
-- before.
local room, actor, visitor, ref, told, line, own_for = unpack(ARGV, FIRST)
local state, refused = find(room)
if not state then return {refused, '', {}} end
local made = made_by(room, visitor, ref)
if made then return {'', made, {}} end
if actor ~= '' and not in_room_as(room, actor, visitor) then return {'not_in_room', '', {}} end
local entry = line_of(room, line)
if not entry then return {'bad_field:line', '', {}} end
local text, at, author = entry[2][2], entry[2][4], entry[2][8]
local own = actor ~= '' and author == in_room(room, visitor) and NOW - at < tonumber(own_for)
if actor ~= '' and not own and state.host ~= actor then return {'not_host', '', {}} end
local by = own and 'author' or actor ~= '' and 'host' or 'moderator'
local body = event_body('Removed', {roomID = room, line = line, by = by})

redis.call('XDEL', key('lines', room), entry[1])
-- With the line's own ref, seq, at and participants.
local rest = string.find(text, ',"ref":', 1, true) or string.find(text, ',"seq":', 1, true)
redis.call('ZADD', key('removed', room), line, at .. ':' .. body .. string.sub(text, rest))
redis.call('PEXPIRE', key('removed', room), LIFE)
trim_removed(room)
for _, each in ipairs(redis.call('ZRANGEBYSCORE', key('reactions', room), line, line)) do forget_reaction(room, each) end
local event = append(room, body .. told, recipients(room), false, '', 'lasting')
note(room, visitor, ref, event[2])
return {'', '', {event}}
