"""Who waits for an event of a room as the answer to a command: the sender of a message, a host who changes something.

Knows connections and events; must not know how events come or are written.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rooms.connection import Connection
from rooms.live.operations import Duplicate, Event

ECHO_SECONDS = 4
"""How long the echo of a command may take, the way to the store included, before its sender is told ``unavailable``."""


@dataclass(frozen=True, slots=True)
class Again:
    """A command that was carried out before, as its repeated ``ref`` shows.

    Args:
        made: the event that it made then.
        body: the event's text without its closing brace, for when it is no longer kept.
        heard: the seq of the last event that the connection had been told when it sent the command.
        lost: answers in place of an event that does not come.
        since: when it sent the command, by the loop's clock.
    """

    room_id: int
    made: Duplicate
    body: str
    heard: int
    lost: Callable[[], None]
    since: float


class Echoes:
    """The events of one room that are answers, until they are written."""

    __slots__ = ("_timer", "_waiting")

    def __init__(self) -> None:
        self._waiting: dict[int, list[tuple[Connection, Callable[[], None], float]]] = {}
        """By seq, who waits for the event, what to do if it never comes, and since when."""
        self._timer: asyncio.TimerHandle | None = None

    def expect(self, seq: int, connection: Connection, lost: Callable[[], None], since: float) -> None:
        """The event ``seq`` is the answer to a command of ``connection``, which is acknowledged when it is written.

        Args:
            seq: the number of the event.
            connection: whose command it was.
            lost: called if the event does not come within ``ECHO_SECONDS``, or cannot come any more.
            since: when the command was sent, by the loop's clock.
        """
        # Several may wait for one event: its ref may be repeated before it has come.
        self._waiting.setdefault(seq, []).append((connection, lost, since))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(since + ECHO_SECONDS, self._give_up)

    def written(self, events: Sequence[Event]) -> None:
        """Events were written to every connection that waits for them."""
        if self._waiting:
            for event in events:
                for connection, _, _ in self._waiting.pop(event.seq, ()):
                    connection.acked()

    def lose_until(self, seq: int) -> None:
        """What was to come up to ``seq`` does not come any more."""
        self._lose([each for each in self._waiting if each <= seq])

    def clear(self) -> None:
        """The room is gone: nobody waits any longer."""
        if self._timer is not None:
            self._timer.cancel()
        for waiting in self._waiting.values():
            for connection, _, _ in waiting:
                connection.acked()
        self._waiting.clear()

    def _give_up(self) -> None:
        """Answer in place of echoes that have not come in time."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._lose([seq for seq, [(_, _, since), *_] in self._waiting.items() if since + ECHO_SECONDS <= now])
        self._timer = None
        if self._waiting:
            oldest = min(waiting[0][2] for waiting in self._waiting.values())
            self._timer = loop.call_at(oldest + ECHO_SECONDS, self._give_up)

    def _lose(self, seqs: Iterable[int]) -> None:
        for seq in seqs:
            for connection, lost, _ in self._waiting.pop(seq):
                lost()
                connection.acked()
