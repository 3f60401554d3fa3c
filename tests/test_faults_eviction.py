"""A Redis that throws keys away when its memory is full: what it has thrown away is put back."""

import asyncio
import random
import re
from collections.abc import Iterator

import pytest
import redis

from tests.scene import deaf, gathered, miscounted, stop
from tests.servers import Cluster, cluster
from tests.talk import Talker

SHORT = {"ROOMS_GRACE": "1", "ROOMS_HOST_GRACE": "2", "ROOMS_LEASE": "2"}
PEOPLE = "members|order|holders"
KINDS = (PEOPLE, "members", "holders", "nodes", "room", "order", "windows", "lines", "leases", "rooms", "lobby", "held")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("eviction"), environment=SHORT) as running:
        yield running


def evict(system: Cluster, kind: str) -> list[str]:
    """Throw away the keys of a kind, as Redis would; returns their names."""
    with redis.Redis.from_url(system.redis.url, decode_responses=True) as client:
        found = [key for key in client.scan_iter() if re.search(rf":({kind})(:|$)", key)]
        if found:
            client.delete(*found)
        return found


@pytest.mark.parametrize("kind", KINDS)
async def test_a_room_heals_when_a_kind_of_keys_is_gone(system: Cluster, kind: str) -> None:
    host, guests = await gathered(system, 5)
    evict(system, kind)
    assert await miscounted(system, host.room, 6, 15) == []
    assert await deaf([host, *guests], 5) == []
    assert host.participants == 6
    guests[0].drop()
    assert await miscounted(system, host.room, 5, 15) == []
    await stop(host, *guests)


async def test_a_room_heals_when_someone_comes_in_after_all_its_people_are_gone(system: Cluster) -> None:
    host, guests = await gathered(system, 5)
    evict(system, PEOPLE)
    late = await Talker([system.urls[1]], host.room, "late", random.Random(1)).enter()
    assert await miscounted(system, host.room, 7, 15) == []
    assert await deaf([host, *guests, late], 5) == []
    await stop(host, *guests, late)


async def test_a_host_who_is_away_when_the_people_are_gone_has_the_grace_and_no_more(system: Cluster) -> None:
    host, guests = await gathered(system, 2)
    host.drop()
    await asyncio.sleep(0.3)
    evict(system, PEOPLE)
    await guests[0].until(lambda _: guests[0].deleted is not None, 15)
    await stop(host, *guests)


async def test_whoever_was_lost_is_no_ghost_when_the_deadlines_are_gone(system: Cluster) -> None:
    host, guests = await gathered(system, 3)
    guests[0].drop()
    await asyncio.sleep(0.3)
    evict(system, "deadlines")
    assert await miscounted(system, host.room, 3, 15) == []
    await stop(host, *guests)


async def test_a_host_who_was_lost_takes_the_room_along_when_the_deadlines_are_gone(system: Cluster) -> None:
    host, guests = await gathered(system, 2)
    host.drop()
    await asyncio.sleep(0.3)
    evict(system, "deadlines")
    await guests[0].until(lambda _: guests[0].deleted is not None, 15)
    await stop(host, *guests)


async def test_a_quiet_room_lives_through_a_redis_that_is_full(system: Cluster) -> None:
    host, guests = await gathered(system, 5)
    # What is looked at all the time stays; who is in the room was last looked at longer ago than the cache.
    await asyncio.sleep(5)
    with redis.Redis.from_url(system.redis.url) as client:
        evicted = client.info("stats")["evicted_keys"]
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory-samples", 64)
        client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + 2_000_000)
        await fill(client)
        assert client.info("stats")["evicted_keys"] > evicted
        client.config_set("maxmemory", 0)
    assert await miscounted(system, host.room, 6, 15) == []
    assert await deaf([host, *guests], 5) == []
    await stop(host, *guests)


async def fill(client: redis.Redis) -> None:
    """Use Redis as somebody else's cache, all the time, for a few seconds."""
    for number in range(250):
        with client.pipeline(transaction=False) as pipe:
            for key in range(50):
                pipe.set(f"cache:{(number * 50 + key) % 5000}", "x" * 500, ex=600)
            pipe.execute()
        await asyncio.sleep(0.01)
