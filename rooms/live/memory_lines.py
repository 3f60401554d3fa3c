"""What is said in a room of the memory store, and what becomes of the lines.

Knows the contract, the room and the protocol's events; must not know other rooms, leases or the store's interface.
Times are the store's clock, Unix time in milliseconds.
"""

from rooms.live.contract import Done, refusal
from rooms.live.memory_past import Kept
from rooms.live.memory_room import MemoryRoom
from rooms.live.moderation import REACTIONS_EVERY, Quote, Quoted, React, Remove, quoted
from rooms.live.operations import Duplicate, Event, Send
from rooms.protocol import QUOTED, Reacted, Removed, event_body


def send(room: MemoryRoom, node_id: str, op: Send, now: int) -> Done[Duplicate | None]:
    """``operations.Send``."""
    made = room.past.made_by(op.visitor_id, op.ref, now)
    if made is not None:
        return Done(made)
    if not room.is_in(op.key, op.visitor_id):
        raise refusal("not_in_room")
    if op.reply_to and room.past.line(op.reply_to, now) is None:
        raise refusal("bad_field", field="replyTo")
    person, rules = room.in_room(op.visitor_id), room.rules
    _let_speak(room, person, now)
    slowed = rules.slow > 0 and not (room.host is not None and room.host.visitor_id == op.visitor_id)
    may_at = rules.spoke[person] + rules.slow * 1000 if slowed and person in rules.spoke else now
    wait = max(op.wait, may_at - now)
    if wait > 0:
        raise refusal("too_fast", retryAfter=wait)
    if slowed:
        rules.spoke[person] = now
    return Done(None, (room.append_line(op.body, op.visitor_id, op.ref, now),))


def remove(room: MemoryRoom, node_id: str, op: Remove, now: int) -> Done[Duplicate | None]:
    """``moderation.Remove``."""
    actor = op.actor
    made = room.past.made_by(actor.visitor_id, actor.ref, now)
    if made is not None:
        return Done(made)
    if actor.key and not room.is_in(actor.key, actor.visitor_id):
        raise refusal("not_in_room")
    line = _line(room, op.line, now)
    own = bool(actor.key) and line.by == room.in_room(actor.visitor_id) and now - line.at < op.own_for
    if actor.key and not own and not room.is_host(actor.key):
        raise refusal("not_host")
    removed = Removed(room.id, op.line, "author" if own else actor.by)
    # With the line's own ref, seq, at and participants.
    text = line.event.text
    end = text.find(',"ref":') if ',"ref":' in text else text.index(',"seq":')
    room.past.keep_removed(line, Event(room.id, op.line, event_body(removed) + text[end:]), now)
    event = room.append(Removed(room.id, op.line, removed.by, ref=actor.told_ref), now, lasting=True)
    room.past.note(actor.visitor_id, actor.ref, event.seq, now)
    return Done(None, (event,))


def react(room: MemoryRoom, node_id: str, op: React, now: int) -> Done[None]:
    """``moderation.React``."""
    if room.past.made_by(op.visitor_id, op.ref, now) is not None:
        return Done(None)
    if not room.is_in(op.key, op.visitor_id):
        raise refusal("not_in_room")
    person = room.in_room(op.visitor_id)
    _let_speak(room, person, now)
    _line(room, op.line, now)
    room.past.note(op.visitor_id, op.ref, op.line, now)
    people = room.past.reactions.setdefault(op.line, {}).setdefault(op.reaction, set())
    if op.on == (person in people):
        return Done(None)
    (people.add if op.on else people.discard)(person)
    room.changed_reactions.setdefault((op.line, op.reaction), now)
    return Done(None, tell_reactions(room, now))


def tell_reactions(room: MemoryRoom, now: int) -> tuple[Event, ...]:
    """The next event that tells of reactions, if it is time for one."""
    if 0 <= now - room.told_reactions_at < REACTIONS_EVERY:
        return ()
    changed = room.changed_reactions
    for line, reaction in sorted(changed, key=lambda each: (changed[each], f"{each[0]}:{each[1]}")):
        del changed[line, reaction]
        if room.past.line(line, now) is not None:
            room.told_reactions_at = now
            count = len(room.past.reactions.get(line, {}).get(reaction, ()))
            return (room.append(Reacted(room.id, line, reaction, count), now),)  # type: ignore[arg-type]
    return ()


def quote(room: MemoryRoom, node_id: str, op: Quote, now: int) -> Done[Quoted]:
    """``moderation.Quote``."""
    if not room.is_in(op.key, op.visitor_id):
        raise refusal("not_in_room")
    lines = room.past.lines(now)
    line = _line(room, op.line, now)
    place = lines.index(line)
    texts = [each.event.text for each in lines[max(0, place - QUOTED) : place + QUOTED + 1]]
    here = (member.person.visitor_id for member in room.members.values())
    author = next((visitor_id for visitor_id in here if room.in_room(visitor_id) == line.by), "")
    return Done(quoted(texts, line.event.text, line.by, author))


def _line(room: MemoryRoom, seq: int, now: int) -> Kept:
    line = room.past.line(seq, now)
    if line is None:
        raise refusal("bad_field", field="line")
    return line


def _let_speak(room: MemoryRoom, person: str, now: int) -> None:
    """Refuse those who may say nothing now."""
    until = room.muted_until(person, now)
    if until:
        raise refusal("muted", retryAfter=until - now)
