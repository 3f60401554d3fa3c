"""The rules of rooms, a verb each: create, delete, join, exit, send.

Knows models, names, visitors, connections and the live store's operations; must not know consumers, the hub or
Channels: the hub is given to each verb as a ``HubPort`` (``verbs``). A verb either does what was asked, with its answer
written in the right place of the conversation, or raises a ``Refusal``. Callers are known by their connection, never by
the name in a command.
"""

import secrets

from django.db import Error as DatabaseError
from django.db import IntegrityError
from msgspec import UNSET

from rooms import answers, lookup, names, words
from rooms.conf import conf
from rooms.connection import Connection
from rooms.live.addresses import TEN_MINUTES, Address, Charge
from rooms.live.contract import RoomUnknown
from rooms.live.contract import refusal as store_refusal
from rooms.live.operations import (
    BeginDelete,
    Cancel,
    Create,
    Entered,
    FinishDelete,
    Join,
    Person,
    Reserve,
    Rules,
    Send,
)
from rooms.models import Host, Room, database, random_id
from rooms.protocol import (
    ROOM_NAME_MAX,
    TEXT_FIELDS,
    USER_NAME_MAX,
    ChatSend,
    Refusal,
    RoomCreate,
    RoomCreated,
    RoomDelete,
    RoomExit,
    RoomExited,
    RoomJoin,
    RoomJoined,
    Sent,
    encode,
    event_body,
)
from rooms.verbs import DatabaseUnavailable, Doer, HubPort, check_place, name_of, seat_of


async def create(hub: HubPort, connection: Connection, command: RoomCreate) -> None:
    """Create a room with the caller in it as its host.

    The same ``ref`` again from the same visitor answers with the room it made (docs/protocol.md, "Create a room").

    Raises:
        Refusal: ``name_not_allowed``, ``bad_field``, ``room_name_taken``, ``too_many_rooms``, ``too_fast``,
            ``unavailable``.
    """
    name = name_of(command.roomName, "roomName", ROOM_NAME_MAX)
    nick = name_of(command.userName, "userName", USER_NAME_MAX)
    visitor = connection.visitor
    charge = _charge(connection, conf.creates_per_address)
    ref = command.ref or secrets.token_hex(8)
    room_id = new_id = random_id()
    if command.ref or charge:
        room_id = await hub.do(Reserve(visitor.id, ref, new_id, charge))
    try:
        check_place(connection, room_id, nick)
        person = Person(names.key(nick), nick, visitor.id, visitor.tag(room_id))
        await _make(hub, connection, command, room_id, name, person)
    except Refusal as problem:
        # What may have happened and may be repeated stays reserved: the repetition costs nothing then.
        if charge and room_id == new_id and (problem.error != "unavailable" or not command.ref):
            hub.tell(Cancel(visitor.id, ref, room_id, charge))
        raise


async def _make(
    hub: HubPort, connection: Connection, command: RoomCreate, room_id: int, name: str, host: Person
) -> None:
    """Make the row of a room and its live state, and put its host in."""
    try:
        async with database():
            room = await _insert(room_id, name, command.listed is not False, host)
    except DatabaseError as problem:
        raise DatabaseUnavailable("rooms cannot be made now; send it again with the same ref", problem) from None

    def answer(entered: Entered) -> str:
        return answers.entered(RoomCreated, connection, entered, command.ref)

    try:
        await hub.join(connection, create_operation(room, held=True, opener=connection.address), answer)
    except Refusal as problem:
        if problem.error == "room_not_found":
            # It was made by this ref before, and deleted since.
            async with database():
                await Room.objects.filter(id=room_id).adelete()
        raise


async def _insert(room_id: int, name: str, listed: bool, host: Person) -> Room:
    """Write a room and its host to the database, or find this very room there already.

    It is there when the same ``ref`` made it before, or makes it at the same moment: a client that lost its connection
    in between cannot know.
    """
    others = Host.objects.filter(visitor=host.visitor_id).exclude(room=room_id)
    if await others.acount() >= conf.rooms_per_visitor:
        raise Refusal("too_many_rooms", f"a visitor hosts at most {conf.rooms_per_visitor} rooms")
    try:
        return await Room.objects.create_with_host(room_id, name, listed, host.visitor_id, host.nick, host.tag)
    except IntegrityError:
        other = await Room.objects.open_with_name(name) if listed else None
        if other is None:
            raise Refusal("unavailable", "the name was being given up; send it again with the same ref") from None
        raise Refusal("room_name_taken", "an open room has this name, or one like it", roomID=other.id) from None


async def join(hub: HubPort, connection: Connection, command: RoomJoin) -> int:
    """Put the caller into a room, or let them come back; returns how many events they had missed and were sent.

    Raises:
        Refusal: ``name_not_allowed``, ``bad_field``, ``room_not_found``, ``room_full``, ``name_taken``,
            ``banned``, ``room_locked``, ``too_many_rooms``, ``too_fast``, ``unavailable``.
    """
    nick = name_of(command.userName, "userName", USER_NAME_MAX)
    check_place(connection, command.roomID, nick)
    visitor = connection.visitor
    person = Person(names.key(nick), nick, visitor.id, visitor.tag(command.roomID))

    replayed = 0

    def answer(entered: Entered) -> str:
        nonlocal replayed
        replayed = len(entered.replay)
        return answers.entered(RoomJoined, connection, entered, command.ref)

    charge = _charge(connection, conf.joins_per_address)
    made_at = visitor.made_at
    operation = Join(command.roomID, person, command.after, conf.room_size, charge, connection.address, made_at)
    try:
        await hub.join(connection, operation, answer)
    except RoomUnknown:
        # It never was, or the live store lost it. The database is asked only here, off the usual way of a join.
        await reopen(hub, command.roomID)
        await hub.join(connection, operation, answer)
    return replayed


