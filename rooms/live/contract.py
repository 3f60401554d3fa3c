"""The live store's contract: what every implementation does.

Knows the operations (``operations``); must not know models, sockets or the hub. The store holds, for each open room,
who is in it, which nodes hold them, and the last few events. It gives the events of an operation their ``seq``, ``at``
and ``participants`` (docs/architecture.md, "The live store"). ``at`` is the store's own clock, Unix time in
milliseconds, and so is everything else that the store compares with now.
"""

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeAlias

from msgspec import Struct

from rooms.live.operations import AnswerT, Event, Operation
from rooms.protocol import ErrorCode, Refusal

REFUSALS: dict[ErrorCode, str] = {
    "room_not_found": "there is no such room",
    "name_taken": "someone in the room has this name, or one that looks like it",
    "not_in_room": "this visitor is not in the room with this name",
    "not_host": "only the host of the room may do this",
    "room_full": "the room is full",
    "too_fast": "too many messages in a short time",
}
"""By code, the ``detail`` to refuse with, whichever store it is (docs/protocol.md, "Refusals")."""


def refusal(error: ErrorCode, **extra: Any) -> Refusal:
    """A refusal with the detail that belongs to its code."""
    return Refusal(error, REFUSALS[error], **extra)


class StoreUnavailable(Exception):
    """The store could not be reached; the operations may or may not have happened."""


class RoomUnknown(Refusal):
    """The store knows nothing of a room: it never was, or its state was lost. On the wire it is ``unavailable``."""

    def __init__(self) -> None:
        super().__init__("unavailable", "the server is finding its way back; send it again with the same ref")


class Done(Struct, Generic[AnswerT], frozen=True):
    """An operation was carried out: its answer, and the events that it made, in order."""

    answer: AnswerT
    events: tuple[Event, ...] = ()


class Refused(Struct, frozen=True):
    """An operation was not carried out, or with ``unavailable`` nobody knows whether it was."""

    refusal: Refusal


Outcome: TypeAlias = Done[AnswerT] | Refused


class LobbyRoom(Struct, frozen=True):
    """One listed room; ``created_at`` in Unix milliseconds."""

    room_id: int
    name: str
    host: str
    participants: int
    locked: bool
    created_at: int


class Lobby(Struct, frozen=True):
    """The fullest listed rooms, and how many are listed in all."""

    rooms: list[LobbyRoom]
    total: int


class RoomIndex(Struct, frozen=True):
    """The rooms the store knows: open ones, and those that have been in deletion for more than a moment."""

    open: set[int]
    closing: set[int]


class LiveStore(Protocol):
    """What every implementation does. Any method may raise ``StoreUnavailable``."""

    async def apply(self, node_id: str, operations: Sequence[Operation[Any]]) -> list[Outcome[Any]]:
        """Carry out ``operations`` in order for a node, each in one atomic step; one outcome for each."""

    async def beat(self, node_id: str, lease: int) -> bool:
        """Renew the lease of a node for ``lease`` ms; False when it had run out or never was."""

    async def release(self, node_id: str) -> None:
        """End the lease of a node at once: it stops, and its members are to have their grace."""

    async def lobby(self, most: int) -> Lobby:
        """The ``most`` fullest open listed rooms, fullest first, then oldest."""

    async def list_rooms(self, closing_for: int) -> RoomIndex:
        """All rooms; ``closing`` are those whose deletion began more than ``closing_for`` ms ago."""

    async def close(self) -> None:
        """Let go of connections."""
