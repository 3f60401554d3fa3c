-- moderation.React: room, key, visitor, line, reaction, on, ref.
local room, name, visitor, line, reaction, on, ref = unpack(ARGV, FIRST)
local state, refused = find(room)
if not state then return {refused, '', {}} end
if made_by(room, visitor, ref) then return {'', '', {}} end
if not in_room_as(room, name, visitor) then return {'not_in_room', '', {}} end
local person = in_room(room, visitor)
local muted = state.mutes > NOW and tonumber(redis.call('HGET', key('room', room), mute_field(person)) or 0) or 0
if muted > NOW then return {'muted:' .. int(muted - NOW), '', {}} end
if not line_of(room, line) then return {'bad_field:line', '', {}} end

note(room, visitor, ref, line)
forget_reactions(room)
local field = line .. ':' .. reaction
local changed
if on == '1' then
  changed = redis.call('ZADD', key('reactions', room), line, field .. ':' .. person)
else
  changed = redis.call('ZREM', key('reactions', room), field .. ':' .. person)
end
if changed == 0 then return {'', '', {}} end
redis.call('HINCRBY', key('tallies', room), field, on == '1' and 1 or -1)
redis.call('ZADD', key('changed', room), 'NX', AT, field)
redis.call('SADD', PREFIX .. 'reacting', room)
redis.call('PEXPIRE', PREFIX .. 'reacting', LIFE)
for _, kind in ipairs({'reactions', 'tallies', 'changed'}) do redis.call('PEXPIRE', key(kind, room), HISTORY_AGE) end
return {'', '', {tell_reactions(room)}}
