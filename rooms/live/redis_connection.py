"""One connection to Redis, one round trip at a time, and which life of Redis is at its other end.

Knows Redis and its client library; must not know operations or scripts. The client of redis-py would do, but it writes
in a task of its own: by then the process is busy telling the outcomes of the call before, and Redis waits. Here a call
is written before ``ask`` gives up control for the first time, once the connection is there.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)

CONNECT_SECONDS = 1.5
ANSWER_SECONDS = 2
"""How long a round trip may take, making the connection included. Everyone who waits for it fails with it."""

AWAY = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, AskError, OutOfMemoryError, OSError)
"""What Redis, or the way to it, raises when it cannot be used now; a reply may be one of these too."""
SILENT = (TimeoutError, asyncio.TimeoutError)
"""Those that say that nothing came in time."""
_NOT_THE_MASTER = (ReadOnlyError, AskError)


class RedisConnection:
    """The store's connection, made when it is first needed.

    Args:
        url: where Redis is, such as ``redis://127.0.0.1:6379/0``.
        on_connect: told the life of the Redis that was reached, before anything is asked of it.
    """

    def __init__(self, url: str, on_connect: Callable[[str], Awaitable[None]]) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=CONNECT_SECONDS,
            # A limit on each write and read would bring the tasks back; ``ask`` has one for the whole round trip.
            socket_timeout=None,
            # A retry below would not know which operations are safe to repeat; the store does.
            retry=Retry(NoBackoff(), 0),
        )
        self._on_connect = on_connect
        self._connection: AbstractConnection | None = None
        self._known_as: tuple[str, int] | None = None
        """The life of the Redis reached last, and its number for the connection to it."""
        self._lock = asyncio.Lock()
        self._silences = 0
        """How many round trips were not answered in time."""

    async def ask(self, commands: Callable[[], Sequence[Sequence[str | bytes | int]]]) -> list[Any]:
        """Send commands together; returns the reply of each, which may be an error.

        Args:
            commands: makes what is sent, once it is known which life of Redis it is sent to.

        Raises:
            redis.exceptions.ConnectionError, OSError: the connection could not be made, or broke, or was not answered
                within ``ANSWER_SECONDS``. Whoever waits for its turn meanwhile fails at the same moment: what did not
                answer one will not answer the next.
        """
        silences = self._silences
        async with self._lock:
            if self._silences != silences:
                raise TimeoutError("the call before was not answered")
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    connection = self._connection or await self._connect()
                    asked = commands()
                    await connection.send_packed_command(connection.pack_commands(asked), check_health=False)
                    replies = [await self._reply(connection) for _ in asked]
            except BaseException as problem:
                if isinstance(problem, SILENT):
                    self._silences += 1
                # What is still to come over it would be taken for the answer to something else.
                await self.close()
                raise
            if any(isinstance(reply, _NOT_THE_MASTER) for reply in replies):
                # It was demoted: the next connection may lead to the one that was promoted.
                await self.close()
            return replies

    async def _connect(self) -> AbstractConnection:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        self._connection = connection
        await connection.connect()  # type: ignore[no-untyped-call]
        told = [("INFO", "server"), ("INFO", "replication"), ("CLIENT", "ID")]
        await connection.send_packed_command(connection.pack_commands(told))
        about = "\r\n".join([await connection.read_response() for _ in range(2)])
        number = await self._reply(connection)
        facts = dict(line.split(":", 1) for line in about.split("\r\n") if ":" in line)
        if facts.get("role", "master") != "master":
            raise ReadOnlyError("this Redis is a replica")
        life = _life(facts)
        await self._end_the_one_before(connection, life)
        # A user who may not ask for it goes without.
        self._known_as = None if isinstance(number, ResponseError) else (life, number)
        await self._on_connect(life)
        return connection

    async def _end_the_one_before(self, connection: AbstractConnection, life: str) -> None:
        """What was sent over a broken connection and is still on its way must not be carried out after what follows."""
        if self._known_as is not None and self._known_as[0] == life:
            command = ("CLIENT", "KILL", "ID", self._known_as[1])
            await connection.send_packed_command(connection.pack_commands([command]))
            await self._reply(connection)

    async def _reply(self, connection: AbstractConnection) -> Any:
        try:
            return await connection.read_response()
        except ResponseError as problem:
            return problem

    async def close(self) -> None:
        """Close the connection; the next question makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)


def _life(facts: dict[str, str]) -> str:
    """The name of a Redis's life: another after every start, and on every server that was promoted.

    A server's ``run_id`` alone would not do: after a failover and a failback it is the old one again, with old keys.
    """
    name = f"{facts.get('run_id', '')}:{facts.get('master_replid', '')}"
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:12]
