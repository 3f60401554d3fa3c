"""What a host can do against a flood: ``python -m tests.siege`` prints minute by minute what five people in a room see.

Two real server processes, without nginx, with flood control and the limits by address as they are by default. Five
people talk in a room; then fifty connections from five addresses come in, talk, come and go, react, report, call
themselves nearly like the host, and come back in every way they know when they are put out. The host does one thing
every 2 to 5 seconds. The program ends with 1 when something was seen that must not be.
"""

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from tests.servers import ROOT, Cluster, cluster
from tests.siege.people import Company, Minute

HOST = "luna달빛a"
NICKS = (HOST, "민수", "하늘", "바다", "소라")
COLUMNS = (
    *("minute", "lines of the five", "held back", "lost", "p50 ms", "p95 ms", "attackers' lines", "their share"),
    *("joins", "exits", "reactions", "in the room", "what the host did (ms until all knew)"),
)


def text(name: str, minute: Minute) -> str:
    """A line of the table."""
    times = [each * 1000 for each in minute.said] or [0.0]
    p95 = statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]
    theirs, ours = minute.seen["SERVER_CHAT_SEND"], minute.seen["SERVER_CHAT_SEND honest"]
    acts = ", ".join(f"{what} ×{len(took)} (≤ {max(took) * 1000:.0f})" for what, took in minute.acts.items())
    cells = (
        *(name, ours, minute.held, minute.lost, f"{statistics.median(times):.1f}", f"{p95:.1f}", theirs),
        f"{theirs / max(1, theirs + ours):.0%}",
        *(minute.seen["SERVER_ROOM_JOIN"], minute.seen["SERVER_ROOM_EXIT"], minute.seen["SERVER_CHAT_REACT"]),
        *(minute.people, acts),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


async def besiege(system: Cluster, minutes: int, length: float, draw: random.Random) -> list[str]:
    """Let it happen, and print it; returns what must not be."""
    company = Company(draw)
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for number, nick in enumerate(NICKS):
            url = system.urls[number % len(system.urls)]
            headers = {"X-Forwarded-For": f"198.51.100.{number + 1}"}
            socket = await stack.enter_async_context(connect(url, additional_headers=headers, proxy=None))
            person = company.add(socket, nick)
            group.create_task(person.listen())
            how: dict[str, Any] = {"roomName": "다섯 사람"} if number == 0 else {"roomID": company.people[0].room}
            await person.enter("CLIENT_ROOM_JOIN" if number else "CLIENT_ROOM_CREATE", **how)
        company.all_in()
        attackers = await _attackers(company.people[0].room, system)
        tasks = [group.create_task(company.talk(person)) for person in company.people]
        tasks.append(group.create_task(company.keep_house()))
        await _watch(company, "before", length / 3)
        assert attackers.stdin
        attackers.stdin.write(b"go\n")
        for number in range(minutes):
            await _watch(company, str(number + 1), length)
        attackers.stdin.close()
        account, _ = await attackers.communicate()
        for task in tasks:
            task.cancel()
        found = company.differences() + sorted(set(company.laws.broken))
        for person in company.people:
            await person.socket.close()
    told: dict[str, Any] = json.loads(account)
    for what in ("joins", "others"):
        print(f"\n| attackers' {what} | outcome | times |\n|---|---|--:|")
        for how_, outcome, times in told[what]:
            print(f"| {how_} | {outcome} | {times} |")
    return [*found, *told["broken"], *told["ended"]]


async def _attackers(room: int, system: Cluster) -> asyncio.subprocess.Process:
    ports = [str(worker.port) for worker in system.workers]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.siege.attackers", str(room), HOST, *ports),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout
    said = await process.stdout.readline()
    assert said == b"ready\n", said
    return process


async def _watch(company: Company, name: str, length: float) -> None:
    """Let a minute pass, and print it."""
    company.minute = minute = Minute(people=company.minute.people)
    await asyncio.sleep(length)
    company.give_up()
    print(text(name, minute), flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=4, help="how many there are after a third of a quiet one (4)")
    parser.add_argument("--length", type=float, default=60, help="seconds that each of them has (60)")
    parser.add_argument("--seed", type=int, default=1, help="of what the five and the host do")
    arguments = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    environment = {"ROOMS_FLOOD_CONTROL": "1", "TRUST_PROXY": "1"}
    with (
        tempfile.TemporaryDirectory() as folder,
        cluster(Path(folder), workers=2, quick=False, environment=environment) as system,
    ):
        draw = random.Random(arguments.seed)
        found = asyncio.run(besiege(system, arguments.minutes, arguments.length, draw))
    if found:
        sys.exit("\n".join(["", "This must not be:", *found]))


if __name__ == "__main__":
    main()
