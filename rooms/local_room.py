"""One room in this node: its connections here, what is to be written to them, and one write for each.

Knows connections and the order of events; must not know the store, the layer, models or other rooms. What it cannot do
alone, reading events that are missing, it asks for with ``on_gap``.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from rooms.conf import conf
from rooms.connection import Connection, Seat, frames
from rooms.echoes import Echoes
from rooms.live.operations import Entered, Event, Person
from rooms.order import Order


class LocalRoom:
    """A room that has, or is about to have, connections in this node.

    Args:
        room_id: its number.
        on_gap: called when an event is missing and did not come within ``ROOMS_REORDER_WAIT``.
        on_write: told how many connections are about to be written to.
        on_idle: called when people were put out and nobody is here any more, or on their way in.
    """

    __slots__ = (
        "_echoes",
        "_flush_handle",
        "_gap_timer",
        "_joining",
        "_late",
        "_on_gap",
        "_on_idle",
        "_on_write",
        "_outgoing",
        "_outs",
        "_recent",
        "connections",
        "holders",
        "id",
        "order",
    )

    def __init__(
        self,
        room_id: int,
        on_gap: Callable[["LocalRoom"], None],
        on_write: Callable[[int], None],
        on_idle: Callable[["LocalRoom"], None],
    ) -> None:
        self.id = room_id
        self.order = Order()
        self.connections: Counter[Connection] = Counter()
        """By connection, how many names it has here."""
        self.holders: Counter[tuple[str, str]] = Counter()
        """By name key and visitor (others may ask for the name), how many connections are in, or on their way in."""
        self._gap_timer: asyncio.TimerHandle | None = None
        self._on_gap = on_gap
        self._on_idle = on_idle
        self._on_write = on_write
        self._joining = 0
        self._recent: list[Event] = []
        """What was delivered while somebody was joining: the answer to their join may be older."""
        self._late: dict[Connection, int] = {}
        """Connections that joined after events which are still missing here, and the seq they start after."""
        self._outgoing: list[Event] = []
        self._outs = False
        """Whether any of them puts somebody out."""
        self._flush_handle: asyncio.Handle | None = None
        self._echoes = Echoes()

    @property
    def is_idle(self) -> bool:
        """Whether nobody is here or on their way in."""
        return not self.connections and not self._joining

    # --- coming and going ---------------------------------------------------------------------------------------------

    def begin_join(self, key: str, visitor_id: str) -> None:
        """A join under a name is on its way to the store: from now on events are of interest."""
        self._joining += 1
        self.holders[key, visitor_id] += 1

    def end_join(self) -> None:
        """Its outcome is in, and was dealt with."""
        self._joining -= 1
        if not self._joining:
            self._recent.clear()

    def attach(self, connection: Connection, person: Person, entered: Entered) -> list[str]:
        """Put a connection in; returns the events after its join that were delivered here before it was in.

        If the person was put out by one of them, they end with that, and the connection is out again.
        """
        seq = entered.state.seq
        # First what takes people out: whoever is still in afterwards is told the rest with the others.
        self.flush()
        missed = [] if connection in self.connections else [event for event in self._recent if event.seq > seq]
        if self.order.position is not None and self.order.position < seq:
            self._late[connection] = seq
        self.order.start(seq)
        if (self.id, person.key) in connection.seats:
            # Joined twice by the same connection: it is in once.
            self.holders[person.key, person.visitor_id] -= 1
        else:
            self.connections[connection] += 1
        seat = Seat(self.id, person.key, entered.state.nickName, entered.state.tag)
        connection.seats[self.id, person.key] = seat
        for number, event in enumerate(missed):
            if event.out == person.key:
                self._put_out(connection, seat)
                missed = missed[: number + _exits(missed[number:])]
                break
        return [event.text for event in missed]

    def detach(self, connection: Connection, seat: Seat) -> bool:
        """Take a connection out under one name; False when it was out already."""
        self.flush()
        if (self.id, seat.key) not in connection.seats:
            return False
        self._remove(connection, seat)
        return True

    def _remove(self, connection: Connection, seat: Seat) -> None:
        del connection.seats[self.id, seat.key]
        self.connections[connection] -= 1
        if not self.connections[connection]:
            del self.connections[connection]
            self._late.pop(connection, None)

    def let_go(self, key: str, visitor_id: str) -> bool:
        """One connection less of a visitor is in, or on its way in, under a name; whether it was the last one."""
        self.holders[key, visitor_id] -= 1
        if self.holders[key, visitor_id] > 0:
            return False
        del self.holders[key, visitor_id]
        return True

    def people(self) -> tuple[Person, ...]:
        """The people who are in through this node."""
        found = {
            seat.key: Person(seat.key, seat.nick, connection.visitor.id, seat.tag)
            for connection in self.connections
            for seat in connection.seats.values()
            if seat.room_id == self.id
        }
        return tuple(found.values())

    def forget(self) -> None:
        """The end: what waits is written, and whoever is still in is so no more."""
        self.flush()
        self.order.clear()
        if self._gap_timer is not None:
            self._gap_timer.cancel()
        self._echoes.clear()
        for connection in self.connections:
            for place in [place for place in connection.seats if place[0] == self.id]:
                del connection.seats[place]
        self.connections.clear()

    # --- events -------------------------------------------------------------------------------------------------------

    def await_echo(self, seq: int, connection: Connection, lost: Callable[[], None], since: float) -> None:
        """The event ``seq`` is the answer to a command of ``connection`` (``Echoes.expect``)."""
        self._echoes.expect(seq, connection, lost, since)

    def rebase(self, epoch_seq: int) -> None:
        """Go on after ``epoch_seq``: what was to come before that does not come any more.

        The room's live state began anew with it, or nothing but the room's end is kept, which follows.
        """
        self.order.rebase(epoch_seq)
        self._echoes.lose_until(epoch_seq)

    def heard_until(self, connection: Connection) -> int:
        """The seq of the last event that a connection has been told, or that came before it was in."""
        position = self.order.position or 0
        return max(position, self._late.get(connection, 0)) if self._late else position

    def answer_later(self, connection: Connection, seq: int, lost: Callable[[], None], since: float) -> bool:
        """Whether an event that a message made before has yet to come here, and answers it then.

        If not, the message is to be answered with the event's text, and everything gathered before is written by now.
        """
        if connection in self.connections and self.order.position is not None and seq > self.order.position:
            self.await_echo(seq, connection, lost, since)
            return True
        self.flush()
        return False

    def receive(self, event: Event) -> bool:
        """Take in an event, whichever way it came; returns whether it was, or brought on, the room's end."""
        return self._deliver(self.order.offer(event))

    def resume(self) -> bool:
        """Deliver what was held until now; returns whether the room's end was among it."""
        return self._deliver(self.order.resume())

    def _deliver(self, events: Sequence[Event]) -> bool:
        """Queue events for the connections; one write for each follows when this turn of the loop is over."""
        if events:
            self._outgoing += events
            self._outs = self._outs or any(event.out for event in events)
            if self._joining:
                self._recent += events
            if events[-1].end:
                return True
            if self._flush_handle is None:
                self._on_write(len(self.connections))
                self._flush_handle = asyncio.get_running_loop().call_soon(self.flush)
        if self.order.held and self.order.position is not None:
            self.await_missing()
        return False

    def await_missing(self) -> None:
        """An event is missing: it may be on its way, so it is given a moment before it is asked for."""
        if self._gap_timer is None:
            self._gap_timer = asyncio.get_running_loop().call_later(conf.reorder_wait, self._ask_for_missing)

    def _ask_for_missing(self) -> None:
        self._gap_timer = None
        self._on_gap(self)

    def flush(self) -> None:
        """Write what has come in to the connections, in one go each."""
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        events, self._outgoing = self._outgoing, []
        if self._outs:
            self._outs = False
            self._write_and_put_out(events)
        elif events:
            self._write(events)
        position = self.order.position
        if self._late and position is not None:
            self._late = {connection: seq for connection, seq in self._late.items() if seq > position}

    def _write_and_put_out(self, events: Sequence[Event]) -> None:
        """Write events some of which put people out: their connections hear those, and nothing after."""
        while events:
            first = next((number for number, event in enumerate(events) if event.out), len(events))
            # The exits of all names of a visitor follow each other, and each of their connections hears them all.
            until = first + _exits(events[first:])
            self._write(events[:until])
            for event in events[first:until]:
                self._vacate(event)
            events = events[until:]
        if self.is_idle:
            self._on_idle(self)

    def _vacate(self, event: Event) -> None:
        """Let go of a name that an event put out: the connections that had it then are here without it, or no more."""
        for connection in list(self.connections):
            seat = connection.seats.get((self.id, event.out))
            if seat is not None and self._late.get(connection, 0) < event.seq:
                self._put_out(connection, seat)

    def _put_out(self, connection: Connection, seat: Seat) -> None:
        self._remove(connection, seat)
        self.let_go(seat.key, connection.visitor.id)

    def _write(self, events: Sequence[Event]) -> None:
        """Write events to all connections."""
        texts = [event.text for event in events]
        data = frames(texts)
        for connection in self.connections:
            if self._late and connection in self._late:
                connection.write_all([event.text for event in events if event.seq > self._late[connection]])
            else:
                connection.write_all(texts, data)
        self._echoes.written(events)


def _exits(events: Sequence[Event]) -> int:
    """How many events at the beginning put somebody out."""
    return next((number for number, event in enumerate(events) if not event.out), len(events))
