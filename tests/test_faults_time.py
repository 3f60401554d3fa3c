"""Time in which nobody could reach the live store, and time that never passed, must not count against anyone."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.scene import deaf, gathered, miscounted, restart, saw, stop
from tests.servers import Cluster, cluster

SHORT = {"ROOMS_GRACE": "3", "ROOMS_HOST_GRACE": "4", "ROOMS_LEASE": "2"}
JUMP = 300


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("time"), environment=SHORT, clock=True) as running:
        yield running


@pytest.fixture
def system(running: Cluster) -> Iterator[Cluster]:
    yield running
    running.redis.set_clock(0)


async def test_a_host_lost_just_before_redis_hung_has_the_grace_afterwards(system: Cluster) -> None:
    host, guests = await gathered(system, 2)
    host.drop()
    await guests[0].until(lambda _: saw(guests[0], "SERVER_HOST_AWAY"), 5)
    system.redis.pause()
    await asyncio.sleep(6)
    system.redis.resume()
    await asyncio.sleep(1.5)
    host.come_back()
    await host.until(lambda _: host.in_room.is_set() or host.deleted is not None, 10)
    assert host.deleted is None
    assert guests[0].deleted is None
    await stop(host, *guests)


async def test_nobody_is_out_because_redis_hung_for_longer_than_every_lease(system: Cluster) -> None:
    host, guests = await gathered(system, 5)
    joins = [talker.joins for talker in (host, *guests)]
    system.redis.pause()
    await asyncio.sleep(6)
    system.redis.resume()
    assert await deaf([host, *guests], 5) == []
    assert await miscounted(system, host.room, 6, 15) == []
    assert [talker.joins for talker in (host, *guests)] == joins
    assert not saw(host, "SERVER_ROOM_EXIT")
    await stop(host, *guests)


async def test_a_host_who_does_not_come_after_redis_hung_loses_the_room_all_the_same(system: Cluster) -> None:
    host, guests = await gathered(system, 2)
    host.drop()
    system.redis.pause()
    await asyncio.sleep(5)
    system.redis.resume()
    await guests[0].until(lambda _: guests[0].deleted is not None, 12)
    assert guests[0].deleted["reason"] == "host_lost"  # type: ignore[index]
    await stop(host, *guests)


async def test_whoever_is_away_has_the_grace_when_the_clock_of_redis_jumps_forward(system: Cluster) -> None:
    host, guests = await gathered(system, 2)
    for talker in (host, guests[0]):
        talker.drop()
    await guests[1].until(lambda _: saw(guests[1], "SERVER_HOST_AWAY"), 5)
    system.redis.set_clock(JUMP)
    await asyncio.sleep(1)
    for talker in (host, guests[0]):
        talker.come_back()
        await talker.until(lambda talker: talker.in_room.is_set() or talker.deleted is not None, 5)
    assert guests[1].deleted is None
    assert not saw(guests[1], "SERVER_ROOM_EXIT")
    await stop(host, *guests)


async def test_whoever_is_gone_is_no_ghost_when_the_clock_of_redis_jumps_back(system: Cluster) -> None:
    host, guests = await gathered(system, 2)
    guests[0].drop()
    await asyncio.sleep(0.5)
    system.redis.set_clock(-JUMP)
    assert await miscounted(system, host.room, 2, 15) == []
    await stop(host, *guests)


async def test_a_killed_workers_people_are_no_ghosts_when_the_clock_of_redis_jumps_back(system: Cluster) -> None:
    host, guests = await gathered(system, 3)
    await guests[2].stop()
    system.workers[2].kill()
    system.redis.set_clock(-JUMP)
    try:
        await host.until(lambda _: host.participants == 3, 15)
    finally:
        restart(system.workers[2])
    await stop(host, *guests)
