"""The texts of answers that need more than the message's struct: the room a person has entered, and refusals.

Knows the protocol, names, connections and what the live store answers; must not know models, the hub or consumers.
"""

from msgspec import UNSET, structs

from rooms import names
from rooms.connection import Connection
from rooms.live.operations import Entered
from rooms.protocol import (
    TEXT_FIELDS,
    Command,
    Refusal,
    RoomCreated,
    RoomJoined,
    encode,
    refusal,
)


def entered(kind: type[RoomCreated | RoomJoined], connection: Connection, found: Entered, ref: str | None) -> str:
    """The text of the answer to a person who is in the room now."""
    return encode(
        kind(
            **structs.asdict(found.state),
            # A browser has its cookie; a program needs something to come back with.
            token=UNSET if connection.cookie else connection.visitor.token(),
            ref=ref or UNSET,
            recovered=UNSET if found.recovered is None else found.recovered,
        )
    )


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
