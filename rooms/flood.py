"""Flood control: token buckets, and the state that the connections of one visitor share.

Knows the limits; must not know messages, sockets or the live store.
"""

import time
from dataclasses import dataclass, field

from rooms.conf import conf

REPEATS = 10
"""So many lines that come too fast are looked for at once; after that as many a second as may be said."""


class Bucket:
    """A token bucket.

    Args:
        burst: how many tokens may be taken at once.
        rate: how many tokens come back per second.
    """

    __slots__ = ("_at", "_level", "burst", "rate")

    def __init__(self, burst: float, rate: float) -> None:
        self.burst = burst
        self.rate = rate
        self._level = burst
        self._at = time.monotonic()

    def retry_after_ms(self, cost: float = 1) -> int:
        """Take ``cost`` tokens, or all that fit. Returns 0, or, taking none, the milliseconds until they are there."""
        cost = min(cost, self.burst)
        now = time.monotonic()
        self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now
        if self._level >= cost:
            self._level -= cost
            return 0
        return int((cost - self._level) / self.rate * 1000) + 1

    def give_back(self) -> None:
        """Put back one token that was taken."""
        self._level = min(self.burst, self._level + 1)

    def owe(self, cost: float) -> None:
        """Take ``cost`` tokens, there or not, for what turned out to be dearer."""
        self._level -= cost


@dataclass(slots=True)
class Visit:
    """The state that one visitor's connections to this process share."""

    connections: int = 0
    chat: Bucket | None = field(
        default_factory=lambda: Bucket(conf.chat_burst, conf.chat_rate) if conf.flood_control else None
    )
    """How often the visitor may speak; None without flood control."""
    repeats: Bucket | None = None
    """How often a line that comes too fast is looked for among those said before; made when it is needed."""

    def may_repeat(self) -> bool:
        """Whether one more line that comes too fast may be looked for."""
        if self.repeats is None:
            self.repeats = Bucket(REPEATS, conf.chat_rate)
        return self.repeats.retry_after_ms() == 0


class Visits:
    """The visits of everyone connected to this process, by visitor id."""

    def __init__(self) -> None:
        self._visits: dict[str, Visit] = {}

    def arrive(self, visitor: str) -> Visit:
        """Count one more connection of ``visitor``; returns what its connections share."""
        visit = self._visits.setdefault(visitor, Visit())
        visit.connections += 1
        return visit

    def depart(self, visitor: str) -> None:
        """Count one connection of ``visitor`` less."""
        visit = self._visits[visitor]
        visit.connections -= 1
        if not visit.connections:
            del self._visits[visitor]
