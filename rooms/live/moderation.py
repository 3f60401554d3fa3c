"""What the live store can be asked to do beyond coming, talking and going: operations of hosts, moderators and lines.

Knows the protocol's structs and the common parts of ``operations``; must not know models, sockets or the hub. The same
rules as there hold: each is one atomic step and safe to repeat. What must outlive the store's memory (blocks, mutes,
lock, slow mode, topic, host) is in the database before it is here (docs/protocol.md, "Hosts and people").
A *person* of a room is a visitor as this room knows them (``operations.person_in``).
"""

import msgspec
from msgspec import UNSET, Struct, UnsetType

from rooms.live.operations import Duplicate, Operation
from rooms.protocol import By, Locked, Reaction, Slowed, TopicSet


class Actor(Struct, frozen=True):
    """Who does something: a person in the room by name and visitor, or with no name a moderator.

    Args:
        ref: the client's, or one made here; repeated within ``ROOMS_REF_AGE`` nothing happens again. "" for none.
        echo: whether the event says the ref, because it is the client's.
    """

    key: str = ""
    visitor_id: str = ""
    ref: str = ""
    echo: bool = True

    @property
    def by(self) -> By:
        """As the room is told."""
        return "host" if self.key else "moderator"

    @property
    def told_ref(self) -> str | UnsetType:
        """The ref as the room is told it."""
        return self.ref if self.ref and self.echo else UNSET


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
    actor themselves, under whatever name). A ref that did it before is answered wherever the room is found: who gave
    the room away with it is the host no longer.

    Args:
        target: the name key of the target; None when there is none.
        heir: whether the target is to be the host: they must be held by a connection, and not be the host now.
    """

    room_id: int
    actor: Actor
    target: str | None = None
    heir: bool = False


class Kicked(Struct, frozen=True):
    """Somebody was put out.

    Args:
        closing: this was the host, whose room is being deleted now, so that the deletion is to be finished.
    """

    closing: bool
    made: Duplicate | None = None


class Kick(Operation[Kicked], frozen=True):
    """Put a visitor out of a room under all their names, the target's first; ``SERVER_ROOM_EXIT`` for each.

    Refused as ``Examine`` is. Each event has ``out``: the node that holds the name lets its connections go. They are
    sent nothing of what is said later. When a moderator puts the host out, the room's deletion begins with the reason
    ``moderator``.

    Args:
        target: the name key; "" to mean ``visitor_id``.
        visitor_id: whose the name must be, if given: somebody else may have taken it. Without ``target``, whose names.
        block: whether the visitor is kept out from now on, under any name.
        address_for: for how many ms identities that are made later are kept out too if they come from the same address,
            0 for none.
    """

    room_id: int
    actor: Actor
    target: str
    visitor_id: str = ""
    block: bool = True
    address_for: int = 0


class Lift(Operation[None], frozen=True):
    """Let a visitor who was put out come back, and everyone who was kept out because of their address.

    Refused as ``Examine`` is, but for the target. That a person is not blocked refuses nothing.

    Args:
        person: the visitor as this room knows them.
        number: what is remembered of the actor's ref, as the ``seq`` of a ``Duplicate``.
    """

    room_id: int
    actor: Actor
    person: str
    number: int = 0


class Mute(Operation[Duplicate | None], frozen=True):
    """Let a visitor say nothing until a time, under whatever name; one ``SERVER_MEMBER_MUTE``. Refused as ``Examine``.

    Args:
        target: the name key.
        until: Unix time in ms; 0 lifts it.
        visitor_id: as in ``Kick``.
    """

    room_id: int
    actor: Actor
    target: str
    until: int
    visitor_id: str = ""


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

    def event(self) -> Locked | Slowed | TopicSet:
        """As the room is told."""
        by, ref = self.actor.by, self.actor.told_ref
        if self.locked is not None:
            return Locked(self.room_id, self.locked, by, ref=ref)
        if self.slow is not None:
            return Slowed(self.room_id, self.slow, by, ref=ref)
        assert self.topic is not None
        return TopicSet(self.room_id, self.topic, by, ref=ref)


class Transfer(Operation[Duplicate | None], frozen=True):
    """Make the target the host; refused as ``Examine`` with ``heir`` is. Blocks and mutes stay.

    Args:
        grace: of the former host, if they are away: the room closes no longer without them.
        visitor_id: whose the name must be, as in ``Kick``.
    """

    room_id: int
    actor: Actor
    target: str
    grace: int = 0
    visitor_id: str = ""


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

OWN_LINE = 300_000
"""Milliseconds for which the author may take a line back."""
REACTIONS_EVERY = 500
"""Milliseconds between two events of a room that tell of reactions."""


class Remove(Operation[Duplicate | None], frozen=True):
    """Take a line back; ``SERVER_CHAT_REMOVE``.

    From now on a ``SERVER_CHAT_REMOVE`` with the line's own ``seq`` stands in its place, also for who repeats its ref.
    Refused with ``room_not_found``, ``RoomUnknown``, ``not_in_room``, ``bad_field`` with ``field="line"`` (no kept
    line; also one that was removed before), ``not_host`` (another's, or too late).

    Args:
        own_for: for how many ms its author may; the host and a moderator always.
    """

    room_id: int
    actor: Actor
    line: int
    own_for: int = OWN_LINE


class React(Operation[None], frozen=True):
    """Put a reaction under a kept line or take it away; the counts follow, gathered, as ``SERVER_CHAT_REACT``.

    An event comes at once if the room had none in the last ``REACTIONS_EVERY`` ms; the rest with the sweeps.
    Doing it twice is doing it once, and a ``ref`` that is repeated does nothing, whatever was done since. Refused with
    ``room_not_found``, ``RoomUnknown``, ``not_in_room``, ``muted`` with ``retryAfter``, ``bad_field`` with
    ``field="line"``.
    """

    room_id: int
    key: str
    visitor_id: str
    line: int
    reaction: Reaction
    on: bool
    ref: str = ""


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


def quoted(texts: list[str], line: str, person: str, visitor_id: str) -> Quoted:
    """A reported line with those around it; its author's name and tag are in its own text."""
    said: dict[str, str] = msgspec.json.decode(line)
    return Quoted(texts, said["nickname"], said["tag"], person, visitor_id)


class Quote(Operation[Quoted], frozen=True):
    """Ask for a kept line and those around it.

    Refused with ``room_not_found``, ``RoomUnknown``, ``not_in_room``, ``bad_field`` with ``field="line"``.
    """

    room_id: int
    key: str
    visitor_id: str
    line: int
