"""What an open connection holds, after a real handshake; and that what is dropped is still called like this."""

import ast
import asyncio
import contextlib
import gc
import socket
import tracemalloc
import urllib.parse
import weakref
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from daphne.http_protocol import HTTPFactory
from daphne.server import Server as DaphneServer
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.error import ConnectionDone
from twisted.internet.tcp import Server as Transport
from twisted.python.failure import Failure

from chatsite.server import Server
from chatsite.server.connection import ChatProtocol
from chatsite.server.lean import ACCEPTED, ANONYMOUS, HANDSHAKE, INITIAL, UNUSED
from tests.servers import ROOT
from tests.test_frames_in import NoReactor, frame

REQUEST = (
    "GET /ws/?query={word} HTTP/1.1\r\nHost: {word}.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Origin: http://{word}.example\r\nCookie: visitor={word}\r\nSec-WebSocket-Protocol: {word}\r\n"
    "Sec-WebSocket-Extensions: {word}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n"
)
PEER = "203.0.113.{}"
IDLE_MAX = 6 * 1024
"""Bytes that one idle connection may take in Python: about 4.2 KiB as counted here, 21.5 with plain daphne."""


async def listen(scope: Any, receive: Any, send: Any) -> None:
    """An application that accepts, and does nothing."""
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


class Ours(Server):
    """Our server with its real options, listening nowhere."""

    def __init__(self) -> None:
        super().__init__(listen, ["tcp:port=0"], lambda: asyncio.sleep(0))
        self.connections = {}
        self.http_factory = HTTPFactory(self)
        self._use_our_factory()


class Plain(DaphneServer):  # type: ignore[misc]
    """daphne's server, likewise."""

    def __init__(self) -> None:
        super().__init__(listen, ["tcp:port=0"])
        self.connections: dict[Any, Any] = {}
        self.http_factory = HTTPFactory(self)
        self.ws_factory = WebSocketFactory(self)


class Line:
    """A connection through all of daphne, from the first byte on, and its other end."""

    def __init__(self, server: Any, word: str = "x", peer: str = PEER.format(1)) -> None:
        self.server = server
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.theirs = socket.create_connection(listening.getsockname())
            ours, _ = listening.accept()
        channel = server.http_factory.buildProtocol(None)
        port: Any = SimpleNamespace(_realPortNumber=1)
        self.transport = Transport(ours, channel, ("".join(peer), 1), port, 0, NoReactor())  # type: ignore[arg-type]
        channel.makeConnection(self.transport)
        self.theirs.sendall(REQUEST.format(word=word).encode())
        self.transport.doRead()
        self.protocol: Any = self.transport.protocol

    async def open(self) -> None:
        """Let the application accept."""
        async with asyncio.timeout(5):
            while self.protocol.state != self.protocol.STATE_OPEN:
                await asyncio.sleep(0)
        while self.transport.dataBuffer or self.transport._tempDataBuffer:
            self.transport.doWrite()  # type: ignore[no-untyped-call]
        # As daphne does every second.
        for request in [each for each, details in self.server.connections.items() if "disconnected" in details]:
            del self.server.connections[request]

    def send(self, data: bytes) -> None:
        """Something arrives."""
        self.theirs.sendall(data)
        self.transport.doRead()

    def close(self) -> None:
        """End both sides."""
        self.theirs.close()
        if self.transport.connected:
            self.transport.connectionLost(Failure(ConnectionDone()))  # type: ignore[no-untyped-call]


@contextlib.asynccontextmanager
async def lines(server: Any, number: int = 1, **request: str) -> AsyncIterator[list[Line]]:
    """Open connections, closed afterwards with their applications."""
    made = [Line(server, **request) for _ in range(number)]
    for each in made:
        await each.open()
    applications = [server.connections[each.protocol]["application_instance"] for each in made]
    try:
        yield made
    finally:
        for line in made:
            line.close()
        await asyncio.wait_for(asyncio.gather(*applications), 5)


@pytest.fixture
async def ours() -> AsyncIterator[Line]:
    async with lines(Ours()) as (line,):
        yield line


@pytest.fixture
async def plain() -> AsyncIterator[Line]:
    async with lines(Plain()) as (line,):
        yield line


# --- what is dropped --------------------------------------------------------------------------------------------------


async def test_an_open_connection_holds_what_is_its_own_and_nothing_else(ours: Line) -> None:
    assert {name: type(value).__name__ for name, value in vars(ours.protocol).items()} == {
        "_pinged_at": "float",
        "application_queue": "Incoming",
        "connected": "int",
        "send_queue": "_SendQueue",
        "state": "int",
        "transport": "Server",
    }


async def test_its_transport_holds_what_it_needs_to_read_and_write(ours: Line) -> None:
    assert set(vars(ours.transport)) == {
        "_tempDataBuffer",
        "_tempDataLen",
        "client",
        "connected",
        "dataBuffer",
        "fileno",
        "logstr",
        "offset",
        "protocol",
        "reactor",
        "repstr",
        "socket",
    }


async def test_its_transport_is_called_like_all_others(ours: Line) -> None:
    assert (ours.transport.client, ours.transport.logstr, ours.transport.repstr) == (("", 0), "WebSocket", "WebSocket")


