"""One room of the memory store: who is in it, which nodes hold them, and what happened a moment ago.

Knows the contract and the protocol's events; must not know other rooms, leases or the store's interface. Times are
the store's clock, Unix time in milliseconds.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass, field

from msgspec import UNSET

from rooms.live.addresses import Charge
from rooms.live.contract import Done, refusal
from rooms.live.memory_past import Past
from rooms.live.operations import Disconnect, Entered, Event, Join, Person, Restore, Restored
from rooms.protocol import (
    MEMBERS_MAX,
    Exited,
    HostAway,
    HostBack,
    Joined,
    Member,
    Recounted,
    RoomEvent,
    RoomState,
    event_body,
)


@dataclass(slots=True)
class Deletion:
    """A deletion that has begun: why, by which ref, and when."""

    reason: str
    ref: str
    at: int


@dataclass(slots=True)
class RoomMember:
    """A person in a room, the nodes that hold them, and until when they are waited for when none does."""

    person: Person
    holders: set[str] = field(default_factory=set)
    deadline: int | None = None


@dataclass(slots=True)
class MembershipWindow:
    """What a visitor may be sent again: the events after ``joined_seq``, unless they were last out too long ago."""

    joined_seq: int
    out_at: int


@dataclass(slots=True)
class MemoryRoom:
    """The live state of one room.

    Args:
        past: what happened in it a moment ago.
        epoch_seq: the ``seq`` that this state began with.
        restored_until: while it was lost and made again, until when nobody is said to come in who only comes back.
    """

    id: int
    name: str
    listed: bool
    created_at: int
    host: Person | None
    seq: int
    epoch_seq: int
    restored_until: int
    past: Past
    locked: bool = False
    deletion: Deletion | None = None
    members: dict[str, RoomMember] = field(default_factory=dict)
    nodes: Counter[str] = field(default_factory=Counter)
    """By node, how many members it holds."""
    windows: dict[str, MembershipWindow] = field(default_factory=dict)
    """By the visitor as this room knows them (``in_room``)."""

    # --- who is in ----------------------------------------------------------------------------------------------------

    def recipients(self) -> tuple[str, ...]:
        """The nodes that have people here now."""
        return tuple(self.nodes)

    def is_host(self, key: str) -> bool:
        """Whether a name key is the host's."""
        return self.host is not None and self.host.key == key

    def hold(self, member: RoomMember, node_id: str) -> None:
        """A node holds a member; nobody waits for them any longer."""
        if node_id not in member.holders:
            member.holders.add(node_id)
            self.nodes[node_id] += 1
        member.deadline = None

    def let_go(self, member: RoomMember, node_id: str) -> None:
        """A node holds a member no longer."""
        if node_id in member.holders:
            member.holders.discard(node_id)
            self.nodes[node_id] -= 1
            if not self.nodes[node_id]:
                del self.nodes[node_id]

    def let_go_except(self, keys: Container[str], node_id: str, now: int, grace: int, host_grace: int) -> list[Event]:
        """A node holds nobody any longer but the members of some names."""
        recipients = self.recipients()
        events: list[Event] = []
        for member in self.members.values():
            if node_id in member.holders and member.person.key not in keys:
                self.let_go(member, node_id)
                events.extend(self.await_return(member, now, grace, host_grace, recipients))
        return events

    def take_out(self, member: RoomMember, reason: str, now: int, recipients: tuple[str, ...]) -> Event:
        """Remove a member whom nobody holds. When the host goes, the room's deletion begins."""
        person = member.person
        del self.members[person.key]
        if reason == "left":
            # Whoever leaves on purpose is sent nothing of what is said after.
            self.windows.pop(self.in_room(person.visitor_id), None)
        elif (window := self.windows.get(self.in_room(person.visitor_id))) is not None:
            window.out_at = now
        event = self.append(Exited(self.id, person.nick, person.tag, reason), now, recipients)
        if self.is_host(person.key):
            self.deletion = Deletion(f"host_{reason}", "", now)
        return event

    def await_return(
        self, member: RoomMember, now: int, grace: int, host_grace: int, recipients: tuple[str, ...]
    ) -> tuple[Event, ...]:
        """Give a member whom nobody holds any more a deadline; the host's is announced."""
        if member.holders or member.deadline is not None or self.deletion is not None:
            return ()
        host = self.is_host(member.person.key)
        member.deadline = now + (host_grace if host else grace)
        if not host:
            return ()
        return (self.append(HostAway(self.id, member.person.nick, member.deadline), now, recipients),)

    def move_deadlines(self, by: int) -> None:
        """Put all of them off."""
        for member in self.members.values():
            if member.deadline is not None:
                member.deadline += by

    # --- coming and going ---------------------------------------------------------------------------------------------

    def exit(self, node_id: str, key: str, visitor_id: str, now: int) -> Done[bool]:
        """``operations.Exit``."""
        if self.deletion is not None:
            # Asked again after the host's leaving had been carried out: the deletion is still to be finished.
            left = self.deletion.reason == "host_left"
            return Done(left and self.host is not None and self.host.visitor_id == visitor_id)
        member = self.members.get(key)
        if member is None or member.person.visitor_id != visitor_id:
            return Done(False)
        recipients = self.recipients()
        self.let_go(member, node_id)
        if member.holders:
            return Done(False)
        event = self.take_out(member, "left", now, recipients)
        return Done(self.deletion is not None, (event,))

    def disconnect(self, node_id: str, op: Disconnect, now: int) -> Done[None]:
        """``operations.Disconnect``."""
        member = self.members.get(op.key)
        if member is None or member.person.visitor_id != op.visitor_id:
            return Done(None)
        recipients = self.recipients()
        self.let_go(member, node_id)
        return Done(None, self.await_return(member, now, op.grace, op.host_grace, recipients))

    def join(self, node_id: str, op: Join, now: int, pay: Callable[[Charge], None]) -> Done[Entered]:
        """``operations.Join``; ``pay`` charges, or raises a refusal."""
        person = op.person
        member = self.members.get(person.key)
        if member is not None and member.person.visitor_id != person.visitor_id:
            raise refusal("name_taken")
        events: list[Event] = []
        known = self._knows(person.visitor_id, member, now)
        if member is None:
            if len(self.members) >= op.size:
                raise refusal("room_full")
            if op.charge is not None and not known:
                pay(op.charge)
            recipients = self.recipients()
            member = self.members[person.key] = RoomMember(person)
            events.append(self.append(Joined(self.id, person.nick, person.tag), now, recipients))
            if not known:
                self.windows[self.in_room(person.visitor_id)] = MembershipWindow(self.seq, now)
        elif member.deadline is not None and self.is_host(person.key):
            events.append(self.append(HostBack(self.id, member.person.nick), now, self.recipients()))
        self.hold(member, node_id)
        return Done(self.entered(member.person, now, op.after, known), tuple(events))

    def restore(self, node_id: str, op: Restore, now: int) -> Done[Restored]:
        """``operations.Restore``."""
        self.seq = max(self.seq, op.seq)
        events: list[Event] = []
        out: list[str] = []
        recount = False
        for person in op.people:
            member = self.members.get(person.key)
            if member is not None and member.person.visitor_id != person.visitor_id:
                out.append(person.key)
            else:
                was_away = self._put_back(node_id, person, member, now, events)
                recount = recount or (was_away and now < self.restored_until)
        mine = {*({person.key for person in op.people} - set(out)), *op.joining}
        events += self.let_go_except(mine, node_id, now, op.grace, op.host_grace)
        if recount:
            events.append(self.append(Recounted(self.id), now, self.recipients()))
        return Done(Restored(tuple(out), self.epoch_seq, self.past.kept_after(self.epoch_seq, now)), tuple(events))

    def _put_back(self, node_id: str, person: Person, member: RoomMember | None, now: int, events: list[Event]) -> bool:
        """Put one person back, adding the event if there is one; whether they had been out or waited for."""
        restored = now < self.restored_until
        was_away = member is None or member.deadline is not None
        if member is None:
            recipients = self.recipients()
            member = self.members[person.key] = RoomMember(person)
            self.windows.setdefault(self.in_room(person.visitor_id), MembershipWindow(self.seq, now))
            if not restored:
                events.append(self.append(Joined(self.id, person.nick, person.tag), now, recipients))
        elif was_away and not restored and self.is_host(person.key):
            events.append(self.append(HostBack(self.id, member.person.nick), now, self.recipients()))
        self.hold(member, node_id)
        return was_away

    def _knows(self, visitor_id: str, member: RoomMember | None, now: int) -> bool:
        """Whether a visitor is in the room or was not long ago."""
        window = self.windows.get(self.in_room(visitor_id))
        return window is not None and (member is not None or window.out_at + self.past.limits.history_age > now)

    # --- what happened ------------------------------------------------------------------------------------------------

    def append(self, event: RoomEvent, now: int, recipients: tuple[str, ...], end: bool = False) -> Event:
        """Number an event that is no line of talk, and keep it."""
        return self.past.keep_other(self._numbered(event_body(event), now, recipients, end), now)

    def append_line(self, body: str, visitor_id: str, ref: str, now: int) -> Event:
        """Number a line of talk, keep it, and remember which ref made it."""
        return self.past.keep_line(self._numbered(body, now, self.recipients()), visitor_id, ref, now)

    def _numbered(self, body: str, now: int, recipients: tuple[str, ...], end: bool = False) -> Event:
        self.seq += 1
        text = f'{body},"seq":{self.seq},"at":{now},"participants":{len(self.members)}}}'
        return Event(self.id, self.seq, text, recipients, end)

    def forget_visitors(self, now: int) -> None:
        """Let go of the windows of visitors who have been out for too long."""
        here = {self.in_room(member.person.visitor_id) for member in self.members.values()}
        late = now - self.past.limits.history_age
        self.windows = {name: each for name, each in self.windows.items() if name in here or each.out_at > late}

    def in_room(self, visitor_id: str) -> str:
        """A visitor as this room's past knows them: the same visitor cannot be told in another room's."""
        return hashlib.sha1(f"{self.id}:{visitor_id}".encode(), usedforsecurity=False).hexdigest()[:20]

    # --- what somebody finds ------------------------------------------------------------------------------------------

    def entered(self, person: Person | None, now: int, after: int | None = None, known: bool = False) -> Entered:
        """What a person finds who comes in; with ``after``, what they missed (docs/protocol.md, "Join a room")."""
        recovered, replay = self._missed(person, after, known, now)
        return Entered(self._state(person, now), recovered, replay)

    def _state(self, person: Person | None, now: int) -> RoomState:
        host = self.members.get(self.host.key) if self.host else None
        members = list(self.members.values())[:MEMBERS_MAX]
        return RoomState(
            roomID=self.id,
            roomName=self.name,
            nickName=person.nick if person else "",
            tag=person.tag if person else "",
            host=self.host.nick if self.host else "",
            participants=len(self.members),
            members=[Member(member.person.nick, member.person.tag) for member in members],
            locked=self.locked,
            seq=self.seq,
            at=now,
            closesAt=UNSET if host is None or host.deadline is None else host.deadline,
        )

    def _missed(self, person: Person | None, after: int | None, known: bool, now: int) -> tuple[bool | None, list[str]]:
        if after is None or person is None:
            return None, []
        if not known or after > self.seq:
            return False, []
        joined_seq = self.windows[self.in_room(person.visitor_id)].joined_seq
        replay = self.past.kept_after(max(after, joined_seq), now)
        # Whoever has seen less than their coming in missed what is not theirs to be sent.
        complete = after >= max(joined_seq, self.past.lost_seq, self.epoch_seq)
        return complete, [event.text for event in replay]
