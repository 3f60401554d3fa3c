"""The rules of rooms, a verb each: create, delete, join, leave, say.

Knows models, names, visitors and the live store's contract; must not know consumers, the hub or Channels: the hub is
given to each verb as ``Rooms``. A verb either does what was asked, with its answer written in the right place of the
conversation, or raises a ``Refusal``. Whoever asks is known by the connection, never by the name in a command.
"""

import secrets
from collections.abc import Callable
from typing import Protocol

from django.db import Error as DatabaseError
from django.db import IntegrityError
from msgspec import UNSET

from rooms import names
from rooms.conf import conf
from rooms.link import Link, Participant
from rooms.live.contract import (
    REFUSALS,
    Close,
    Entered,
    Finish,
    Join,
    Left,
    Open,
    Operation,
    Person,
    Reserve,
    RoomUnknown,
    Say,
    Value,
)
from rooms.models import Host, Room, database, random_id
from rooms.protocol import (
    ROOM_NAME_MAX,
    TEXT_FIELDS,
    USER_NAME_MAX,
    ChatSend,
    Command,
    Member,
    Refusal,
    RoomCreate,
    RoomCreated,
    RoomDelete,
    RoomExit,
    RoomJoin,
    RoomJoined,
    RoomLeft,
    Said,
    encode,
    event_body,
    refusal,
)
from rooms.visitors import from_token


class Rooms(Protocol):
    """What the verbs need of the hub."""

    async def do(self, operation: Operation) -> Value:
        """Carry out an operation."""

    async def enter(self, link: Link, operation: Join | Open, answer: Callable[[Entered], str]) -> None:
        """Put a connection into a room and write its answer."""

    async def exit(self, link: Link, participant: Participant, answer: Callable[[], str]) -> Value:
        """Take a connection out of a room and write its answer."""

    def say(self, link: Link, operation: Say, refused: Callable[[Refusal], str]) -> None:
        """Append a message."""


async def create(rooms: Rooms, link: Link, command: RoomCreate) -> None:
    """Open a room with the caller in it as its host.

    The same ``ref`` again from the same visitor answers with the room it made (docs/protocol.md, "Create a room").

    Raises:
        Refusal: ``name_not_allowed``, ``bad_field``, ``room_name_taken``, ``too_many_rooms``, ``unavailable``.
    """
    name = _name(command.roomName, "roomName", ROOM_NAME_MAX)
    nick = _name(command.userName, "userName", USER_NAME_MAX)
    visitor = link.visitor
    room_id = random_id()
    if command.ref:
        reserved = await rooms.do(Reserve(visitor.id, command.ref, room_id))
        room_id = reserved if isinstance(reserved, int) else room_id
    _has_place(link, room_id, nick)
    person = Person(names.key(nick), nick, visitor.id, visitor.tag(room_id))
    try:
        async with database():
            room = await _insert(room_id, name, command.listed, person)
    except DatabaseError:
        raise Refusal("unavailable", "rooms cannot be made now; send it again with the same ref") from None

    def answer(entered: Entered) -> str:
        return _entered(RoomCreated, link, room_id, entered, command.ref)

    try:
        await rooms.enter(link, open_operation(room, held=True), answer)
    except Refusal as problem:
        if problem.error == "room_not_found":
            # It was made by this ref before, and deleted since.
            async with database():
                await Room.objects.filter(id=room_id).adelete()
        raise


async def _insert(room_id: int, name: str, listed: bool, host: Person) -> Room:
    """Write a room and its host to the database, unless this very room is there already."""
    if made := await _made(room_id, host):
        return made
    if await Host.objects.filter(visitor=host.visitor).acount() >= conf.rooms_per_visitor:
        raise Refusal("too_many_rooms", f"a visitor hosts at most {conf.rooms_per_visitor} rooms")
    try:
        return await Room.objects.open(room_id, name, listed, host.visitor, host.nick, host.tag)
    except IntegrityError:
        # The same command may have been sent twice at once, by a client that lost its connection in between.
        if made := await _made(room_id, host):
            return made
        other = await Room.objects.open_with_name(name) if listed else None
        if other is None:
            raise Refusal("unavailable", "the name was being given up; send it again with the same ref") from None
        raise Refusal("room_name_taken", "an open room has this name, or one like it", roomID=other.id) from None


