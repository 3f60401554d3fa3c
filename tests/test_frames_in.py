"""The server's quick way in and its direct way out, without a network: the same as autobahn's and Twisted's own."""

import asyncio
import contextlib
import errno
import itertools
import logging
import os
import re
import socket
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from chatsite.limits import FRAME_MAX, WAITING_MAX
from chatsite.server import Server
from chatsite.server.connection import INCOMING_MAX, STEP_BURST, STEP_RATE, ChatProtocol

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Queue(list[dict[str, Any]]):
    """What the application would read from."""

    put_nowait = list.append

    def empty(self) -> bool:
        return not self

    def qsize(self) -> int:
        return len(self)


class Site(Server):
    """The server with its real options, listening nowhere."""

    def __init__(self) -> None:
        super().__init__(None, ["tcp:port=0"], lambda: asyncio.sleep(0))
        self.connections = {}
        self._use_our_factory()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        protocol.scope = protocol.factory.scope = scope
        return Queue()


class Transport(StringTransport):
    """Remembers what is written, and how it ended."""

    ended = ""

    def __init__(self) -> None:
        super().__init__(lenient=True)

    def unregisterProducer(self) -> None:  # noqa: N802 - Twisted's name
        self.producer = None

    def loseConnection(self) -> None:  # noqa: N802 - Twisted's name
        self.ended = self.ended or "lost"
        super().loseConnection()

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's name
        self.ended = self.ended or "aborted"

    @property
    def is_read(self) -> bool:
        return not self.ended and self.producerState == "producing"


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


SITE = Site()


def connection(transport: Any) -> ChatProtocol:
    """A connection whose handshake is over."""
    protocol = SITE.ws_factory.buildProtocol(None)
    protocol._raw_query_string = b""
    protocol.makeConnection(transport)
    protocol.dataReceived(HANDSHAKE)
    protocol.serverAccept()
    assert protocol.state == protocol.STATE_OPEN
    protocol.application_queue.clear()
    return protocol  # type: ignore[no-any-return]


def quick(on: bool) -> Any:
    """Whether the quick way in is used, for a while."""
    return mock.patch("chatsite.server.connection.QUICK_FRAMES", on)


def seen(chunks: list[bytes], on: bool, at_once: int, slow: bool = False) -> dict[str, Any]:
    """Everything that one connection does with ``chunks``.

    Args:
        chunks: what the network delivers, one after the other.
        on: whether the quick way in is used.
        at_once: of this many messages, one is left to the queue; 0 leaves all.
        slow: whether the application takes a message only when the server reads no more.
    """
    with quick(on):
        transport = Transport()
        protocol = connection(transport)
        transport.clear()
        messages: list[Any] = []
        offered = 0
        longest = 0

        def receive(text: str) -> bool:
            nonlocal offered
            offered += 1
            if at_once and offered % at_once:
                messages.append(text)
                return True
            return False

        def take() -> None:
            protocol.go_on_reading()
            if protocol.application_queue:
                messages.append(protocol.application_queue.pop(0))

        protocol._receive = receive
        for chunk in chunks:
            while not transport.is_read and not transport.ended and protocol.application_queue:
                take()
            if transport.ended:
                break
            protocol.dataReceived(chunk)
            longest = max(longest, protocol.application_queue.qsize())
            while not slow and protocol.application_queue:
                take()
        while protocol.application_queue:
            take()
        timers = protocol.closeHandshakeTimeoutCall
        if timers is not None:
            timers.cancel()
        found = {
            "messages": messages,
            "written": transport.value(),
            "ended": transport.ended,
            "state": protocol.state,
            "codes": (protocol.localCloseCode, protocol.remoteCloseCode, protocol.localCloseReason),
            "clean": protocol.wasClean,
            "left": protocol.data,
        }
        assert longest <= INCOMING_MAX
        return found


