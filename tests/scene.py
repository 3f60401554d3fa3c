"""People in a room on several workers, and what must be so again after a fault: all hear all, counts are exact.

Knows clients and where servers are; must not know which fault it was.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable

from websockets.asyncio.client import connect

from tests.servers import Cluster, Worker
from tests.talk import Talker


async def gathered(system: Cluster, number: int, url: str | None = None) -> tuple[Talker, list[Talker]]:
    """A room with its host and so many guests, spread over the workers."""
    draw = random.Random(7)
    host = await Talker([url or system.urls[0]], None, f"host{time.monotonic_ns() % 10**5}", draw).enter()
    guests = [Talker([system.urls[n % len(system.urls)]], host.room, f"guest{n}", draw).start() for n in range(number)]
    await host.until(lambda _: host.participants == number + 1)
    return host, guests


async def stop(*talkers: Talker) -> None:
    """Everyone goes without a word."""
    await asyncio.gather(*(talker.stop() for talker in talkers))


def restart(worker: Worker) -> None:
    """Start a worker that has ended, on its old port."""
    worker.start()
    worker.ready()


async def say(talkers: list[Talker], lines: int, text: str = "말") -> None:
    """So many lines, said in turn and heard by all."""
    refs = {await talkers[n % len(talkers)].say(f"{text} {n}") for n in range(lines)}
    for talker in talkers:
        await talker.until(lambda talker: heard(talker) >= refs, 10)


def heard(talker: Talker) -> set[str]:
    """The refs of all that a client has seen."""
    return {event["ref"] for stretch in talker.stretches for event in stretch.events if "ref" in event}


def saw(talker: Talker, type: str) -> bool:
    """Whether a client has seen an event of a type."""
    return any(event["type"] == type for stretch in talker.stretches for event in stretch.events)


async def deaf(talkers: list[Talker], seconds: float) -> list[str]:
    """Everyone says one line; who did not hear which of them within so many seconds, in words."""
    refs = {await talker.say(f"{talker.nick} 여기"): talker.nick for talker in talkers}
    await _within(seconds, lambda: all(heard(talker) >= set(refs) for talker in talkers))
    missed = {talker.nick: [nick for ref, nick in refs.items() if ref not in heard(talker)] for talker in talkers}
    return [f"{nick} did not hear {', '.join(others)}" for nick, others in missed.items() if others]


async def miscounted(system: Cluster, room: int | None, people: int, seconds: float) -> list[str]:
    """Which workers do not list a room with so many people within so many seconds, in words."""
    found: dict[str, int] = {}
    deadline = time.monotonic() + seconds
    while True:
        found = {url: await listed(url, room) for url in system.urls}
        wrong = [f"{url} counts {count} of {people}" for url, count in found.items() if count != people]
        if not wrong or time.monotonic() > deadline:
            return wrong
        await asyncio.sleep(0.1)


async def listed(url: str, room: int | None) -> int:
    """How many people a list of rooms says are in a room; -1 when it is not there."""
    async with asyncio.timeout(10), connect(url, ping_interval=None) as socket:
        await socket.send(json.dumps({"type": "CLIENT_ROOM_LIST"}))
        answer = json.loads(await socket.recv())
        return next((one["participants"] for one in answer.get("rooms", []) if one["roomID"] == room), -1)


async def unanswered(talkers: list[Talker], seconds: float) -> list[str]:
    """Whose connection answers nothing within so many seconds."""
    answers = await asyncio.gather(*(talker.is_answered(seconds) for talker in talkers))
    return [talker.nick for talker, answered in zip(talkers, answers, strict=True) if not answered]


async def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether something becomes so in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True
