-- What would make an open room as it is: name, listed, created_at; the host's key, nick, visitor and tag; topic, locked,
-- slow; who is blocked; who is muted, and until when.
local room = ARGV[FIRST]
local all, fields, blocked, muted = redis.call('HGETALL', key('room', room)), {}, {}, {}
for i = 1, #all, 2 do
  local kind, person = string.match(all[i], '^(.):(.*)$')
  if kind == 'b' then
    blocked[#blocked + 1] = person
  elseif kind == 'm' then
    if tonumber(all[i + 1]) > NOW then
      muted[#muted + 1] = person
      muted[#muted + 1] = all[i + 1]
    end
  else
    fields[all[i]] = all[i + 1]
  end
end
if not fields.epoch_seq or fields.closing or fields.gone then return false end
local host = fields.host ~= '' and member(room, fields.host) or {key = '', nick = '', visitor = '', tag = ''}
return {
  fields.name, fields.listed, fields.created_at, {host.key, host.nick, host.visitor, host.tag},
  {fields.topic or '', fields.locked, fields.slow or '0'}, blocked, muted
}
