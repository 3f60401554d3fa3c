"""What must outlive the processes: the open rooms, who hosts them, who is kept out of them, and what was reported.

Knows names; must not know the protocol's messages, the live store, the hub or the consumers. Who is in a room is never
here, and what is said there only where somebody reported it.
"""

from rooms.models.installation import Installation, _random_hex, _random_key
from rooms.models.people import BLOCKS_MAX, PERSON_LENGTH, Block, Mute
from rooms.models.reach import DATABASE_SECONDS, database, reason
from rooms.models.reports import ADDRESS_HOURS, NOTE_MAX, Ban, Report, forget
from rooms.models.rooms import (
    ID_LIMIT,
    KEY_MAX,
    NICKNAME_MAX,
    ROOM_NAME_MAX,
    SLOW_MAX,
    TAG_MAX,
    TOPIC_MAX,
    VISITOR_LENGTH,
    Ended,
    Host,
    HostQuerySet,
    Room,
    RoomQuerySet,
    random_id,
)

__all__ = [
    "ADDRESS_HOURS",
    "BLOCKS_MAX",
    "DATABASE_SECONDS",
    "ID_LIMIT",
    "KEY_MAX",
    "NICKNAME_MAX",
    "NOTE_MAX",
    "PERSON_LENGTH",
    "ROOM_NAME_MAX",
    "SLOW_MAX",
    "TAG_MAX",
    "TOPIC_MAX",
    "VISITOR_LENGTH",
    "Ban",
    "Block",
    "Ended",
    "Host",
    "HostQuerySet",
    "Installation",
    "Mute",
    "Report",
    "Room",
    "RoomQuerySet",
    "_random_hex",
    "_random_key",
    "database",
    "forget",
    "random_id",
    "reason",
]
