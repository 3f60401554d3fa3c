"""The texts of the scripts that carry out the operations in Redis.

Knows the protocol's structs, the operations' constants and ``scripts/*.lua``; must not know how scripts are called.
The texts of events, and the order in which a room's state is told to a newcomer, are taken from the structs, so that a
field is named in one place (``protocol``) and both stores send the same.
"""

import hashlib
import json
import string
from pathlib import Path

from msgspec import Struct
from msgspec.structs import fields

from rooms.live.moderation import REACTIONS_EVERY
from rooms.protocol import (
    MEMBERS_MAX,
    QUOTED,
    Deleted,
    Exited,
    HostAway,
    HostBack,
    HostTransferred,
    Joined,
    Muted,
    Reacted,
    Recounted,
    Removed,
    RoomEvent,
    RoomState,
    event_body,
)

_FOLDER = Path(__file__).parent / "scripts"
_SHARED = ("common", "addresses", "events", "members")
_PARTS = {
    # Each part takes its time in every call, and this one is called most.
    "send": ("common", "events"),
    **dict.fromkeys(("examine", "kick", "lift", "mute", "change", "transfer", "notice"), (*_SHARED, "rules")),
    **dict.fromkeys(("remove", "react", "quote", "sweep"), (*_SHARED, "lines")),
}
"""What stands in front of a script, where it is not just what most of them share."""


class Script:
    """A script as Redis gets it.

    Args:
        name: the name of its file.
    """

    def __init__(self, name: str) -> None:
        parts = (*_PARTS.get(name, _SHARED), name)
        self.text = _CONSTANTS + "".join((_FOLDER / f"{part}.lua").read_text() for part in parts)
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


def all_scripts() -> dict[str, Script]:
    """Every script, by its name."""
    parts = {part for parts in _PARTS.values() for part in parts}
    return {path.stem: Script(path.stem) for path in _FOLDER.glob("*.lua") if path.stem not in parts}


def template(kind: type[RoomEvent], *optional: str) -> str:
    """An event's text without its closing brace, with ``$field$`` for each field that has no default.

    Args:
        kind: the event's struct.
        optional: fields with a default that are to be filled in as well.
    """
    filled = {field.name: field.type for field in fields(kind) if field.required or field.name in optional}
    # A number cannot be written as $field$, so it is written as a number that stands for it.
    numbers = {name: 10**15 + place for place, name in enumerate(filled) if filled[name] is int}
    text = event_body(kind(**{name: numbers.get(name, f"${name}$") for name in filled}))  # type: ignore[arg-type]
    for name, number in numbers.items():
        text = text.replace(str(number), f"${name}$")
    return text


def _table(values: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name} = {_lua(value)}" for name, value in values.items()) + "}"


def _lua(text: str) -> str:
    """A Lua string; JSON writes it alike where, as here, there is nothing but printable ASCII."""
    assert set(text) <= set(string.printable)
    return json.dumps(text)


def _names(kind: type[Struct]) -> str:
    return "{" + ", ".join(_lua(name) for name in kind.__struct_fields__) + "}"


_KINDS = (
    *(Joined, Exited, HostAway, HostBack, Recounted, Deleted),
    *(Muted, HostTransferred, Removed, Reacted),
)
_EVENTS = {kind.__name__: template(kind) for kind in _KINDS}
_EVENTS["Kicked"] = template(Exited, "by")
_EVENTS["DeletedByRef"] = template(Deleted, "ref")
_CONSTANTS = f"""\
local MEMBERS_MAX, QUOTED, REACTIONS_EVERY = {MEMBERS_MAX}, {QUOTED}, {REACTIONS_EVERY}
local ROOM_STATE = {_names(RoomState)}
local EVENTS = {_table(_EVENTS)}
"""
