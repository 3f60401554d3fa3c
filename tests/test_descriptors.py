"""File descriptors: the limit is raised at the start, and the log says when they run out and when that is over."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatsite.descriptors import Watch
from tests.servers import ROOT
from tests.stores import free_port, wait_for_port

LIMIT = 80
BEGIN, END = "file descriptors are in use", "there are file descriptors again"
IMPATIENT = """
import runpy
from chatsite import descriptors
descriptors.QUIET_SECONDS = 2
{}
runpy.run_module("tests.worker", run_name="__main__")
"""
TAKEN = "from twisted.internet import tcp; tcp._reservedFD = tcp._NullFileDescriptorReservation()"
"""As if something else had taken the descriptor with which Twisted refuses connections."""


class Limited:
    """A real server that may have few descriptors."""

    def __init__(self, folder: Path, before: str = "None") -> None:
        self.port = free_port()
        self.log = folder / "log"
        environment = {"DEBUG": "1", "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3"}
        environment["DJANGO_SETTINGS_MODULE"] = "chatsite.settings"
        few = ["sh", "-c", f'ulimit -n {LIMIT}; exec "$@"', "sh"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*few, sys.executable, "-c", IMPATIENT.format(before), str(self.port)],
                env=os.environ | environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        wait_for_port(self.port, self.process, log=self.log)

    def lines(self, text: str) -> int:
        return self.log.read_text().count(text)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 30
        while not self.lines(text):
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def cpu(self) -> float:
        """Seconds of a core that it has used."""
        used = subprocess.run(["ps", "-o", "cputimes=", "-p", str(self.process.pid)], capture_output=True, check=True)
        return float(used.stdout)

    def answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), 5) as line:
            line.sendall(b"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return line.recv(20).startswith(b"HTTP/1.1 404")


@pytest.fixture(params=["None", TAKEN], ids=["as ever", "nothing in reserve"])
def limited(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Limited]:
    running = Limited(tmp_path, request.param)
    yield running
    running.process.kill()
    running.process.wait()


def test_the_log_says_once_that_descriptors_run_out_and_once_that_there_are_some_again(limited: Limited) -> None:
    # A queue of fewer than 50 waits to be accepted.
    lines = [socket.create_connection(("127.0.0.1", limited.port)) for _ in range(LIMIT + 20)]
    limited.wait_for(BEGIN)
    before = limited.cpu()
    time.sleep(3)
    assert limited.cpu() - before <= 1
    for line in lines:
        line.close()
    limited.wait_for(END)
    assert limited.answers()
    assert (limited.lines(BEGIN), limited.lines(END), limited.lines("127.0.0.1")) == (1, 1, 0)


def test_the_limit_is_raised_as_far_as_it_may_be() -> None:
    program = "import chatsite.asgi, resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    command = ["sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh", sys.executable, "-c", program]
    environment = os.environ | {"DEBUG": "1", "DATABASE_URL": "sqlite://:memory:"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    soft, hard = done.stdout.split()
    assert soft == hard != "256"


@pytest.mark.parametrize(
    "event",
    [
        {"log_namespace": "twisted.internet.tcp.Port", "log_format": "x", "acceptError": "ECONNABORTED"},
        {"log_namespace": "twisted.internet.udp.Port", "log_format": "EMFILE encountered"},
        {"log_namespace": "twisted.internet.tcp.Port", "log_format": None},
        {},
    ],
)
def test_other_troubles_are_not_taken_for_it(event: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    Watch()(event)
    assert caplog.text == ""
