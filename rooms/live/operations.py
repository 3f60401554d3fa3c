"""What the live store can be asked to do, each operation with its answer.

Knows the protocol's structs; must not know models, sockets or the hub. ``Operation[Entered]`` is answered with an
``Entered``, so whoever submits one need not look what came back. Every operation is one atomic step and safe to repeat,
because after a broken call nobody knows whether it was carried out. Times are in milliseconds.

A *node* is one server process, named by its channel on the channel layer. It *holds* a member while a connection of
that member is with it. A member whom no node holds has a *deadline*, after which they are out with the reason ``lost``.
"""

import hashlib
from typing import Generic, TypeVar

from msgspec import Struct, field

from rooms.live.addresses import Address, Charge
from rooms.protocol import RoomState

AnswerT = TypeVar("AnswerT")


class Event(Struct, frozen=True):
    """One event of a room, ready to be sent.

    Args:
        text: the JSON text, complete.
        recipients: the nodes that had people in the room before the operation.
        end: after it the room is gone.
        out: the name key of a person who was put out by it, whom their connections let go.
    """

    room_id: int
    seq: int
    text: str
    recipients: tuple[str, ...] = ()
    end: bool = False
    out: str = ""


class Person(Struct, frozen=True):
    """Who is in a room: the name as compared and as shown, and the visitor it belongs to."""

    key: str
    nick: str
    visitor_id: str
    tag: str


def person_in(room_id: int, visitor_id: str) -> str:
    """A visitor as a room knows them: the same visitor cannot be told in another room's."""
    return hashlib.sha1(f"{room_id}:{visitor_id}".encode(), usedforsecurity=False).hexdigest()[:20]


class Operation(Struct, Generic[AnswerT], frozen=True):
    """One thing to do, answered with an ``AnswerT`` unless it is refused."""


# --- rooms -----------------------------------------------------------------------------------------------------------


class Reserve(Operation[int], frozen=True):
    """Tie a visitor's ``ref`` to the room it is about to make; answers the id of the room it made, if it did before.

    What is new is charged for, and refused with ``too_fast`` when the address has made too many.
    """

    visitor_id: str
    ref: str
    room_id: int
    charge: Charge | None = None


class Cancel(Operation[None], frozen=True):
    """Undo a ``Reserve`` that was answered with this room, which was not made."""

    visitor_id: str
    ref: str
    room_id: int
    charge: Charge | None = None


class Entered(Struct, frozen=True):
    """What somebody who comes into a room finds.

    Args:
        state: the room; its ``seq`` is that of the join, or the latest for a person who was still in.
        recovered: whether ``replay`` is all that was missed; None when ``after`` was not given.
        replay: the texts of the missed events, oldest first.
    """

    state: RoomState
    recovered: bool | None = None
    replay: list[str] = field(default_factory=list)


class Rules(Struct, frozen=True):
    """What a room's host or the moderators have set, as its row has it; outlives the store's memory.

    Args:
        slow: seconds.
        blocked: the visitors, as this room knows them (``moderation``), who cannot come in.
        muted: visitors as this room knows them, and until when, Unix time in ms.
    """

    topic: str = ""
    locked: bool = False
    slow: int = 0
    blocked: tuple[str, ...] = ()
    muted: tuple[tuple[str, int], ...] = ()


class Create(Operation[Entered], frozen=True):
    """Make a room's live state, its host in it. A room that is open stays as it is.

    Refused with ``room_not_found`` when the room is being deleted or was, and with what refuses a ``Join``.

    Args:
        created_at: Unix time in milliseconds.
        host: None in an official room.
        held: whether the asking node holds the host. If not, the room is brought back from its row, and the host has
            ``grace`` to come back.
        seq: the room's ``seq`` will be above this.
        opener: where it is made from, if that is known.
        rules: of a room that is brought back.
    """

    room_id: int
    name: str
    listed: bool
    created_at: int
    host: Person | None
    held: bool
    grace: int = 0
    seq: int = 0
    opener: Address | None = None
    rules: Rules = Rules()


class BeginDelete(Operation[None], frozen=True):
    """Mark a room as being deleted: to everyone else it is gone.

    Refused with ``room_not_found``, or ``not_host`` when ``key`` is given and is not the host's.
    """

    room_id: int
    reason: str
    key: str = ""
    visitor_id: str = ""
    ref: str = ""


class FinishDelete(Operation[str | None], frozen=True):
    """Append the deletion of a room that is being deleted and forget its people; answers the event's text, if any."""

    room_id: int


# --- people ----------------------------------------------------------------------------------------------------------


