"""A rolling restart under load, measured: ``python -m tests.rolling 300`` says how long until everyone is back.

People in several rooms talk through nginx to gunicorn's workers, all of which are replaced by a HUP, as after an
update; then what everyone saw is held against what is promised.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.site import Site, site
from tests.talk import Talker, talk, violations

ROOM_SIZE = 15


@dataclass
class Report:
    """The effects of a restart."""

    people: int
    back: list[float]
    """Seconds until each person was in the room again, the quickest first."""
    heard: list[float]
    """Seconds until each room first heard a message said after the restart began, from one who had come back."""
    said: int
    problems: list[str]

    def __str__(self) -> str:
        """One line for each figure."""
        half = self.back[len(self.back) // 2]
        return (
            f"{self.people} people in {len(self.heard)} rooms, {self.said} messages\n"
            f"back in their rooms: half after {half:.1f} s, all after {self.back[-1]:.1f} s\n"
            f"talking again in every room after {max(self.heard):.1f} s\n"
            f"violations: {self.problems or 'none'}"
        )


async def restart_under_load(running: Site, people: int, pace: float = 20, seconds: float = 120) -> Report:
    """Restart all workers while ``people`` talk.

    Args:
        running: the site.
        people: how many.
        pace: how many messages a second there are in all.
        seconds: how long to wait for anything at the most.
    """
    draw = random.Random(people)
    rooms = [
        await _room(running, number, min(ROOM_SIZE, people), draw) for number in range(max(1, people // ROOM_SIZE))
    ]
    everyone = [talker for room in rooms for talker in room]
    talking = asyncio.create_task(talk(everyone, draw, pace))
    await everyone[0].until(lambda talker: len(talker.acknowledged) > 0, seconds)
    begin = time.monotonic()

    async def after(talker: Talker, condition: Callable[[Talker], bool]) -> float:
        await talker.until(condition, seconds)
        return time.monotonic() - begin

    running.gunicorn.restart()
    returns = [after(talker, lambda talker: talker.joins > 1 and talker.in_room.is_set()) for talker in everyone]
    back = sorted(await asyncio.gather(*returns))
    heard = await asyncio.gather(*(_hear(room, begin, seconds) for room in rooms))
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    for room in rooms:
        await _quiet(room, seconds)
    problems = [problem for room in rooms for problem in violations(room)]
    said = sum(len(talker.acknowledged) for talker in everyone)
    await asyncio.gather(*(talker.stop() for talker in everyone))
    return Report(len(everyone), back, list(heard), said, problems)


async def _room(running: Site, number: int, size: int, draw: random.Random) -> list[Talker]:
    urls = [running.nginx.socket_url]
    host = await Talker(urls, None, f"h{number}", draw).enter()
    guests = [Talker(urls, host.room, f"g{number}-{n}", draw) for n in range(size - 1)]
    return [host, *await asyncio.gather(*(guest.enter() for guest in guests))]


async def _hear(room: list[Talker], begin: float, seconds: float) -> float:
    """Say something in a room and wait until all hear it; how long that is after ``begin``."""
    await _quiet(room, seconds)
    return time.monotonic() - begin


async def _quiet(room: list[Talker], seconds: float) -> None:
    """Wait until everyone has seen the last thing said in a room, and counts all who are in it."""
    ref = await room[0].say("끝")
    await room[0].until(lambda talker: ref in talker.acknowledged, seconds)
    last = room[0].acknowledged[ref]["seq"]
    for talker in room:
        await talker.until(
            lambda talker: not talker.unsent and (talker.last or 0) >= last and talker.participants == len(room),
            seconds,
        )


def main() -> None:
    """Measure one restart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=int, nargs="?", default=300, help="how many people")
    parser.add_argument("--workers", type=int, default=2, help="how many server processes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, site(Path(folder), arguments.workers) as running:
        report = asyncio.run(restart_under_load(running, arguments.people))
    print(report)
    sys.exit(bool(report.problems))


if __name__ == "__main__":
    main()
