"""The live store on Redis: one Lua script for each operation, one round trip for each flush.

Knows the contract, the calls and the connection to Redis; must not know models, sockets or the hub. Every key starts
with the prefix and has a time to live, so nothing outlives its use.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
)

from rooms.live.addresses import DayKeys
from rooms.live.contract import FRONT, SHARE, Lobby, LobbyRoom, Outcome, RoomIndex, StoreSilent, StoreUnavailable
from rooms.live.lua import all_scripts
from rooms.live.operations import Create, Operation
from rooms.live.redis_calls import Call, calls
from rooms.live.redis_connection import AWAY, SILENT, RedisConnection
from rooms.live.redis_kinds import described

MINIMUM_VERSION = (6, 2)
LIFE = 3_600_000
"""Milliseconds that a room's keys live after it was last touched; a node touches its rooms far more often."""
REFRESH_BEATS = 60
"""A node touches its rooms with every so many beats."""
PAGE = 500
"""Rooms on one page of the index, about."""
PURGE = 500
"""Keys that are looked at in one step when those of other lives are deleted."""


async def _no_installation() -> str:
    return "alone"


class RedisStore:
    """Implements ``contract.LiveStore``.

    Every key starts with the prefix, the installation that it belongs to, and the life of the Redis that it is in: what
    a restored dump or a promoted replica has of another life is not found (docs/architecture.md, "A store's life").

    Args:
        url: where Redis is, such as ``redis://127.0.0.1:6379/0``.
        history: how many events of a room are kept.
        history_age: how long an event is kept, in ms; also how long a deleted room is remembered.
        ref_age: how long a ref is recognised, in ms.
        prefix: what every key starts with.
        installation: finds the id of this installation; may raise ``StoreUnavailable``.
    """

    places = FRONT, SHARE

    def __init__(
        self,
        url: str,
        history: int = 256,
        history_age: int = 600_000,
        ref_age: int = 120_000,
        prefix: str = "sarangbang:",
        installation: Callable[[], Awaitable[str]] = _no_installation,
    ) -> None:
        self._connection = RedisConnection(url, self._enter_life)
        self._limits = [str(history), str(history_age), str(ref_age), str(LIFE)]
        self._scripts = all_scripts()
        self._base = prefix
        self._installation = installation
        self._prefix = ""
        self._purge_from: str | None = None
        self._beats = 0

    # --- the contract -------------------------------------------------------------------------------------------------

    async def apply(self, node_id: str, operations: Sequence[Operation[Any]]) -> list[Outcome[Any]]:
        """Carry out ``operations`` in one round trip; see the contract."""
        asked = calls(operations)
        try:
            replies = await self._run(node_id, asked)
        except StoreSilent:
            raise
        except StoreUnavailable:
            # A connection that has just broken says nothing about Redis. Repeating is safe: see the contract.
            replies = await self._run(node_id, asked)
        outcomes: list[Outcome[Any]] = []
        for call, reply in zip(asked, replies, strict=True):
            outcomes.extend(call.read(reply))
        return outcomes

    async def beat(self, node_id: str, lease: int) -> bool:
        """Renew a lease; see the contract."""
        refresh = self._beats % REFRESH_BEATS == 0
        self._beats += 1
        return bool(await self._ask(node_id, "beat", str(lease), "1" if refresh else "0"))

    async def confirm(self, node_id: str) -> None:
        """What ``beat`` asked for is done; see the contract."""
        await self._command(lambda: ("SREM", f"{self._prefix}unregistered", node_id))

    async def release(self, node_id: str) -> None:
        """End a lease; see the contract."""
        await self._command(lambda: ("ZADD", f"{self._prefix}leases", "XX", 0, node_id))

    async def lobby(self, most: int) -> Lobby:
        """The fullest listed rooms; see the contract."""
        total, *rooms = await self._ask("", "lobby", *map(str, (most, *self.places)))
        return Lobby([_listed(*room) for room in rooms], total)

    async def list_rooms(self, closing_for: int, after: str = "") -> RoomIndex:
        """A page of the rooms; see the contract."""
        following, opened, closing = await self._ask("", "list_rooms", str(closing_for), after or "0", str(PAGE))
        following = "" if following == "0" else following
        return RoomIndex({int(room) for room in opened}, {int(room) for room in closing}, following)

    async def unknown(self, room_ids: Sequence[int]) -> set[int]:
        """Those of the rooms that are not there; see the contract."""
        return {int(room) for room in await self._ask("", "unknown", *(str(room_id) for room_id in room_ids))}

    async def describe(self, room_id: int) -> Create | None:
        """What would make a room as it is; see the contract."""
        found = await self._ask("", "describe", str(room_id))
        return described(room_id, found) if found else None

    async def lead(self, duty: str, node_id: str, lease: int) -> bool:
        """Whether a duty is a node's; see the contract."""
        return bool(await self._ask(node_id, "lead", duty, str(lease)))

    async def day_keys(self, fresh: str) -> DayKeys:
        """The keys by which addresses are hashed; see the contract."""
        return DayKeys(*await self._ask("", "day_keys", fresh))

    async def purge(self) -> None:
        """Delete the keys of other lives, some at a time; see the contract."""
        prefix, self._purge_from = self._purge_from, None
        cursor = 0
        while prefix is not None:
            reply = await self._command(partial(_scan, cursor, prefix))
            cursor = int(reply[0])
            others = [key for key in reply[1] if not key.startswith(self._prefix)]
            if others:
                await self._command(partial(_unlink, others))
            if cursor == 0:
                return

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    # --- the way to Redis ---------------------------------------------------------------------------------------------

    async def _enter_life(self, life: str) -> None:
        """Use the keys of a life, which is known as soon as there is a connection."""
        installation = await self._installation()
        prefix = f"{self._base}{installation}:{life}:"
        if prefix != self._prefix:
            self._prefix = prefix
            self._purge_from = f"{self._base}{installation}:"

    async def _command(self, command: Callable[[], Sequence[str | bytes | int]]) -> Any:
        try:
            [reply] = await self._connection.ask(lambda: [command()])
        except AWAY as problem:
            raise _unavailable(problem) from None
        if isinstance(reply, AWAY):
            raise _unavailable(reply)
        return reply

    async def _ask(self, node_id: str, script: str, *arguments: str) -> Any:
        [reply] = await self._run(node_id, [Call(script, list(arguments), lambda _: [])])
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def _run(self, node_id: str, asked: list[Call]) -> list[Any]:
        """The reply of each call, or the error it ended with.

        Raises:
            StoreUnavailable: Redis cannot be reached or does not accept writes.
        """
        try:
            replies = await self._pipeline(node_id, asked)
            if any(isinstance(reply, NoScriptError) for reply in replies):
                # Redis was restarted or emptied: none of the scripts is there, so none of the calls was carried out.
                texts = [script.text for script in self._scripts.values()]
                await self._connection.ask(lambda: [("SCRIPT", "LOAD", text) for text in texts])
                replies = await self._pipeline(node_id, asked)
        except AWAY as problem:
            raise _unavailable(problem) from None
        for reply in replies:
            if isinstance(reply, AWAY):
                raise _unavailable(reply)
        return replies

    async def _pipeline(self, node_id: str, asked: list[Call]) -> list[Any]:
        return await self._connection.ask(lambda: [self._packed(node_id, call) for call in asked])

    def _packed(self, node_id: str, call: Call) -> Sequence[str | bytes | int]:
        sha = self._scripts[call.script].sha
        return ("EVALSHA", sha, 0, self._prefix, *self._limits, node_id, *call.arguments)


def _listed(
    room: str, name: str, host: str, people: int, locked: int, created_at: str, topic: str, later: int
) -> LobbyRoom:
    return LobbyRoom(int(room), name, host, people, bool(locked), int(created_at), topic, bool(later))


def _scan(cursor: int, prefix: str) -> Sequence[str | int]:
    return ("SCAN", cursor, "MATCH", f"{prefix}*", "COUNT", PURGE)


def _unlink(keys: Sequence[str]) -> Sequence[str]:
    return ("UNLINK", *keys)


def _unavailable(problem: BaseException) -> StoreUnavailable:
    """The same as the contract says it, with a reason that is true."""
    if isinstance(problem, SILENT):
        return StoreSilent()
    for kind, reason in _REASONS.items():
        if isinstance(problem, kind):
            return StoreUnavailable(reason)
    return StoreUnavailable()


_REASONS: dict[type[BaseException], str] = {
    OutOfMemoryError: "is out of memory and takes no more (see maxmemory)",
    ReadOnlyError: "is a replica, which takes nothing",
    BusyLoadingError: "is still loading its data",
    AuthenticationError: "does not let this server in (see REDIS_URL)",
    AskError: "is part of a cluster, which is not supported",
}
