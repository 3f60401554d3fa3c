"""The texts of answers that need more than the message's struct: the room a person has entered, and refusals.

Knows the protocol, names, connections and what the live store answers; must not know models, the hub or consumers.
"""

from collections.abc import Sequence

from django.conf import settings
from msgspec import UNSET, structs

from rooms import names
from rooms.conf import conf
from rooms.connection import Connection
from rooms.costs import REPLAYED_PER_TOKEN, table
from rooms.live.moderation import OWN_LINE
from rooms.live.operations import Entered
from rooms.protocol import (
    BLOCKS_MAX,
    FRAME_MAX,
    MEMBERS_MAX,
    MESSAGE_MAX,
    MUTE_MAX,
    NOTE_MAX,
    PING_SECONDS,
    PROTOCOL_VERSION,
    REPORTS_MAX,
    ROOM_NAME_MAX,
    SLOW_MAX,
    TEXT_FIELDS,
    TOPIC_MAX,
    USER_NAME_MAX,
    Command,
    Greeting,
    Refusal,
    RoomCreated,
    RoomJoined,
    encode,
    refusal,
)

_MESSAGES = ("message", "note", "topic")
"""Texts that are cleaned like messages, and may be empty but for the first; all others are names."""


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


def greeting(connection: Connection, ref: str | None) -> str:
    """The text of the answer to a hello."""
    return encode(
        Greeting(
            version=PROTOCOL_VERSION,
            server=settings.PROGRAM,
            limits=_limits(),
            pingSeconds=PING_SECONDS,
            token=UNSET if connection.cookie else connection.visitor.token(),
            ref=ref or UNSET,
        )
    )


def _limits() -> dict[str, int | float | dict[str, int]]:
    """Every limit that a client can run into."""
    return {
        "frameBytes": FRAME_MAX,
        "roomNameChars": ROOM_NAME_MAX,
        "userNameChars": USER_NAME_MAX,
        "messageChars": MESSAGE_MAX,
        "topicChars": TOPIC_MAX,
        "noteChars": NOTE_MAX,
        "muteSeconds": MUTE_MAX,
        "slowSeconds": SLOW_MAX,
        "blocks": BLOCKS_MAX,
        "ownLineSeconds": OWN_LINE // 1000,
        "reportsPer10Minutes": REPORTS_MAX,
        "chatBurst": conf.chat_burst,
        "chatPerSecond": conf.chat_rate,
        "commandBurst": conf.command_burst,
        "commandsPerSecond": conf.command_rate,
        "costs": table(),
        "replayedEventsPerToken": REPLAYED_PER_TOKEN,
        "roomPeople": conf.room_size,
        "roomsPerVisitor": conf.rooms_per_visitor,
        "namesPerConnection": conf.rooms_per_connection,
        "connectionsPerVisitor": conf.connections_per_visitor,
        "connectionsPerAddress": conf.connections_per_address,
        "newConnectionsPerAddressAndMinute": conf.arrivals_per_address,
        "createsPerAddressAnd10Minutes": conf.creates_per_address,
        "joinsPerAddressAnd10Minutes": conf.joins_per_address,
        "listRooms": conf.lobby_size,
        "membersListed": MEMBERS_MAX,
        "historyLines": conf.history,
        "historySeconds": conf.history_age,
        "refSeconds": conf.ref_age,
        "tokenSeconds": conf.token_age,
        "graceSeconds": conf.grace,
        "hostGraceSeconds": conf.host_grace,
    }


def refuse(command: Command, problem: Refusal, wrong: Sequence[str] = ()) -> str:
    """The text of the answer that refuses ``command``, with those of its fields that are valid.

    Args:
        command: what was asked for.
        problem: why it is not done.
        wrong: the names of fields that are not what they must be.
    """
    texts = {}
    for field, limit in TEXT_FIELDS.items():
        text = getattr(command, field, None)
        if text is not None:
            try:
                texts[field] = _clean(field, text, limit)
            except ValueError:
                continue
    return refusal(command, problem, texts, wrong)


def _clean(field: str, text: str, limit: int) -> str:
    """A valid text as it is said again."""
    if field not in _MESSAGES:
        return names.clean(text, limit)
    return names.clean_message(text, limit) if field == "message" or names.trim(text, limit) else ""
