"""One connection to Redis, one round trip at a time.

Knows Redis and its client library; must not know operations or scripts. The client of redis-py would do, but it writes
in a task of its own: by then the process is busy telling the outcomes of the call before, and Redis waits. Here a call
is written before ``ask`` gives up control for the first time, once the connection is there.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)

CONNECT_SECONDS = 2
ANSWER_SECONDS = 3

AWAY = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OutOfMemoryError, OSError)
"""What Redis, or the way to it, raises when it cannot be used now; a reply may be one of these too."""


class RedisConnection:
    """The store's connection, made when it is first needed.

    Args:
        url: where Redis is, such as ``redis://127.0.0.1:6379/0``.
    """

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=CONNECT_SECONDS,
            # A limit on each write and read would bring the tasks back; ``ask`` has one for the whole round trip.
            socket_timeout=None,
            # A retry below would not know which operations are safe to repeat; the store does.
            retry=Retry(NoBackoff(), 0),
        )
        self._connection: AbstractConnection | None = None
        self._lock = asyncio.Lock()

    async def ask(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
        """Send ``commands`` together; returns the reply of each, which may be an error.

        Raises:
            redis.exceptions.ConnectionError, OSError: the connection could not be made, or broke, or was not answered
                within ``ANSWER_SECONDS``.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    connection = self._connection
                    if connection is None:
                        connection = self._connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
                        await connection.connect()
                    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                    return [await self._reply(connection) for _ in commands]
            except BaseException:
                # What is still to come over it would be taken for the answer to something else.
                await self.close()
                raise

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
