"""What the verbs share: the hub as they see it, who the caller is in a room, texts that keep the rules, the database.

Knows connections, names, models and the live store's operations; must not know consumers, the hub or any one verb.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from django.db import Error as DatabaseError
from django.db import IntegrityError

from rooms import answers, names
from rooms.connection import Connection, Seat
from rooms.echoes import Again
from rooms.live.contract import refusal
from rooms.live.moderation import Actor
from rooms.live.operations import AnswerT, Create, Duplicate, Entered, Join, Operation, Send
from rooms.models import database, reason
from rooms.protocol import HostCommand, LineCommand, Refusal, RoomEvent, event_body


class DatabaseUnavailable(Refusal):
    """The database could not be used for a command; ``reason`` says why, for the log."""

    def __init__(self, detail: str, problem: DatabaseError) -> None:
        super().__init__("unavailable", detail)
        self.reason = reason(problem)


class Doer(Protocol):
    """What the verbs of hosts and moderators need: a hub, or a ``Caller`` before one."""

    async def do(self, operation: Operation[AnswerT]) -> AnswerT:
        """Carry out an operation."""


class HubPort(Doer, Protocol):
    """What all verbs need of the hub."""

    def tell(self, operation: Operation[None]) -> None:
        """Carry out an operation that nobody waits for."""

    async def join(self, connection: Connection, operation: Join | Create, answer: Callable[[Entered], str]) -> None:
        """Put a connection into a room and write its answer."""

    async def exit(self, connection: Connection, seat: Seat, answer: Callable[[], str]) -> bool:
        """Take a connection out of a room and write its answer."""

    def send(self, connection: Connection, operation: Send, refused: Callable[[Refusal], str]) -> None:
        """Append a message."""

    async def ask(self, connection: Connection, operation: Operation[AnswerT], lost: Callable[[], None]) -> AnswerT:
        """Carry out an operation whose event, if it makes one, answers a connection."""

    def repeat(self, connection: Connection, again: Again) -> None:
        """Answer a connection with the event of a command that was carried out before."""

    def heard_until(self, connection: Connection, room_id: int) -> int:
        """The seq of the last event of a room that a connection has been told."""


class Caller:
    """Somebody in a room who asks for something: the events that answer are theirs.

    Args:
        hub: the hub.
        connection: from which they ask.
        command: what they ask for.

    Raises:
        Refusal: ``not_in_room``.
    """

    def __init__(self, hub: HubPort, connection: Connection, command: HostCommand | LineCommand) -> None:
        self.seat = seat(connection, command.roomID, command.userName)
        self.actor = Actor(
            self.seat.key, connection.visitor.id, command.ref or secrets.token_hex(8), echo=bool(command.ref)
        )
        self._hub = hub
        self._connection = connection
        self._command = command
        self._heard = hub.heard_until(connection, command.roomID)
        self._since = asyncio.get_running_loop().time()

    async def do(self, operation: Operation[AnswerT]) -> AnswerT:
        """Carry out an operation; the event that it makes, if any, is the answer.

        Raises:
            Refusal: it was refused.
        """
        return await self._hub.ask(self._connection, operation, self._lost)

    def repeat(self, made: Duplicate, event: RoomEvent) -> None:
        """Answer with what the same ``ref`` made before.

        Args:
            made: what that was.
            event: the same without its number, for when it is no longer kept.
        """
        body = event_body(event)
        again = Again(self._command.roomID, made, body, self._heard, self._lost, self._since)
        self._hub.repeat(self._connection, again)

    def _lost(self) -> None:
        problem = Refusal("unavailable", "it may have been done or not; send it again with the same ref")
        self._connection.write(answers.refuse(self._command, problem))


def seat(connection: Connection, room_id: int, name: str) -> Seat:
    """Who a connection is in a room under a name.

    Raises:
        Refusal: ``not_in_room``.
    """
    found = connection.seats.get((room_id, names.key(name)))
    if found is None:
        raise Refusal("not_in_room", "this connection did not join the room with this name")
    return found


def clean_name(text: str, field: str, limit: int) -> str:
    """A name as it is shown.

    Args:
        text: as it was sent.
        field: where.
        limit: how many code points it may have.

    Raises:
        Refusal: ``bad_field`` or ``name_not_allowed``.
    """
    try:
        return names.clean(text, limit)
    except names.TooLong as problem:
        raise Refusal("bad_field", f"{field}: {problem}", field=field) from None
    except names.NameNotAllowed as problem:
        raise Refusal("name_not_allowed", f"{field}: {problem}", field=field) from None


def clean_text(text: str, field: str, limit: int, one_line: bool = False) -> str:
    """A text that may be empty, as a message is cleaned.

    Args:
        text: as it was sent.
        field: where.
        limit: how many code points it may have.
        one_line: whether it may have no line feed.

    Raises:
        Refusal: ``bad_field``.
    """
    try:
        cleaned = names.clean_message(text, limit) if names.trim(text, limit) else ""
    except ValueError as problem:
        raise Refusal("bad_field", f"{field}: {problem}", field=field) from None
    if one_line and "\n" in cleaned:
        raise Refusal("bad_field", f"{field}: it is one line", field=field)
    return cleaned


@asynccontextmanager
async def recorded(detail: str) -> AsyncIterator[None]:
    """Write something to the database that belongs to a room.

    Args:
        detail: what to say when the database cannot be used.

    Raises:
        DatabaseUnavailable: it cannot.
        Refusal: ``room_not_found``, the room has no row.
    """
    try:
        async with database():
            yield
    except IntegrityError:
        raise refusal("room_not_found") from None
    except DatabaseError as problem:
        raise DatabaseUnavailable(detail, problem) from None
