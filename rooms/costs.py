"""What commands cost of a connection's tokens, by the work that they make.

Knows the protocol's commands; must not know how they are carried out.
"""

from typing import get_args

from rooms.protocol import COMMANDS, AnyCommand, ChatReport, HostCommand, RoomCreate, RoomJoin, RoomList

COSTS: dict[type, int] = {
    **{RoomCreate: 2, RoomJoin: 2, RoomList: 10},
    # These ask the database.
    **dict.fromkeys((*get_args(HostCommand), ChatReport), 2),
}
"""Tokens of ``ROOMS_COMMAND_BURST``; every other command, and a frame that is none, costs one."""
REPLAY = 1
"""Tokens more for a join that asks for what was missed."""
REPLAYED_PER_TOKEN = 32
"""Events that were sent again for one token more, taken afterwards."""
NOT_FOUND = 8
"""Tokens more, taken afterwards, for a join of a room that does not exist: the database was asked for it."""


def cost(command: AnyCommand) -> int:
    """How many tokens a command takes."""
    replay = REPLAY if isinstance(command, RoomJoin) and command.after is not None else 0
    return COSTS.get(type(command), 1) + replay


def table() -> dict[str, int]:
    """The costs as clients are told them, by the commands' types on the wire."""
    return {name: COSTS.get(kind, 1) for name, kind in COMMANDS.items()} | {
        "after": REPLAY,
        "room_not_found": NOT_FOUND,
    }
