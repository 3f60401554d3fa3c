"""Server processes that tests start for themselves, with all they need, on free ports, and stop again."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.proxy import Proxy
from tests.stores import PostgresServer, RedisServer, free_port, wait_for_port

ROOT = Path(__file__).parent.parent


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
        lines: whether each worker reaches Redis and the database over a line of its own that can be hurt.
        clock: whether the clock of Redis can be set.
        pages: whether pages can be asked for: their scripts and styles are collected.
    """

    def __init__(
        self,
        folder: Path,
        workers: int = 3,
        environment: dict[str, str] | None = None,
        quick: bool = True,
        lines: bool = False,
        clock: bool = False,
        pages: bool = False,
    ) -> None:
        self.folder = folder
        (folder / "redis").mkdir()
        self.redis = RedisServer(folder / "redis", clock=clock)
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
        self.redis_lines = [Proxy(self.redis.port) for _ in range(workers if lines else 0)]
        self.database_lines = [Proxy(self.postgres.port) for _ in self.redis_lines]
        self.workers: list[Worker] = []
        try:
            self.manage("migrate", "-v0")
            if pages:
                self.manage("collectstatic", "--noinput", "-v0")
        except BaseException:
            self.stop()
            raise
        self.workers = [Worker(self._environment(n), folder / f"worker{n}.log") for n in range(workers)]
        for worker in self.workers:
            worker.ready()

    def _environment(self, worker: int) -> dict[str, str]:
        if not self.redis_lines:
            return self.environment
        ways = {"REDIS_URL": self.redis_lines[worker], "DATABASE_URL": self.database_lines[worker]}
        return self.environment | {name: line.instead_of(self.environment[name]) for name, line in ways.items()}

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
        for line in (*self.redis_lines, *self.database_lines):
            line.stop()


@contextlib.contextmanager
def cluster(folder: Path, **options: Any) -> Iterator[Cluster]:
    """A cluster for as long as it is needed."""
    running = Cluster(folder, **options)
    try:
        yield running
    finally:
        running.stop()
