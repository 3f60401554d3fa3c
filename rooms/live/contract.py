"""The live store's contract: what is asked of it and what it answers.

Knows the protocol's events; must not know models, sockets or the hub. The store holds, for each open room, who is in
it, which server processes hold them, and the last few events. Every operation below is one atomic step, safe to
repeat, and gives the events that it made their ``seq``, ``at`` and ``participants`` (docs/architecture.md, "The live
store"). Times in operations are in milliseconds; ``at`` is the store's own clock, Unix time in milliseconds.

A *process* is named by its channel on the channel layer. It *holds* a member while a socket of that member is with it.
A member nobody holds has a *deadline*, after which they are out with the reason ``lost``.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct, field

from rooms.protocol import Refusal

REFUSALS = {
    "room_not_found": "there is no such room",
    "name_taken": "someone in the room has this name, or one that looks like it",
    "not_in_room": "this visitor is not in the room with this name",
    "not_host": "only the host of the room may do this",
    "room_full": "the room is full",
    "too_fast": "too many messages in a short time",
}
"""By code, the ``detail`` to refuse with, whichever store it is (docs/protocol.md, "Refusals")."""


class StoreUnavailable(Exception):
    """The store could not be reached; the operations may or may not have happened."""


class RoomUnknown(Refusal):
    """The store knows nothing of a room: it never was, or its state was lost. On the wire it is ``unavailable``."""

    def __init__(self) -> None:
        super().__init__("unavailable", "the server is finding its way back; send it again with the same ref")


class Event(Struct, frozen=True):
    """One event of a room, ready to be sent.

    Args:
        text: the JSON text, complete.
        tell: the processes that had people in the room before the operation.
        end: after it the room is gone.
    """

    room: int
    seq: int
    text: str
    tell: tuple[str, ...] = ()
    end: bool = False


# --- operations ------------------------------------------------------------------------------------------------------


class Person(Struct, frozen=True):
    """Who is in a room: the name as shown and as compared, and the visitor it belongs to."""

    key: str
    nick: str
    visitor: str
    tag: str


class Reserve(Struct, frozen=True):
    """Remember that ``visitor``'s ``ref`` makes the room ``room``; answers the room it made, if it did before."""

    visitor: str
    ref: str
    room: int


class Open(Struct, frozen=True):
    """Make a room's live state, its host in it; answers ``Entered``. A room that is open stays as it is.

    Args:
        held: whether the asking process holds the host. If not, the room is brought back from its row, and the host
            has ``grace`` to come back.
        host: None in an official room.
        seq: the room's ``seq`` will be above this.
    """

    room: int
    name: str
    listed: bool
    created_at: int
    host: Person | None
    held: bool
    grace: int = 0
    seq: int = 0


class Join(Struct, frozen=True):
    """Put a person into a room, held by the asking process; answers ``Entered``.

    The same visitor with the same name is the same member, with one event at most: the host's coming back. Refused
    with ``room_not_found``, ``RoomUnknown``, ``name_taken`` or ``room_full``.
    """

    room: int
    person: Person
    after: int | None
    size: int


class Return(Struct, frozen=True):
    """Put back the people whom the asking process holds, after its lease had ended or the store was emptied.

    Answers ``Returned``. Whoever is in is held again; whoever was taken out meanwhile is in again, with an event.
    Where the room itself was lost and opened again from its row, nobody was seen to go, so nobody is seen to come:
    one ``SERVER_ROOM_COUNT`` puts the number right.

    Refused with ``room_not_found`` or ``RoomUnknown``.

    Args:
        seq: the highest that the process has seen; the room's will not be below it.
    """

    room: int
    people: tuple[Person, ...]
    seq: int


class Leave(Struct, frozen=True):
    """The asking process no longer holds a member, who left; out when nobody else holds them. Answers ``Left``."""

    room: int
    key: str
    visitor: str


class Lose(Struct, frozen=True):
    """The asking process no longer holds a member, whose last connection here was lost. Answers None."""

    room: int
    key: str
    visitor: str
    grace: int
    host_grace: int


class Say(Struct, frozen=True):
    """Append a message; answers ``Repeat`` when ``ref`` was said before, else None.

    Refused with ``room_not_found``, ``RoomUnknown`` or ``not_in_room``; with ``too_fast`` when ``wait`` is set and it
    is no repeat.

    Args:
        body: the event's text without its closing brace.
        wait: milliseconds until the visitor may speak again, 0 when now.
    """

    room: int
    key: str
    visitor: str
    ref: str
    body: str
    wait: int = 0


