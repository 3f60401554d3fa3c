"""What this node's connections ask of the live store, and the rooms they are in.

Knows connections, their rooms, the way to the live store and its operations; must not know models or services. A room's
events go through its ``LocalRoom`` in order, each once; here is what connects rooms with the store and the other nodes
(docs/architecture.md, "The hub").
"""

# The annotations of inner functions would otherwise be evaluated with each message: 2 µs of the 10 that a line takes.
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from rooms.conf import conf
from rooms.connection import Connection, Seat
from rooms.dispatch import Dispatch
from rooms.echoes import Again
from rooms.live.contract import LiveStore, Outcome, Refused, RoomUnknown
from rooms.live.operations import Create, Disconnect, Duplicate, Entered, Event, Exit, Join, Operation, Send
from rooms.local_room import LocalRoom
from rooms.protocol import CLOSE_LOST, CLOSE_RESTART, Refusal
from rooms.recovery import Recovery
from rooms.refs import Refs
from rooms.relay import Layer

AnswerT = TypeVar("AnswerT")


class Hub:
    """The connections of this node, by room.

    Args:
        store: the live store.
        layer: the channel layer.
        node_id: the name of this node, which is its channel on the layer.
    """

    def __init__(self, store: LiveStore, layer: Layer, node_id: str) -> None:
        self.node_id = node_id
        self.connections: set[Connection] = set()
        self.bans_changed = asyncio.Event()
        """Set when a ban was made or lifted, here or elsewhere."""
        self._dispatch = Dispatch(store, layer, node_id, self.receive, self._take_audience, self.bans_changed.set)
        self._audience = 0
        """How many connections have something to be written since the outbox asked last."""
        self._refs = Refs()
        self._rooms: dict[int, LocalRoom] = {}
        self.recovery = Recovery(self._rooms, self._dispatch, self.receive)

    # --- its life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to listen to the other nodes."""
        self._dispatch.start()

    async def stop(self) -> None:
        """Send the clients away to come back elsewhere, carry out what is queued, and listen no more."""
        connections = list(self.connections)
        # What is under way is answered first, then nothing more is taken in.
        await self._dispatch.drained()
        await asyncio.gather(*(connection.close(CLOSE_RESTART) for connection in connections))
        for connection in connections:
            self.disconnect(connection)
        await self._dispatch.drained()
        await self._dispatch.stop()
        for room in list(self._rooms.values()):
            self._forget(room)

    # --- what connections ask for -------------------------------------------------------------------------------------

    async def do(self, operation: Operation[AnswerT]) -> AnswerT:
        """Carry out an operation and return its answer.

        Raises:
            Refusal: it was refused.
        """
        return await self._dispatch.do(operation)

    def tell(self, operation: Operation[None]) -> None:
        """Carry out an operation that nobody waits for."""
        self._dispatch.submit(operation, lambda _: None)

    async def announce_bans(self) -> None:
        """Have all nodes read the bans again at once."""
        self.bans_changed.set()
        await self._dispatch.announce_bans()

    async def join(self, connection: Connection, operation: Join | Create, answer: Callable[[Entered], str]) -> None:
        """Put ``connection`` into a room. Its answer is written before any later event, and after none.

        Args:
            connection: whose person joins.
            operation: a ``Join``, or a ``Create`` with ``held``.
            answer: makes the text of the answer.

        Raises:
            Refusal: it was refused, and nothing was written.
        """
        person = operation.person if isinstance(operation, Join) else operation.host
        if person is None:
            raise TypeError("an official room is not joined by creating it")
        # Interest is registered first: otherwise the event after one's own join could be lost.
        fresh = LocalRoom(operation.room_id, self.recovery.read_missing, self._on_write, self._tidy)
        room = self._rooms.setdefault(operation.room_id, fresh)
        room.begin_join(person.key, person.visitor_id)

        def joined(outcome: Outcome[Entered]) -> None:
            if isinstance(outcome, Refused):
                # With ``unavailable`` it may have been carried out all the same.
                self._let_go(room, person.key, person.visitor_id, outcome.refusal.error == "unavailable")
            elif self._rooms.get(room.id) is not room:
                # The room ended here while this was under way; what the client is told after joining anew is true.
                connection.close_soon(CLOSE_LOST)
            elif connection in self.connections:
                missed = room.attach(connection, person, outcome.answer)
                connection.write_all([answer(outcome.answer), *outcome.answer.replay, *missed])
                if room.resume():
                    self._forget(room)
            else:
                # The socket is gone meanwhile: nobody here holds this name by it.
                self._let_go(room, person.key, person.visitor_id, True)
            room.end_join()
            self._tidy(room)

        await self._dispatch.do(operation, joined)

    async def exit(self, connection: Connection, seat: Seat, answer: Callable[[], str]) -> bool:
        """Take ``connection`` out of a room under one name; its answer is written after the last event it gets.

        Returns:
            Whether the host has left by it, so that the room's deletion is to be finished.

        Raises:
            Refusal: ``unavailable``; the connection is still in.
        """
        room = self._rooms[seat.room_id]

        def exited(outcome: Outcome[bool] | None) -> None:
            if not isinstance(outcome, Refused):
                if room.detach(connection, seat):
                    self._let_go(room, seat.key, connection.visitor.id, False)
                connection.write(answer())

        if room.holders[seat.key, connection.visitor.id] == 1:
            return await self._dispatch.do(Exit(room.id, seat.key, connection.visitor.id), exited)
        exited(None)
        return False

    async def ask(self, connection: Connection, operation: Operation[AnswerT], lost: Callable[[], None]) -> AnswerT:
        """Carry out an operation for a connection; the event that it makes, if any, is the answer to its command.

        ``lost`` answers in place of an event that does not come.

        Raises:
            Refusal: it was refused.
        """
        since = asyncio.get_running_loop().time()

        def asked(outcome: Outcome[AnswerT]) -> None:
            if isinstance(outcome, Refused):
                self._look_for_losses(outcome.refusal)
                return
            for event in outcome.events[:1]:
                room = self._rooms.get(event.room_id)
                if room is not None and connection in room.connections:
                    connection.expect_ack()
                    room.await_echo(event.seq, connection, lost, since)

        return await self._dispatch.do(operation, asked)

    def repeat(self, connection: Connection, again: Again) -> None:
        """Answer a command whose event was made before, with that event, to ``connection`` alone."""
        connection.expect_ack()
        if not self._answer_duplicate(connection, again):
            connection.acked()

    def heard_until(self, connection: Connection, room_id: int) -> int:
        """The seq of the last event of a room that a connection has been told."""
        room = self._rooms.get(room_id)
        return room.heard_until(connection) if room is not None else 0

    def made_before(self, room_id: int, visitor_id: str, ref: str) -> str:
        """The end of the line that a visitor's ref has made here a moment ago; empty if this node remembers none."""
        return self._refs.end_of(room_id, visitor_id, ref)

    def send(
        self, connection: Connection, operation: Send, refused: Callable[[Refusal], str], made_before: str = ""
    ) -> None:
        """Append a message; its echo reaches ``connection`` with the room's events.

        Args:
            connection: whose message it is.
            operation: what to append.
            refused: makes the text of the answer when it is refused.
            made_before: what this node remembers of its ref. If anything, ``operation`` must have a ``wait``: the store
                then appends nothing, and when it has forgotten the message, this completes the answer.
        """

        def lost() -> None:
            self._refs.forget(room_id, operation.visitor_id, operation.ref)
            connection.write(refused(Refusal("unavailable", "the message may not have arrived; send it again")))

        def sent(outcome: Outcome[Duplicate | None]) -> None:
            room = self._rooms.get(room_id)
            if isinstance(outcome, Refused):
                forgotten = made_before and outcome.refusal.error == "too_fast"
                text = operation.body + made_before if forgotten else refused(outcome.refusal)
                self._answer_refused(connection, room, outcome.refusal, text)
            elif outcome.answer is not None:
                again = Again(operation.room_id, outcome.answer, operation.body, heard, lost, since)
                if self._answer_duplicate(connection, again):
                    return
            else:
                event = outcome.events[0]
                self._refs.remember(room_id, operation.visitor_id, operation.ref, event.text[len(operation.body) :])
                if room is not None and connection in room.connections:
                    room.await_echo(event.seq, connection, lost, since)
                    return
            connection.acked()

        room_id = operation.room_id
        heard = self.heard_until(connection, room_id)
        since = asyncio.get_running_loop().time()
        connection.expect_ack()
        self._dispatch.submit(operation, sent)

    def _answer_refused(self, connection: Connection, room: LocalRoom | None, problem: Refusal, text: str) -> None:
        """Answer a message that was not appended."""
        self._look_for_losses(problem)
        if room is not None:
            # Not before the echoes that are gathered for the same connection.
            room.flush()
        connection.write(text)

    def _answer_duplicate(self, connection: Connection, again: Again) -> bool:
        """Answer a command that was carried out before; returns whether it is answered with the room's events."""
        room, made = self._rooms.get(again.room_id), again.made
        if room is not None and room.answer_later(connection, made.seq, again.lost, again.since):
            # It was carried out, but this node was not told: it comes with the room's events, if it is still kept.
            if made.text:
                self.receive(Event(again.room_id, made.seq, made.text))
            else:
                room.await_missing()
            return True
        if made.seq <= again.heard or room is None or connection not in room.connections:
            # A line that is no longer kept was said, with this text: its sender has just repeated it.
            connection.write(made.text or f'{again.body},"seq":{made.seq}}}')
        # Otherwise it was this very call that was repeated, and the event has come meanwhile.
        return False

    def _look_for_losses(self, problem: Refusal) -> None:
        if isinstance(problem, RoomUnknown):
            self.recovery.state_lost.set()

    def disconnect(self, connection: Connection) -> None:
        """The socket of ``connection`` is gone without having left: its people have their grace."""
        self.connections.discard(connection)
        connection.closed = True
        for seat in list(connection.seats.values()):
            room = self._rooms.get(seat.room_id)
            if room is not None and room.detach(connection, seat):
                self._let_go(room, seat.key, connection.visitor.id, True)

    # --- events -------------------------------------------------------------------------------------------------------

    def receive(self, event: Event) -> None:
        """Take in one event, whichever way it came; in order, each once."""
        room = self._rooms.get(event.room_id)
        if room is not None and room.receive(event):
            self._forget(room)

    def _on_write(self, connections: int) -> None:
        self._audience += connections

    def _take_audience(self) -> int:
        audience, self._audience = self._audience, 0
        return audience

    # --- rooms here ---------------------------------------------------------------------------------------------------

    def _let_go(self, room: LocalRoom, key: str, visitor_id: str, tell_store: bool) -> None:
        """One connection less is in, or on its way in, under a name; the last one's going is told to the store."""
        if room.let_go(key, visitor_id) and tell_store:
            grace, host_grace = int(conf.grace * 1000), int(conf.host_grace * 1000)
            self.tell(Disconnect(room.id, key, visitor_id, grace, host_grace))
        self._tidy(room)

    def _tidy(self, room: LocalRoom) -> None:
        if room.is_idle:
            self._forget(room)

    def _forget(self, room: LocalRoom) -> None:
        """The room has ended, or nobody is in it here any more."""
        room.forget()
        if self._rooms.get(room.id) is room:
            del self._rooms[room.id]
