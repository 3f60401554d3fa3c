"""Fixtures for tests that talk to the application in this process: a live store, a database, a node, raw clients.

Whatever asks for a live store or a node runs twice, on memory and on a real Redis. A test of one of them alone says
``@pytest.mark.parametrize("live_store", ["memory"], indirect=True)``.
"""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.http import HttpRequest, HttpResponse
from pytest_django import Settings

from chatsite.settings import channel_layers
from rooms import installation, node, outbox, visitors
from rooms.live.contract import LiveStore
from rooms.live.memory import MemoryStore
from rooms.live.memory_addresses import Addresses
from rooms.live.memory_leases import Leases
from rooms.models import Installation
from rooms.node import Node
from rooms.visitors import COOKIE, ensure_cookie
from tests.stores import RedisServer, redis_server
from tests.wire import checked

Message = dict[str, Any]
ORIGIN = "http://testserver"
# Many tests ask no database, which would say which installation this is.
installation._known = Installation(id="tests", key=b"only-for-tests".hex())
installation._home = "tests"
visitors.use_key(b"only-for-tests")


class Client:
    """A raw client of ``/ws/``: it sends what a test tells it to and returns what comes back."""

    def __init__(self, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        # Imported here: it looks at the database when it is, which pytest-django allows in a test only.
        from chatsite.asgi import application

        self.socket = WebsocketCommunicator(application, "/ws/", headers=headers or [])

    async def open(self) -> "Client":
        connected, _ = await self.socket.connect(timeout=5)
        assert connected
        return self

    async def send(self, type: str, **fields: Any) -> None:
        await self.socket.send_to(text_data=json.dumps({"type": type, **fields}))

    async def send_text(self, text: str) -> None:
        await self.socket.send_to(text_data=text)

    async def receive(self) -> dict[str, Any]:
        """The next message, which must be one that docs/asyncapi.json has."""
        return checked(json.loads(await self.socket.receive_from(timeout=5)))

    async def until(self, type: str) -> dict[str, Any]:
        """The next message of a type; those before it are passed over."""
        while (message := await self.receive())["type"] != type:
            pass
        return message

    async def ask(self, type: str, **fields: Any) -> dict[str, Any]:
        """Send, and return the answer, which carries the same ``ref``."""
        ref = fields.setdefault("ref", secrets.token_hex(8))
        await self.send(type, **fields)
        while (message := await self.receive()).get("ref") != ref:
            pass
        return message

    async def create(self, name: str = "사랑방", nick: str = "주인", **fields: Any) -> dict[str, Any]:
        return await self.ask("CLIENT_ROOM_CREATE", roomName=name, userName=nick, **fields)

    async def join(self, room: int, nick: str, **fields: Any) -> dict[str, Any]:
        return await self.ask("CLIENT_ROOM_JOIN", roomID=room, userName=nick, **fields)

    async def say(self, room: int, nick: str, message: str, **fields: Any) -> dict[str, Any]:
        return await self.ask("CLIENT_CHAT_SEND", roomID=room, userName=nick, message=message, **fields)

    async def closed_with(self) -> int:
        """Wait for the server to close; returns the code."""
        while (message := await self.socket.receive_output(timeout=5))["type"] != "websocket.close":
            pass
        return int(message["code"])

    async def drop(self) -> None:
        """Lose the connection, without a word."""
        await self.socket.disconnect(code=1006)


def browser_headers(cookie: str) -> list[tuple[bytes, bytes]]:
    """The headers that a browser on one of our pages sends, with the visitor's cookie."""
    headers = {"host": "testserver", "origin": ORIGIN, "cookie": f"{COOKIE}={cookie}"}
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def a_cookie() -> str:
    """A new visitor's cookie, as a first page sets it."""
    response = HttpResponse()
    ensure_cookie(HttpRequest(), response)
    return response.cookies[COOKIE].value


async def heard(client: Client) -> list[Message]:
    """All that has come to a client by now."""
    ref = secrets.token_hex(8)
    await client.send("CLIENT_ROOM_LIST", ref=ref)
    messages = []
    while (message := await client.receive()).get("ref") != ref:
        messages.append(message)
    return messages


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The Redis of all tests; a test that stops or kills one starts its own."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
def live_store(request: pytest.FixtureRequest, settings: Settings) -> str:
    """Where rooms live in this test; there are none yet."""
    kind: str = request.param
    url = ""
    if kind == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        server.command("FLUSHALL")
        url = server.url
    settings.REDIS_URL = url
    settings.CHANNEL_LAYERS = channel_layers(url)
    return kind


@pytest.fixture
async def store(live_store: str) -> AsyncIterator[LiveStore]:
    """A live store, as the settings want it."""
    store_ = node.new_store()
    yield store_
    await store_.close()


Forget = Callable[[LiveStore], None]


@pytest.fixture
def forget(live_store: str, request: pytest.FixtureRequest) -> Forget:
    """Makes a live store forget everything, as a restart of Redis does."""

    def forget(store: LiveStore) -> None:
        if isinstance(store, MemoryStore):
            store._rooms.clear()
            store._leases = Leases()
            store._addresses = Addresses(store._limits.ref_age)
        else:
            request.getfixturevalue("redis").command("FLUSHALL")

    return forget


@pytest.fixture
async def server(live_store: str, transactional_db: None) -> AsyncIterator[Node]:
    """The node of this test's event loop, which tries an unreachable store again soon; it is stopped afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "RETRY_SECONDS", 0.01)
        node_ = node.current()
        yield node_
        await node_.stop()
        # Whatever the keeper asked of the database last is still under way in the database's thread.
        await sync_to_async(lambda: None)()


Connect = Callable[..., Awaitable[Client]]


@pytest.fixture
async def connect(server: Node) -> AsyncIterator[Connect]:
    """Opens clients; those still open afterwards are dropped."""
    clients: list[Client] = []

    async def connect(cookie: str | None = None) -> Client:
        client = await Client(browser_headers(cookie) if cookie else None).open()
        clients.append(client)
        return client

    yield connect
    for client in clients:
        # Where a test waited in vain, asgiref has cancelled the socket: that is one failure, and not the next test's.
        with contextlib.suppress(asyncio.CancelledError):
            await client.drop()
