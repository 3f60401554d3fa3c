"""The one connection to Redis (rooms/live/redis_connection.py), and what becomes of the one before."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rooms.live import redis_connection
from rooms.live.redis_connection import RedisConnection
from tests.proxy import Proxy
from tests.stores import RedisServer, redis_server


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


async def _no_matter(life: str) -> None:
    pass


async def ask(connection: RedisConnection, *command: str) -> Any:
    [reply] = await connection.ask(lambda: [command])
    return reply


async def gives_up(connection: RedisConnection, line: Proxy, *command: str) -> None:
    """A command stays on its way, and is given up."""
    assert await ask(connection, "PING") == "PONG"
    line.hold()
    with pytest.raises(TimeoutError):
        await ask(connection, *command)


@contextlib.contextmanager
def line_to(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Proxy, RedisConnection]]:
    monkeypatch.setattr(redis_connection, "ANSWER_SECONDS", 0.3)
    line = Proxy(redis.port)
    try:
        yield line, RedisConnection(line.instead_of(redis.url), _no_matter)
    finally:
        line.stop()


async def test_what_a_broken_connection_delivers_late_is_not_carried_out(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with line_to(redis, monkeypatch) as (line, connection):
        await gives_up(connection, line, "SET", "said", "long ago")
        connection._pool.connection_kwargs["port"] = redis.port
        assert await ask(connection, "SET", "said", "now") == "OK"
        line.heal()
        await asyncio.sleep(0.1)
        assert await ask(connection, "GET", "said") == "now"
        await connection.close()


async def test_a_redis_that_was_started_anew_keeps_the_connections_of_others(
    redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis_server(tmp_path) as another, line_to(redis, monkeypatch) as (line, connection):
        await gives_up(connection, line, "PING")
        others = RedisConnection(another.url, _no_matter)
        # Every number up to the one that the connection had before is somebody's here.
        known = connection._known_as
        assert known is not None
        while (number := await ask(others, "CLIENT", "ID")) < known[1]:
            await others.close()
        assert number == known[1]
        connection._pool.connection_kwargs["port"] = another.port
        assert await ask(connection, "PING") == "PONG"
        assert await ask(others, "CLIENT", "ID") == number
        await connection.close()
        await others.close()


async def test_a_user_of_redis_who_may_not_end_connections_is_served_all_the_same(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis.command("ACL", "SETUSER", "weak", "reset", "on", ">word", "~*", "&*", "+@all", "-client")
    connection = RedisConnection(redis.url.replace("redis://", "redis://weak:word@"), _no_matter)
    for _ in range(2):
        assert await ask(connection, "PING") == "PONG"
        await connection.close()
