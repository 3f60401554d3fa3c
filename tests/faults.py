"""Random schedules of faults: people talk in a room while its servers are killed, stopped and cut off.

Run as a program it is the soak test: ``python -m tests.faults 50`` runs fifty seeds with the real leases and graces;
with ``--stores`` Redis itself is hurt too, and the lines to it.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.rollback import LOSSES, rollback
from tests.servers import Cluster, Worker, cluster
from tests.talk import Talker, talk, violations

SEEDS = [int(seed) for seed in os.environ.get("FAULT_SEEDS", "1 2 3").split()]
GUESTS = 11
FAULTS = 6
OF_PROCESSES = ("kill", "terminate", "pause", "cut normal", "cut pubsub", "drop clients")
OF_STORES = (*LOSSES, "hang", "clock", "swallow", "hold", "dead subscription")


async def schedule(system: Cluster, seed: int, stores: bool = False) -> list[str]:
    """Run one schedule; returns what was promised and not kept.

    Args:
        system: what is hurt.
        seed: where chance comes from.
        stores: whether Redis and the lines to it are hurt too; ``system`` has lines and a clock that can be set.
    """
    draw = random.Random(seed)
    host = await Talker(system.urls, None, f"host{seed}", draw).enter()
    guests = [await Talker(system.urls, host.room, f"guest{n}", draw).enter() for n in range(GUESTS)]
    everyone = [host, *guests]
    talking = asyncio.create_task(talk(everyone, draw, 40))
    kinds: set[str] = set()
    for _ in range(FAULTS):
        await asyncio.sleep(draw.uniform(0.2, 1.5))
        kind = draw.choice(OF_PROCESSES + OF_STORES if stores else OF_PROCESSES)
        kinds.add(kind)
        number = draw.randrange(len(system.workers))
        print(f"  {time.strftime('%H:%M:%S')} {kind}, worker {number}", flush=True)
        if kind in OF_STORES:
            await _hurt_store(system, kind, number, draw)
        else:
            await _hurt_process(system, kind, system.workers[number], everyone, draw)
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    if stores:
        system.redis.set_clock(0)
    return await _settled(everyone, stores, "clock" in kinds)


async def _hurt_process(
    system: Cluster, kind: str, worker: Worker, everyone: list[Talker], draw: random.Random
) -> None:
    match kind:
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
                talker.break_off()


async def _hurt_store(system: Cluster, kind: str, number: int, draw: random.Random) -> None:
    line, seconds = system.redis_lines[number], draw.uniform(0.5, 8)
    match kind:
        case "hang":
            system.redis.pause()
            await asyncio.sleep(seconds)
            system.redis.resume()
        case "clock":
            system.redis.set_clock(draw.choice([-300, -20, 20, 300]))
        case "swallow" | "hold":
            getattr(line, kind)()
            await asyncio.sleep(seconds)
            line.heal()
        case "dead subscription":
            line.swallow(said=b"SUBSCRIBE")
        case _:
            # Going back to the old primary afterwards is a failover of its own.
            with rollback(system, kind) as loss:
                await asyncio.to_thread(loss.mark)
                await asyncio.sleep(seconds / 2)
                await asyncio.to_thread(loss.happen)
                await asyncio.sleep(seconds / 2)


async def _restart(worker: Worker, draw: random.Random) -> None:
    await asyncio.sleep(draw.uniform(0, 1))
    worker.start()
    await asyncio.to_thread(worker.ready)


async def _settled(everyone: list[Talker], forgotten: bool, clock_set: bool) -> list[str]:
    """Wait until all is quiet and everyone has seen the last message, then look at what everyone saw."""
    problems: list[str] = []
    last: int | None = None

    def settled(talker: Talker) -> bool:
        heard_all = last is None or ((talker.last or 0) >= last and talker.participants == len(everyone))
        return not talker.unsent and talker.in_room.is_set() and heard_all

    try:
        for talker in everyone:
            await talker.until(settled)
        ref = await everyone[0].say("끝")
        await everyone[0].until(lambda talker: ref in talker.acknowledged)
        last = everyone[0].acknowledged[ref]["seq"]
        for talker in everyone:
            await talker.until(settled)
    except TimeoutError:
        problems += [
            f"{talker.nick}: last {talker.last} of {last}, counts {talker.participants} of {len(everyone)}, "
            f"unsent {len(talker.unsent)}, in {talker.in_room.is_set()}, deleted {talker.deleted}, "
            f"refused {talker.refused[-1:]}"
            for talker in everyone
            if not settled(talker)
        ]
    problems += violations(everyone, forgotten, clock_set)
    await asyncio.gather(*(talker.stop() for talker in everyone))
    return problems


def main() -> None:
    """Run so many seeds and sum up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="?", default=50, help="how many schedules to run")
    parser.add_argument("--quick", action="store_true", help="with the short leases of `make test`")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--stores", action="store_true", help="with faults of Redis and of the lines to it")
    arguments = parser.parse_args()
    broken: list[int] = []
    begin = time.monotonic()
    options = {"quick": arguments.quick, "lines": arguments.stores, "clock": arguments.stores}
    lossy = {"LAYER_LOSS": "0.1"}
    with tempfile.TemporaryDirectory() as name, cluster(Path(name), environment=lossy, **options) as system:
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            problems = asyncio.run(schedule(system, seed, arguments.stores))
            broken += [seed] if problems else []
            outcome = problems[:5] if problems else "ok"
            print(f"seed {seed}: {outcome} ({time.monotonic() - begin:.0f} s)", flush=True)
    print(f"{arguments.seeds} seeds, {len(broken)} with violations: {broken}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
