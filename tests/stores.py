"""Redis and PostgreSQL that tests start for themselves, on free ports, hurt as they like, and stop again.

Nothing is skipped: what is missing fails.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg

from tests.clock import Clock
from tests.proxy import Proxy


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 30, log: Path | None = None) -> None:
    """Wait until something listens, or fail with what the process has written into its log."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    said = log.read_text() if log else ""
    raise RuntimeError(f"{process.args!r} does not listen on {port}, ended with {process.poll()}\n{said}")


class RedisServer:
    """A real Redis in a folder of its own, that can be killed, stopped and started again on the same port."""

    def __init__(
        self, folder: Path, save: bool = False, clock: bool = False, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it in ``folder``; ``save`` keeps all that is written, ``clock`` lets ``set_clock`` work."""
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = folder
        self._save = ["--appendonly", "yes"] if save else ["--save", "", "--appendonly", "no"]
        self._clock = Clock(folder, runs=True) if clock else None
        self._environment = dict(environment or {}) | (self._clock.environment if self._clock else {})
        self.start()

    def start(self) -> None:
        """Start, with the last dump if there is one, and wait until it listens."""
        program = shutil.which("redis-server")
        assert program, "redis-server is not installed"
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), *self._save],
            env=os.environ | self._environment,
            stdout=subprocess.DEVNULL,
        )
        wait_for_port(self.port, self.process)

    def stop(self) -> None:
        """Kill it, whatever it is doing."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Stop it in its tracks (SIGSTOP): its connections stay open, and nothing answers."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self.process.send_signal(signal.SIGCONT)

    def command(self, *words: str, timeout: float = 10) -> str:
        """Run one command in ``redis-cli``."""
        command = ["redis-cli", "-p", str(self.port), *words]
        done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=timeout)
        return done.stdout.strip()

    def dump(self) -> None:
        """Write what it holds to the file that it reads when it starts."""
        assert self.command("SAVE") == "OK"

    def forget_dump(self) -> None:
        """Begin empty at the next start."""
        (self.folder / "dump.rdb").unlink(missing_ok=True)

    def set_clock(self, seconds: float) -> None:
        """Make its clock so many seconds fast, or slow when negative, from now on."""
        assert self._clock, "this Redis goes by the real clock"
        self._clock.set(int(seconds * 1000))


class Replica(RedisServer):
    """A replica of ``primary``, which reaches it over a line that can be cut off."""

    def __init__(self, folder: Path, primary: RedisServer) -> None:
        super().__init__(folder)
        self._primary = primary
        self._line = Proxy(primary.port)
        primary.command("CONFIG", "SET", "repl-diskless-sync-delay", "0")
        self.command("REPLICAOF", "127.0.0.1", str(self._line.port))
        self._until_linked()

    def _until_linked(self) -> None:
        deadline = time.monotonic() + 20
        while "master_link_status:up" not in self.command("INFO", "replication"):
            assert time.monotonic() < deadline, "the replica does not find its primary"
            time.sleep(0.05)

    def synchronise(self) -> None:
        """Wait until it has all that the primary had when this was called."""
        behind = self._primary.command("INFO", "replication").partition("master_repl_offset:")[2].split()[0]
        deadline = time.monotonic() + 20
        while int(self.command("INFO", "replication").partition("slave_repl_offset:")[2].split()[0]) < int(behind):
            assert time.monotonic() < deadline, "the replica does not follow"
            time.sleep(0.02)

    def cut_off(self) -> None:
        """From now on it lags: nothing that the primary is told reaches it."""
        self._line.swallow()

    def promote(self) -> None:
        """Make it a primary of its own, with what it has."""
        self.command("REPLICAOF", "NO", "ONE")

    def stop(self) -> None:
        """Kill it, and its line."""
        super().stop()
        self._line.stop()


class PostgresServer:
    """A real PostgreSQL in a folder of its own. It refuses to run as root, so there it runs as ``postgres``."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._user = "postgres" if os.geteuid() == 0 else None
        # Not below a test's own folder, which only the tests' user may enter.
        self.folder = tempfile.mkdtemp(prefix="postgres-")
        if self._user:
            shutil.chown(self.folder, self._user)
        self._data = f"{self.folder}/data"
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-N")
        self.start()

    def _program(self, name: str) -> str:
        places = os.pathsep.join([os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))])
        program = shutil.which(name, path=places)
        assert program, f"{name} is not installed"
        return program

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run([self._program(name), *arguments], user=self._user, check=True, capture_output=True, cwd="/")

    def start(self) -> None:
        """Start, and wait until it lets someone in."""
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [self._program("postgres"), "-D", self._data, *arguments],
            user=self._user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "PostgreSQL does not start"
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Stop at once, cutting every connection."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()

    def _processes(self) -> list[int]:
        """The first process and those it has started."""
        command = ["ps", "-o", "pid=", "--ppid", str(self.process.pid)]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        return [self.process.pid, *map(int, found.stdout.split())]

    def pause(self) -> None:
        """Stop all its processes in their tracks (SIGSTOP): its connections stay open, and nothing answers."""
        self._paused = self._processes()
        for pid in self._paused:
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on (SIGCONT)."""
        for pid in self._paused:
            os.kill(pid, signal.SIGCONT)

    def remove(self) -> None:
        """Stop for good."""
        self.stop()
        shutil.rmtree(self.folder)

    def execute(self, query: str) -> list[tuple[object, ...]]:
        """Run one query, as an operator would in a shell."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def redis_server(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[RedisServer]:
    """A Redis for as long as it is needed."""
    server = RedisServer(folder, environment=environment)
    try:
        yield server
    finally:
        server.stop()
