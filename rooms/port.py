"""What the verbs of hosts, moderators and lines share: who asks, texts that may be empty, what is written down.

Knows connections, names, models and the live store's operations; must not know consumers, the hub or any one verb.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from django.db import Error as DatabaseError
from django.db import IntegrityError

from rooms import answers, names
from rooms.connection import Connection
from rooms.echoes import Again
from rooms.live.contract import refusal
from rooms.live.moderation import Actor
from rooms.live.operations import AnswerT, Duplicate, Operation
from rooms.models import database
from rooms.protocol import ChatReact, HostCommand, LineCommand, MemberKick, Refusal, RoomEvent, event_body
from rooms.verbs import DatabaseUnavailable, HubPort, seat_of


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
        self.seat = seat_of(connection, command.roomID, command.userName)
        self.actor = Actor(
            self.seat.key, connection.visitor.id, command.ref or secrets.token_hex(8), echo=bool(command.ref)
        )
        self._hub = hub
        self._connection = connection
        self._command = command
        self._heard = hub.heard_until(connection, command.roomID)
        self._since = asyncio.get_running_loop().time()

    async def do(self, operation: Operation[AnswerT]) -> AnswerT:
        """Carry out an operation; its event, if any, is the answer, unless the command has one of its own.

        Raises:
            Refusal: it was refused.
        """
        apart = isinstance(self._command, MemberKick | ChatReact)
        return await self._hub.ask(self._connection, operation, (lambda: None) if apart else self._lost)

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
