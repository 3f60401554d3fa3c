"""Limits by address over real processes: one of them dies, Redis forgets, and no address is found anywhere."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.servers import Cluster, cluster

HERE, THERE = "203.0.113.7", "2001:db8:aa:bb::7"
LIMITED = {"TRUST_PROXY": "1", "ROOMS_FLOOD_CONTROL": "1", "ROOMS_CONNECTIONS_PER_ADDRESS": "3"}


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("addresses"), workers=2, environment=LIMITED) as running:
        yield running


@contextlib.asynccontextmanager
async def crowd(system: Cluster, *workers: int, address: str = HERE) -> AsyncIterator[list[ClientConnection]]:
    """Connections from one address, each to a worker."""
    async with contextlib.AsyncExitStack() as stack:
        found = []
        for worker in workers:
            client = connect(system.urls[worker], additional_headers={"X-Forwarded-For": address})
            found.append(await stack.enter_async_context(client))
        yield found


async def is_let_in(client: ClientConnection) -> bool:
    """Whether a connection is served, or closed with 4005."""
    with contextlib.suppress(Exception):
        await client.send('{"type": "CLIENT_HELLO"}')
        await client.recv()
        return True
    assert client.close_code == 4005
    return False


async def served(system: Cluster, *workers: int) -> list[bool]:
    async with crowd(system, *workers) as clients:
        return [await is_let_in(client) for client in clients]


async def test_connections_count_over_all_processes_and_not_those_of_a_dead_one(system: Cluster) -> None:
    async with crowd(system, 0, 0, 1) as clients:
        assert [await is_let_in(client) for client in clients] == [True] * 3
        assert await served(system, 0) == await served(system, 1) == [False]
        async with crowd(system, 1, address=THERE) as [other]:
            assert await is_let_in(other)
        system.workers[0].kill()
        await asyncio.sleep(4)
        assert await served(system, 1, 1, 1) == [True, True, False]


async def test_after_redis_has_forgotten_everything_limits_hold_again(system: Cluster) -> None:
    async with crowd(system, 0, 1):
        system.redis.stop()
        system.redis.start()
        await asyncio.sleep(3)
        assert await served(system, 0, 1, 0, 1) == [True] * 3 + [False]


async def test_no_address_is_in_redis_the_database_or_a_log(system: Cluster) -> None:
    async with crowd(system, 0, 1, 0, 1), crowd(system, 0, address=THERE) as [other]:
        await other.send('{"type": "CLIENT_ROOM_CREATE", "roomName": "방", "userName": "가"}')
        await other.recv()
        system.redis.dump()
        found = (system.redis.folder / "dump.rdb").read_bytes().decode("latin1")
    found += system.logs()
    assert [address for address in (HERE, THERE, "2001:db8:aa:bb::") if address in found] == []
