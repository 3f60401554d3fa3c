"""The live store's contract: what every implementation does.

Knows the operations (``operations``); must not know models, sockets or the hub. The store holds, for each open room,
who is in it, which nodes hold them, and the last few events. It gives the events of an operation their ``seq``, ``at``
and ``participants`` (docs/architecture.md, "The live store"). ``at`` is the store's own clock, Unix time in
milliseconds, and so is everything else that the store compares with now.
"""

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeAlias

from msgspec import Struct

from rooms.live.addresses import DayKeys
from rooms.live.operations import AnswerT, Create, Event, Operation
from rooms.protocol import ErrorCode, Refusal

REFUSALS: dict[ErrorCode, str] = {
    "room_not_found": "there is no such room",
    "name_taken": "someone in the room has this name, or one that looks like it",
    "not_in_room": "this visitor is not in the room with this name",
    "not_host": "only the host of the room may do this",
    "room_full": "the room is full",
    "banned": "this visitor was put out and cannot come back",
    "room_locked": "the room is locked: nobody new comes in",
    "muted": "this visitor may say nothing in this room for a while",
    "bad_field": "the field is not what it must be",
    "too_fast": "too many messages in a short time",
}
"""By code, the ``detail`` to refuse with, whichever store it is (docs/protocol.md, "Refusals")."""


def refusal(error: ErrorCode, **extra: Any) -> Refusal:
    """A refusal with the detail that belongs to its code."""
    return Refusal(error, REFUSALS[error], **extra)


class StoreUnavailable(Exception):
    """The store could not be used; the operations may or may not have happened.

    Args:
        reason: why, for the log: it goes on where a sentence says "the live store …".
    """

    def __init__(self, reason: str = "cannot be reached") -> None:
        super().__init__(reason)
        self.reason = reason


class Unavailable(Refusal):
    """The store could not be used for an operation, which may have happened all the same.

    Args:
        reason: why, for the log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__("unavailable", "the server cannot do this now; send it again with the same ref")
        self.reason = reason


class StoreSilent(StoreUnavailable):
    """The store did not answer in time: there is no use in asking at once again."""

    def __init__(self) -> None:
        super().__init__("does not answer")


class RoomUnknown(Refusal):
    """The store knows nothing of a room: it never was, or its state was lost. On the wire it is ``unavailable``."""

    def __init__(self) -> None:
        super().__init__("unavailable", "the server is finding its way back; send it again with the same ref")


class TooMuch(Refusal):
    """Too much has come from one address; ``wait`` is how many ms until there may be more, 0 if nobody knows."""

    def __init__(self, wait: int) -> None:
        extra = {"retryAfter": wait} if wait else {}
        super().__init__("too_fast", "too much from one address in a short time", **extra)


class Done(Struct, Generic[AnswerT], frozen=True):
    """An operation was carried out: its answer, and the events that it made, in order."""

    answer: AnswerT
    events: tuple[Event, ...] = ()


class Refused(Struct, frozen=True):
    """An operation was not carried out, or with ``unavailable`` nobody knows whether it was."""

    refusal: Refusal


Outcome: TypeAlias = Done[AnswerT] | Refused


FRONT, SHARE = 10, 3
"""Of so many first places of a list, at most so many go to rooms that were opened from one address."""


class LobbyRoom(Struct, frozen=True):
    """One listed room.

    Args:
        created_at: Unix time in milliseconds.
        later: whether it comes after the first places, although it is fuller than some of them.
    """

    room_id: int
    name: str
    host: str
    participants: int
    locked: bool
    created_at: int
    topic: str = ""
    later: bool = False


class Lobby(Struct, frozen=True):
    """Listed rooms in their order, and how many are listed in all."""

    rooms: list[LobbyRoom]
    total: int


class RoomIndex(Struct, frozen=True):
    """Some of the rooms that the store knows: open ones, and those that have been in deletion for more than a moment.

    Args:
        open: some of the open rooms; one may come twice, none is left out that is open all the time.
        closing: all of them, with the first page.
        next: where the next page begins; "" after the last.
    """

    open: set[int]
    closing: set[int]
    next: str = ""


class LiveStore(Protocol):
    """What every implementation does. Any method may raise ``StoreUnavailable``."""

    async def apply(self, node_id: str, operations: Sequence[Operation[Any]]) -> list[Outcome[Any]]:
        """Carry out ``operations`` in order for a node, each in one atomic step; one outcome for each."""

    async def beat(self, node_id: str, lease: int) -> bool:
        """Renew the lease of a node for ``lease`` ms; False when it had run out or never was, until ``confirm``."""

    async def confirm(self, node_id: str) -> None:
        """A node whose ``beat`` was answered with False has put its people back; until then it is asked to again."""

    async def release(self, node_id: str) -> None:
        """End the lease of a node at once: it stops, and its members are to have their grace."""

    async def lobby(self, most: int) -> Lobby:
        """The first ``most`` open listed rooms: fullest first, then oldest.

        In the first ``FRONT`` places stand at most ``SHARE`` that were opened from one address, if there are others.
        Where a room was opened from is forgotten with the store's memory.
        """

    async def list_rooms(self, closing_for: int, after: str = "") -> RoomIndex:
        """A page of the rooms; ``closing`` are those whose deletion began more than ``closing_for`` ms ago."""

    async def unknown(self, room_ids: Sequence[int]) -> set[int]:
        """Those of the rooms that are neither open nor in deletion."""

    async def describe(self, room_id: int) -> Create | None:
        """What would make an open room as it is, its host's name and number included; None when there is none."""

    async def lead(self, duty: str, node_id: str, lease: int) -> bool:
        """Whether a duty that one node does for all is this node's for the next ``lease`` ms."""

    async def day_keys(self, fresh: str) -> DayKeys:
        """The keys of today and yesterday; ``fresh`` becomes today's if there is none. Each is kept for 48 hours."""

    async def purge(self) -> None:
        """Delete what earlier lives of the store have left behind (docs/architecture.md, "A store's life")."""

    async def close(self) -> None:
        """Let go of connections."""