async def _made(room_id: int, host: Person) -> Room | None:
    return await Room.objects.select_related("host").filter(id=room_id, host__visitor=host.visitor).afirst()


async def join(rooms: Rooms, link: Link, command: RoomJoin) -> None:
    """Put the caller into a room, or let them come back.

    Raises:
        Refusal: ``name_not_allowed``, ``bad_field``, ``room_not_found``, ``room_full``, ``name_taken``,
            ``too_many_rooms``, ``unavailable``.
    """
    nick = _name(command.userName, "userName", USER_NAME_MAX)
    if command.token is not None and not link.cookie and not link.joined:
        known = from_token(command.token)
        if known is None:
            raise Refusal("bad_field", "the token is forged or too old", field="token")
        link.visitor = known
    _has_place(link, command.roomID, nick)
    visitor = link.visitor
    person = Person(names.key(nick), nick, visitor.id, visitor.tag(command.roomID))

    def answer(entered: Entered) -> str:
        return _entered(RoomJoined, link, command.roomID, entered, command.ref)

    operation = Join(command.roomID, person, command.after, conf.room_size)
    try:
        await rooms.enter(link, operation, answer)
    except RoomUnknown:
        # It never was, or the live store lost it. The database is asked only here, off the usual way of a join.
        await open_from_row(rooms, command.roomID)
        await rooms.enter(link, operation, answer)


async def open_from_row(rooms: Rooms, room_id: int, seq: int = 0) -> None:
    """Open a room's live state, which the store has lost, from its row; the host has their grace to come back.

    Raises:
        Refusal: ``room_not_found`` when there is no row, ``unavailable``.
    """
    try:
        async with database():
            room = await Room.objects.select_related("host").filter(id=room_id).afirst()
    except DatabaseError:
        raise Refusal("unavailable", "the room cannot be looked up now; send it again") from None
    if room is None:
        raise Refusal("room_not_found", REFUSALS["room_not_found"])
    await rooms.do(open_operation(room, held=False, seq=seq))


async def leave(rooms: Rooms, link: Link, command: RoomExit) -> None:
    """Take this connection out of a room; when the host is out, the room is deleted.

    Raises:
        Refusal: ``not_in_room``, ``unavailable``.
    """
    participant = _participant(link, command.roomID, command.userName)

    def answer() -> str:
        return encode(RoomLeft(command.roomID, participant.nick, ref=command.ref or UNSET))

    left = await rooms.exit(link, participant, answer)
    if isinstance(left, Left) and left.closing:
        # Who is still in under another name hears it with the others.
        still_in = any(room == command.roomID for room, _ in link.joined)
        await end(rooms, command.roomID, also=None if still_in else link)


async def delete(rooms: Rooms, link: Link, command: RoomDelete) -> None:
    """Delete a room; the event is the answer.

    Raises:
        Refusal: ``not_in_room``, ``not_host``, ``room_not_found``, ``unavailable``.
    """
    participant = _participant(link, command.roomID, command.userName)
    await rooms.do(Close(command.roomID, "deleted", participant.key, link.visitor.id, command.ref or ""))
    await end(rooms, command.roomID)


async def end(rooms: Rooms, room_id: int, also: Link | None = None) -> None:
    """Finish the deletion of a room that is closing: its row first, then the word to its people.

    Whoever sees the deletion finds the name free. What fails here, the keeper finishes later.

    Args:
        also: a connection that has just left the room and is to hear of it too.

    Raises:
        Refusal: ``unavailable``.
    """
    try:
        async with database():
            await Room.objects.filter(id=room_id).adelete()
    except DatabaseError:
        raise Refusal("unavailable", "the room is closing; the rest follows by itself") from None
    finished = await rooms.do(Finish(room_id))
    if also is not None and isinstance(finished, str):
        also.write(finished)


