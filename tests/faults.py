"""Random schedules of faults: people talk in a room while its servers are killed, stopped and cut off.

Run as a program it is the soak test: ``python -m tests.faults 50`` runs fifty seeds with the real leases and graces.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.servers import Cluster, Worker, cluster
from tests.talk import Talker, talk, violations

SEEDS = [int(seed) for seed in os.environ.get("FAULT_SEEDS", "1 2 3").split()]
GUESTS = 11
FAULTS = 6


async def schedule(system: Cluster, seed: int) -> list[str]:
    """Run one schedule; returns the promises that were broken."""
    draw = random.Random(seed)
    host = await Talker(system.urls, None, f"host{seed}", draw).enter()
    guests = [await Talker(system.urls, host.room, f"guest{n}", draw).enter() for n in range(GUESTS)]
    everyone = [host, *guests]
    talking = asyncio.create_task(talk(everyone, draw, 40))
    for _ in range(FAULTS):
        await asyncio.sleep(draw.uniform(0.2, 1.5))
        await _fault(system, everyone, draw)
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    return await _settled(everyone)


async def _fault(system: Cluster, everyone: list[Talker], draw: random.Random) -> None:
    worker = draw.choice(system.workers)
    fault = draw.choice(["kill", "terminate", "pause", "cut normal", "cut pubsub", "drop clients"])
    print(f"  {time.strftime('%H:%M:%S')} {fault}, worker {system.workers.index(worker)}", flush=True)
    match fault:
        case "kill":
            worker.kill()
            await _restart(worker, draw)
        case "terminate":
            await asyncio.to_thread(worker.terminate)
            await _restart(worker, draw)
        case "pause":
            worker.pause()
            await asyncio.sleep(draw.uniform(0.5, 5))
            worker.resume()
        case "cut normal":
            system.redis.command("CLIENT", "KILL", "TYPE", "normal")
        case "cut pubsub":
            system.redis.command("CLIENT", "KILL", "TYPE", "pubsub")
        case "drop clients":
            for talker in draw.sample(everyone, 4):
                if talker._socket is not None:
                    talker._socket.transport.abort()


async def _restart(worker: Worker, draw: random.Random) -> None:
    await asyncio.sleep(draw.uniform(0, 1))
    worker.start()
    await asyncio.to_thread(worker.ready)


async def _settled(everyone: list[Talker]) -> list[str]:
    """Wait until all is quiet and everyone has seen the last message, then look at what everyone saw."""
    problems: list[str] = []
    try:
        for talker in everyone:
            await talker.until(lambda talker: not talker.unsent and talker.in_room.is_set())
        ref = await everyone[0].say("끝")
        await everyone[0].until(lambda talker: ref in talker.acknowledged)
        last = everyone[0].acknowledged[ref]["seq"]
        for talker in everyone:
            await talker.until(lambda talker: (talker.last or 0) >= last and talker.participants == len(everyone))
    except TimeoutError:
        problems += [
            f"{talker.nick}: last {talker.last}, counts {talker.participants} of {len(everyone)}, "
            f"unsent {len(talker.unsent)}, in {talker.in_room.is_set()}, deleted {talker.deleted}, "
            f"refused {talker.refused[-1:]}"
            for talker in everyone
        ]
    problems += violations(everyone)
    await asyncio.gather(*(talker.stop() for talker in everyone))
    return problems


def main() -> None:
    """Run so many seeds and sum up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="?", default=50, help="how many schedules to run")
    parser.add_argument("--quick", action="store_true", help="with the short leases of `make test`")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    arguments = parser.parse_args()
    broken: list[int] = []
    begin = time.monotonic()
    lossy = {"LAYER_LOSS": "0.1"}
    with tempfile.TemporaryDirectory() as name, cluster(Path(name), quick=arguments.quick, environment=lossy) as system:
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            problems = asyncio.run(schedule(system, seed))
            broken += [seed] if problems else []
            outcome = problems[:5] if problems else "ok"
            print(f"seed {seed}: {outcome} ({time.monotonic() - begin:.0f} s)", flush=True)
    print(f"{arguments.seeds} seeds, {len(broken)} with violations: {broken}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