class Close(Struct, frozen=True):
    """Mark a room closing: to everyone else it is gone. Answers None.

    Refused with ``room_not_found``, or ``not_host`` when ``key`` is given and is not the host's.
    """

    room: int
    reason: str
    key: str = ""
    visitor: str = ""
    ref: str = ""


class Finish(Struct, frozen=True):
    """Append the deletion of a room that is closing and forget its people; answers the event's text, if any."""

    room: int


class Sweep(Struct, frozen=True):
    """Carry out the departures that are due, and give the members of dead processes a deadline; answers ``Swept``.

    Args:
        most: how many departures to carry out at once.
    """

    grace: int
    host_grace: int
    most: int = 500


class Heads(Struct, frozen=True):
    """Ask for the latest ``seq`` of rooms; answers a dict without the rooms that are unknown."""

    rooms: tuple[int, ...]


class History(Struct, frozen=True):
    """Ask for the kept events of a room after ``after``; answers ``Kept``."""

    room: int
    after: int


Operation = Reserve | Open | Join | Return | Leave | Lose | Say | Close | Finish | Sweep | Heads | History


# --- what is answered ------------------------------------------------------------------------------------------------


class Entered(Struct, frozen=True):
    """The room as a newcomer finds it.

    Args:
        members: at most 200, (name, tag) each.
        seq: that of the join, or the latest for one who was still in.
        recovered: whether ``replay`` is all that was missed; None when ``after`` was not given.
        replay: the texts of the missed events, oldest first.
    """

    name: str
    nick: str
    tag: str
    host: str
    participants: int
    members: list[tuple[str, str]]
    locked: bool
    seq: int
    at: int
    recovered: bool | None = None
    replay: list[str] = field(default_factory=list)


class Returned(Struct, frozen=True):
    """Who could not be put back, and where the room's events begin.

    Args:
        out: the name keys that someone else has now.
        base: the ``seq`` that the room's state began with: a process that saw less has lost its place.
        kept: the kept events after ``base``.
    """

    out: tuple[str, ...]
    base: int
    kept: list[Event]


class Left(Struct, frozen=True):
    """What a leaving did. ``closing``: the host left, so the room's deletion is to be finished."""

    closing: bool


class Swept(Struct, frozen=True):
    """The rooms whose host was lost for good, which are now closing."""

    closing: list[int]


class Repeat(Struct, frozen=True):
    """The event that the same ``ref`` made before."""

    seq: int
    text: str


class Kept(Struct, frozen=True):
    """The kept events of a room, oldest first.

    Args:
        head: the latest ``seq``; None when the room is unknown.
        base: the ``seq`` that the room's state began with: who saw only less saw an earlier state, which was lost.
    """

    events: list[Event]
    head: int | None
    base: int = 0


Value = Entered | Returned | Left | Swept | Repeat | Kept | dict[int, int] | int | str | None


class Outcome(Struct, frozen=True):
    """What an operation did: its value or its refusal, and the events that it made, in order."""

    value: Value = None
    refused: Refusal | None = None
    events: tuple[Event, ...] = ()


class LobbyRoom(Struct, frozen=True):
    """One listed room; ``created_at`` in Unix milliseconds."""

    room: int
    name: str
    host: str
    participants: int
    locked: bool
    created_at: int


class Lobby(Struct, frozen=True):
    """The fullest listed rooms, and how many are listed in all."""

    rooms: list[LobbyRoom]
    total: int


class Census(Struct, frozen=True):
    """The rooms the store knows: open ones, and those left closing for more than a moment."""

    open: set[int]
    closing: set[int]


class LiveStore(Protocol):
    """What every implementation does. Any method may raise ``StoreUnavailable``."""

    async def apply(self, process: str, operations: Sequence[Operation]) -> list[Outcome]:
        """Carry out ``operations`` in order for ``process``, each in one atomic step; one outcome for each."""

    async def beat(self, process: str, lease: int) -> bool:
        """Renew the lease of ``process`` for ``lease`` ms; False when it had run out or never was."""

    async def release(self, process: str) -> None:
        """End the lease of ``process`` at once: it stops, and its members are to have their grace."""

    async def lobby(self, most: int) -> Lobby:
        """The ``most`` fullest open listed rooms, fullest first, then oldest."""

    async def census(self, left: int) -> Census:
        """All rooms; ``closing`` are those marked closing more than ``left`` ms ago."""

    async def close(self) -> None:
        """Let go of connections."""
