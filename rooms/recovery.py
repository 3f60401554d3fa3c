"""What was lost on the way is found out and put right: events, people, a room's whole state.

Knows the rooms here, the way to the live store and its operations; must not know models, services or how rooms come to
be here (docs/architecture.md, "What a node does when something was lost").
"""

# The annotations of inner functions need not be evaluated with each call.
from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping

from rooms.dispatch import Dispatch
from rooms.live.contract import Outcome, Refused
from rooms.live.operations import Disconnect, Event, History, HistoryPage, Positions, Restore, Restored
from rooms.local_room import LocalRoom
from rooms.protocol import CLOSE_LOST, CLOSE_RESTART

PIECE = 500
"""Rooms whose positions are asked for in one call, so that nobody's line waits for it."""


class Recovery:
    """Looks after the rooms here.

    Args:
        rooms: those of the hub.
        dispatch: the way to the live store.
        receive: takes in an event, whichever way it came.
    """

    def __init__(self, rooms: Mapping[int, LocalRoom], dispatch: Dispatch, receive: Callable[[Event], None]) -> None:
        self.state_lost = asyncio.Event()
        """Set when the store turns out to know nothing of a room that has people here."""
        self._rooms = rooms
        self._dispatch = dispatch
        self._receive = receive

    async def check_positions(self) -> None:
        """Compare the rooms here with the store: a last event that was lost shows no gap."""
        known = list(self.positions())
        for start in range(0, len(known), PIECE):
            await self._check_positions(known[start : start + PIECE])

    async def _check_positions(self, known: list[int]) -> None:
        positions = await self._dispatch.do(Positions(tuple(known), held=True))
        for room_id in known:
            room = self._rooms.get(room_id)
            position = room.order.position if room is not None else None
            if room is None or position is None:
                continue
            if positions.get(room_id, -1) < position:
                self.state_lost.set()
            elif positions[room_id] > position:
                room.await_missing()

    def positions(self) -> dict[int, int]:
        """By room that has people here, the last ``seq`` seen."""
        rooms = [room for room in self._rooms.values() if room.connections]
        return {room.id: room.order.position for room in rooms if room.order.position is not None}

    async def restore(self, room_id: int, grace: int, host_grace: int) -> None:
        """Put the people whom this node holds back into a room; those whose name someone else has now join anew.

        Args:
            room_id: which room.
            grace: how long a member whom the store wrongly thought to be held here is waited for, in milliseconds.
            host_grace: the same for a host.

        Raises:
            Refusal: the room is gone, or not known yet.
        """
        room = self._rooms.get(room_id)
        if room is None:
            return

        def restored(outcome: Outcome[Restored]) -> None:
            if isinstance(outcome, Refused):
                return
            for person in people:
                if (person.key, person.visitor_id) not in room.holders:
                    # They left while this was under way, and were put back all the same.
                    lost = Disconnect(room_id, person.key, person.visitor_id, grace, host_grace)
                    self._dispatch.submit(lost, lambda _: None)
            if self._rooms.get(room_id) is room:
                self.send_away(room.id, CLOSE_RESTART, outcome.answer.out)
                # If the state was lost, what came after it began anew is all there is.
                room.rebase(outcome.answer.epoch_seq)
                for event in outcome.answer.kept:
                    self._receive(event)

        # Who is here now, and who is on their way in: what was true a moment ago would let somebody go.
        people, position = room.people(), room.order.position or 0
        arriving = tuple(key for key, _ in room.holders)
        await self._dispatch.do(Restore(room_id, people, position, grace, host_grace, arriving), restored)

    def send_away(self, room_id: int, code: int, keys: Container[str] | None = None) -> None:
        """Close the sockets in a room, or those in it under certain names: their clients join anew."""
        room = self._rooms.get(room_id)
        for connection in list(room.connections) if room is not None else ():
            if keys is None or any(place[0] == room_id and place[1] in keys for place in connection.seats):
                connection.close_soon(code)

    def read_end(self, room_id: int) -> None:
        """A room here has ended without a word: read it."""
        room = self._rooms.get(room_id)
        if room is not None:
            self.read_missing(room)

    def read_missing(self, room: LocalRoom) -> None:
        """Read from the store what did not come by itself."""
        position = room.order.position
        if self._rooms.get(room.id) is room and position is not None:
            self._dispatch.submit(History(room.id, position), lambda outcome: self._fill_gap(room, outcome))

    def _fill_gap(self, room: LocalRoom, outcome: Outcome[HistoryPage]) -> None:
        position = room.order.position
        if self._rooms.get(room.id) is not room or position is None:
            return
        if isinstance(outcome, Refused):
            # The store is away: look again later.
            room.await_missing()
            return
        page = outcome.answer
        ended = bool(page.events) and page.events[-1].end
        if page.position is None or (position < page.epoch_seq and not ended):
            # Not an event but the whole state is missing: the keeper puts this node's people back.
            self.state_lost.set()
            return
        if ended:
            # What was said before went with the room: the end is all there is to be told.
            room.rebase(page.position - 1)
        for event in page.events:
            self._receive(event)
        position = room.order.position
        if self._rooms.get(room.id) is room and position is not None and position < page.position:
            self.send_away(room.id, CLOSE_LOST)
