"""The benchmark works: it sees every delivery, and notices a wrong one."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from websockets.asyncio.server import ServerConnection, broadcast, serve

from bench import measure
from bench.client import Client, Shape
from bench.measure import Figures, Lengths, trouble
from bench.systems import SYSTEMS, Running, tidy

SHORT = Lengths(warm=0.1, window=0.5)


@pytest.fixture(autouse=True)
def _tidied() -> Iterator[None]:
    yield
    tidy()


def test_the_smallest_benchmark_reports_complete_deliveries() -> None:
    figures = measure.talk(SYSTEMS["ours-memory"], Shape(2, 2, 2), SHORT, half=True)
    for part in (figures, figures["open"]):
        assert part["deliveries"] > 0
        assert part["expected"] > 0
        assert trouble([part]) == ""
        assert 0 < part["p50"] <= part["p99"]


class FaultySystem:
    """Talks as the peer ``ws`` does, but sends one person in the room a wrong line every tenth time."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.people: list[ServerConnection] = []
        self.kept = ""
        self.lines = 0

    async def talk(self, socket: ServerConnection) -> None:
        async for frame in socket:
            message = json.loads(frame)
            if message["type"] == "join":
                self.people.append(socket)
                await socket.send('{"type":"joined"}')
                continue
            self.lines += 1
            text = json.dumps({"type": "chat", "message": message["message"]}, separators=(",", ":"))
            broadcast(self.people[:-1], text)
            for line in self.faulty(text) if self.lines % 10 == 0 else self.with_held(text):
                await self.people[-1].send(line)

    def with_held(self, text: str) -> list[str]:
        held, self.kept = self.kept, ""
        return [text, held] if held else [text]

    def faulty(self, text: str) -> list[str]:
        if self.fault == "lost":
            return []
        if self.fault == "twice":
            return [text, text]
        if self.fault == "out of order":
            self.kept = text
            return []
        if self.fault == "of another room":
            return [text.replace("~00000.", "~00001.")]
        if self.fault == "cut":
            return [text.replace(" you ", " ")]
        return [text]


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("none", ""),
        ("lost", "lost"),
        ("twice", "wrong"),
        ("out of order", "wrong"),
        ("of another room", "wrong"),
        ("cut", "wrong"),
    ],
)
async def test_the_client_sees_what_is_wrong(fault: str, complaint: str) -> None:
    system = FaultySystem(fault)

    def measured(port: int) -> Figures:
        with Client(Running(SYSTEMS["ws"], [port], [])) as client:
            measure.fill(SYSTEMS["ws"], client, Shape(1, 3, 1))
            return measure.figures(SYSTEMS["ws"], Shape(1, 3, 1), client.talk(0, 0.3))

    async with serve(system.talk, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        figures = await asyncio.to_thread(measured, port)
    assert figures["expected"] == 3 * system.lines
    assert complaint in trouble([figures])
    assert bool(complaint) == bool(trouble([figures]))
