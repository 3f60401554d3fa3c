"""A room as those know it who want to be in it, and whether it may end.

Knows what has really happened; must not know connections.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.world.history import History

HOST_SECONDS = 2.0
"""A host who has been trying for so long must not be counted as lost."""


class Host(Protocol):
    """What a room has to know of its host."""

    present: bool
    trying_since: float


@dataclass
class Room:
    """A room: nothing, until its host has made it.

    Attributes:
        over: whether it may end: its host left, deleted it, or was away for too long.
        people: all clients that want to be in it.
        perhaps_out: the names of those of whom nobody knows whether the host put them out.
    """

    name: str
    host: Host | None = None
    id: int | None = None
    over: bool = False
    people: list[Any] = field(default_factory=list)
    perhaps_out: set[str] = field(default_factory=set)

    def judge(self, history: History, now: float) -> None:
        """It has ended: may it, because the host did not try to be there?"""
        reason, at = history.ended.get(self.id or 0, ("host_lost", now))
        host = self.host
        assert host is not None
        if reason == "host_lost" and (not host.present or at - host.trying_since < HOST_SECONDS):
            self.over = True
