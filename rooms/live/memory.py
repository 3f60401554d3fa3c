"""The live store in the memory of one process, for development and small sites.

Knows the contract and the protocol's events; must not know models, sockets or the hub. Everything is gone with the
process; rooms come back from their rows in the database (``keeper``). The Redis implementation behaves alike: one
suite of tests runs against both (tests/test_live.py).
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from rooms.live.contract import (
    REFUSALS,
    Census,
    Close,
    Entered,
    Event,
    Finish,
    Heads,
    History,
    Join,
    Kept,
    Leave,
    Left,
    Lobby,
    LobbyRoom,
    Lose,
    Open,
    Operation,
    Outcome,
    Person,
    Repeat,
    Reserve,
    Return,
    Returned,
    RoomUnknown,
    Say,
    Sweep,
    Swept,
)
from rooms.protocol import (
    MEMBERS_MAX,
    Deleted,
    Exited,
    HostAway,
    HostBack,
    Joined,
    Recounted,
    Refusal,
    RoomEvent,
    event_body,
)


@dataclass(slots=True)
class _Closing:
    reason: str
    ref: str
    at: int


@dataclass(slots=True)
class _Member:
    person: Person
    holders: set[str] = field(default_factory=set)
    deadline: int | None = None


@dataclass(slots=True)
class _Room:
    id: int
    name: str
    listed: bool
    created_at: int
    host: Person | None
    seq: int
    base: int
    restored_until: int
    locked: bool = False
    closing: _Closing | None = None
    members: dict[str, _Member] = field(default_factory=dict)
    processes: Counter[str] = field(default_factory=Counter)
    history: deque[tuple[int, Event]] = field(default_factory=deque)
    been: dict[str, list[int]] = field(default_factory=dict)
    """visitor → [seq of the first join, when last out]."""
    refs: dict[tuple[str, str], tuple[int, Event]] = field(default_factory=dict)

    def hold(self, member: _Member, process: str) -> None:
        if process not in member.holders:
            member.holders.add(process)
            self.processes[process] += 1
        member.deadline = None

    def let_go(self, member: _Member, process: str) -> None:
        if process in member.holders:
            member.holders.discard(process)
            self.processes[process] -= 1
            if not self.processes[process]:
                del self.processes[process]

    def tell(self) -> tuple[str, ...]:
        return tuple(self.processes)


class MemoryStore:
    """Implements ``contract.LiveStore``.

    Args:
        history: how many events of a room are kept.
        history_age: how long an event is kept, in ms; also how long a deleted room is remembered.
        ref_age: how long a ref is recognised, in ms.
        now: the clock, Unix time in ms.
    """

    def __init__(
        self,
        history: int = 256,
        history_age: int = 600_000,
        ref_age: int = 120_000,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._most = history
        self._history_age = history_age
        self._ref_age = ref_age
        self._now = now
        self._rooms: dict[int, _Room] = {}
        self._gone: dict[int, tuple[int, _Room]] = {}
        self._leases: dict[str, int] = {}
        self._reserved: dict[tuple[str, str], tuple[int, int]] = {}
        self._steps: dict[type, Callable[[str, Any], Outcome]] = {
            Reserve: self._reserve,
            Open: self._open,
            Join: self._join,
            Return: self._return,
            Leave: self._leave,
            Lose: self._lose,
            Say: self._say,
            Close: self._close_room,
            Finish: self._finish,
            Sweep: self._sweep,
            Heads: self._heads,
            History: self._history,
        }

    # --- the contract ------------------------------------------------------------------------------------------------

    async def apply(self, process: str, operations: Sequence[Operation]) -> list[Outcome]:
        """Carry out ``operations`` in order; see the contract."""
        return [self._step(process, operation) for operation in operations]

    async def beat(self, process: str, lease: int) -> bool:
        """Renew a lease; see the contract."""
        now = self._now()
        alive = self._leases.get(process, 0) > now
        self._leases[process] = now + lease
        return alive

    async def release(self, process: str) -> None:
        """End a lease; see the contract."""
        self._leases[process] = 0

    async def lobby(self, most: int) -> Lobby:
        """The fullest listed rooms; see the contract."""
        listed = [room for room in self._rooms.values() if room.listed and room.closing is None]
        listed.sort(key=lambda room: (-len(room.members), room.created_at, room.id))
        return Lobby([self._lobby_room(room) for room in listed[:most]], len(listed))

    async def census(self, left: int) -> Census:
        """All rooms; see the contract."""
        before = self._now() - left
        rooms = self._rooms.values()
        return Census(
            {room.id for room in rooms if room.closing is None},
            {room.id for room in rooms if room.closing is not None and room.closing.at <= before},
        )

    async def close(self) -> None:
        """Nothing to let go of."""

    # --- the operations ----------------------------------------------------------------------------------------------

    def _step(self, process: str, operation: Operation) -> Outcome:
        try:
            return self._steps[type(operation)](process, operation)
        except Refusal as refused:
            return Outcome(refused=refused)

    def _reserve(self, process: str, op: Reserve) -> Outcome:
        now = self._now()
        for key in [key for key, (at, _) in self._reserved.items() if at + self._ref_age <= now]:
            del self._reserved[key]
        return Outcome(self._reserved.setdefault((op.visitor, op.ref), (now, op.room))[1])

    def _open(self, process: str, op: Open) -> Outcome:
        if op.room in self._gone:
            raise Refusal("room_not_found", "the room has been deleted")
        room = self._rooms.get(op.room)
        if room is not None:
            if op.host is None or not op.held:
                return Outcome(self._entered(room, op.host))
            return self._join(process, Join(op.room, op.host, None, len(room.members) + 1))
        now = self._now()
        seq = max(now * 1000, op.seq + 1)
        room = self._rooms[op.room] = _Room(
            op.room, op.name, op.listed, op.created_at, op.host, seq, seq, 0 if op.held else now + op.grace
        )
        if op.host is not None:
            member = room.members[op.host.key] = _Member(op.host)
            room.been[op.host.visitor] = [seq, now]
            if op.held:
                room.hold(member, process)
            else:
                member.deadline = now + op.grace
        return Outcome(self._entered(room, op.host))

    def _join(self, process: str, op: Join) -> Outcome:
        room = self._found(op.room)
        person = op.person
        now = self._now()
        member = room.members.get(person.key)
        if member is not None and member.person.visitor != person.visitor:
            raise Refusal("name_taken", REFUSALS["name_taken"])
        events: list[Event] = []
        known = self._was_in(room, person.visitor, member, now)
        if member is None:
            if len(room.members) >= op.size:
                raise Refusal("room_full", f"the room holds {op.size} people")
            tell = room.tell()
            member = room.members[person.key] = _Member(person)
            events.append(self._append(room, Joined(room.id, person.nick, person.tag), tell))
            if not known:
                room.been[person.visitor] = [room.seq, now]
        elif member.deadline is not None and self._is_host(room, person.key):
            events.append(self._append(room, HostBack(room.id, member.person.nick), room.tell()))
        room.hold(member, process)
        return Outcome(self._entered(room, member.person, op.after, known), events=tuple(events))

    def _return(self, process: str, op: Return) -> Outcome:
        room = self._found(op.room)
        now = self._now()
        room.seq = max(room.seq, op.seq)
        events: list[Event] = []
        out: list[str] = []
        silent = False
        restored = now < room.restored_until
        for person in op.people:
            member = room.members.get(person.key)
            if member is None:
                tell = room.tell()
                member = room.members[person.key] = _Member(person)
                room.been.setdefault(person.visitor, [room.seq, now])
                silent = silent or restored
                if not restored:
                    events.append(self._append(room, Joined(room.id, person.nick, person.tag), tell))
            elif member.person.visitor != person.visitor:
                out.append(person.key)
                continue
            elif member.deadline is not None and restored:
                silent = True
            elif member.deadline is not None and self._is_host(room, person.key):
                events.append(self._append(room, HostBack(room.id, member.person.nick), room.tell()))
            room.hold(member, process)
        if silent:
            events.append(self._append(room, Recounted(room.id), room.tell()))
        kept = [event for _, event in room.history if event.seq > room.base]
        return Outcome(Returned(tuple(out), room.base, kept), events=tuple(events))

    def _leave(self, process: str, op: Leave) -> Outcome:
        room = self._rooms.get(op.room)
        if room is None:
            return Outcome(Left(False))
        member = room.members.get(op.key)
        if member is not None and member.person.visitor == op.visitor and room.closing is None:
            tell = room.tell()
            room.let_go(member, process)
            if not member.holders:
                closing, event = self._take_out(room, member, "left", tell)
                return Outcome(Left(closing), events=(event,))
        host_left = room.closing is not None and room.closing.reason == "host_left"
        return Outcome(Left(host_left and room.host is not None and room.host.visitor == op.visitor))

    def _lose(self, process: str, op: Lose) -> Outcome:
        room = self._rooms.get(op.room)
        member = room.members.get(op.key) if room is not None else None
        if room is None or member is None or member.person.visitor != op.visitor:
            return Outcome()
        tell = room.tell()
        room.let_go(member, process)
        return Outcome(events=self._await_return(room, member, op.grace, op.host_grace, tell))

    def _say(self, process: str, op: Say) -> Outcome:
        room = self._found(op.room)
        now = self._now()
        said = room.refs.get((op.visitor, op.ref))
        if said is not None and said[0] + self._ref_age > now:
            return Outcome(Repeat(said[1].seq, said[1].text))
        member = room.members.get(op.key)
        if member is None or member.person.visitor != op.visitor:
            raise Refusal("not_in_room", REFUSALS["not_in_room"])
        if op.wait:
            raise Refusal("too_fast", REFUSALS["too_fast"], retryAfter=op.wait)
        event = self._append_text(room, op.body, room.tell(), now)
        room.refs[op.visitor, op.ref] = (now, event)
        while room.refs:
            oldest = next(iter(room.refs))
            if room.refs[oldest][0] + self._ref_age > now:
                break
            del room.refs[oldest]
        return Outcome(events=(event,))

    def _close_room(self, process: str, op: Close) -> Outcome:
        room = self._rooms.get(op.room)
        if room is None:
            raise Refusal("room_not_found", REFUSALS["room_not_found"])
        if op.key and not (room.host and room.host.key == op.key and room.host.visitor == op.visitor):
            raise Refusal("not_host", REFUSALS["not_host"])
        if room.closing is None:
            room.closing = _Closing(op.reason, op.ref, self._now())
        return Outcome()

    def _finish(self, process: str, op: Finish) -> Outcome:
        room = self._rooms.get(op.room)
        if room is None or room.closing is None:
            return Outcome()
        tell = room.tell()
        room.members.clear()
        room.processes.clear()
        deleted = Deleted(room.id, room.closing.reason, ref=room.closing.ref or UNSET)
        event = self._append(room, deleted, tell, end=True)
        now = self._now()
        del self._rooms[op.room]
        self._gone = {room: gone for room, gone in self._gone.items() if gone[0] + self._history_age > now}
        self._gone[op.room] = (now, room)
        return Outcome(event.text, events=(event,))

    def _sweep(self, process: str, op: Sweep) -> Outcome:
        now = self._now()
        events: list[Event] = []
        closing: list[int] = []
        due = 0
        for room in list(self._rooms.values()):
            for dead in [name for name in room.processes if self._leases.get(name, 0) <= now]:
                tell = room.tell()
                for member in list(room.members.values()):
                    if dead in member.holders:
                        room.let_go(member, dead)
                        events.extend(self._await_return(room, member, op.grace, op.host_grace, tell))
            for member in list(room.members.values()):
                if room.closing is None and member.deadline is not None and member.deadline <= now and due < op.most:
                    due += 1
                    host_lost, event = self._take_out(room, member, "lost", room.tell())
                    events.append(event)
                    if host_lost:
                        closing.append(room.id)
        return Outcome(Swept(closing), events=tuple(events))

    def _heads(self, process: str, op: Heads) -> Outcome:
        return Outcome({room: found.seq for room in op.rooms if (found := self._known(room)) is not None})

    def _history(self, process: str, op: History) -> Outcome:
        room = self._known(op.room)
        if room is None:
            return Outcome(Kept([], None))
        self._forget_old(room, self._now())
        return Outcome(Kept([event for _, event in room.history if event.seq > op.after], room.seq, room.base))

    # --- steps they share --------------------------------------------------------------------------------------------

    def _found(self, room_id: int) -> _Room:
        room = self._rooms.get(room_id)
        if room is None and room_id not in self._gone:
            raise RoomUnknown()
        if room is None or room.closing is not None:
            raise Refusal("room_not_found", REFUSALS["room_not_found"])
        return room

    def _known(self, room_id: int) -> _Room | None:
        return self._rooms.get(room_id) or self._gone.get(room_id, (0, None))[1]

    @staticmethod
    def _is_host(room: _Room, key: str) -> bool:
        return room.host is not None and room.host.key == key

    def _was_in(self, room: _Room, visitor: str, member: _Member | None, now: int) -> bool:
        """Whether the visitor is in the room or was not long ago; what is too old is forgotten."""
        been = room.been.get(visitor)
        if been is None:
            return False
        if member is None and been[1] + self._history_age <= now:
            del room.been[visitor]
            return False
        return True

    def _take_out(self, room: _Room, member: _Member, reason: str, tell: tuple[str, ...]) -> tuple[bool, Event]:
        """Remove a member nobody holds; the host's going marks the room closing, which is the first thing returned."""
        person = member.person
        now = self._now()
        del room.members[person.key]
        if person.visitor in room.been:
            room.been[person.visitor][1] = now
        event = self._append(room, Exited(room.id, person.nick, person.tag, reason), tell)
        closing = self._is_host(room, person.key)
        if closing:
            room.closing = _Closing(f"host_{reason}", "", now)
        return closing, event

    def _await_return(
        self, room: _Room, member: _Member, grace: int, host_grace: int, tell: tuple[str, ...]
    ) -> tuple[Event, ...]:
        """Give a member whom nobody holds any more a deadline; the host's is announced."""
        if member.holders or member.deadline is not None or room.closing is not None:
            return ()
        host = self._is_host(room, member.person.key)
        member.deadline = self._now() + (host_grace if host else grace)
        if not host:
            return ()
        return (self._append(room, HostAway(room.id, member.person.nick, member.deadline), tell),)

    def _append(self, room: _Room, event: RoomEvent, tell: tuple[str, ...], end: bool = False) -> Event:
        return self._append_text(room, event_body(event), tell, self._now(), end)

    def _append_text(self, room: _Room, body: str, tell: tuple[str, ...], now: int, end: bool = False) -> Event:
        room.seq += 1
        text = f'{body},"seq":{room.seq},"at":{now},"participants":{len(room.members)}}}'
        event = Event(room.id, room.seq, text, tell, end)
        room.history.append((now, event))
        self._forget_old(room, now)
        return event

    def _forget_old(self, room: _Room, now: int) -> None:
        kept = room.history
        while kept and (len(kept) > self._most or kept[0][0] + self._history_age <= now):
            kept.popleft()

    def _entered(self, room: _Room, person: Person | None, after: int | None = None, known: bool = False) -> Entered:
        """What a newcomer is told; with ``after``, what they missed since (docs/protocol.md, "Join")."""
        now = self._now()
        members = list(room.members.values())[:MEMBERS_MAX]
        recovered, replay = self._missed(room, person, after, known, now)
        return Entered(
            name=room.name,
            nick=person.nick if person else "",
            tag=person.tag if person else "",
            host=room.host.nick if room.host else "",
            participants=len(room.members),
            members=[(member.person.nick, member.person.tag) for member in members],
            locked=room.locked,
            seq=room.seq,
            at=now,
            recovered=recovered,
            replay=replay,
        )

    def _missed(
        self, room: _Room, person: Person | None, after: int | None, known: bool, now: int
    ) -> tuple[bool | None, list[str]]:
        if after is None or person is None:
            return None, []
        if not known or after > room.seq:
            return False, []
        self._forget_old(room, now)
        start = max(after, room.been[person.visitor][0])
        replay = [event for _, event in room.history if event.seq > start]
        complete = start == room.seq or (bool(replay) and replay[0].seq == start + 1)
        return complete and after >= room.base, [event.text for event in replay]

    @staticmethod
    def _lobby_room(room: _Room) -> LobbyRoom:
        host = room.host.nick if room.host else ""
        return LobbyRoom(room.id, room.name, host, len(room.members), room.locked, room.created_at)
