-- moderation.Kick: room, actor, visitor, ref, target ('' for any name), whose that is, block, address_for. Answers whether
-- the room is being deleted because this was the host, and what the ref did before.
local room, actor, visitor, ref, target, whose, block, address_for = unpack(ARGV, FIRST)
address_for = tonumber(address_for)
local refused, state, made = let_act(room, actor, visitor, ref)
if refused then return {refused, '', {}} end
if made then return {'', {0, made}, {}} end
if target ~= '' then
  local who
  refused, who = target_of(room, actor, target, whose)
  if refused then return {refused, '', {}} end
  whose = who.visitor
end

-- Under all names, the target first, then in the order in which they came.
local names, places = {}, {}
local records = redis.call('HGETALL', key('members', room))
for i = 1, #records, 2 do
  if string.sub(records[i + 1], 1, #whose + 1) == whose .. ':' then
    local name = records[i]
    names[#names + 1] = name
    places[name] = name == target and -1 or tonumber(redis.call('ZSCORE', key('order', room), name) or 0)
  end
end
table.sort(names, function(a, b) return places[a] < places[b] end)

local person = in_room(room, whose)
if block == '1' then redis.call('HSET', key('room', room), block_field(person), 1) end
-- They are sent nothing of what is said later.
redis.call('HDEL', key('windows', room), person)
redis.call('ZREM', key('outs', room), person)

local to, events, closing = recipients(room), {}, 0
for _, name in ipairs(names) do
  local who = member(room, name)
  for node in string.gmatch(redis.call('HGET', key('holders', room), name) or '', '%S+') do let_go(room, name, node) end
  local address = redis.call('HGET', key('addresses', room), name)
  if address and address_for > 0 then
    local kicked = key('kicked', room)
    local kicks = kicks_from(redis.call('HGET', kicked, address), person)
    -- Those before stay, so that whoever they keep out is not older than this one.
    kicks[#kicks + 1] = {AT, int(NOW + address_for), person}
    redis.call('HSET', kicked, address, kicks_text(kicks))
    if redis.call('PTTL', kicked) < address_for then redis.call('PEXPIRE', kicked, int(address_for)) end
  end
  remove(room, who)
  local exited = {roomID = room, nickName = who.nick, tag = who.tag, reason = 'kicked', by = by(actor)}
  events[#events + 1] = append(room, event_body('Kicked', exited), to, false, name)
  if state.host == name then closing = 1 end
end
if events[1] then note(room, visitor, ref, events[1][2]) end
list(room)
if closing == 1 then begin_delete(room, 'moderator', '') end
return {'', {closing, ''}, events}
