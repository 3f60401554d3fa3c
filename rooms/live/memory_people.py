"""Coming and going in a room of the memory store.

Knows the contract, the room and the protocol's events; must not know other rooms, leases or the store's interface.
Times are the store's clock, Unix time in milliseconds.
"""

from collections.abc import Callable

from rooms.live.addresses import Charge
from rooms.live.contract import Done, refusal
from rooms.live.memory_room import MembershipWindow, MemoryRoom, RoomMember
from rooms.live.operations import Disconnect, Entered, Event, Exit, Join, Person, Restore, Restored
from rooms.protocol import HostBack, Joined, Recounted


def leave(room: MemoryRoom, node_id: str, op: Exit, now: int) -> Done[bool]:
    """``operations.Exit``."""
    if room.deletion is not None:
        # Asked again after the host's leaving had been carried out: the deletion is still to be finished.
        left = room.deletion.reason == "host_left"
        return Done(left and room.host is not None and room.host.visitor_id == op.visitor_id)
    if not room.is_in(op.key, op.visitor_id):
        return Done(False)
    member = room.members[op.key]
    recipients = room.recipients()
    room.let_go(member, node_id)
    if member.holders:
        return Done(False)
    event = room.take_out(member, "left", now, recipients)
    return Done(room.deletion is not None, (event,))


def disconnect(room: MemoryRoom, node_id: str, op: Disconnect, now: int) -> Done[None]:
    """``operations.Disconnect``."""
    if not room.is_in(op.key, op.visitor_id):
        return Done(None)
    member = room.members[op.key]
    recipients = room.recipients()
    room.let_go(member, node_id)
    return Done(None, room.await_return(member, now, op.grace, op.host_grace, recipients))


def join(room: MemoryRoom, node_id: str, op: Join, now: int, pay: Callable[[Charge], None]) -> Done[Entered]:
    """``operations.Join``; ``pay`` charges, or raises a refusal."""
    person = op.person
    member = room.members.get(person.key)
    _let_in(room, op, now)
    if member is not None and member.person.visitor_id != person.visitor_id:
        raise refusal("name_taken")
    events: list[Event] = []
    known = _knows(room, person.visitor_id, member, now)
    if member is None:
        if len(room.members) >= op.size:
            raise refusal("room_full")
        if op.charge is not None and not known:
            pay(op.charge)
        recipients = room.recipients()
        member = room.members[person.key] = RoomMember(person)
        events.append(room.append(Joined(room.id, person.nick, person.tag), now, recipients))
        if not known:
            room.windows[room.in_room(person.visitor_id)] = MembershipWindow(room.seq, now)
    elif member.deadline is not None and room.is_host(person.key):
        events.append(room.append(HostBack(room.id, member.person.nick), now))
    room.hold(member, node_id)
    if op.address is not None:
        member.address = op.address.name
    return Done(room.entered(member.person, now, op.after, known), tuple(events))


def _let_in(room: MemoryRoom, op: Join, now: int) -> None:
    """Refuse those whom a rule of the room keeps out."""
    rules = room.rules
    here = room.is_in(op.person.key, op.person.visitor_id)
    if room.in_room(op.person.visitor_id) in rules.blocked:
        raise refusal("banned")
    for address in (op.address.name, op.address.before) if op.address is not None and not here else ():
        kicks = rules.kicked.get(address, {}).values()
        if any(op.made_at > since and until > now for since, until in kicks):
            raise refusal("banned")
    host = room.is_host(op.person.key) and room.host is not None and room.host.visitor_id == op.person.visitor_id
    if rules.locked and not here and not host:
        raise refusal("room_locked")


def restore(room: MemoryRoom, node_id: str, op: Restore, now: int) -> Done[Restored]:
    """``operations.Restore``."""
    room.seq = max(room.seq, op.seq)
    events: list[Event] = []
    out: list[str] = []
    recount = False
    for person in op.people:
        member = room.members.get(person.key)
        taken = member is not None and member.person.visitor_id != person.visitor_id
        if taken or room.in_room(person.visitor_id) in room.rules.blocked:
            out.append(person.key)
        else:
            was_away = _put_back(room, node_id, person, member, now, events)
            recount = recount or (was_away and now < room.restored_until)
    mine = {*({person.key for person in op.people} - set(out)), *op.joining}
    events += room.let_go_except(mine, node_id, now, op.grace, op.host_grace)
    if recount:
        events.append(room.append(Recounted(room.id), now))
    return Done(Restored(tuple(out), room.epoch_seq, room.past.kept_after(room.epoch_seq, now)), tuple(events))


def _put_back(
    room: MemoryRoom, node_id: str, person: Person, member: RoomMember | None, now: int, events: list[Event]
) -> bool:
    """Put one person back, adding the event if there is one; whether they had been out or waited for."""
    restored = now < room.restored_until
    was_away = member is None or member.deadline is not None
    if member is None:
        recipients = room.recipients()
        member = room.members[person.key] = RoomMember(person)
        room.windows.setdefault(room.in_room(person.visitor_id), MembershipWindow(room.seq, now))
        if not restored:
            events.append(room.append(Joined(room.id, person.nick, person.tag), now, recipients))
    elif was_away and not restored and room.is_host(person.key):
        events.append(room.append(HostBack(room.id, member.person.nick), now))
    room.hold(member, node_id)
    return was_away


def _knows(room: MemoryRoom, visitor_id: str, member: RoomMember | None, now: int) -> bool:
    """Whether a visitor is in the room or was not long ago."""
    window = room.windows.get(room.in_room(visitor_id))
    return window is not None and (member is not None or window.out_at + room.past.limits.history_age > now)
