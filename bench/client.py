"""Drives the client, ``client.c``: compiles it when it has changed, starts it, asks it, and reads its answers.

Knows the client's commands; must not know systems' processes or reports.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.systems import CLIENT_CORE, ROOT, Missing, Running

SOURCE = Path(__file__).with_name("client.c")
FOLDER = ROOT / ".make"
PATIENCE = 180
"""Seconds until connecting or entering is given up."""


@dataclass(frozen=True)
class Shape:
    """How many rooms of how many people, of whom how many talk."""

    rooms: int
    people: int
    talkers: int

    @classmethod
    def read(cls, text: str) -> "Shape":
        """From ``ROOMSxPEOPLE`` (all talk) or ``ROOMSxPEOPLE:TALKERS`` (so many in each room).

        Raises:
            ValueError: it is not of this form.
        """
        size, _, talkers = text.partition(":")
        rooms, cross, people = size.partition("x")
        if not cross:
            raise ValueError(f"{text!r} is not like 20x10 or 1x1000:20")
        shape = cls(int(rooms), int(people), int(talkers or people))
        if not (shape.rooms > 0 and 0 < shape.talkers <= shape.people):
            raise ValueError(f"{text!r} has nobody to talk")
        return shape

    def __str__(self) -> str:
        size = f"{self.rooms}x{self.people}"
        return size if self.talkers == self.people else f"{size}:{self.talkers}"

    @property
    def words(self) -> str:
        """For tables."""
        rooms = "1 room" if self.rooms == 1 else f"{self.rooms:,} rooms"
        talking = "" if self.talkers == self.people else f", {self.talkers} talking"
        return f"{rooms} of {self.people:,}{talking}"


def build() -> Path:
    """Compile the client, unless it is there.

    Raises:
        Missing: there is no compiler.
    """
    program = FOLDER / f"bench-client-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}"
    if program.exists():
        return program
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise Missing("there is no C compiler (Debian: apt-get install gcc libc6-dev)")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        made = Path(folder) / "client"
        subprocess.run([compiler, "-O2", "-o", str(made), str(SOURCE)], check=True)  # noqa: S603 - the compiler
        os.replace(made, program)
    return program


class Client:
    """A client of a running system.

    Args:
        running: the system.
    """

    def __init__(self, running: Running) -> None:
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {CLIENT_CORE})
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [str(build())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        finally:
            os.sched_setaffinity(0, before)
        watched = [*running.servers, *([running.redis] if running.redis else [])]
        self._servers = len(running.servers)
        self._tell(f"system {running.system.speaks}")
        self._tell("ports", *running.ports)
        self._tell("watch", *watched)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def silent(self, count: int) -> dict[str, Any]:
        """Open connections that enter no room."""
        return self._ask("extra", count, PATIENCE)

    def rooms(self, shape: Shape) -> dict[str, Any]:
        """Open the connections of everyone in ``shape``."""
        return self._ask("rooms", shape.rooms, shape.people, shape.talkers, PATIENCE)

    def enter(self) -> dict[str, Any]:
        """Put everyone into their room."""
        return self._ask("enter", PATIENCE)

    def talk(self, warm: float, seconds: float, rate: float = 0, alone: bool = False) -> dict[str, Any]:
        """Let them talk, then wait for what is still to come.

        Args:
            warm: seconds that are not counted.
            seconds: seconds that are.
            rate: lines a second; by default each talks again as soon as the last line is back.
            alone: only one talks, and waits each time until everyone has got the line.
        """
        return self._ask("talk", warm, seconds, rate, 0 if alone else -1)

    def idle(self, seconds: float) -> dict[str, Any]:
        """Do nothing but answer pings."""
        return self._ask("idle", seconds)

    def _tell(self, *words: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()

    def _ask(self, *words: object) -> dict[str, Any]:
        assert self._process.stdout
        self._tell(*words)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the client ended with {self._process.wait()} after {words!r}")
        answer: dict[str, Any] = json.loads(line)
        used = answer.pop("cpu")
        answer["server_cpu"] = sum(used[: self._servers])
        answer["redis_cpu"] = sum(used[self._servers :])
        answer["client_cpu"] = answer.pop("client")
        return answer
