"""The cost of each fault: ``python -m tests.measure 300`` prints a table, with the leases and graces of production.

So many clients in one room on three workers; after each fault, how long until the number of people is exact again in
the live store and on a screen, and until the next message is heard on another worker.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from websockets.asyncio.client import connect

from tests.servers import Cluster, cluster
from tests.talk import Talker, violations

Fault = Callable[["Scene"], Awaitable[int]]
"""Causes a fault; returns how many people should be in the room in the end."""


class Scene:
    """A room with its people on three workers."""

    def __init__(self, system: Cluster, host: Talker, guests: list[Talker]) -> None:
        self.system = system
        self.host = host
        self.guests = guests

    def on(self, worker: int) -> list[Talker]:
        """The guests who are connected to one worker only."""
        return [guest for guest in self.guests if guest.urls[0] == self.system.urls[worker]]

    def move(self, guests: list[Talker], worker: int) -> None:
        """Where guests come back to."""
        for guest in guests:
            guest.urls = [self.system.urls[worker]]


async def count(system: Cluster, room: int) -> int:
    """How many people the live store has in a room, as a list of rooms tells it."""
    async with connect(system.urls[2]) as socket:
        await socket.send(json.dumps({"type": "CLIENT_ROOM_LIST"}))
        rooms = json.loads(await socket.recv())["rooms"]
        return next((one["participants"] for one in rooms if one["roomID"] == room), -1)


async def leave(scene: Scene) -> int:
    """One person leaves."""
    await scene.guests.pop().leave()
    return len(scene.guests) + 1


async def kill_for_good(scene: Scene) -> int:
    """A worker is killed, and its people do not come back."""
    gone = scene.on(1)
    scene.guests = [guest for guest in scene.guests if guest not in gone]
    for guest in gone:
        guest.urls = ["ws://127.0.0.1:9/"]
    scene.system.workers[1].kill()
    return len(scene.guests) + 1


async def kill(scene: Scene) -> int:
    """A worker is killed, and its people come back to another."""
    scene.move(scene.on(1), 2)
    scene.system.workers[1].kill()
    return len(scene.guests) + 1


async def pause(scene: Scene) -> int:
    """A worker is stopped for 20 s (longer than its lease)."""
    scene.system.workers[1].pause()
    await asyncio.sleep(20)
    scene.system.workers[1].resume()
    return len(scene.guests) + 1


async def forget(scene: Scene) -> int:
    """Redis is emptied."""
    scene.system.redis.command("FLUSHALL")
    return len(scene.guests) + 1


async def restart_redis(scene: Scene) -> int:
    """Redis is killed and comes back empty."""
    scene.system.redis.stop()
    scene.system.redis.start()
    return len(scene.guests) + 1


async def cut(scene: Scene) -> int:
    """All subscriptions to Redis are cut."""
    scene.system.redis.command("CLIENT", "KILL", "TYPE", "pubsub")
    return len(scene.guests) + 1


async def measure(system: Cluster, people: int, fault: Fault) -> str:
    """Run one fault; returns a line of the table."""
    draw = random.Random(1)
    host = await Talker([system.urls[0]], None, f"h{fault.__name__[:8]}", draw).enter()
    guests = [Talker([system.urls[n % 3]], host.room, f"g{n}", draw) for n in range(people - 1)]
    for start in range(0, len(guests), 25):
        await asyncio.gather(*(guest.enter() for guest in guests[start : start + 25]))
    await host.until(lambda host: host.participants == people)
    scene = Scene(system, host, guests)
    expected = await fault(scene)
    begin = time.monotonic()
    heard = asyncio.create_task(_heard(scene, begin))
    while (await count(system, host.room or 0), host.participants) != (expected, expected):
        await asyncio.sleep(0.05)
        if time.monotonic() - begin > 120:
            break
    exact = time.monotonic() - begin
    first = await heard
    broken = violations([host, *guests], forgotten=fault in (forget, restart_redis))
    await asyncio.gather(*(talker.stop() for talker in (host, *guests)))
    if not all(worker.process.poll() is None for worker in system.workers):
        system.workers[1].start()
        system.workers[1].ready()
    return f"| {(fault.__doc__ or '').strip()} | {exact:.1f} | {first:.1f} | {len(broken)} |"


async def _heard(scene: Scene, begin: float) -> float:
    """When the first message said from now on is heard on another worker."""
    ref = await scene.host.say("들려요?")
    other = scene.on(2)[0]
    await other.until(lambda other: any(e.get("ref") == ref for s in other.stretches for e in s.events), 120)
    return time.monotonic() - begin


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=int, nargs="?", default=300)
    people = parser.parse_args().people
    print("| what happens | seconds to exact counts | to the first message | violations |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder), quick=False) as system:
        for fault in (leave, kill, kill_for_good, pause, forget, restart_redis, cut):
            print(asyncio.run(measure(system, people, fault)), flush=True)


if __name__ == "__main__":
    main()
