"""The systems that are measured: how each is started, on which core, and what it is called.

Knows programs, processes and cores; must not know shapes or reports. Every measurement starts its system anew, with a
Redis of its own where it needs one, so that nothing is left from the one before.
"""

import contextlib
import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from redis import Redis

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "peers"
NODE_MODULES = PEERS / "node_modules"

CORES = sorted(os.sched_getaffinity(0))
CLIENT_CORE = CORES[-1]
"""Where the client and Redis are."""
SERVER_CORES = CORES[:-1] or CORES
"""Where the server processes are, one after the other; on a machine of two cores all on the first."""

START_SECONDS = 60
DATABASE = "db.sqlite3"


@dataclass(frozen=True)
class System:
    """One system.

    Args:
        name: as on the command line.
        title: as in tables.
        speaks: the protocol, as the client calls it.
        command: what starts a process on a port.
        environment: its variables, beside those of this process.
        redis: whether it needs one.
        workers: how many processes.
        joins: whether joining is apart from connecting.
    """

    name: str
    title: str
    speaks: str
    command: Callable[[int], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    redis: bool = False
    workers: int = 1
    joins: bool = True

    @property
    def is_ours(self) -> bool:
        """Whether it is Sarangbang."""
        return self.speaks == "ours"


def _ours(port: int) -> list[str]:
    return [sys.executable, "-m", "bench.ours", str(port)]


def _tutorial(port: int) -> list[str]:
    return [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "tutorial.asgi:application"]


def _node(program: str) -> Callable[[int], list[str]]:
    return lambda port: ["node", str(PEERS / program), str(port)]


OURS = {
    "DEBUG": "0",
    "DJANGO_SETTINGS_MODULE": "chatsite.settings",
    "SECRET_KEY": "a-key-for-the-benchmark-" * 2,
    "ALLOWED_HOSTS": "127.0.0.1",
    "REDIS_URL": "",
    # Everyone talks as fast as they can, from one address, in rooms larger than the default allows.
    "ROOMS_FLOOD_CONTROL": "0",
    "ROOMS_ROOM_SIZE": "100000",
    "ROOMS_CONNECTIONS_PER_VISITOR": "100000",
}
TUTORIAL = {"DJANGO_SETTINGS_MODULE": "tutorial.settings", "PYTHONPATH": str(PEERS)}
NODE = {"NODE_ENV": "production"}


def ours(workers: int) -> System:
    """Sarangbang with Redis and some number of processes."""
    suffix, title = (f"-{workers}", f", {workers} workers") if workers > 1 else ("", "")
    return System(f"ours-redis{suffix}", f"Sarangbang, Redis{title}", "ours", _ours, OURS, redis=True, workers=workers)


SYSTEMS = {
    system.name: system
    for system in (
        System("ours-memory", "Sarangbang, memory", "ours", _ours, OURS),
        ours(1),
        ours(2),
        System("ws", "Node ws", "ws", _node("ws.mjs"), NODE),
        System("socketio", "Socket.IO", "socketio", _node("socketio.mjs"), NODE),
        System("socketio-redis", "Socket.IO, Redis adapter", "socketio", _node("socketio.mjs"), NODE, redis=True),
        System(
            *("tutorial-pubsub", "Channels' tutorial, pub/sub layer", "tutorial", _tutorial),
            {**TUTORIAL, "LAYER": "pubsub"},
            redis=True,
            joins=False,
        ),
        System(
            *("tutorial-core", "Channels' tutorial, core layer", "tutorial", _tutorial),
            {**TUTORIAL, "LAYER": "core"},
            redis=True,
            joins=False,
        ),
    )
}


class Missing(Exception):
    """Something has to be installed first; the text says what."""


def check_programs(systems: list[System]) -> None:
    """See that everything is there before anything is measured.

    Raises:
        Missing: it is not.
    """
    if any(system.redis for system in systems) and not shutil.which("redis-server"):
        raise Missing("redis-server is not installed (Debian: apt-get install redis-server)")
    if any(system.command(0)[0] == "node" for system in systems):
        if not shutil.which("node"):
            raise Missing("node is not installed: version 20 or newer is needed")
        if not NODE_MODULES.is_dir():
            raise Missing("the packages of bench/peers are not installed: run npm ci there, or make bench")


def raise_limits() -> None:
    """Allow as many sockets as the machine does."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (65_536, 40_000, most):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, most)))
            return


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(
    command: list[str], core: int, environment: Mapping[str, str] | None = None, log: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Start a process on one core, with all the threads it will ever have."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        with (log or Path(os.devnull)).open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - programs that are named here
                command, cwd=ROOT, env=os.environ | (environment or {}), stdout=output, stderr=output
            )
    finally:
        os.sched_setaffinity(0, before)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process at once: nobody is left to say good-bye to."""
    process.kill()
    process.wait()


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Path | None = None) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    said = log.read_text(errors="replace")[-2000:] if log else ""
    raise RuntimeError(f"{process.args!r} does not listen:\n{said}")


@dataclass
class Running:
    """A system that has been started."""

    system: System
    ports: list[int]
    servers: list[int]
    """The process ids of the servers."""
    redis: int | None = None
    """The process id of Redis."""
    store: Redis | None = None
    log: Path | None = None

    def memory(self) -> int:
        """KiB that the servers hold."""
        return sum(_resident(pid) for pid in self.servers)

    def redis_memory(self) -> int:
        """KiB that Redis holds."""
        return _resident(self.redis) if self.redis else 0


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


@contextlib.contextmanager
def running(system: System) -> Iterator[Running]:
    """A system, for as long as it is needed."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        environment = dict(system.environment)
        result = Running(system, [], [], log=folder / "log")
        if system.redis:
            port = free_port()
            command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
            process = start([*command, "--save", "", "--appendonly", "no"], CLIENT_CORE)
            stack.callback(stop, process)
            _wait_for_port(port, process)
            result.redis = process.pid
            result.store = stack.enter_context(contextlib.closing(Redis(port=port)))
            environment["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
        if system.is_ours:
            site = _new_site()
            shutil.copy(site / DATABASE, folder / DATABASE)
            environment |= {"DATABASE_URL": f"sqlite:///{folder / DATABASE}", "STATIC_ROOT": f"{site}/static"}
        processes = []
        for number in range(system.workers):
            port = free_port()
            core = SERVER_CORES[number % len(SERVER_CORES)]
            process = start(system.command(port), core, environment, result.log)
            stack.callback(stop, process)
            processes.append((port, process))
        for port, process in processes:
            _wait_for_port(port, process, result.log)
            result.ports.append(port)
            result.servers.append(process.pid)
        yield result


@cache
def _new_site() -> Path:
    """A folder with what a site of ours starts from, made once: its files, and a database with no rows."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    _to_remove.append(folder)
    environment = (
        os.environ | OURS | {"DATABASE_URL": f"sqlite:///{folder / DATABASE}", "STATIC_ROOT": f"{folder}/static"}
    )
    for command in (["migrate", "--skip-checks"], ["collectstatic", "--noinput", "--skip-checks"]):
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "manage.py", *command, "--verbosity", "0"], cwd=ROOT, env=environment, check=True
        )
    # All of it is to be in the one file that is copied.
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    return folder


_to_remove: list[Path] = []


def tidy() -> None:
    """Remove what was made for all measurements together."""
    for folder in _to_remove:
        shutil.rmtree(folder, ignore_errors=True)
    _to_remove.clear()
    _new_site.cache_clear()
