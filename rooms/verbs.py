"""What all verbs share: what they need of the hub, who the caller is, and that a name may be had.

Knows names, connections and the live store's operations; must not know models' rules or what a verb does. The verbs
themselves are in ``services``.
"""

from collections.abc import Callable
from typing import Protocol

from django.db import Error as DatabaseError

from rooms import names, words
from rooms.conf import conf
from rooms.connection import Connection, Seat
from rooms.echoes import Again
from rooms.live.operations import AnswerT, Create, Entered, Join, Operation, Send
from rooms.models import reason
from rooms.protocol import Refusal


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

    def made_before(self, room_id: int, visitor_id: str, ref: str) -> str:
        """The end of the line that a visitor's ref has made a moment ago, as far as this process remembers."""

    def send(
        self, connection: Connection, operation: Send, refused: Callable[[Refusal], str], made_before: str = ""
    ) -> None:
        """Append a message, or answer one that was made before."""

    async def ask(self, connection: Connection, operation: Operation[AnswerT], lost: Callable[[], None]) -> AnswerT:
        """Carry out an operation whose event, if it makes one, answers a connection."""

    def repeat(self, connection: Connection, again: Again) -> None:
        """Answer a connection with the event of a command that was carried out before."""

    def heard_until(self, connection: Connection, room_id: int) -> int:
        """The seq of the last event of a room that a connection has been told."""


def name_of(text: str, field: str, limit: int) -> str:
    """A name as it is shown, which anyone may have: no reserved one, and without the operator's words.

    Args:
        text: what the client sent.
        field: where, for the refusal.
        limit: how many code points it may have.

    Raises:
        Refusal: ``bad_field``, it is too long; ``name_not_allowed``.
    """
    try:
        name = names.clean(text, limit)
        words.check_name(name, is_person=field == "userName")
        return name
    except names.TooLong as problem:
        raise Refusal("bad_field", f"{field}: {problem}", field=field) from None
    except names.NameNotAllowed as problem:
        raise Refusal("name_not_allowed", f"{field}: {problem}", field=field) from None


def seat_of(connection: Connection, room_id: int, name: str) -> Seat:
    """Who this connection is in a room under a name.

    Raises:
        Refusal: ``not_in_room``.
    """
    seat = connection.seats.get((room_id, names.key(name)))
    if seat is None:
        raise Refusal("not_in_room", "this connection did not join the room with this name")
    return seat


def check_place(connection: Connection, room_id: int, nick: str) -> None:
    """See that a connection may have another name in a room, or has this one.

    Raises:
        Refusal: ``too_many_rooms``.
    """
    if len(connection.seats) >= conf.rooms_per_connection and (room_id, names.key(nick)) not in connection.seats:
        raise Refusal("too_many_rooms", f"a connection has at most {conf.rooms_per_connection} names in rooms")
