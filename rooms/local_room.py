"""One room in this node: its connections here, what is to be written to them, and one write for each.

Knows connections and the order of events; must not know the store, the layer, models or other rooms. What it cannot do
alone, reading events that are missing, it asks for with ``on_gap``.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from rooms.conf import conf
from rooms.connection import Connection, Seat, frames
from rooms.live.operations import Entered, Event, Person
from rooms.order import Order

ECHO_SECONDS = 4
"""How long the echo of a message may take, the way to the store included, before its sender is told ``unavailable``."""


class LocalRoom:
    """A room that has, or is about to have, connections in this node.

    Args:
        room_id: its number.
        on_gap: called when an event is missing and did not come within ``ROOMS_REORDER_WAIT``.
        on_write: told how many connections are about to be written to.
    """

    __slots__ = (
        "_awaiting_echo",
        "_echo_timer",
        "_flush_handle",
        "_gap_timer",
        "_joining",
        "_late",
        "_on_gap",
        "_on_write",
        "_outgoing",
        "_recent",
        "connections",
        "holders",
        "id",
        "order",
    )

    def __init__(self, room_id: int, on_gap: Callable[["LocalRoom"], None], on_write: Callable[[int], None]) -> None:
        self.id = room_id
        self.order = Order()
        self.connections: Counter[Connection] = Counter()
        """By connection, how many names it has here."""
        self.holders: Counter[tuple[str, str]] = Counter()
        """By name key and visitor (others may ask for the name), how many connections are in, or on their way in."""
        self._gap_timer: asyncio.TimerHandle | None = None
        self._on_gap = on_gap
        self._on_write = on_write
        self._joining = 0
        self._recent: list[Event] = []
        """What was delivered while somebody was joining: the answer to their join may be older."""
        self._late: dict[Connection, int] = {}
        """Connections that joined after events which are still missing here, and the seq they start after."""
        self._outgoing: list[Event] = []
        self._flush_handle: asyncio.Handle | None = None
        self._awaiting_echo: dict[int, list[tuple[Connection, Callable[[], None], float]]] = {}
        """By seq, who waits for the event as the answer to a message, what to do if it never comes, and since when."""
        self._echo_timer: asyncio.TimerHandle | None = None

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
        """Put a connection in; returns the events after its join that were delivered here before it was in."""
        seq = entered.state.seq
        delivered = [] if connection in self.connections else self._recent
        missed = [event.text for event in delivered if event.seq > seq]
        if self.order.position is not None and self.order.position < seq:
            self._late[connection] = seq
        self.order.start(seq)
        self.flush()
        if (self.id, person.key) in connection.seats:
            # Joined twice by the same connection: it is in once.
            self.holders[person.key, person.visitor_id] -= 1
        else:
            self.connections[connection] += 1
        connection.seats[self.id, person.key] = Seat(self.id, person.key, entered.state.nickName, entered.state.tag)
        return missed

    def detach(self, connection: Connection, seat: Seat) -> bool:
        """Take a connection out under one name; False when it was out already."""
        if connection.seats.pop((self.id, seat.key), None) is None:
            return False
        self.flush()
        self.connections[connection] -= 1
        if not self.connections[connection]:
            del self.connections[connection]
            self._late.pop(connection, None)
        return True

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
        if self._echo_timer is not None:
            self._echo_timer.cancel()
        for waiting in self._awaiting_echo.values():
            for connection, _, _ in waiting:
                connection.acked()
        self._awaiting_echo.clear()
        for connection in self.connections:
            for place in [place for place in connection.seats if place[0] == self.id]:
                del connection.seats[place]
        self.connections.clear()

    # --- events -------------------------------------------------------------------------------------------------------

    def await_echo(self, seq: int, connection: Connection, lost: Callable[[], None], since: float) -> None:
        """The event ``seq`` is the answer to a message of ``connection``, which is acknowledged when it is written.

        Args:
            seq: the number of the event.
            connection: whose message it was.
            lost: called if the event does not come within ``ECHO_SECONDS``, or cannot come any more.
            since: when the message was sent, by the loop's clock.
        """
        # Several may wait for one event: its ref may be repeated before it has come.
        self._awaiting_echo.setdefault(seq, []).append((connection, lost, since))
        if self._echo_timer is None:
            self._echo_timer = asyncio.get_running_loop().call_at(since + ECHO_SECONDS, self._give_up_echoes)

    def _give_up_echoes(self) -> None:
        """Answer in place of echoes that have not come in time."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        due = [seq for seq, [(_, _, since), *_] in self._awaiting_echo.items() if since + ECHO_SECONDS <= now]
        self._lose_echoes(due)
        self._echo_timer = None
        if self._awaiting_echo:
            oldest = min(waiting[0][2] for waiting in self._awaiting_echo.values())
            self._echo_timer = loop.call_at(oldest + ECHO_SECONDS, self._give_up_echoes)

    def _lose_echoes(self, seqs: Iterable[int]) -> None:
        for seq in seqs:
            for connection, lost, _ in self._awaiting_echo.pop(seq):
                lost()
                connection.acked()

    def rebase(self, epoch_seq: int) -> None:
        """Go on after ``epoch_seq``: what was to come before that does not come any more.

        The room's live state began anew with it, or nothing but the room's end is kept, which follows.
        """
        self.order.rebase(epoch_seq)
        self._lose_echoes([seq for seq in self._awaiting_echo if seq <= epoch_seq])

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
        if not events:
            return
        texts = [event.text for event in events]
        data = frames(texts)
        for connection in self.connections:
            if self._late and connection in self._late:
                connection.write_all([event.text for event in events if event.seq > self._late[connection]])
            else:
                connection.write_all(texts, data)
        position = self.order.position
        if self._late and position is not None:
            self._late = {connection: seq for connection, seq in self._late.items() if seq > position}
        if self._awaiting_echo:
            for event in events:
                if event.seq in self._awaiting_echo:
                    for connection, _, _ in self._awaiting_echo.pop(event.seq):
                        connection.acked()