def frame(
    payload: bytes, first: int = 0x81, mask: bytes | None = b"\1\2\3\4", length: int = 0, claimed: int | None = None
) -> bytes:
    """A frame, wrong in as many ways as you like.

    Args:
        payload: unmasked.
        first: FIN, RSV and opcode.
        mask: four bytes, or None for no mask.
        length: how many bytes tell the length (0 for as many as needed, else 1, 2 or 8).
        claimed: the length that is told instead of the true one.
    """
    size = len(payload) if claimed is None else claimed
    length = length or (1 if size < 126 else 2 if size < 65536 else 8)
    if length == 1 and size > 125:
        length = 2
    second = {1: size, 2: 126, 8: 127}[length] | (0x80 if mask is not None else 0)
    parts = [bytes((first, second)), b"" if length == 1 else size.to_bytes(length, "big")]
    if mask is not None:
        key = (mask * (len(payload) // 4 + 1))[: len(payload)]
        payload = bytes(one ^ other for one, other in zip(payload, key, strict=True))
        parts.append(mask)
    return b"".join([*parts, payload])


SIZES = st.sampled_from([0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 255, 256, FRAME_MAX, FRAME_MAX + 1])
MASKS = st.one_of(st.binary(min_size=4, max_size=4), st.just(b"\0\0\0\0"))
TEXTS = st.one_of(
    st.text(max_size=50).map(str.encode),
    SIZES.map(lambda size: b"x" * size),
    SIZES.map(lambda size: ("가" * (size // 3 + 1)).encode()[: size // 3 * 3]),
)
INVALID = st.sampled_from(
    [
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"ok\xe2\x82",
        b"\xf8\x88\x80\x80\x80",
        b"a" * 130 + b"\x80",
    ]
)
GOOD = st.one_of(
    st.builds(frame, TEXTS, mask=MASKS),
    st.builds(frame, st.text(max_size=20).map(str.encode), mask=MASKS),
    st.builds(frame, st.binary(max_size=125), st.sampled_from([0x89, 0x8A]), MASKS),
    st.builds(frame, st.binary(max_size=130), st.just(0x82), MASKS),
)
# What looks like a frame inside one: with a mask of zeros a cut can make it the beginning of what is read.
NESTED = st.builds(
    lambda text, first: frame(frame(text.encode()), first, b"\0\0\0\0"),
    st.text(min_size=2, max_size=9),
    st.sampled_from([0x82, 0x89]),
)
# A message in pieces, with a ping or, wrongly, a whole message among them.
PIECES = st.builds(
    lambda parts, mask, kind, among: b"".join(
        frame(part, (kind if n == 0 else 0) | (0x80 if n == len(parts) - 1 else 0), mask)
        + (frame(b"among", among, mask) if among and n < len(parts) - 1 else b"")
        for n, part in enumerate(parts)
    ),
    st.lists(st.one_of(st.text(max_size=9).map(str.encode), st.binary(max_size=3)), min_size=1, max_size=4),
    MASKS,
    st.sampled_from([1, 2]),
    st.sampled_from([0, 0x89, 0x89, 0x81]),
)
BAD = st.one_of(
    st.builds(frame, INVALID, mask=MASKS),
    st.builds(frame, TEXTS, mask=st.none()),
    st.builds(frame, st.binary(max_size=9), st.integers(0, 255), MASKS),
    st.builds(frame, st.text(min_size=2, max_size=9).map(str.encode), st.sampled_from([0x91, 0xA1, 0xC1, 0xF1]), MASKS),
    st.builds(frame, TEXTS, mask=MASKS, length=st.sampled_from([2, 8])),
    st.builds(frame, st.just(b""), mask=MASKS, claimed=st.sampled_from([1, 65535, 65536, 2**63 - 1, 2**63])),
    st.builds(
        frame, st.sampled_from([b"", b"\x03", b"\x03\xe8", b"\x03\xe8bye", b"\x0f\xa2", b"\0\0"]), st.just(0x88), MASKS
    ),
    st.binary(max_size=12),
)
STREAMS = st.lists(st.one_of(GOOD, GOOD, NESTED, PIECES, BAD), min_size=1, max_size=8)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """``data`` in chunks, cut at ``places``."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(ends)]


PLACES = st.lists(st.integers(0, 70_000), max_size=6)
MARKS = re.compile(rb"(?=[\x81\x89\x80])")


@settings(max_examples=600, deadline=None)
@given(STREAMS, PLACES, st.integers(0, 2**13 - 1), st.sampled_from([0, 1_000_000, 3]))
@example([frame(b"x" * 125), frame(b"x" * 126), frame(b"")], [], 0, 0)
@example([frame(b"one"), frame(b"two", 0xC1), frame(b"three")], [], 0, 0)
@example([frame(b"one", 0x01), frame(b"two"), frame(b"three", 0x80)], [], 1, 0)
@example([frame(frame(b"inner"), 0x82, b"\0\0\0\0")], [6], 0, 0)
@example([frame(frame(b"inner"), 0x89, b"\0\0\0\0")], [6], 0, 0)
@example([frame(b"x", mask=b"\x80\0\0\0"), frame(b"after")], [1], 0, 0)
@example([frame(b"one"), frame(b"two")], [17], 0, 0)
def test_the_quick_way_in_does_what_autobahn_does(
    frames: list[bytes], places: list[int], marks: int, at_once: int
) -> None:
    data = b"".join(frames)
    # Cut anywhere, and where a frame begins or seems to.
    begins = [match.start() for match in itertools.islice(MARKS.finditer(data), 13)]
    chunks = cut(data, places + [begin for n, begin in enumerate(begins) if marks >> n & 1])
    assert seen(chunks, True, at_once) == seen(chunks, False, at_once)


@settings(max_examples=60, deadline=None)
@given(st.lists(GOOD, min_size=1, max_size=5).map(b"".join))
def test_every_way_to_cut_is_the_same(data: bytes) -> None:
    whole = seen([data], True, 0)
    assert seen([data[n : n + 1] for n in range(min(len(data), 300))] + [data[300:]], True, 0) == whole


@pytest.mark.parametrize("size", [0, 1, 2, 125, 126, 127, 16383, 16384, 16385, 65535, 65536])
@pytest.mark.parametrize("at", [1, 2, 3, 7, 8, 9, 100])
def test_every_length_encoding_is_the_same(size: int, at: int) -> None:
    data = frame(b"before") + frame(b"x" * size) + frame(b"after")
    for chunks in ([data], [data[:at], data[at:]], [data[: at + 12], data[at + 12 :]]):
        ours = seen(chunks, True, 0)
        assert ours == seen(chunks, False, 0)
        texts = [message["text"] for message in ours["messages"]]
        if size <= FRAME_MAX:
            assert texts == ["before", "x" * size, "after"]
        else:
            assert texts == ["before"]
            assert ours["codes"][0] == 1009


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("payload", [b"", b"abc"])
def test_no_more_than_a_few_messages_wait_however_many_come_at_once(on: bool, payload: bytes) -> None:
    data = frame(payload) * 5000 + frame(b"\x03\xe8", 0x88)
    found = seen([data], on, 0, slow=True)
    assert len(found["messages"]) == 5000
    assert found["clean"]


@pytest.mark.parametrize("on", [True, False])
def test_a_fault_in_the_application_ends_the_connection_in_order(on: bool) -> None:
    with quick(on):
        transport = Transport()
        protocol = connection(transport)
        transport.clear()

        def receive(text: str) -> bool:
            raise RuntimeError

        protocol._receive = receive
        protocol.dataReceived(frame(b"one") + frame(b"two"))
        assert transport.value() == b"\x88\x02\x03\xf3"
        protocol.closeHandshakeTimeoutCall.cancel()


def test_an_open_connection_keeps_nothing_of_its_handshake() -> None:
    protocol = connection(Transport())
    assert protocol.factory.scope == {}
    kept = str(vars(protocol).items())
    assert "192.168" not in kept
    assert "dGhlIHNhbXBsZSBub25jZQ" not in kept
    assert len(vars(protocol)) <= 8


def test_a_connection_whose_handshake_was_refused_ends_without_a_fault() -> None:
    protocol = SITE.ws_factory.buildProtocol(None)
    protocol._raw_query_string = b""
    protocol.makeConnection(Transport())
    protocol.dataReceived(HANDSHAKE.replace(b"Version: 13", b"Version: 99"))
    assert b" 400 " in protocol.transport.value()
    protocol.connectionLost(Failure(ConnectionDone()))


# --- the way out ------------------------------------------------------------------------------------------------------


@implementer(IReactorFDSet)
class NoReactor:
    """A reactor that does nothing by itself."""

    writers = 0

    def addReader(self, reader: object) -> None: ...  # noqa: N802 - Twisted's name

    def removeReader(self, reader: object) -> None: ...  # noqa: N802 - Twisted's name

    def addWriter(self, writer: object) -> None:  # noqa: N802 - Twisted's name
        self.writers += 1

    def removeWriter(self, writer: object) -> None: ...  # noqa: N802 - Twisted's name


class Plain(Connection):
    """A socket as Twisted knows it, driven by hand."""

    def getPeer(self) -> None:  # noqa: N802 - Twisted's name
        return None

    getHost = getPeer  # noqa: N815


@contextlib.contextmanager
def line() -> Iterator[tuple[ChatProtocol, Plain, socket.socket]]:
    """A connection with a real socket that holds little, and its other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        theirs.setblocking(False)
        transport = Plain(ours, None, NoReactor())  # type: ignore[arg-type]
        transport.connected = 1
        protocol = connection(transport)
        while transport.dataBuffer or transport._tempDataBuffer:
            transport.doWrite()
        assert b"101 Switching" in theirs.recv(65536)
        yield protocol, transport, theirs
        for call in (protocol.closeHandshakeTimeoutCall, protocol.autoPingTimeoutCall):
            if call is not None:
                call.cancel()


def drain(transport: Plain, theirs: socket.socket) -> bytes:
    """Everything that was sent and not read yet."""
    parts = []
    while True:
        with contextlib.suppress(BlockingIOError):
            parts.append(theirs.recv(1 << 20))
            continue
        if not transport.dataBuffer and not transport._tempDataBuffer:
            return b"".join(parts)
        assert transport.doWrite() is None


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("frames"), st.integers(1, 30_000)),
            st.tuples(st.just("send"), st.integers(1, 5_000)),
            st.tuples(st.just("ping"), st.integers(1, 100)),
            st.tuples(st.just("read"), st.integers(1, 20_000)),
            st.tuples(st.just("turn"), st.just(0)),
        ),
        max_size=25,
    )
)
def test_what_is_sent_directly_and_what_twisted_sends_keep_their_order(steps: list[tuple[str, int]]) -> None:
    with line() as (protocol, transport, theirs):
        got, wanted = b"", b""
        for n, (step, size) in enumerate(steps):
            letters = bytes([65 + n]) * size
            if step == "frames":
                protocol.write_frames(frame(letters, mask=None))
                wanted += frame(letters, mask=None)
            elif step == "send":
                protocol.serverSend(letters.decode())
                wanted += frame(letters, mask=None)
            elif step == "ping":
                protocol.dataReceived(frame(letters, 0x89))
                wanted += frame(letters, 0x8A, mask=None)
            elif step == "read":
                with contextlib.suppress(BlockingIOError):
                    got += theirs.recv(size)
            else:
                transport.doWrite()
        protocol.serverClose(4001)
        protocol.write_frames(b"too late")
        assert got + drain(transport, theirs) == wanted + b"\x88\x02\x0f\xa1"


def test_a_large_write_is_not_cut_though_it_is_more_than_may_wait() -> None:
    with line() as (protocol, transport, theirs):
        large = frame(os.urandom(WAITING_MAX * 2), mask=None)
        protocol.write_frames(large)
        protocol.write_frames(large)
        assert protocol.localCloseCode == 4002
        assert drain(transport, theirs) == large + b"\x88\x02\x0f\xa2"


@pytest.mark.parametrize("way", ["frames", "send", "ping"])
def test_no_more_than_a_bound_waits_whatever_it_is(way: str) -> None:
    with line() as (protocol, transport, theirs):
        while protocol.state == protocol.STATE_OPEN:
            if way == "frames":
                protocol.write_frames(frame(b"x" * 100, mask=None))
            elif way == "send":
                protocol.serverSend("x" * 100)
            else:
                protocol.onPing(b"x" * 100)
        assert transport._tempDataLen <= WAITING_MAX + 4
        assert protocol.localCloseCode == 4002
        assert drain(transport, theirs).endswith(b"\x88\x02\x0f\xa2")


NOTHING_SAID = {
    "pings": frame(b"", 0x89),
    "pongs": frame(b"", 0x8A),
    "empty pieces": frame(b"", 0x00),
    "pieces of one byte": frame(b"x", 0x00),
}


@pytest.mark.parametrize("data", NOTHING_SAID.values(), ids=NOTHING_SAID)
async def test_a_client_that_says_nothing_in_many_frames_is_read_from_slowly(data: bytes) -> None:
    with line() as (protocol, _transport, _theirs):
        if data[0] == 0x00:
            protocol.dataReceived(frame(b"", 0x01))
        protocol.dataReceived(data * 10_000)
        assert len(data) * (10_000 - STEP_BURST) <= len(protocol.data) < len(data) * 10_000
        left = len(protocol.data)
        await asyncio.sleep(0.1)
        assert left - len(data) * STEP_RATE < len(protocol.data) <= left


async def test_a_flood_that_goes_on_after_its_connection_was_closed_is_read_from_slowly() -> None:
    with line() as (protocol, _transport, _theirs):
        protocol.sendClose(code=4501)
        protocol.dataReceived(frame(b"{}") * 10_000)
        assert len(protocol.data) >= len(frame(b"{}")) * (10_000 - STEP_BURST)
        assert protocol.application_queue.empty()


async def test_what_a_client_had_sent_before_it_heard_of_the_close_does_not_hide_its_answer() -> None:
    transport = Transport()
    protocol = connection(transport)
    protocol.sendClose(code=4501)
    protocol.dataReceived(frame(b"{}") * 60 + frame((4501).to_bytes(2, "big"), 0x88))
    assert (bool(transport.ended), protocol.wasClean) == (True, True)


async def test_a_few_pings_at_once_are_answered_at_once() -> None:
    with line() as (protocol, transport, theirs):
        protocol.dataReceived(frame(b"", 0x89) * 20)
        assert drain(transport, theirs) == frame(b"", 0x8A, mask=None) * 20


class Failing:
    """A socket whose next send fails."""

    def __init__(self, inner: socket.socket, number: int) -> None:
        self._inner = inner
        self._number = number

    def send(self, data: bytes) -> int:
        if self._number:
            number, self._number = self._number, 0
            raise OSError(number, os.strerror(number))
        return self._inner.send(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.mark.parametrize("number", [errno.ENOBUFS, errno.EAGAIN])
def test_nothing_is_lost_when_the_system_has_no_room(number: int) -> None:
    with line() as (protocol, transport, theirs):
        failing: Any = Failing(transport.socket, number)
        transport.socket = failing
        protocol.write_frames(frame(b"one", mask=None))
        protocol.write_frames(frame(b"two", mask=None))
        assert drain(transport, theirs) == frame(b"one", mask=None) + frame(b"two", mask=None)


def test_a_lost_connection_is_found_by_writing_also_when_nothing_is_read() -> None:
    with line() as (protocol, transport, theirs):
        theirs.close()
        protocol.write_frames(frame(b"one", mask=None))
        assert transport.doWrite() is not None
