"""Where attacks are measured: one real server with Redis, PostgreSQL and 200 listed rooms, and what happens on it.

Knows how to start the server and the attackers' process, and what they use; must not know which attacks there are.
"""

import asyncio
import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.attack.attacks import Attack
from tests.attack.people import GIVEN_UP, PATIENCE, People, Seen, program
from tests.servers import ROOT, Worker, cluster

LISTED = 200
OPEN_ROOMS = f"""
from rooms.models import Room
for number in range({LISTED}):
    Room(name=f"열린 방 {{number}}").save()
"""
"""Official rooms, which stay open without anyone in them."""
CALM = 0.02
"""Seconds that a ping takes at most when a server has nothing else to do."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Row:
    """What one measurement found; times in milliseconds, shares of one core."""

    attack: str
    connections: int
    sent: float
    kib_out: float
    kib_in: float
    attacker_cpu: float
    server_cpu: float
    redis_cpu: float
    closed: int
    said: int
    lost: int
    p50: float
    p95: float
    p99: float
    max: float
    newcomer: float
    open: float
    page: float
    error: str = ""

    def allowed(self, quiet: "Row") -> float:
        """The bound of the 95th percentile under attack."""
        return max(20, 5 * quiet.p95)

    def is_ok(self, quiet: "Row") -> bool:
        """Whether honest people hardly noticed."""
        return not self.error and self.p95 < self.allowed(quiet)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Stage:
    """A running server.

    Args:
        port: of the server.
        pids: of the server's process and of Redis.
    """

    port: int
    pids: tuple[int, int]

    def cpu(self) -> list[float]:
        """Seconds of CPU that the server and Redis have used."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.pids]
        return [(int(fields[11]) + int(fields[12])) / TICKS for fields in stats]

    async def measure(self, attack: Attack | None, seconds: float, rate: float, address: str = "") -> Row:
        """Let people talk for a while, under an attack or none.

        Args:
            attack: what is done to them meanwhile.
            seconds: how long.
            rate: lines a second.
            address: where the attack comes from.

        Raises:
            TimeoutError: it took far longer than it may.
        """
        async with asyncio.timeout(seconds + 120):
            await self._calm()
            async with People(self.port) as people, _attacker(attack, self.port, address, people.room) as attacker:
                begin, cpu = time.monotonic(), self.cpu()
                await attacker.begin()
                talking = asyncio.create_task(people.live(seconds, rate))
                await asyncio.sleep(seconds)
                passed = time.monotonic() - begin
                used = [(after - before) / passed for before, after in zip(cpu, self.cpu(), strict=True)]
                account = await attacker.end()
                seen = await talking
        return _row(attack, account, used, seen)

    async def _calm(self) -> None:
        """Wait until the server has done with what was before, half a minute at most."""
        deadline = time.monotonic() + 30
        calm = 0
        while calm < 5 and time.monotonic() < deadline:
            with contextlib.suppress(*GIVEN_UP):
                async with program(self.port) as socket:
                    while calm < 5 and time.monotonic() < deadline:
                        begin = time.monotonic()
                        async with asyncio.timeout(PATIENCE):
                            await (await socket.ping())
                        calm = calm + 1 if time.monotonic() - begin < CALM else 0
                        await asyncio.sleep(0.1)


class _Attacker:
    """The attackers' process; for nobody, there is none."""

    process: asyncio.subprocess.Process | None = None

    async def begin(self) -> None:
        if self.process is not None:
            assert self.process.stdin
            self.process.stdin.write(b"go\n")

    async def end(self) -> dict[str, Any]:
        """Stop the attack; returns its account."""
        if self.process is None:
            return {}
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            account: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return account


@contextlib.asynccontextmanager
async def _attacker(attack: Attack | None, port: int, address: str, room: int) -> Any:
    attacker = _Attacker()
    if attack is None:
        yield attacker
        return
    words = [sys.executable, "-m", "tests.attack.attacker", attack.name, str(port), address, str(room)]
    attacker.process = process = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            said = await process.stdout.readline()
        if said != b"ready\n":
            raise RuntimeError(f"{attack.name} cannot begin: {said.decode()}")
        yield attacker
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


def _row(attack: Attack | None, account: dict[str, Any], used: list[float], seen: Seen) -> Row:
    lines = sorted(seen.lines)
    percent = statistics.quantiles(lines, n=100, method="inclusive")
    worst = {kind: round(max(times, default=0) * 1000, 1) for kind, times in seen.visits.items()}
    return Row(
        attack=attack.name if attack else "quiet",
        connections=attack.connections if attack else 0,
        sent=round(account.get("sent", 0)),
        kib_out=round(account.get("kib_out", 0), 1),
        kib_in=round(account.get("kib_in", 0), 1),
        attacker_cpu=round(account.get("cpu", 0), 3),
        server_cpu=round(used[0], 3),
        redis_cpu=round(used[1], 3),
        closed=account.get("lost", 0),
        said=len(lines),
        lost=seen.lost,
        **{name: round(percent[n - 1] * 1000, 1) for name, n in (("p50", 50), ("p95", 95), ("p99", 99))},
        max=round(lines[-1] * 1000, 1),
        **worst,
        error=account.get("error", ""),
    )


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A server as in production, with flood control, behind nothing, for as long as it is needed.

    It trusts ``X-Forwarded-For``, so that people and attackers have addresses of their own.
    """
    (folder / "static").mkdir()
    environment = {"ROOMS_FLOOD_CONTROL": "1", "TRUST_PROXY": "1", "STATIC_ROOT": str(folder / "static")}
    with cluster(folder, workers=0, quick=False, environment=environment) as system:
        system.manage("collectstatic", "--noinput", "-v0")
        system.manage("shell", "-c", OPEN_ROOMS)
        worker = Worker(system.environment, folder / "worker.log")
        system.workers.append(worker)
        worker.ready()
        asyncio.run(_opened(worker.port))
        yield Stage(worker.port, (worker.process.pid, system.redis.process.pid))


async def _opened(port: int) -> None:
    """Wait until all rooms are in the list."""
    async with asyncio.timeout(60), program(port) as socket:
        total = 0
        while total < LISTED:
            await socket.send(json.dumps({"type": "CLIENT_ROOM_LIST"}))
            total = json.loads(await socket.recv()).get("total", 0)
            await asyncio.sleep(0.2)
