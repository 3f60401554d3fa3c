"""Servers that tests start for themselves, on free ports, and stop again. A missing program is a failure."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).parent.parent


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

    def __init__(self, folder: Path, save: bool = False, environment: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._environment = os.environ | (environment or {})
        self._save = ["--appendonly", "yes"] if save else ["--save", "", "--appendonly", "no"]
        self.start()

    def start(self) -> None:
        """Start, and wait until it listens."""
        program = shutil.which("redis-server")
        assert program, "redis-server is not installed"
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), *self._save],
            env=self._environment,
            stdout=subprocess.DEVNULL,
        )
        wait_for_port(self.port, self.process)

    def stop(self) -> None:
        """Kill it, whatever it is doing."""
        self.process.kill()
        self.process.wait()

    def command(self, *words: str) -> str:
        """Run one command in ``redis-cli``."""
        done = subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, check=True, text=True)
        return done.stdout.strip()


class PostgresServer:
    """A real PostgreSQL in a folder of its own. It refuses to run as root, so there it runs as ``postgres``."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._user = "postgres" if os.geteuid() == 0 else None
        # Not below a test's own folder, which only the tests' user may enter.
        self._folder = tempfile.mkdtemp(prefix="postgres-")
        if self._user:
            shutil.chown(self._folder, self._user)
        self._data = f"{self._folder}/data"
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
        """Start, and wait until it accepts connections."""
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

    def remove(self) -> None:
        """Stop for good."""
        self.stop()
        shutil.rmtree(self._folder)

    def execute(self, query: str) -> list[tuple[object, ...]]:
        """Run one query, as an operator would in a shell."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []


class Worker:
    """One server process on a port of its own; ``tests.worker`` is what it runs."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}/ws/"
        self.log = log
        self._environment = environment
        self.start()

    def start(self) -> None:
        """Start on the same port as before, without waiting."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.worker", str(self.port)],
                env=os.environ | self._environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def ready(self) -> None:
        """Wait until it listens."""
        wait_for_port(self.port, self.process, log=self.log)

    def kill(self) -> None:
        """End it without warning (SIGKILL)."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> float:
        """End it in good order (SIGTERM); returns how many seconds that took."""
        begin = time.monotonic()
        self.process.terminate()
        self.process.wait()
        return time.monotonic() - begin

    def pause(self) -> None:
        """Stop it in its tracks (SIGSTOP)."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self.process.send_signal(signal.SIGCONT)


QUICK = {
    "ROOMS_LEASE": "3",
    "ROOMS_BEAT": "0.5",
    "ROOMS_SWEEP": "0.2",
    "ROOMS_POSITION_CHECK": "0.5",
    "ROOMS_RECONCILE": "1",
    "ROOMS_GRACE": "4",
    "ROOMS_HOST_GRACE": "12",
}
"""Leases and graces short enough for tests."""


class Cluster:
    """Redis, a database and several workers, any of which can be killed, stopped, continued and restarted.

    Args:
        folder: for data and logs.
        workers: how many server processes.
        environment: settings on top of ``QUICK``; ``{}`` with ``quick=False`` is what runs in production.
    """

    def __init__(
        self, folder: Path, workers: int = 3, environment: dict[str, str] | None = None, quick: bool = True
    ) -> None:
        self.folder = folder
        (folder / "redis").mkdir()
        self.redis = RedisServer(folder / "redis")
        self.postgres = PostgresServer()
        self.environment = {
            "DEBUG": "0",
            "DJANGO_SETTINGS_MODULE": "chatsite.settings",
            "SECRET_KEY": "a-key-for-tests-" * 3,
            "ALLOWED_HOSTS": "127.0.0.1",
            "REDIS_URL": self.redis.url,
            "DATABASE_URL": self.postgres.url,
            "STATIC_ROOT": str(folder),
            "ROOMS_FLOOD_CONTROL": "0",
            **(QUICK if quick else {}),
            **(environment or {}),
        }
        # As if the files had been collected: a server that talks to programs only needs none of them.
        manifest = Path(self.environment["STATIC_ROOT"]) / "staticfiles.json"
        manifest.write_text('{"version": "1.1", "paths": {}, "hash": ""}')
        self.workers: list[Worker] = []
        try:
            self.manage("migrate", "-v0")
        except BaseException:
            self.stop()
            raise
        self.workers = [Worker(self.environment, folder / f"worker{n}.log") for n in range(workers)]
        for worker in self.workers:
            worker.ready()

    def manage(self, *arguments: str) -> str:
        """Run ``manage.py``, as an operator would."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=os.environ | self.environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    @property
    def urls(self) -> list[str]:
        """Where the workers' sockets are."""
        return [worker.url for worker in self.workers]

    def logs(self) -> str:
        """The logs of all workers."""
        return "".join(worker.log.read_text() for worker in self.workers)

    def stop(self) -> None:
        """End everything."""
        for worker in self.workers:
            worker.kill()
        self.redis.stop()
        self.postgres.remove()


@contextlib.contextmanager
def cluster(folder: Path, **options: Any) -> Iterator[Cluster]:
    """A cluster for as long as it is needed."""
    running = Cluster(folder, **options)
    try:
        yield running
    finally:
        running.stop()


@contextlib.contextmanager
def redis_server(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[RedisServer]:
    """A Redis for as long as it is needed."""
    server = RedisServer(folder, environment=environment)
    try:
        yield server
    finally:
        server.stop()
