"""What people are told while Redis or the database stands still: each command's answer, each page, each log line.

Knows the components, the messages and the pages; must not know what is promised about them.
"""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.proxy import Proxy
from tests.scene import gathered, stop
from tests.servers import Cluster
from tests.talk import Talker

LASTS = 8
"""Seconds that it stands still."""
PATIENCE = 12
"""Seconds after which an answer is taken to be none."""
NOTICED = 10
"""Seconds within which the end of it is in the log."""


def _swallow(lines: Iterable[Proxy]) -> None:
    for line in lines:
        line.swallow()


def _heal(lines: Iterable[Proxy]) -> None:
    for line in lines:
        line.heal()


FAULTS: dict[str, tuple[Callable[[Cluster], object], Callable[[Cluster], object]]] = {
    "Redis hangs": (lambda system: system.redis.pause(), lambda system: system.redis.resume()),
    "the line to Redis is dead": (
        lambda system: _swallow(system.redis_lines),
        lambda system: _heal(system.redis_lines),
    ),
    "PostgreSQL hangs": (lambda system: system.postgres.pause(), lambda system: system.postgres.resume()),
    "the line to PostgreSQL is dead": (
        lambda system: _swallow(system.database_lines),
        lambda system: _heal(system.database_lines),
    ),
}
"""By name, how it begins and how it ends."""


@dataclass
class Told:
    """What one who waited was told."""

    what: str
    seconds: float
    answer: Any
    """A message, a page's status, or None when there was none."""

    def __str__(self) -> str:
        """In a few words."""
        error = self.answer.get("error", "done") if isinstance(self.answer, dict) else self.answer
        return f"{self.what}: {error} after {self.seconds:.1f} s"


@dataclass
class Standstill:
    """All that was seen of one."""

    commands: list[Told] = field(default_factory=list)
    pages: list[Told] = field(default_factory=list)
    lines: list[list[str]] = field(default_factory=list)
    """Of each worker, the lines it logged."""
    talked: bool = False
    """Whether those in the room heard each other within 5 s of its end."""

    def of(self, *what: str) -> list[Told]:
        """What those who sent certain commands were told."""
        return [told for told in self.commands if told.what in what]


async def standstill(system: Cluster, fault: str) -> Standstill:
    """Let something stand still, ask for everything meanwhile, and see what comes of it."""
    begin, end = FAULTS[fault]
    seen = Standstill()
    host, guests = await gathered(system, 2)
    url = system.urls[0]
    async with asyncio.timeout(90), asyncio.TaskGroup() as group, _Askers(url, seen) as askers:
        # One page each beforehand, so that nothing is slow only because it is the first.
        await asyncio.gather(*(_page(url, path, Standstill()) for path in _pages(host.room)))
        before = [len(worker.log.read_text().splitlines()) for worker in system.workers]
        begin(system)
        started = time.monotonic()
        for number in range(5 * (LASTS - 4)):
            for path in _pages(host.room)[: 1 if number % 5 else None]:
                group.create_task(_page(url, path, seen))
            if number % 5 == 0:
                await askers.ask(number, host.room)
            await asyncio.sleep(max(0, started + (number + 1) / 5 - time.monotonic()))
        await asyncio.sleep(max(0, started + LASTS - time.monotonic()))
        end(system)
        refs = [await talker.say("다시") for talker in (host, *guests)]
        try:
            for talker, ref in zip((host, *guests), refs, strict=True):
                await talker.until(partial(_is_acknowledged, ref), 5)
            seen.talked = True
        except TimeoutError:
            pass
    # Whoever looks every few seconds only finds out a little later that it is over.
    deadline = time.monotonic() + NOTICED
    while time.monotonic() < deadline and not all("is back" in "".join(new) for new in _logged(system, before)):
        await asyncio.sleep(0.1)
    seen.lines = _logged(system, before)
    await stop(host, *guests)
    return seen


def _logged(system: Cluster, before: list[int]) -> list[list[str]]:
    """Of each worker, the lines of its log after the first so many."""
    return [worker.log.read_text().splitlines()[skip:] for worker, skip in zip(system.workers, before, strict=True)]


def _pages(room: int | None) -> list[str]:
    return ["/", "/chat/?room=%EB%B0%A9", f"/chat/?id={room}"]


async def _page(url: str, path: str, seen: Standstill) -> None:
    address = url.replace("ws://", "http://").removesuffix("/ws/") + path
    begin = time.monotonic()
    status = await asyncio.to_thread(_status, address)
    seen.pages.append(Told("a room by its number" if "id=" in path else path[:11], time.monotonic() - begin, status))


def _is_acknowledged(ref: str, talker: Talker) -> bool:
    return ref in talker.acknowledged


def _status(address: str) -> int | None:
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE) as response:
            return int(response.status)
    except urllib.error.HTTPError as problem:
        return problem.code
    except OSError:
        return None


class _Askers:
    """Clients that send one command each and wait for the answer; their connections are open before."""

    def __init__(self, url: str, seen: Standstill) -> None:
        self._url = url
        self._seen = seen
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "_Askers":
        self._sockets = [await connect(self._url, ping_interval=None) for _ in range(3 * (LASTS - 4))]
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.wait(self._tasks, timeout=PATIENCE)
        for task in self._tasks:
            task.cancel()
        for socket in self._sockets:
            socket.transport.abort()

    async def ask(self, number: int, room: int | None) -> None:
        """Send one of each."""
        commands: dict[str, dict[str, Any]] = {
            "CLIENT_ROOM_CREATE": {"roomName": f"새 방 {time.monotonic_ns()}", "userName": "새 주인"},
            "CLIENT_ROOM_JOIN": {"roomID": room, "userName": f"새 손님 {number}"},
            "CLIENT_ROOM_LIST": {},
        }
        for type, fields in commands.items():
            self._tasks.append(asyncio.create_task(self._wait(self._sockets[len(self._tasks)], type, fields)))

    async def _wait(self, socket: ClientConnection, type: str, fields: dict[str, Any]) -> None:
        begin = time.monotonic()
        await socket.send(json.dumps({"type": type, **fields}))
        answer = None
        try:
            async with asyncio.timeout(PATIENCE):
                answer = json.loads(await socket.recv())
        except TimeoutError:
            pass
        self._seen.commands.append(Told(type, time.monotonic() - begin, answer))