async def reopen(hub: Doer, room_id: int, seq: int = 0) -> None:
    """Create a room's live state, which the store has lost, from its row; the host has their grace to come back.

    Rows are read together for all who ask at the same time: room numbers can be made up without end.

    Raises:
        Refusal: ``room_not_found`` when there is no row, ``unavailable``.
    """
    try:
        room = await lookup.current().room(room_id)
    except DatabaseError as problem:
        raise DatabaseUnavailable("the room cannot be looked up now; send it again", problem) from None
    if room is None:
        raise store_refusal("room_not_found")
    await hub.do(create_operation(room, held=False, seq=seq))


async def exit(hub: HubPort, connection: Connection, command: RoomExit) -> None:
    """Take this connection out of a room; when the host is out, the room is deleted.

    Raises:
        Refusal: ``not_in_room``, ``unavailable``.
    """
    seat = seat_of(connection, command.roomID, command.userName)

    def answer() -> str:
        return encode(RoomExited(command.roomID, seat.nick, ref=command.ref or UNSET))

    if await hub.exit(connection, seat, answer):
        # A connection that is still in under another name hears it with the others.
        still_in = any(room == command.roomID for room, _ in connection.seats)
        await finish_delete(hub, command.roomID, also=None if still_in else connection)


async def delete(hub: HubPort, connection: Connection, command: RoomDelete) -> None:
    """Delete a room; the event is the answer.

    Raises:
        Refusal: ``not_in_room``, ``not_host``, ``room_not_found``, ``unavailable``.
    """
    seat = seat_of(connection, command.roomID, command.userName)
    await hub.do(BeginDelete(command.roomID, "deleted", seat.key, connection.visitor.id, command.ref or ""))
    await finish_delete(hub, command.roomID)


async def finish_delete(hub: Doer, room_id: int, also: Connection | None = None) -> None:
    """FinishDelete the deletion of a room that is closing: its row first, then the word to its people.

    Whoever sees the deletion finds the name free. What fails here, the keeper finishes later.

    Args:
        also: a connection that has just left the room and is to hear of it too.

    Raises:
        Refusal: ``unavailable``.
    """
    try:
        async with database():
            await Room.objects.filter(id=room_id).adelete()
    except DatabaseError as problem:
        raise DatabaseUnavailable("the room is closing; the rest follows by itself", problem) from None
    finished = await hub.do(FinishDelete(room_id))
    if also is not None and finished is not None:
        also.write(finished)


def send(hub: HubPort, connection: Connection, command: ChatSend) -> None:
    """Send something in a room; the event is the answer.

    Raises:
        Refusal: ``not_in_room``, ``bad_field``, ``too_fast``, ``not_allowed``. Later refusals, ``muted`` too, are
            written when they are known.
    """
    seat = seat_of(connection, command.roomID, command.userName)
    try:
        message = names.clean_message(command.message, TEXT_FIELDS["message"])
    except ValueError as problem:
        raise Refusal("bad_field", str(problem), field="message") from None
    if command.replyTo == 0:
        raise Refusal("bad_field", "replyTo: no line has this number", field="replyTo")
    wait = connection.visit.chat.retry_after_ms() if connection.visit.chat is not None else 0
    # A line that was said before is answered as it was then, so the store looks for its ref; not for each of a flood.
    if wait and not (command.ref and connection.visit.may_repeat()):
        raise store_refusal("too_fast", retryAfter=wait)
    if (unwanted := words.lists().lines) is not None and unwanted.occurs_in(message):
        raise Refusal("not_allowed", "the message has a word that is not said on this server")
    visitor_id, reply_to = connection.visitor.id, command.replyTo or 0
    said = Sent(seat.room_id, seat.nick, message, seat.tag, replyTo=reply_to or UNSET, ref=command.ref or UNSET)
    made_before = hub.made_before(seat.room_id, visitor_id, command.ref) if command.ref else ""
    ref, wait = command.ref or secrets.token_hex(8), wait or int(made_before != "")
    operation = Send(seat.room_id, seat.key, visitor_id, ref, event_body(said), wait, reply_to)
    hub.send(connection, operation, lambda problem: answers.refuse(command, problem), made_before)


def create_operation(room: Room, held: bool, seq: int = 0, opener: Address | None = None) -> Create:
    """What opens a room's live state from its row.

    Args:
        room: the row, its ``host`` at hand, and unless ``held`` all of ``RoomQuerySet.whole``.
        held: whether the asking process holds the host; if not, the host has their grace to come back.
        seq: the highest ``seq`` known of it.
        opener: where it is made from, if that is known.
    """
    row = getattr(room, "host", None)
    host = Person(names.key(row.nickname), row.nickname, row.visitor, row.tag) if row is not None else None
    created_at = int(room.created_at.timestamp() * 1000)
    people = () if held else (room.blocked, room.muted)
    rules = Rules(room.topic, room.locked, room.slow, *people)
    grace = int(conf.host_grace * 1000)
    return Create(room.id, room.name, room.listed, created_at, host, held, grace, seq, opener, rules)


def _charge(connection: Connection, most: int) -> Charge | None:
    return Charge(connection.address, most, TEN_MINUTES) if connection.address is not None and most else None
