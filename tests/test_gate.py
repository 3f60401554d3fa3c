"""Limits by address, over raw sockets: what one address may do whatever its identities, and who is left in peace."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from pytest_django import Settings

from rooms.live.contract import StoreUnavailable
from rooms.node import Node
from tests.conftest import Client, Message, a_cookie, browser_headers
from tests.stores import RedisServer

HERE, THERE = "203.0.113.7", "198.51.100.9"
Come = Callable[..., Awaitable[Client]]


@pytest.fixture(autouse=True)
def behind_a_web_server(settings: Settings) -> None:
    settings.TRUST_PROXY = True


@pytest.fixture
async def come(server: Node) -> AsyncIterator[Come]:
    """Opens clients, as a web server in front says from which address."""
    clients: list[Client] = []

    async def come(address: str = HERE, cookie: str | None = None) -> Client:
        headers = browser_headers(cookie) if cookie else []
        client = await Client([*headers, (b"x-forwarded-for", address.encode())]).open()
        clients.append(client)
        return client

    yield come
    for client in clients:
        await client.drop()


async def is_let_in(client: Client) -> bool:
    """Whether a connection is served, or closed with 4005."""
    await client.send("CLIENT_HELLO")
    message = await client.socket.receive_output(timeout=5)
    if message["type"] == "websocket.close":
        assert message["code"] == 4005
        return False
    return True


async def a_room(come: Come) -> int:
    host = await come(THERE)
    return int((await host.create())["roomID"])


# --- what one address may do -----------------------------------------------------------------------------------------


async def test_one_address_has_so_many_connections_whatever_the_identities(come: Come, settings: Settings) -> None:
    settings.ROOMS_CONNECTIONS_PER_ADDRESS = 3
    clients = [await come() if number % 2 else await come(cookie=a_cookie()) for number in range(5)]
    assert [await is_let_in(client) for client in clients] == [True] * 3 + [False] * 2


async def test_other_addresses_are_not_concerned(come: Come, settings: Settings) -> None:
    settings.ROOMS_CONNECTIONS_PER_ADDRESS = settings.ROOMS_ARRIVALS_PER_ADDRESS = 1
    await come()
    await come()
    assert await is_let_in(await come(THERE))


async def test_a_connection_that_ends_makes_room_for_another(come: Come, settings: Settings) -> None:
    settings.ROOMS_CONNECTIONS_PER_ADDRESS = 1
    await (await come()).drop()
    assert await is_let_in(await come())


async def test_refused_connections_leave_the_count_right(come: Come, settings: Settings) -> None:
    settings.ROOMS_CONNECTIONS_PER_ADDRESS = 2
    first, *_ = await asyncio.gather(*(come() for _ in range(6)))
    await first.drop()
    assert [await is_let_in(await come()) for _ in range(2)] == [True, False]


async def test_so_many_new_connections_come_in_a_minute(come: Come, settings: Settings) -> None:
    settings.ROOMS_ARRIVALS_PER_ADDRESS = 2
    for _ in range(2):
        await (await come()).drop()
    assert not await is_let_in(await come())


async def test_an_ipv6_customer_is_one_address(come: Come, settings: Settings) -> None:
    settings.ROOMS_CONNECTIONS_PER_ADDRESS = 1
    assert await is_let_in(await come("2001:db8:1:2:3::1"))
    assert not await is_let_in(await come("2001:db8:1:2:4::2"))
    assert await is_let_in(await come("2001:db8:1:3::1"))


async def test_so_many_rooms_are_made_from_one_address(come: Come, settings: Settings) -> None:
    settings.ROOMS_CREATES_PER_ADDRESS = 2
    answers = [await (await come()).create(f"방 {number}") for number in range(4)]
    assert [answer["status"] for answer in answers] == [True, True, False, False]
    assert answers[-1]["error"] == "too_fast"
    assert 500_000 < answers[-1]["retryAfter"] <= 660_000


async def test_a_create_that_is_refused_costs_nothing(come: Come, settings: Settings) -> None:
    await a_room(come)
    settings.ROOMS_CREATES_PER_ADDRESS = 1
    client = await come()
    for fields in ({}, {"ref": "same"}, {"ref": "same"}, {"nick": "\u200b"}):
        assert (await client.create("사랑방", **fields))["status"] is False
    assert (await client.create("다른 방"))["status"] is True


async def test_a_create_that_is_sent_again_costs_nothing(come: Come, settings: Settings) -> None:
    settings.ROOMS_CREATES_PER_ADDRESS = 1
    client = await come()
    first, second = [await client.create(ref="again") for _ in range(2)]
    assert second["roomID"] == first["roomID"]


async def test_a_room_that_was_made_and_deleted_stays_counted(come: Come, settings: Settings) -> None:
    settings.ROOMS_CREATES_PER_ADDRESS = 1
    client = await come()
    made = await client.create(ref="again")
    await client.ask("CLIENT_ROOM_DELETE", roomID=made["roomID"], userName="주인")
    await client.create(ref="again")
    assert (await client.create("다른 방"))["error"] == "too_fast"


async def test_so_many_join_from_one_address(come: Come, settings: Settings) -> None:
    room = await a_room(come)
    settings.ROOMS_JOINS_PER_ADDRESS = 2
    answers = [await (await come()).join(room, f"손님{number}") for number in range(3)]
    assert [answer["status"] for answer in answers] == [True, True, False]
    assert answers[-1]["error"] == "too_fast"
    assert answers[-1]["retryAfter"] > 0


async def test_joins_that_are_refused_cost_nothing(come: Come, settings: Settings) -> None:
    room = await a_room(come)
    settings.ROOMS_JOINS_PER_ADDRESS = 1
    client = await come()
    assert (await client.join(room, "주인"))["error"] == "name_taken"
    assert (await client.join(1234, "손님"))["error"] == "room_not_found"
    assert (await client.join(room, "손님"))["status"] is True


async def test_the_list_has_three_rooms_of_one_address_before_those_of_others(come: Come, settings: Settings) -> None:
    settings.ROOMS_LOBBY_PERIOD = 0.02
    for number in range(5):
        await (await come()).create(f"여기 {number}")
    await (await come(THERE)).create("저기")
    await asyncio.sleep(0.03)
    rooms = (await (await come()).ask("CLIENT_ROOM_LIST"))["rooms"]
    assert [(room["roomName"], room.get("later", False)) for room in rooms] == [
        *((f"여기 {number}", False) for number in range(3)),
        ("저기", False),
        *((f"여기 {number}", True) for number in (3, 4)),
    ]


# --- who is left in peace --------------------------------------------------------------------------------------------


async def test_a_page_reloaded_ten_times_stays_in(come: Come, settings: Settings) -> None:
    settings.ROOMS_CONNECTIONS_PER_ADDRESS, settings.ROOMS_JOINS_PER_ADDRESS = 2, 1
    room, cookie = await a_room(come), a_cookie()
    for _ in range(11):
        page = await come(cookie=cookie)
        assert (await page.join(room, "손님"))["status"] is True
        await page.drop()


async def test_a_class_of_thirty_opens_one_link_at_once(come: Come) -> None:
    room = await a_room(come)
    pupils = await asyncio.gather(*(come(cookie=a_cookie()) for _ in range(30)))
    answers = await asyncio.gather(*(pupil.join(room, f"학생{number}") for number, pupil in enumerate(pupils)))
    assert [answer["status"] for answer in answers] == [True] * 30


async def test_three_hundred_behind_one_address_come_in_and_talk(come: Come) -> None:
    began = time.monotonic()
    crowd = [await come(cookie=a_cookie()) for _ in range(300)]
    said: list[Message] = []
    for group in range(30):
        host, *guests = crowd[group * 10 : group * 10 + 10]
        room = (await host.create(f"방 {group}"))["roomID"]
        for number, guest in enumerate(guests):
            await guest.join(room, f"손님{number}")
            said.append(await guest.say(room, f"손님{number}", "안녕하세요"))
        said.append(await host.say(room, "주인", "어서 오세요"))
    assert [line["status"] for line in said] == [True] * 300
    assert time.monotonic() - began < 120


async def test_somebody_who_types_fast_meets_no_limit_of_the_address(come: Come, settings: Settings) -> None:
    for limit in ("CONNECTIONS", "ARRIVALS", "CREATES", "JOINS"):
        setattr(settings, f"ROOMS_{limit}_PER_ADDRESS", 1)
    client = await come()
    room = (await client.create())["roomID"]
    lines = [await client.say(room, "주인", f"{number}") for number in range(10)]
    assert all(line["status"] for line in lines)


async def test_with_nought_a_limit_is_off(come: Come, settings: Settings) -> None:
    for limit in ("CONNECTIONS", "ARRIVALS", "CREATES", "JOINS"):
        setattr(settings, f"ROOMS_{limit}_PER_ADDRESS", 0)
    clients = [await come() for _ in range(3)]
    assert [(await client.create(f"방 {secrets.token_hex(2)}"))["status"] for client in clients] == [True] * 3


async def test_without_flood_control_no_address_counts(come: Come, settings: Settings) -> None:
    settings.ROOMS_FLOOD_CONTROL, settings.ROOMS_CONNECTIONS_PER_ADDRESS = False, 1
    assert [await is_let_in(await come()) for _ in range(3)] == [True] * 3


async def test_while_the_store_is_away_everyone_is_let_in(
    come: Come, settings: Settings, server: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ROOMS_CONNECTIONS_PER_ADDRESS = 1
    await come()

    async def away(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(server.store, "apply", away)
        assert await is_let_in(await come())
    assert not await is_let_in(await come())


# --- what is known of an address -------------------------------------------------------------------------------------


@pytest.mark.parametrize("live_store", ["redis"], indirect=True)
async def test_no_address_is_found_in_redis_or_in_a_log(
    come: Come, redis: RedisServer, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.ROOMS_CONNECTIONS_PER_ADDRESS = 2
    caplog.set_level(logging.DEBUG)
    client = await come()
    room = await a_room(come)
    await client.join(room, "손님")
    await client.create("다른 방")
    for _ in range(2):
        await come()
    redis.dump()
    dumped = (redis.folder / "dump.rdb").read_bytes()
    assert [address for address in (HERE, THERE) if address.encode() in dumped or address in caplog.text] == []


async def test_a_connection_keeps_the_hash_of_its_address_only(come: Come, server: Node) -> None:
    await come()
    [connection] = server.hub.connections
    assert connection.address is not None
    assert len(connection.address.name) == 16
    assert HERE not in repr(connection.address)
