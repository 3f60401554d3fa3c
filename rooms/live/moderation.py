"""What the live store can be asked to do beyond coming, talking and going: operations of hosts, moderators and lines.

Knows the protocol's structs and the common parts of ``operations``; must not know models, sockets or the hub. The same
rules as there hold: each is one atomic step and safe to repeat. What must outlive the store's memory (blocks, mutes,
lock, slow mode, topic, host) is in the database before it is here (docs/protocol.md, "Hosts and people").

A *person* of a room is a visitor as this room knows them (a hash of the room's number and the visitor's), so that the
same visitor cannot be told in another room's.
"""

from msgspec import Struct

from rooms.live.operations import Duplicate, Operation
from rooms.protocol import By, Reaction


class Actor(Struct, frozen=True):
    """Who does something: a person in the room by name and visitor, or with no name a moderator.

    Args:
        ref: the client's, or one made here; repeated within ``ROOMS_REF_AGE`` nothing happens again.
    """

    key: str = ""
    visitor_id: str = ""
    ref: str = ""

    @property
    def by(self) -> By:
        """As the room is told."""
        return "host" if self.key else "moderator"


class Subject(Struct, frozen=True):
    """A person in a room to whom something is done.

    Args:
        person: the visitor as this room knows them.
        held: whether any connection holds them now.
    """

    key: str
    nick: str
    tag: str
    visitor_id: str
    person: str
    held: bool


# --- what a host or a moderator does ---------------------------------------------------------------------------------


class Examined(Struct, frozen=True):
    """Whether something may be done: to whom, or that the same ``ref`` did it before.

    Args:
        subject: the target, None when none was asked for.
        made: what the ref did before.
    """

    subject: Subject | None = None
    made: Duplicate | None = None


class Examine(Operation[Examined], frozen=True):
    """Look whether an actor may do something that goes to the database first; nothing is changed.

    Refused, in this order, with ``room_not_found`` or ``RoomUnknown``, ``not_in_room`` (the actor is not in the room
    with this name), ``not_host``, ``not_in_room`` with ``field="target"``, ``bad_field`` with ``field="target"`` (the
    host themselves, under whatever name). A ref that did it before comes before the target.

    Args:
        target: the name key of the target; None when there is none.
        held: whether the target must be held by a connection (an heir).
    """

    room_id: int
    actor: Actor
    target: str | None = None
    held: bool = False


class Kicked(Struct, frozen=True):
    """Somebody was put out.

    Args:
        closing: this was the host, whose room is being deleted now, so that the deletion is to be finished.
    """

    closing: bool
    made: Duplicate | None = None


class Kick(Operation[Kicked], frozen=True):
    """Put a visitor out of a room under all their names, the target's first; ``SERVER_ROOM_EXIT`` for each.

    Refused as ``Examine`` is. Each event has ``out``: the node that holds the name lets its connections go. When a
    moderator puts the host out, the room's deletion begins with the reason ``moderator``.

    Args:
        target: the name key; "" to mean ``visitor_id``.
        visitor_id: when ``target`` is "", whose names (a ban).
        block: whether the visitor is kept out from now on, under any name.
        address_for: for how many ms newer identities from the same address are kept out too, 0 for none.
    """

    room_id: int
    actor: Actor
    target: str
    visitor_id: str = ""
    block: bool = True
    address_for: int = 0


class Lift(Operation[Duplicate | None], frozen=True):
    """Let a visitor who was put out come back, and whoever was kept out with their address.

    Refused as ``Examine`` is, but for the target. That a person is not blocked refuses nothing.

    Args:
        person: the visitor as this room knows them.
    """

    room_id: int
    actor: Actor
    person: str


class Mute(Operation[Duplicate | None], frozen=True):
    """Let a visitor say nothing until a time, under whatever name; one ``SERVER_MEMBER_MUTE``. Refused as ``Examine``.

    Args:
        target: the name key.
        until: Unix time in ms; 0 lifts it.
    """

    room_id: int
    actor: Actor
    target: str
    until: int


class Change(Operation[Duplicate | None], frozen=True):
    """Change how a room is: its lock, slow mode or topic, exactly one of them. Refused as ``Examine`` is.

    Args:
        slow: seconds.
    """

    room_id: int
    actor: Actor
    locked: bool | None = None
    slow: int | None = None
    topic: str | None = None


class Transfer(Operation[Duplicate | None], frozen=True):
    """Make the target the host; refused as ``Examine`` with ``held`` is. Blocks and mutes stay."""

    room_id: int
    actor: Actor
    target: str


class Notice(Operation[Duplicate | None], frozen=True):
    """Tell a room what the moderators say; ``SERVER_ROOM_NOTICE``. Refused with ``room_not_found``, ``RoomUnknown``."""

    room_id: int
    ref: str
    message: str


class Inspect(Operation[tuple[Subject, ...]], frozen=True):
    """Who is in a room, those who have been in longest first, for a moderator; refused as ``Notice`` is."""

    room_id: int


class Standing(Struct, frozen=True):
    """How a room is now, for a moderator's list."""

    participants: int
    locked: bool
    slow: int
    topic: str
    host_away: bool


class Overview(Operation[dict[int, Standing]], frozen=True):
    """How rooms are; without those that are not open."""

    room_ids: tuple[int, ...]


# --- lines -----------------------------------------------------------------------------------------------------------


class Remove(Operation[Duplicate | None], frozen=True):
    """Take a line back; ``SERVER_CHAT_REMOVE``.

    Its author may for ``OWN_LINE`` ms, the host and a moderator always. Refused with ``room_not_found``,
    ``RoomUnknown``, ``not_in_room``, ``bad_field`` with ``field="line"`` (no kept line; also one that was removed
    before), ``not_host`` (another's, or too late).
    """

    room_id: int
    actor: Actor
    line: int


OWN_LINE = 300_000
"""Milliseconds for which the author may take a line back."""


class React(Operation[None], frozen=True):
    """Put a reaction under a kept line or take it away; the counts follow, gathered, as ``SERVER_CHAT_REACT``.

    An event comes at once if the room had none in the last half second; the rest with the sweeps, at most two a second.
    Doing it twice is doing it once. Refused with ``room_not_found``, ``RoomUnknown``, ``not_in_room``, ``muted`` with
    ``retryAfter``, ``bad_field`` with ``field="line"``.
    """

    room_id: int
    key: str
    visitor_id: str
    line: int
    reaction: Reaction
    on: bool


class Quoted(Struct, frozen=True):
    """A line as it is reported: with those around it, and whose it is.

    Args:
        texts: the kept lines' events, oldest first, ``QUOTED`` on either side at most.
        nick: the author's name, and ``tag`` their tag, as the line shows them.
        person: the author as this room knows them.
        visitor_id: the author, if they are in the room (or within the grace) still; else "".
    """

    texts: list[str]
    nick: str
    tag: str
    person: str
    visitor_id: str


class Quote(Operation[Quoted], frozen=True):
    """Ask for a kept line and those around it.

    Refused with ``room_not_found``, ``RoomUnknown``, ``not_in_room``, ``bad_field`` with ``field="line"``.
    """

    room_id: int
    key: str
    visitor_id: str
    line: int
