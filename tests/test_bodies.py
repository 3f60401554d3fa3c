"""Bodies of requests: our server keeps none that is large, in whatever way it comes."""

import socket
from collections.abc import Iterator
from unittest import mock

import pytest

from chatsite.server.pages import BODY_MAX, PageRequest
from tests.servers import Worker

HEAD = "POST /i18n/setlang/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("site")
    environment = {"DEBUG": "1", "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3"}
    worker = Worker({**environment, "DJANGO_SETTINGS_MODULE": "chatsite.settings"}, folder / "log")
    worker.ready()
    yield worker
    worker.kill()


def answer(worker: Worker, *parts: bytes) -> bytes:
    """The first line of what a request is answered with, sent as far as the server takes it."""
    with socket.create_connection(("127.0.0.1", worker.port), 5) as line:
        try:
            for part in parts:
                line.sendall(part)
            return line.makefile("rb").readline()
        except OSError:
            return b"cut"


def chunk(size: int) -> bytes:
    return f"{size:x}\r\n".encode() + b"x" * size + b"\r\n"


CHUNKED = (HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode()


def announced(size: int) -> bytes:
    return f"{HEAD}Content-Length: {size}\r\n\r\n".encode()


def test_a_large_body_is_refused_before_it_comes(worker: Worker) -> None:
    assert answer(worker, announced(BODY_MAX + 1)).startswith(b"HTTP/1.1 413 ")


def test_a_body_in_chunks_is_refused_when_it_has_become_large(worker: Worker) -> None:
    assert answer(worker, CHUNKED, chunk(BODY_MAX), chunk(1)).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(("size", "times"), [(BODY_MAX, 1), (BODY_MAX + 1, 0)])
def test_a_body_that_was_refused_does_not_get_to_the_application_cut_off(size: int, times: int) -> None:
    request = PageRequest(mock.Mock())
    request.gotLength(None)
    request.handleContentChunk(b"x" * size)
    with mock.patch.object(PageRequest, "process") as process:
        request.requestReceived(b"POST", b"/", b"HTTP/1.1")
    assert process.call_count == times


@pytest.mark.parametrize("request_", [announced(BODY_MAX) + b"x" * BODY_MAX, CHUNKED + chunk(BODY_MAX) + b"0\r\n\r\n"])
def test_as_much_as_is_allowed_gets_to_the_application(worker: Worker, request_: bytes) -> None:
    assert answer(worker, request_).split()[1] in (b"302", b"403")