class Join(Operation[Entered], frozen=True):
    """Put a person into a room, held by the asking node.

    The same visitor with the same name is the same member, with one event at most: the host's coming back. Refused
    with ``room_not_found``, ``RoomUnknown``, ``banned``, ``room_locked``, ``name_taken``, ``room_full``, or
    ``too_fast`` by ``charge``, in this order. In a locked room only members, also those within the grace, and the host
    come in.

    Args:
        after: the last ``seq`` the client has seen, None for a newcomer.
        size: how many members the room may have.
        charge: for a visitor who is not in and was not a moment ago; coming back costs nothing.
        address: where they come from, if that is known.
        made_at: when the visitor's identity was made, Unix time in ms; 0 when that is not known, as of an old one.
    """

    room_id: int
    person: Person
    after: int | None
    size: int
    charge: Charge | None = None
    address: Address | None = None
    made_at: int = 0


class Exit(Operation[bool], frozen=True):
    """The asking node no longer holds a member, who left; they are out when no other node holds them.

    Answers whether this was the host, whose room is now being deleted, so that the deletion is to be finished.
    """

    room_id: int
    key: str
    visitor_id: str


class Disconnect(Operation[None], frozen=True):
    """The asking node no longer holds a member, whose last connection here was lost."""

    room_id: int
    key: str
    visitor_id: str
    grace: int
    host_grace: int


class Restored(Struct, frozen=True):
    """Who could not be put back, and where the room's events begin.

    Args:
        out: the name keys that someone else has now.
        epoch_seq: the ``seq`` that the room's live state began with: a node that saw less has lost its place.
        kept: the kept events after ``epoch_seq``.
    """

    out: tuple[str, ...]
    epoch_seq: int
    kept: list[Event]


class Restore(Operation[Restored], frozen=True):
    """Put back the people whom the asking node holds, after its lease had ended or the store was emptied.

    A person who is in is held again; one who was taken out meanwhile is in again, with an event. Where the room itself
    was lost and made again from its row, nobody was seen to go, so nobody is seen to come: one ``SERVER_ROOM_COUNT``
    corrects the number. Refused with ``room_not_found`` or ``RoomUnknown``.

    Args:
        people: all whom the node holds in the room; whom the store thought it holds beyond them, it lets go.
        seq: the highest that the node has seen; the room's will not be below it.
        joining: the name keys of those whose join is under way, who are not let go.
    """

    room_id: int
    people: tuple[Person, ...]
    seq: int
    grace: int
    host_grace: int
    joining: tuple[str, ...] = ()


class Sweep(Operation[tuple[int, ...]], frozen=True):
    """Carry out the departures that are due, and give the members of dead nodes a deadline.

    Answers the rooms whose host was lost for good, which are now being deleted. What is older than it may be kept goes.

    Args:
        most: how many departures to carry out at once.
        pause: if no sweep has been made for longer, or the clock was set back, nobody could come back in that time: all
            deadlines and leases move by it first.
    """

    grace: int
    host_grace: int
    most: int = 500
    pause: int = 5_000


# --- talk ------------------------------------------------------------------------------------------------------------


class Duplicate(Struct, frozen=True):
    """The event that the same ``ref`` made before; ``text`` is empty when it is no longer kept."""

    seq: int
    text: str


class Send(Operation[Duplicate | None], frozen=True):
    """Append a message; answers ``Duplicate`` when its ``ref`` was seen before.

    Refused, in this order, with ``room_not_found``, ``RoomUnknown``, ``not_in_room``; and when it is no duplicate with
    ``bad_field`` and ``field="replyTo"`` (no kept line), ``muted`` with ``retryAfter``, ``too_fast`` with
    ``retryAfter`` when ``wait`` is set or slow mode has the visitor wait (the longer of the two; never the host for
    slow mode).

    Args:
        body: the event's text without its closing brace (``protocol.event_body``).
        wait: milliseconds until the visitor may speak again, 0 when now.
        reply_to: the ``seq`` of a kept line that it answers, 0 for none.
    """

    room_id: int
    key: str
    visitor_id: str
    ref: str
    body: str
    wait: int = 0
    reply_to: int = 0


class Positions(Operation[dict[int, int]], frozen=True):
    """Ask for the latest ``seq`` of rooms; the answer is without the rooms that are unknown.

    Args:
        held: leave out also the rooms, unless they are gone, in which the asking node holds nobody.
    """

    room_ids: tuple[int, ...]
    held: bool = False


class HistoryPage(Struct, frozen=True):
    """The kept events of a room, oldest first; of a room that is gone, its end.

    Args:
        position: the latest ``seq``; None when the room is unknown.
        epoch_seq: the ``seq`` that the room's live state began with: a node that saw less saw an earlier state, which
            was lost.
    """

    events: list[Event]
    position: int | None
    epoch_seq: int = 0


class History(Operation[HistoryPage], frozen=True):
    """Ask for the kept events of a room after ``after``."""

    room_id: int
    after: int
