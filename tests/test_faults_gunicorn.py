"""gunicorn's first process is killed: its workers do not live on with the port."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Cluster, cluster
from tests.site import Gunicorn

BOUND = 5


@pytest.fixture
def gunicorn(tmp_path: Path) -> Iterator[Gunicorn]:
    with cluster(tmp_path, workers=0, quick=False) as system:
        running = started(system, tmp_path)
        yield running
        running.stop()


def started(system: Cluster, folder: Path) -> Gunicorn:
    """gunicorn with both workers there."""
    running = Gunicorn(system.environment, folder / "gunicorn.log", 2)
    deadline = time.monotonic() + 30
    while len(running.children) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return running


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be noticed does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_its_workers_end_and_it_can_be_started_again(gunicorn: Gunicorn) -> None:
    workers = gunicorn.children
    gunicorn.process.kill()
    gunicorn.process.wait()
    try:
        deadline = time.monotonic() + BOUND
        while any(map(alive, workers)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert [pid for pid in workers if alive(pid)] == []
        gunicorn.start()
        assert "Connection in use" not in gunicorn.log.read_text()
    finally:
        for pid in filter(alive, workers):
            os.kill(pid, 9)
