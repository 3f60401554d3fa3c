"""The live store in the memory of one process, for development and small sites, and the oracle of the other one.

Knows the contract and the rooms in memory; must not know models, sockets or the hub. It all goes with the process. The
Redis implementation must behave alike (tests/test_live.py, tests/test_differential.py).
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec import UNSET

from rooms.live.addresses import DayKeys
from rooms.live.arrivals import Arrive, Depart
from rooms.live.contract import FRONT, SHARE, Done, Lobby, Outcome, Refused, RoomIndex, RoomUnknown, refusal
from rooms.live.memory_addresses import Addresses
from rooms.live.memory_index import describe, due, list_rooms, lobby
from rooms.live.memory_leases import Duties, Leases, Pauses
from rooms.live.memory_lines import tell_reactions
from rooms.live.memory_past import Limits, Past
from rooms.live.memory_people import disconnect, join, leave, restore
from rooms.live.memory_room import Deletion, LiveRules, MembershipWindow, MemoryRoom, RoomMember
from rooms.live.memory_rules import standing
from rooms.live.memory_steps import IN_ROOM
from rooms.live.moderation import Overview, Standing
from rooms.live.operations import (
    BeginDelete,
    Cancel,
    Create,
    Disconnect,
    Entered,
    Event,
    Exit,
    FinishDelete,
    History,
    HistoryPage,
    Join,
    Operation,
    Positions,
    Reserve,
    Restore,
    Restored,
    Rules,
    Sweep,
)
from rooms.protocol import Deleted, Refusal


class MemoryStore:
    """Implements ``contract.LiveStore``.

    Args:
        history: how many events of a room are kept.
        history_age: how long an event is kept, in ms; also how long a deleted room is remembered.
        ref_age: how long a ref is recognised, in ms.
        now: the clock, Unix time in ms.
    """

    places = FRONT, SHARE

    def __init__(
        self,
        history: int = 256,
        history_age: int = 600_000,
        ref_age: int = 120_000,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._limits = Limits(history, history_age, ref_age)
        self._now = now
        self._rooms: dict[int, MemoryRoom] = {}
        self._gone: dict[int, tuple[int, MemoryRoom]] = {}
        self._leases = Leases()
        self._duties = Duties()
        self._pauses = Pauses()
        self._addresses = Addresses(ref_age)
        self._steps: dict[type, Callable[[str, Any], Done[Any]]] = {
            **dict.fromkeys(IN_ROOM, self._in_room),
            **dict.fromkeys((Arrive, Depart, Reserve, Cancel), self._at_address),
            Create: self._create,
            Join: self._join,
            Restore: self._restore,
            Exit: self._exit,
            Disconnect: self._disconnect,
            BeginDelete: self._begin_delete,
            FinishDelete: self._finish_delete,
            Sweep: self._sweep,
            Positions: self._positions,
            History: self._history,
            Overview: self._overview,
        }

    # --- the contract -------------------------------------------------------------------------------------------------

    async def apply(self, node_id: str, operations: Sequence[Operation[Any]]) -> list[Outcome[Any]]:
        """Carry out ``operations`` in order; see the contract."""
        return [self._step(node_id, operation) for operation in operations]

    async def beat(self, node_id: str, lease: int) -> bool:
        """Renew a lease; see the contract."""
        self._skip_pause()
        return self._leases.beat(node_id, self._now(), lease)

    async def confirm(self, node_id: str) -> None:
        """What ``beat`` asked for is done; see the contract."""
        self._leases.confirm(node_id)

    async def release(self, node_id: str) -> None:
        """End a lease; see the contract."""
        self._leases.release(node_id)

    async def lobby(self, most: int) -> Lobby:
        """The fullest listed rooms; see the contract."""
        return lobby(self._rooms.values(), most, *self.places)

    async def list_rooms(self, closing_for: int, after: str = "") -> RoomIndex:
        """All rooms, on one page; see the contract."""
        return list_rooms(self._rooms.values(), self._now() - closing_for)

    async def unknown(self, room_ids: Sequence[int]) -> set[int]:
        """Those of the rooms that are not here; see the contract."""
        return {room_id for room_id in room_ids if room_id not in self._rooms}

    async def describe(self, room_id: int) -> Create | None:
        """What would make a room as it is; see the contract."""
        return describe(room, self._now()) if (room := self._rooms.get(room_id)) is not None else None

    async def lead(self, duty: str, node_id: str, lease: int) -> bool:
        """Whether a duty is a node's; see the contract."""
        return self._duties.lead(duty, node_id, self._now(), lease)

    async def day_keys(self, fresh: str) -> DayKeys:
        """The keys by which addresses are hashed; see the contract."""
        return self._addresses.day_keys(fresh, self._now())

    async def purge(self) -> None:
        """There is one life only; see the contract."""

    async def close(self) -> None:
        """Nothing to let go of."""

    def _step(self, node_id: str, operation: Operation[Any]) -> Outcome[Any]:
        if isinstance(operation, (Create, Join, Restore, Disconnect)):
            self._skip_pause()
        try:
            return self._steps[type(operation)](node_id, operation)
        except Refusal as refusal:
            return Refused(refusal)

    def _at_address(self, node_id: str, op: Operation[Any]) -> Done[Any]:
        return self._addresses.apply(node_id, op, self._leases.alive(self._now()), self._now())

    # --- rooms --------------------------------------------------------------------------------------------------------

    def _create(self, node_id: str, op: Create) -> Done[Entered]:
        try:
            room = self._found(op.room_id)
        except RoomUnknown:
            return self._make(node_id, op)
        if op.host is None or not op.held:
            return Done(room.entered(op.host, self._now()))
        return self._join(node_id, Join(op.room_id, op.host, None, len(room.members) + 1, address=op.opener))

    def _make(self, node_id: str, op: Create) -> Done[Entered]:
        now = self._now()
        seq = max(now * 1000, op.seq + 1)
        restored_until, past = 0 if op.held else now + op.grace, Past(self._limits)
        about = (op.room_id, op.name, op.listed, op.created_at, op.host, seq, seq, restored_until)
        room = self._rooms[op.room_id] = MemoryRoom(*about, LiveRules.of(op.rules, now), past, op.opener)
        if op.host is not None:
            member = room.members[op.host.key] = RoomMember(op.host)
            room.windows[room.in_room(op.host.visitor_id)] = MembershipWindow(seq, now)
            member.address = op.opener.name if op.opener is not None else ""
            if op.held:
                room.hold(member, node_id)
                self._leases.give(node_id, self._now(), self._limits.history_age)
            else:
                member.deadline = now + op.grace
        return Done(room.entered(op.host, now))

    def _begin_delete(self, node_id: str, op: BeginDelete) -> Done[None]:
        room = self._rooms.get(op.room_id)
        if room is None:
            raise refusal("room_not_found")
        if op.key and not (room.host and room.host.key == op.key and room.host.visitor_id == op.visitor_id):
            raise refusal("not_host")
        if room.deletion is None:
            room.deletion = Deletion(op.reason, op.ref, self._now())
        return Done(None)

    def _finish_delete(self, node_id: str, op: FinishDelete) -> Done[str | None]:
        room = self._rooms.get(op.room_id)
        if room is None or room.deletion is None:
            return Done(None)
        now = self._now()
        recipients = room.recipients()
        # What was said goes with the room; that it ended stays for a while, for a node which missed it.
        for kept in (room.members, room.nodes, room.windows, room.changed_reactions):
            kept.clear()
        room.past.forget_all()
        room.host, room.rules = None, LiveRules.of(Rules(), now)
        deleted = Deleted(room.id, room.deletion.reason, ref=room.deletion.ref or UNSET)
        event = room.append(deleted, now, recipients, end=True)
        del self._rooms[op.room_id]
        self._gone = {room: gone for room, gone in self._gone.items() if gone[0] + self._limits.history_age >= now}
        self._gone[op.room_id] = (now, room)
        return Done(event.text, (event,))

    # --- people -------------------------------------------------------------------------------------------------------

    def _join(self, node_id: str, op: Join) -> Done[Entered]:
        now = self._now()
        pay = partial(self._addresses.paces.spend, "joins", now=now)
        done = join(self._found(op.room_id), node_id, op, now, pay)
        self._leases.give(node_id, now, self._limits.history_age)
        return done

    def _restore(self, node_id: str, op: Restore) -> Done[Restored]:
        done = restore(self._found(op.room_id), node_id, op, self._now())
        if len(done.answer.out) < len(op.people):
            self._leases.give(node_id, self._now(), self._limits.history_age)
        return done

    def _exit(self, node_id: str, op: Exit) -> Done[bool]:
        room = self._rooms.get(op.room_id)
        return leave(room, node_id, op, self._now()) if room is not None else Done(False)

    def _disconnect(self, node_id: str, op: Disconnect) -> Done[None]:
        room = self._rooms.get(op.room_id)
        return disconnect(room, node_id, op, self._now()) if room is not None else Done(None)

    def _sweep(self, node_id: str, op: Sweep) -> Done[tuple[int, ...]]:
        now = self._now()
        self._pauses.longest = op.pause
        self._skip_pause()
        self._pauses.swept_at = now
        events: list[Event] = []
        for dead in self._leases.end_due(now):
            for room in self._rooms.values():
                if room.deletion is None:
                    events.extend(room.let_go_except((), dead, now, op.grace, op.host_grace))
        closing: list[int] = []
        for room, member in due(self._rooms.values(), now)[: op.most]:
            member.deadline = None
            if room.deletion is None:
                events.append(room.take_out(member, "lost", now, room.recipients()))
                if room.deletion is not None:
                    closing.append(room.id)
        for room in self._rooms.values():
            room.past.forget_old(now)
            room.forget_visitors(now)
            if room.deletion is None:
                events += tell_reactions(room, now)
        self._addresses.paces.forget_old(now)
        return Done(tuple(closing), tuple(events))

    def _skip_pause(self) -> None:
        """Move deadlines and leases by a time in which nobody swept, before anything sets another."""
        if missed := self._pauses.missed(self._now()):
            self._leases.move(missed)
            for room in self._rooms.values():
                room.move_deadlines(missed)

    def _in_room(self, node_id: str, op: Any) -> Done[Any]:
        return IN_ROOM[type(op)](self._found(op.room_id), node_id, op, self._now())

    def _overview(self, node_id: str, op: Overview) -> Done[dict[int, Standing]]:
        rooms = [room for each in op.room_ids if (room := self._rooms.get(each)) and room.deletion is None]
        return Done({room.id: standing(room) for room in rooms})

    def _positions(self, node_id: str, op: Positions) -> Done[dict[int, int]]:
        known = {room_id: room for room_id in op.room_ids if (room := self._known(room_id)) is not None}
        return Done(
            {
                room_id: room.seq
                for room_id, room in known.items()
                if not op.held or room_id not in self._rooms or node_id in room.nodes
            }
        )

    def _history(self, node_id: str, op: History) -> Done[HistoryPage]:
        room = self._known(op.room_id)
        if room is None:
            return Done(HistoryPage([], None))
        return Done(HistoryPage(room.past.kept_after(op.after, self._now()), room.seq, room.epoch_seq))

    # --- what they share ----------------------------------------------------------------------------------------------

    def _found(self, room_id: int) -> MemoryRoom:
        room = self._rooms.get(room_id)
        if room is None and self._known(room_id) is None:
            raise RoomUnknown()
        if room is None or room.deletion is not None:
            raise refusal("room_not_found")
        return room

    def _known(self, room_id: int) -> MemoryRoom | None:
        """A room, also one that is gone but not forgotten."""
        gone_at, gone = self._gone.get(room_id, (0, None))
        return self._rooms.get(room_id) or (gone if gone_at + self._limits.history_age >= self._now() else None)