async def test_nothing_in_the_process_remembers_a_client_s_handshake_or_address() -> None:
    word, peer = f"w{id(object()):x}", PEER.format(77)
    with no_collector():
        async with lines(Ours(), word=word, peer=peer):
            # The addresses and origins that were taken apart last are not of a connection.
            urllib.parse.clear_cache()  # type: ignore[attr-defined]
            assert holders(word, peer) == []


async def test_a_connection_that_is_over_holds_nothing(ours: Line) -> None:
    protocol = ours.protocol
    ours.close()
    assert vars(protocol) == {}


async def test_a_connection_that_is_over_can_still_be_written_to_and_named(ours: Line) -> None:
    ours.close()
    ours.protocol.write_frames(b"too late")
    assert "path=b''" in repr(ours.protocol)


async def test_a_connection_that_is_over_goes_without_the_garbage_collector() -> None:
    server = Ours()
    with no_collector():
        async with lines(server) as made:
            alive = weakref.ref(made[0].protocol)
        made.clear()
        server.connections.clear()
        assert alive() is None


async def test_an_idle_connection_takes_little_memory() -> None:
    server = Ours()
    async with lines(server):
        tracemalloc.start()
        async with lines(server, 50):
            gc.collect()
            taken = sum(each.size for each in tracemalloc.take_snapshot().statistics("filename"))
        tracemalloc.stop()
    assert taken / 50 < IDLE_MAX


async def test_what_autobahn_would_send_piece_by_piece_keeps_its_order(ours: Line) -> None:
    queue = ours.protocol.send_queue
    queue += ["one", "two"]
    assert [queue.popleft(), queue.popleft()] == ["one", "two"]


# --- what is shared ---------------------------------------------------------------------------------------------------


async def test_the_first_connection_changes_nothing_for_the_others() -> None:
    server = Ours()
    kinds = [server.ws_factory.protocol, *server.ws_factory.protocol.__mro__]
    before = [dict(vars(kind)) for kind in kinds]
    async with lines(server) as (line,):
        line.send(frame(b"text", 0x01) + frame(b"", 0x80))
    assert [dict(vars(kind)) for kind in kinds] == before


def test_two_servers_share_no_class() -> None:
    servers: list[Any] = [Ours(), Ours()]
    assert [server.ws_factory.protocol.server for server in servers] == servers


async def test_options_are_those_of_the_factory_and_are_not_described_for_each_connection(ours: Line) -> None:
    factory = ours.protocol.factory
    for name in WebSocketProtocol.CONFIG_ATTRS:
        assert getattr(ours.protocol, name) == getattr(factory, name)
    assert ours.protocol.CONFIG_ATTRS == []


async def test_the_validator_is_made_for_text_in_pieces_and_kept(ours: Line) -> None:
    ours.send(frame("가".encode()[:1], 0x01))
    first = ours.protocol.utf8validator
    ours.send(frame("가".encode()[1:], 0x80))
    assert ours.protocol.utf8validator is first
    assert ours.protocol.state == ours.protocol.STATE_OPEN


# --- what others call it ----------------------------------------------------------------------------------------------


async def test_what_is_dropped_is_what_daphne_and_autobahn_keep(plain: Line) -> None:
    assert set(vars(plain.protocol)) >= HANDSHAKE
    assert set(vars(plain.transport)) >= ACCEPTED | set(ANONYMOUS)


def test_what_nobody_listens_to_is_what_autobahn_makes() -> None:
    assert set(vars(WebSocketProtocol())) >= set(UNUSED)


async def test_an_open_connection_begins_with_what_is_in_the_class(plain: Line) -> None:
    for value, names in INITIAL:
        for name in names:
            assert vars(plain.protocol)[name] is value, name


def private_names() -> Iterator[str]:
    """The private names of other people's objects that the server uses."""
    used: set[str] = set()
    own: set[str] = set()
    for path in (ROOT / "chatsite/server").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                (own if isinstance(node.ctx, ast.Store) else used).add(node.attr)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                own.add(node.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                own.add(node.target.id)
    return iter(sorted(used - own))


async def test_every_private_name_that_is_used_exists(plain: Line) -> None:
    names = list(private_names())
    assert names == ["_perMessageCompress", "_sendAutoPing", "_tempDataBuffer", "_tempDataLen"]
    assert [name for name in names if not hasattr(plain.protocol, name) and not hasattr(plain.transport, name)] == []


def test_what_takes_the_place_of_a_method_is_called_like_it() -> None:
    methods = {name for name, value in vars(ChatProtocol).items() if callable(value)}
    own = {name for name in methods if not hasattr(WebSocketProtocol, name)}
    inside = {"_close_if_slow", "_count_step", "_end_throttle", "_feed_text", "_hold_back", "_is_between_messages"}
    assert own == inside | {"go_on_reading", "write_frames"}


# --- looking ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def no_collector() -> Iterator[None]:
    """Nothing in a circle is freed meanwhile."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def holders(*words: str) -> list[tuple[type, Any]]:
    """What in this process holds a text with one of ``words`` in it: the holder's type and the text."""
    wanted: list[Any] = [form for word in words for form in (word, word.encode())]
    return [
        (type(holder), held)
        for holder in gc.get_objects()
        for held in gc.get_referents(holder)
        if any(type(held) is type(form) and form in held and form is not held for form in wanted)
    ]
