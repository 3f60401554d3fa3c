-- moderation.Inspect: room. Answers key, nick, tag, visitor, person, held of each member, in the order in which they came.
local room = ARGV[FIRST]
local state, refused = find(room)
if not state then return {refused, '', {}} end
local subjects = {}
for _, name in ipairs(redis.call('ZRANGE', key('order', room), 0, -1)) do
  local who = member(room, name)
  if who then
    local held = redis.call('HEXISTS', key('holders', room), name)
    subjects[#subjects + 1] = {name, who.nick, who.tag, who.visitor, in_room(room, who.visitor), held}
  end
end
return {'', subjects, {}}
