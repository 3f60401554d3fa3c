"""The honest people: five who talk in a room of their own, and others who come, open rooms and read pages.

Knows docs/protocol.md and how to measure what people notice; must not know attacks.
"""

import asyncio
import contextlib
import itertools
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.attack.wire import Page

PEOPLE = 5
PATIENCE = 10
"""Seconds after which somebody gives up: a line that not everyone has, a page that has not come."""
PAUSE = 1
"""Seconds from one visit's end to the next one of its kind."""
GIVEN_UP = (OSError, WebSocketException, asyncio.IncompleteReadError, AssertionError)

_addresses = itertools.count()


def new_address() -> str:
    """An address nobody had before."""
    number = next(_addresses)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@contextlib.asynccontextmanager
async def program(port: int) -> AsyncIterator[ClientConnection]:
    """A program's WebSocket, from an address of its own."""
    async with connect(
        f"ws://127.0.0.1:{port}/ws/",
        additional_headers={"X-Forwarded-For": new_address()},
        ping_interval=None,
        open_timeout=PATIENCE,
        close_timeout=1,
        proxy=None,
    ) as socket:
        yield socket


async def ask(socket: ClientConnection, type: str, **fields: Any) -> dict[str, Any]:
    """Send a command; returns its answer, which must not be a refusal."""
    await socket.send(json.dumps({"type": type, **fields, "ref": "1"}))
    while (answer := json.loads(await socket.recv())).get("ref") != "1":
        pass
    assert answer["status"], answer
    return dict(answer)


@dataclass
class Line:
    """Something said: when, who has it yet, and how long it took until all had it (seconds)."""

    sent: float
    heard: int = 0
    latency: float = 0


@dataclass
class Seen:
    """What honest people went through; times in seconds."""

    lines: list[float] = field(default_factory=list)
    visits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lost: int = 0
    """Lines that not everyone had after ``PATIENCE``; their latency is counted as that at least."""


class People:
    """Five people in a room of their own.

    Args:
        port: of the server.
    """

    room = 0

    def __init__(self, port: int) -> None:
        self.port = port
        self._sockets: list[ClientConnection] = []
        self._lines: dict[str, Line] = {}
        self._stack = contextlib.AsyncExitStack()
        self._listening: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "People":
        self._sockets = [await self._stack.enter_async_context(program(self.port)) for _ in range(PEOPLE)]
        name = f"사랑방 {time.monotonic_ns()}"
        made = await ask(self._sockets[0], "CLIENT_ROOM_CREATE", roomName=name, userName="p0")
        self.room = made["roomID"]
        for number, socket in enumerate(self._sockets[1:], 1):
            await ask(socket, "CLIENT_ROOM_JOIN", roomID=self.room, userName=f"p{number}")
        self._listening = [asyncio.create_task(self._listen(socket)) for socket in self._sockets]
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(*GIVEN_UP):
            await self._send(0, "CLIENT_ROOM_EXIT")
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        await self._stack.aclose()

    async def live(self, seconds: float, rate: float) -> Seen:
        """Talk, with visits of others meanwhile; what has been said is waited for.

        Args:
            seconds: how long.
            rate: lines a second of all five together; flood control allows 10 in the long run.
        """
        seen = Seen()
        kinds: dict[str, Callable[[int], Awaitable[float]]] = {
            "newcomer": self._come,
            "open": self._open,
            "page": self._read,
        }
        end = time.perf_counter() + seconds
        async with asyncio.TaskGroup() as group:
            for number, (kind, visit) in enumerate(kinds.items()):
                group.create_task(self._visits(visit, seen.visits[kind], PAUSE * number / len(kinds), end))
            await self._talk(seconds, rate)
        for line in self._lines.values():
            seen.lost += not line.latency
            seen.lines.append(line.latency or max(PATIENCE, time.perf_counter() - line.sent))
        return seen

    # --- talk ---------------------------------------------------------------------------------------------------------

    async def _talk(self, seconds: float, rate: float) -> None:
        """Say lines at even distances, whether the ones before were heard or not."""
        begin = time.perf_counter()
        for number in range(int(seconds * rate)):
            await asyncio.sleep(begin + number / rate - time.perf_counter())
            message = f"{number}번째 말"
            self._lines[message] = Line(time.perf_counter())
            with contextlib.suppress(*GIVEN_UP):
                await self._send(number % PEOPLE, "CLIENT_CHAT_SEND", message=message, ref=f"l{number}")
        await asyncio.sleep(begin + seconds - time.perf_counter())
        while (
            not all(line.latency for line in self._lines.values()) and time.perf_counter() < begin + seconds + PATIENCE
        ):
            await asyncio.sleep(0.05)

    async def _send(self, number: int, type: str, **fields: Any) -> None:
        await self._sockets[number].send(
            json.dumps({"type": type, "roomID": self.room, "userName": f"p{number}", **fields})
        )

    async def _listen(self, socket: ClientConnection) -> None:
        with contextlib.suppress(*GIVEN_UP):
            async for text in socket:
                event = json.loads(text)
                line = self._lines.get(event.get("message"))
                if line is not None and event["status"]:
                    line.heard += 1
                    if line.heard == PEOPLE:
                        line.latency = time.perf_counter() - line.sent

    # --- visits -------------------------------------------------------------------------------------------------------

    async def _visits(
        self, visit: Callable[[int], Awaitable[float]], times: list[float], wait: float, end: float
    ) -> None:
        """One visit after another; a failed one is counted with ``PATIENCE``."""
        await asyncio.sleep(wait)
        for number in itertools.count():
            if time.perf_counter() > end:
                return
            took = float(PATIENCE)
            with contextlib.suppress(*GIVEN_UP):
                async with asyncio.timeout(PATIENCE + 1):
                    took = await visit(number)
            times.append(took)
            await asyncio.sleep(PAUSE)

    async def _come(self, number: int) -> float:
        """Come into the room; how long until in it."""
        begin = time.perf_counter()
        async with program(self.port) as socket:
            me = {"roomID": self.room, "userName": f"n{number}"}
            await ask(socket, "CLIENT_ROOM_JOIN", **me)
            took = time.perf_counter() - begin
            await ask(socket, "CLIENT_ROOM_EXIT", **me)
        return took

    async def _open(self, number: int) -> float:
        """Open a room; how long until it is there."""
        begin = time.perf_counter()
        async with program(self.port) as socket:
            name = f"새 방 {time.monotonic_ns()}"
            made = await ask(socket, "CLIENT_ROOM_CREATE", roomName=name, userName="opener")
            took = time.perf_counter() - begin
            await ask(socket, "CLIENT_ROOM_EXIT", roomID=made["roomID"], userName="opener")
        return took

    async def _read(self, number: int) -> float:
        """Read the lobby's page; how long until it is whole."""
        begin = time.perf_counter()
        page = Page(self.port, new_address())
        try:
            status, _ = await page.get("/")
        finally:
            page.close()
        assert status == 200, status
        return time.perf_counter() - begin