def say(rooms: Rooms, link: Link, command: ChatSend) -> None:
    """Say something in a room; the event is the answer.

    Raises:
        Refusal: ``not_in_room``, ``bad_field``, ``too_fast``. Later refusals are written when they are known.
    """
    participant = _participant(link, command.roomID, command.userName)
    try:
        message = names.clean_message(command.message, TEXT_FIELDS["message"])
    except ValueError as problem:
        raise Refusal("bad_field", str(problem), field="message") from None
    wait = link.visit.chat.take() if link.visit.chat is not None else 0
    if wait and not command.ref:
        raise Refusal("too_fast", REFUSALS["too_fast"], retryAfter=wait)
    said = Said(participant.room, participant.nick, message, participant.tag, ref=command.ref or UNSET)
    ref = command.ref or secrets.token_hex(8)
    operation = Say(participant.room, participant.key, link.visitor.id, ref, event_body(said), wait)
    rooms.say(link, operation, lambda problem: refuse(command, problem))


def refuse(command: Command, problem: Refusal) -> str:
    """The text of the answer that refuses ``command``, with those of its fields that are valid."""
    texts = {}
    for field, limit in TEXT_FIELDS.items():
        text = getattr(command, field, None)
        if text is not None:
            try:
                texts[field] = names.clean_message(text, limit) if field == "message" else names.clean(text, limit)
            except ValueError:
                continue
    return refusal(command, problem, texts)


def open_operation(room: Room, held: bool, seq: int = 0) -> Open:
    """What opens a room's live state from its row.

    Args:
        room: the row, its ``host`` at hand.
        held: whether the asking process holds the host; if not, the host has their grace to come back.
        seq: the highest ``seq`` known of it.
    """
    row = getattr(room, "host", None)
    host = Person(names.key(row.nickname), row.nickname, row.visitor, row.tag) if row is not None else None
    created_at = int(room.created_at.timestamp() * 1000)
    return Open(room.id, room.name, room.listed, created_at, host, held, int(conf.host_grace * 1000), seq)


def _name(text: str, field: str, limit: int) -> str:
    try:
        return names.clean(text, limit)
    except names.TooLong as problem:
        raise Refusal("bad_field", f"{field}: {problem}", field=field) from None
    except names.NameNotAllowed as problem:
        raise Refusal("name_not_allowed", f"{field}: {problem}", field=field) from None


def _participant(link: Link, room_id: int, name: str) -> Participant:
    """Who this connection is in a room under a name."""
    participant = link.joined.get((room_id, names.key(name)))
    if participant is None:
        raise Refusal("not_in_room", "this connection did not join the room with this name")
    return participant


def _has_place(link: Link, room_id: int, nick: str) -> None:
    if len(link.joined) >= conf.rooms_per_connection and (room_id, names.key(nick)) not in link.joined:
        raise Refusal("too_many_rooms", f"a connection has at most {conf.rooms_per_connection} names in rooms")


def _entered(kind: type[RoomCreated | RoomJoined], link: Link, room_id: int, entered: Entered, ref: str | None) -> str:
    """The text of the answer to one who is in the room now."""
    return encode(
        kind(
            roomID=room_id,
            roomName=entered.name,
            nickName=entered.nick,
            tag=entered.tag,
            host=entered.host,
            participants=entered.participants,
            members=[Member(nick, tag) for nick, tag in entered.members],
            locked=entered.locked,
            seq=entered.seq,
            at=entered.at,
            # A browser has its cookie; a program needs something to come back with.
            token=UNSET if link.cookie else link.visitor.token(),
            ref=ref or UNSET,
            recovered=UNSET if entered.recovered is None else entered.recovered,
        )
    )
