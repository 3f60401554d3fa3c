-- What hosts and moderators may do, and to whom. An actor is a name and a visitor; a moderator has no name.

local function by(actor) return actor ~= '' and 'host' or 'moderator' end

-- Returns the refusal; or the room's state, and what the ref did before: its seq and text.
local function let_act(room, actor, visitor, ref)
  local state, refused = find(room)
  if not state then return refused end
  local made = made_by(room, visitor, ref)
  if made then return nil, state, made end
  if actor ~= '' then
    local who = member(room, actor)
    if not who or who.visitor ~= visitor then return 'not_in_room' end
    if state.host ~= actor then return 'not_host' end
  end
  return nil, state
end

local function is_held(room, name) return redis.call('HEXISTS', key('holders', room), name) end

-- Returns the refusal, or the member with a name. Nobody does anything to themselves, and an heir is not the host already.
local function target_of(room, actor, name, whose, heir)
  local who = member(room, name)
  if not who or heir and is_held(room, name) == 0 then return 'not_in_room:target' end
  -- The name may be somebody else's by now.
  if whose ~= '' and who.visitor ~= whose then return 'not_in_room:target' end
  local host = (heir or actor ~= '') and redis.call('HGET', key('room', room), 'host_visitor')
  if host and host == who.visitor then return 'bad_field:target' end
  return nil, who
end

-- The answer of what made one event: remembers which ref made it.
local function done(room, visitor, ref, event)
  note(room, visitor, ref, event[2])
  return {'', '', {event}}
end
