"""The live store on Redis: one Lua script for each operation, one round trip for each flush.

Knows the contract, the calls and the connection to Redis; must not know models, sockets or the hub. Every key starts
with the prefix and has a time to live, so nothing outlives its use.
"""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError

from rooms.live.contract import Lobby, LobbyRoom, Outcome, RoomIndex, StoreUnavailable
from rooms.live.lua import all_scripts
from rooms.live.operations import Operation
from rooms.live.redis_calls import Call, calls
from rooms.live.redis_connection import AWAY, RedisConnection

MINIMUM_VERSION = (6, 2)
LIFE = 3_600_000
"""Milliseconds that a room's keys live after it was last touched; a node touches its rooms far more often."""
REFRESH_BEATS = 60
"""A node touches its rooms with every so many beats."""


class RedisStore:
    """Implements ``contract.LiveStore``.

    Args:
        url: where Redis is, such as ``redis://127.0.0.1:6379/0``.
        history: how many events of a room are kept.
        history_age: how long an event is kept, in ms; also how long a deleted room is remembered.
        ref_age: how long a ref is recognised, in ms.
        prefix: what every key starts with.
    """

    def __init__(
        self,
        url: str,
        history: int = 256,
        history_age: int = 600_000,
        ref_age: int = 120_000,
        prefix: str = "sarangbang:",
    ) -> None:
        self._connection = RedisConnection(url)
        self._common = [prefix, str(history), str(history_age), str(ref_age), str(LIFE)]
        self._scripts = all_scripts()
        self._prefix = prefix
        self._beats = 0

    # --- the contract -------------------------------------------------------------------------------------------------

    async def apply(self, node_id: str, operations: Sequence[Operation[Any]]) -> list[Outcome[Any]]:
        """Carry out ``operations`` in one round trip; see the contract."""
        asked = calls(operations)
        try:
            replies = await self._run(node_id, asked)
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

    async def release(self, node_id: str) -> None:
        """End a lease; see the contract."""
        try:
            await self._connection.ask([("ZADD", f"{self._prefix}leases", "XX", 0, node_id)])
        except AWAY as problem:
            raise StoreUnavailable(str(problem)) from None

    async def lobby(self, most: int) -> Lobby:
        """The fullest listed rooms; see the contract."""
        total, *rooms = await self._ask("", "lobby", str(most))
        listed = [LobbyRoom(int(room[0]), room[1], room[2], room[3], bool(room[4]), int(room[5])) for room in rooms]
        return Lobby(listed, total)

    async def list_rooms(self, closing_for: int) -> RoomIndex:
        """All rooms; see the contract."""
        opened, closing = await self._ask("", "list_rooms", str(closing_for))
        return RoomIndex({int(room) for room in opened}, {int(room) for room in closing})

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    # --- the way to Redis ---------------------------------------------------------------------------------------------

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
                await self._connection.ask([("SCRIPT", "LOAD", script.text) for script in self._scripts.values()])
                replies = await self._pipeline(node_id, asked)
        except AWAY as problem:
            raise StoreUnavailable(str(problem)) from None
        for reply in replies:
            if isinstance(reply, AWAY):
                raise StoreUnavailable(str(reply))
        return replies

    async def _pipeline(self, node_id: str, asked: list[Call]) -> list[Any]:
        return await self._connection.ask(
            [("EVALSHA", self._scripts[call.script].sha, 0, *self._common, node_id, *call.arguments) for call in asked]
        )
