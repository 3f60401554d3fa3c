"""What open rooms cost when nothing happens: ``python -m tests.idle 20000`` prints a table.

So many rooms without anybody in them are in the database, two or three processes are idle but for two people on the
first and the last, who say something now and then: the processor's share of each process, how long a line takes, and
how long the loop of a process stands still at the most (a ping to it waits as long).
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from tests.scene import heard, listed
from tests.servers import Cluster, cluster
from tests.talk import Talker

MOST = 3.0
"""What a process may need, in % of a core."""
PACE = 0.05
"""Seconds between two lines, and between two pings."""


def open_rooms(system: Cluster, rooms: int) -> None:
    """Put rooms without a host into the database; they stay open whether anybody comes or not."""
    system.postgres.execute(
        "insert into rooms_room (id, name, name_key, listed, created_at)"
        f" select n, 'room ' || n, 'room' || n, true, now() - interval '1 hour' from generate_series(1, {rooms}) n"
    )


async def all_open(system: Cluster, rooms: int) -> float:
    """Wait until the live store has them all; how long that took."""
    begin = time.monotonic()
    # A process begins to work with the first who comes.
    await asyncio.gather(*(listed(url, None) for url in system.urls))
    async with asyncio.timeout(600):
        while int(system.redis.command("DBSIZE")) < rooms:
            await asyncio.sleep(1)
    # What is left of it is done, and every process has seen it twice.
    await asyncio.sleep(10)
    return time.monotonic() - begin


def used(pid: int) -> float:
    """Seconds of a processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def pings(socket: ClientConnection, seconds: float) -> list[float]:
    """How long each ping waited, in ms, the shortest first."""
    waited: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        await (await socket.ping())
        waited.append((time.monotonic() - begin) * 1000)
        await asyncio.sleep(PACE)
    return sorted(waited)


async def lines(speaker: Talker, listener: Talker, seconds: float) -> list[float]:
    """How long each line took, in ms, the shortest first."""
    took: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        ref = await speaker.say("조용하네요")
        await listener.until(lambda _, ref=ref: ref in heard(listener))  # type: ignore[misc]
        took.append((time.monotonic() - begin) * 1000)
        await asyncio.sleep(PACE)
    return sorted(took)


async def measure(system: Cluster, rooms: int, seconds: float) -> bool:
    """Print what it costs; whether no process needed more than it may."""
    print(f"{rooms} rooms were open after {await all_open(system, rooms):.0f} s", flush=True)
    draw = random.Random(1)
    pids = [worker.process.pid for worker in system.workers]
    before = [used(pid) for pid in pids]
    await asyncio.sleep(seconds)
    shares = [(used(pid) - start) / seconds * 100 for pid, start in zip(pids, before, strict=True)]
    host = await Talker([system.urls[0]], None, "opener", draw).enter()
    guest = await Talker([system.urls[-1]], host.room, "guest", draw).enter()
    async with connect(system.urls[0], ping_interval=None) as socket:
        took, waited = await asyncio.gather(lines(host, guest, seconds), pings(socket, seconds))
    await asyncio.gather(host.stop(), guest.stop())
    print("| processor, % of a core each | line, median ms | p99 | longest | ping, p99 ms | longest |")
    print("|---|---|---|---|---|---|")
    figures = [took[len(took) // 2], took[len(took) * 99 // 100], took[-1], waited[len(waited) * 99 // 100], waited[-1]]
    print(f"| {', '.join(f'{share:.1f}' for share in shares)} | {' | '.join(f'{figure:.1f}' for figure in figures)} |")
    return max(shares) <= MOST


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rooms", type=int, nargs="?", default=20_000, help="how many open rooms")
    parser.add_argument("--workers", type=int, default=2, help="how many processes")
    parser.add_argument("--seconds", type=float, default=30, help="how long to measure each")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, cluster(Path(name), workers=arguments.workers, quick=False) as system:
        open_rooms(system, arguments.rooms)
        if not asyncio.run(measure(system, arguments.rooms, arguments.seconds)):
            sys.exit(f"an idle process needed more than {MOST} % of a core")


if __name__ == "__main__":
    main()
