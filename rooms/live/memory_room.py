"""One room of the memory store: who is in it, which nodes hold them, and what happened a moment ago.

Knows the contract and the protocol's events; must not know other rooms, leases or the store's interface. Times are
the store's clock, Unix time in milliseconds.
"""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field

from msgspec import UNSET

from rooms.live.addresses import Address
from rooms.live.memory_past import Past
from rooms.live.operations import Entered, Event, Person, Rules, person_in
from rooms.protocol import (
    MEMBERS_MAX,
    Exited,
    HostAway,
    Member,
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
    address: str = ""
    """Where they came from last, hashed."""


@dataclass(slots=True)
class MembershipWindow:
    """What a visitor may be sent again: the events after ``joined_seq``, unless they were last out too long ago."""

    joined_seq: int
    out_at: int


@dataclass(slots=True)
class LiveRules:
    """What a room's host and the moderators have set, as it is now (``operations.Rules``).

    Args:
        blocked: persons, as ``in_room`` names them; and so in what follows.
        muted: until when.
        spoke: when they said something last, since slow mode is what it is.
        kicked: by hashed address, whose identities that are made later are kept out: since when, until when, and which
            person was put out.
    """

    topic: str
    locked: bool
    slow: int
    blocked: set[str]
    muted: dict[str, int]
    spoke: dict[str, int] = field(default_factory=dict)
    kicked: dict[str, tuple[int, int, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Rules, now: int) -> "LiveRules":
        """As the room's row has them."""
        muted = {person: until for person, until in rules.muted if until > now}
        return cls(rules.topic, rules.locked, rules.slow, set(rules.blocked), muted)


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
    rules: LiveRules
    past: Past
    opener: Address | None = None
    deletion: Deletion | None = None
    members: dict[str, RoomMember] = field(default_factory=dict)
    nodes: Counter[str] = field(default_factory=Counter)
    """By node, how many members it holds."""
    windows: dict[str, MembershipWindow] = field(default_factory=dict)
    """By the visitor as this room knows them (``in_room``)."""
    changed_reactions: dict[tuple[int, str], int] = field(default_factory=dict)
    """By line and reaction, since when their number is to be told."""
    told_reactions_at: int = 0

    # --- who is in ----------------------------------------------------------------------------------------------------

    def recipients(self) -> tuple[str, ...]:
        """The nodes that have people here now."""
        return tuple(self.nodes)

    def is_host(self, key: str) -> bool:
        """Whether a name key is the host's."""
        return self.host is not None and self.host.key == key

    def is_in(self, key: str, visitor_id: str) -> bool:
        """Whether a visitor is in the room with a name."""
        member = self.members.get(key)
        return member is not None and member.person.visitor_id == visitor_id

    def names_of(self, visitor_id: str) -> list[RoomMember]:
        """As whom a visitor is in the room, those who have been in longest first."""
        return [member for member in self.members.values() if member.person.visitor_id == visitor_id]

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

    # --- what happened ------------------------------------------------------------------------------------------------

    def append(
        self,
        event: RoomEvent,
        now: int,
        recipients: tuple[str, ...] | None = None,
        end: bool = False,
        out: str = "",
        lasting: bool = False,
    ) -> Event:
        """Number an event that is no line of talk, and keep it. It goes to ``recipients``, else to all nodes here."""
        recipients = self.recipients() if recipients is None else recipients
        return self.past.keep_other(self._numbered(event_body(event), now, recipients, end, out), now, lasting)

    def append_line(self, body: str, visitor_id: str, ref: str, now: int) -> Event:
        """Number a line of talk, keep it, and remember which ref made it."""
        event = self._numbered(body, now, self.recipients())
        self.past.note(visitor_id, ref, event.seq, now)
        return self.past.keep_line(event, self.in_room(visitor_id), now)

    def _numbered(self, body: str, now: int, recipients: tuple[str, ...], end: bool = False, out: str = "") -> Event:
        self.seq += 1
        text = f'{body},"seq":{self.seq},"at":{now},"participants":{len(self.members)}}}'
        return Event(self.id, self.seq, text, recipients, end, out)

    def forget_visitors(self, now: int) -> None:
        """Let go of the windows of visitors who have been out for too long."""
        here = {self.in_room(member.person.visitor_id) for member in self.members.values()}
        late = now - self.past.limits.history_age
        self.windows = {name: each for name, each in self.windows.items() if name in here or each.out_at > late}

    def muted_until(self, person: str, now: int) -> int:
        """Until when a person may say nothing, 0 if they may."""
        until = self.rules.muted.get(person, 0)
        return until if until > now else 0

    def in_room(self, visitor_id: str) -> str:
        """A visitor as this room's past knows them: the same visitor cannot be told in another room's."""
        return person_in(self.id, visitor_id)

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
            topic=self.rules.topic,
            locked=self.rules.locked,
            slow=self.rules.slow,
            mutedUntil=self.muted_until(self.in_room(person.visitor_id), now) if person else 0,
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
