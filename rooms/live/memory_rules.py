"""What hosts and moderators do in a room of the memory store.

Knows the contract, the room and the protocol's events; must not know other rooms, leases or the store's interface.
Times are the store's clock, Unix time in milliseconds.
"""

from rooms.live.contract import Done, refusal
from rooms.live.memory_room import Deletion, MemoryRoom, RoomMember
from rooms.live.moderation import (
    Actor,
    Change,
    Examine,
    Examined,
    Inspect,
    Kick,
    Kicked,
    Lift,
    Mute,
    Notice,
    Standing,
    Subject,
    Transfer,
)
from rooms.live.operations import Duplicate, Event
from rooms.protocol import Exited, HostTransferred, Muted, Noticed


def examine(room: MemoryRoom, node_id: str, op: Examine, now: int) -> Done[Examined]:
    """``moderation.Examine``."""
    made = _let_act(room, op.actor, now)
    if made is not None or op.target is None:
        return Done(Examined(None, made))
    return Done(Examined(_subject(room, _target(room, op.actor, op.target, "", op.heir))))


def kick(room: MemoryRoom, node_id: str, op: Kick, now: int) -> Done[Kicked]:
    """``moderation.Kick``."""
    made = _let_act(room, op.actor, now)
    if made is not None:
        return Done(Kicked(False, made))
    visitor_id, first = op.visitor_id, None
    if op.target:
        first = _target(room, op.actor, op.target, op.visitor_id)
        visitor_id = first.person.visitor_id
    out = sorted(room.names_of(visitor_id), key=lambda member: member is not first)
    person = room.in_room(visitor_id)
    if op.block:
        room.rules.blocked.add(person)
    room.windows.pop(person, None)
    recipients = room.recipients()
    events = tuple(_put_out(room, member, op, person, now, recipients) for member in out)
    if events:
        room.past.note(op.actor.visitor_id, op.actor.ref, events[0].seq, now)
    if any(room.is_host(member.person.key) for member in out):
        room.deletion = Deletion("moderator", "", now)
    return Done(Kicked(room.deletion is not None), events)


def _put_out(
    room: MemoryRoom, member: RoomMember, op: Kick, person: str, now: int, recipients: tuple[str, ...]
) -> Event:
    for node_id in tuple(member.holders):
        room.let_go(member, node_id)
    del room.members[member.person.key]
    if op.address_for and member.address:
        room.rules.kicked.setdefault(member.address, {})[person] = (now, now + op.address_for)
    exited = Exited(room.id, member.person.nick, member.person.tag, "kicked", by=op.actor.by)
    return room.append(exited, now, recipients, out=member.person.key)


def lift(room: MemoryRoom, node_id: str, op: Lift, now: int) -> Done[None]:
    """``moderation.Lift``."""
    if _let_act(room, op.actor, now) is not None:
        return Done(None)
    room.past.note(op.actor.visitor_id, op.actor.ref, op.number, now)
    room.rules.blocked.discard(op.person)
    for kicks in room.rules.kicked.values():
        kicks.pop(op.person, None)
    return Done(None)


def mute(room: MemoryRoom, node_id: str, op: Mute, now: int) -> Done[Duplicate | None]:
    """``moderation.Mute``."""
    made = _let_act(room, op.actor, now)
    if made is not None:
        return Done(made)
    target = _target(room, op.actor, op.target, op.visitor_id).person
    muted = {person: until for person, until in room.rules.muted.items() if until > now}
    room.rules.muted = muted | {room.in_room(target.visitor_id): op.until}
    event = Muted(room.id, target.nick, target.tag, op.until, op.actor.by, ref=op.actor.told_ref)
    return _done(room, op.actor, room.append(event, now), now)


def change(room: MemoryRoom, node_id: str, op: Change, now: int) -> Done[Duplicate | None]:
    """``moderation.Change``."""
    made = _let_act(room, op.actor, now)
    if made is not None:
        return Done(made)
    rules = room.rules
    if op.locked is not None:
        rules.locked = op.locked
    elif op.slow is not None:
        rules.slow = op.slow
        rules.spoke.clear()
    else:
        rules.topic = op.topic or ""
    return _done(room, op.actor, room.append(op.event(), now, lasting=True), now)


def transfer(room: MemoryRoom, node_id: str, op: Transfer, now: int) -> Done[Duplicate | None]:
    """``moderation.Transfer``."""
    made = _let_act(room, op.actor, now)
    if made is not None:
        return Done(made)
    heir = _target(room, op.actor, op.target, op.visitor_id, heir=True).person
    former = room.members.get(room.host.key) if room.host is not None else None
    if former is not None and former.deadline is not None:
        former.deadline = min(former.deadline, now + op.grace)
    room.host = heir
    event = HostTransferred(room.id, heir.nick, heir.tag, op.actor.by, ref=op.actor.told_ref)
    return _done(room, op.actor, room.append(event, now, lasting=True), now)


def notice(room: MemoryRoom, node_id: str, op: Notice, now: int) -> Done[Duplicate | None]:
    """``moderation.Notice``."""
    actor = Actor(ref=op.ref)
    made = _let_act(room, actor, now)
    if made is not None:
        return Done(made)
    return _done(room, actor, room.append(Noticed(room.id, op.message), now), now)


def inspect(room: MemoryRoom, node_id: str, op: Inspect, now: int) -> Done[tuple[Subject, ...]]:
    """``moderation.Inspect``."""
    return Done(tuple(_subject(room, member) for member in room.members.values()))


def standing(room: MemoryRoom) -> Standing:
    """``moderation.Overview`` of one room."""
    host = room.members.get(room.host.key) if room.host is not None else None
    away = host is not None and host.deadline is not None
    return Standing(len(room.members), room.rules.locked, room.rules.slow, room.rules.topic, away)


def _let_act(room: MemoryRoom, actor: Actor, now: int) -> Duplicate | None:
    """What the actor's ref did before; refuses those who may do nothing."""
    made = room.past.made_by(actor.visitor_id, actor.ref, now)
    if made is None and actor.key:
        if not room.is_in(actor.key, actor.visitor_id):
            raise refusal("not_in_room")
        if not room.is_host(actor.key):
            raise refusal("not_host")
    return made


def _target(room: MemoryRoom, actor: Actor, key: str, whose: str, heir: bool = False) -> RoomMember:
    member = room.members.get(key)
    # The name may be somebody else's by now.
    if member is None or (heir and not member.holders) or (whose and member.person.visitor_id != whose):
        raise refusal("not_in_room", field="target")
    host = room.host if heir or actor.key else None
    if host is not None and member.person.visitor_id == host.visitor_id:
        raise refusal("bad_field", field="target")
    return member


def _subject(room: MemoryRoom, member: RoomMember) -> Subject:
    who = member.person
    return Subject(who.key, who.nick, who.tag, who.visitor_id, room.in_room(who.visitor_id), bool(member.holders))


def _done(room: MemoryRoom, actor: Actor, event: Event, now: int) -> Done[Duplicate | None]:
    room.past.note(actor.visitor_id, actor.ref, event.seq, now)
    return Done(None, (event,))
