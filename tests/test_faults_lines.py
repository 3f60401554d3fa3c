"""One worker's line to Redis is hurt, or a message on it is strange, while the others' are well."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest
import redis

from tests.scene import deaf, gathered, heard, miscounted, stop
from tests.servers import Cluster, Worker, cluster
from tests.talk import Talker

LEASE = "4.717"
"""A number that no other command to Redis has in it."""
SETTINGS = {"ROOMS_LEASE": LEASE, "ROOMS_GRACE": "1", "ROOMS_POSITION_CHECK": "3"}
AT_ONCE = 0.4
"""Seconds in which a line is heard that comes through the layer; comparing with the store takes 3 s."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("lines"), environment=SETTINGS, lines=True) as running:
        yield running


async def delay(speaker: Talker, listener: Talker) -> float:
    """How long a line takes from one to another; infinite when it does not come within 5 s."""
    begin = time.monotonic()
    ref = await speaker.say("들려요?")
    try:
        await listener.until(lambda _: ref in heard(listener), 5)
    except TimeoutError:
        return float("inf")
    return time.monotonic() - begin


async def hears_at_once(speaker: Talker, listener: Talker, seconds: float) -> bool:
    """Whether, within so many seconds, three lines in a row are heard at once."""
    deadline, in_a_row = time.monotonic() + seconds, 0
    while in_a_row < 3 and time.monotonic() < deadline:
        in_a_row = in_a_row + 1 if await delay(speaker, listener) < AT_ONCE else 0
        await asyncio.sleep(0.7)
    return in_a_row == 3


async def lost_answer(system: Cluster, worker: Worker, line: int) -> None:
    """A worker stands still until its people are out; the answer to its first sign of life is lost."""
    worker.pause()
    await asyncio.sleep(6.5)
    system.redis_lines[line].lose_the_answer_to(LEASE.replace(".", "").encode())
    worker.resume()
    async with asyncio.timeout(10):
        while not system.redis_lines[line].lost:
            await asyncio.sleep(0.05)


async def test_people_are_put_back_although_the_answer_to_the_first_beat_is_lost(system: Cluster) -> None:
    host, guests = await gathered(system, 5)
    await lost_answer(system, system.workers[1], 1)
    # The answer is given up after 3 s.
    await asyncio.sleep(3)
    assert await deaf([host, *guests], 10) == []
    assert await miscounted(system, host.room, 6, 15) == []
    await stop(host, *guests)


async def test_what_a_dead_line_delivers_late_harms_nobody(system: Cluster) -> None:
    host, guests = await gathered(system, 5)
    system.redis_lines[1].hold()
    await asyncio.sleep(8)
    system.redis_lines[1].heal()
    assert await deaf([host, *guests], 10) == []
    assert await miscounted(system, host.room, 6, 15) == []
    await stop(host, *guests)


async def test_a_line_that_is_slow_loses_nothing(system: Cluster) -> None:
    host, guests = await gathered(system, 5)
    system.redis_lines[1].delay = 0.2
    assert await deaf([host, *guests], 10) == []
    system.redis_lines[1].heal()
    await stop(host, *guests)


async def test_a_subscription_that_is_silently_dead_is_noticed_and_mended(system: Cluster) -> None:
    host, guests = await gathered(system, 2)
    assert await delay(host, guests[1]) < AT_ONCE
    logged = len(system.workers[1].log.read_text())
    system.redis_lines[1].swallow(said=b"SUBSCRIBE")
    assert await hears_at_once(host, guests[1], 30)
    assert len(system.workers[1].log.read_text()[logged:].splitlines()) in (1, 2)
    await stop(host, *guests)


async def test_messages_between_processes_of_an_unknown_shape_are_passed_over(system: Cluster) -> None:
    host, guests = await gathered(system, 2)
    with redis.Redis.from_url(system.redis.url) as client, client.pubsub(ignore_subscribe_messages=True) as pubsub:
        channels = client.pubsub_channels("*")
        pubsub.subscribe(*channels)
        await asyncio.gather(*(delay(host, guest) for guest in guests))
        seen = [message for _ in range(20) if (message := pubsub.get_message(timeout=0.1))]
        assert seen, "no message between processes was seen"
        for message in seen:
            for strange in _strange(message["data"]):
                client.publish(message["channel"], strange)
    for guest in guests:
        assert await hears_at_once(host, guest, 8)
    assert "Traceback" not in system.logs()
    await stop(host, *guests)


def _strange(data: bytes) -> Iterator[bytes]:
    """A message between processes with its lists longer, shorter, or of other things than this code writes."""
    message = msgpack.unpackb(data)
    for name in [name for name, value in message.items() if isinstance(value, list)]:
        shapes: list[Any] = [["strange"], [7], [[]], [[*message[name][0], "more"]], [message[name][0][:1]], None]
        for shape in shapes:
            yield msgpack.packb({**message, name: shape})
    yield msgpack.packb({"type": message["type"]})
