"""What the real nginx with ``deploy/nginx.conf`` lets through from one address, to a server that answers everything."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response

from tests.site import Nginx

CLASS, CROWD = 30, 300
OPEN = "limit_conn sarangbang_open 1000;"
_numbers = itertools.count(2)


@pytest.fixture
def address() -> str:
    """One of this machine's, from which nothing has come yet."""
    return f"127.0.1.{next(_numbers)}"


def answer(connection: ServerConnection, request: Request) -> Response | None:
    return None if request.path == "/ws/" else connection.respond(200, "page")


async def silence(connection: ServerConnection) -> None:
    await connection.wait_closed()


@pytest.fixture
async def upstream() -> AsyncIterator[int]:
    """The port of a server that has an answer for everything."""
    async with serve(silence, "127.0.0.1", 0, process_request=answer, ping_interval=None, backlog=1000) as server:
        yield next(iter(server.sockets)).getsockname()[1]


@pytest.fixture
def walls(upstream: int, tmp_path: Path) -> Iterator[Nginx]:
    nginx = Nginx(tmp_path / "nginx", [upstream], tmp_path)
    yield nginx
    nginx.stop()


async def get(nginx: Nginx, address: str, path: str = "/", **headers: str) -> tuple[int, str]:
    """Status and body of a page, asked for from an address of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", nginx.port, local_addr=(address, 0))
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{extra}\r\n".encode())
    text = (await reader.read()).decode()
    writer.close()
    return int(text.split()[1]), text.partition("\r\n\r\n")[2]


async def statuses(nginx: Nginx, address: str, times: int, path: str = "/") -> list[int]:
    """The statuses of so many pages, asked for at once."""
    found: list[int] = []
    for start in range(0, times, 100):
        some = min(100, times - start)
        found += [status for status, _ in await asyncio.gather(*(get(nginx, address, path) for _ in range(some)))]
    return found


async def sockets(nginx: Nginx, address: str, times: int, stack: contextlib.AsyncExitStack) -> list[int]:
    """Open so many sockets; their statuses, 101 for those that are open then."""

    async def open_one() -> int:
        opening: Any = connect(nginx.socket_url, local_addr=(address, 0), ping_interval=None, proxy=None)
        try:
            socket: ClientConnection = await opening
        except InvalidStatus as refusal:
            return refusal.response.status_code
        stack.callback(socket.transport.abort)
        return 101

    found: list[int] = []
    for start in range(0, times, 50):
        found += await asyncio.gather(*(open_one() for _ in range(min(50, times - start))))
    return found


async def test_a_class_that_opens_one_link_at_once_gets_in(walls: Nginx, address: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        assert set(await statuses(walls, address, 3 * CLASS)) == {200}
        assert set(await sockets(walls, address, CLASS, stack)) == {101}


async def test_a_page_can_be_reloaded_ten_times(walls: Nginx, address: str) -> None:
    assert [(await get(walls, address))[0] for _ in range(10)] == [200] * 10


async def test_a_crowd_behind_one_address_comes_in_even_at_once(walls: Nginx, address: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        assert set(await sockets(walls, address, CROWD, stack)) == {101}


async def test_a_flood_of_pages_is_refused_and_harms_nobody_else(walls: Nginx, address: str) -> None:
    found = await statuses(walls, address, 500)
    assert set(found) == {200, 429}
    assert found.count(200) >= 200
    assert await statuses(walls, "127.0.2.1", CLASS) == [200] * CLASS


async def test_a_flood_of_new_sockets_is_refused_and_harms_nobody_else(walls: Nginx, address: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        found = await sockets(walls, address, 600, stack)
        assert set(found) == {101, 429}
        assert found.count(101) >= 400
        assert await sockets(walls, "127.0.2.1", CLASS, stack) == [101] * CLASS


async def test_an_address_has_no_more_sockets_open_than_it_may(upstream: int, tmp_path: Path, address: str) -> None:
    nginx = Nginx(tmp_path / "nginx", [upstream], tmp_path, changes={OPEN: OPEN.replace("1000", "20")})
    try:
        async with contextlib.AsyncExitStack() as stack:
            assert sorted(await sockets(nginx, address, 25, stack)) == [101] * 20 + [429] * 5
            assert await sockets(nginx, "127.0.2.1", 20, stack) == [101] * 20
    finally:
        nginx.stop()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.1", "203.0.113.1", True),
        ("203.0.113.1", "203.0.113.2", False),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::1", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("2001:db8::1", "2001:db8::1:2:3:4", True),
        ("2001:db8::1", "2001:db9::1", False),
        ("2001:db8:1::1", "2001:db8:1::2:3:4:5", True),
        ("::1", "::2", True),
    ],
)
async def test_an_ipv6_address_counts_as_its_network(
    one: str, other: str, same: bool, upstream: int, tmp_path: Path
) -> None:
    tell = "set_real_ip_from 127.0.0.0/8; real_ip_header X-Address; location = /who { return 200 $sarangbang_address; }"
    nginx = Nginx(tmp_path / "nginx", [upstream], tmp_path, changes={"access_log off;": f"access_log off; {tell}"})
    try:
        told = [(await get(nginx, "127.0.0.1", "/who", X_Address=address))[1] for address in (one, other)]
    finally:
        nginx.stop()
    assert all(told)
    assert (told[0] == told[1]) is same
