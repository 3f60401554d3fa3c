"""Which operations happen in one room of the memory store, and how.

Knows the operations and the functions that carry them out; must not know which rooms there are.
"""

from collections.abc import Callable
from typing import Any

from rooms.live.contract import Done
from rooms.live.memory_lines import quote, react, remove, send
from rooms.live.memory_room import MemoryRoom
from rooms.live.memory_rules import change, examine, inspect, kick, lift, mute, notice, transfer
from rooms.live.moderation import (
    Change,
    Examine,
    Inspect,
    Kick,
    Lift,
    Mute,
    Notice,
    Quote,
    React,
    Remove,
    Transfer,
)
from rooms.live.operations import Send

IN_ROOM: dict[type, Callable[[MemoryRoom, str, Any, int], Done[Any]]] = {
    Examine: examine,
    Kick: kick,
    Lift: lift,
    Mute: mute,
    Change: change,
    Transfer: transfer,
    Notice: notice,
    Inspect: inspect,
    Send: send,
    Remove: remove,
    React: react,
    Quote: quote,
}
"""By operation, what to call with the room, which must be open, the asking node, the operation and now."""
