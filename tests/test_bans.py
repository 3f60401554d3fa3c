"""Bans from the whole site: connections that end, identities that are refused, rooms that close, over sockets."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest
from channels.layers import get_channel_layer
from django.utils import timezone
from pytest_django import Settings

from rooms import bans
from rooms.hub import Hub
from rooms.live.addresses import Address
from rooms.live.moderation import Inspect, Subject
from rooms.models import Ban, Host
from rooms.node import Node
from rooms.protocol import CLOSE_BANNED
from rooms.relay import Layer
from rooms.visitors import Visitor, from_token
from tests.conftest import Client, Connect, Message, a_cookie, browser_headers


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    """Before the node starts."""
    settings.ROOMS_SWEEP = 0.02
    settings.ROOMS_RECONCILE = 0.05


class Stage:
    """A room with its host 주인 and a guest 손님 with a cookie."""

    def __init__(self, server: Node, connect: Connect, host: Client, guest: Client, cookie: str, created: Message):
        self.server, self.connect, self.host, self.guest, self.cookie = server, connect, host, guest, cookie
        self.room, self.token = created["roomID"], created["token"]

    async def who(self, nick: str) -> Subject:
        return next(each for each in await self.server.hub.do(Inspect(self.room)) if each.nick == nick)

    async def ban(self, nick: str = "손님", **more: Any) -> Ban:
        visitor = (await self.who(nick)).visitor_id
        return await bans.ban(self.server.hub, visitor, "도배", more.pop("until", None), **more)


@pytest.fixture
async def stage(server: Node, connect: Connect) -> Stage:
    cookie = a_cookie()
    host, guest = await connect(), await connect(cookie)
    created = await host.create("사랑방", "주인")
    await guest.join(created["roomID"], "손님")
    await host.until("SERVER_ROOM_JOIN")
    return Stage(server, connect, host, guest, cookie, created)


async def closed_at_once(cookie: str) -> int:
    client = Client(browser_headers(cookie))
    await client.open()
    return await client.closed_with()


async def test_a_banned_visitor_is_put_out_and_the_connection_closed(stage: Stage) -> None:
    await stage.ban()
    out = await stage.guest.until("SERVER_ROOM_EXIT")
    assert (out["nickName"], out["reason"], out["by"]) == ("손님", "kicked", "moderator")
    assert await stage.guest.closed_with() == CLOSE_BANNED
    assert (await stage.host.until("SERVER_ROOM_EXIT"))["reason"] == "kicked"


async def test_a_banned_cookie_is_let_in_and_closed(stage: Stage) -> None:
    await stage.ban()
    await stage.guest.closed_with()
    assert await closed_at_once(stage.cookie) == CLOSE_BANNED


@pytest.mark.parametrize("command", ["HELLO", "ROOM_CREATE", "ROOM_JOIN"])
async def test_a_banned_token_is_banned(stage: Stage, command: str) -> None:
    await stage.ban("주인")
    await stage.host.closed_with()
    fields: dict[str, Message] = {
        "HELLO": {},
        "ROOM_CREATE": {"roomName": "새 방", "userName": "주인"},
        "ROOM_JOIN": {"roomID": 7, "userName": "주인"},
    }
    client = await stage.connect()
    answer = await client.ask(f"CLIENT_{command}", **fields[command], token=stage.token)
    assert (answer["type"], answer["error"]) == (f"SERVER_{command}", "banned")


async def test_the_rooms_of_a_banned_host_close(stage: Stage) -> None:
    await stage.ban("주인")
    assert (await stage.guest.until("SERVER_ROOM_EXIT"))["reason"] == "kicked"
    assert (await stage.guest.until("SERVER_ROOM_DELETE"))["reason"] == "moderator"
    assert await Host.objects.acount() == 0


async def test_a_lifted_ban_lets_the_visitor_come_back(stage: Stage) -> None:
    ban = await stage.ban()
    await stage.guest.closed_with()
    await bans.lift(stage.server.hub, ban.id)
    await stage.server.bans.read()
    assert (await (await stage.connect(stage.cookie)).join(stage.room, "손님"))["status"] is True


async def test_a_ban_ends_with_its_time(stage: Stage) -> None:
    ban = await stage.ban(until=timezone.now() + timedelta(hours=1))
    await stage.guest.closed_with()
    await Ban.objects.filter(id=ban.id).aupdate(until=timezone.now())
    await stage.server.bans.read()
    assert (await (await stage.connect(stage.cookie)).join(stage.room, "손님"))["status"] is True


async def test_a_ban_that_another_process_wrote_is_found(stage: Stage) -> None:
    await Ban.objects.add_ban((await stage.who("손님")).visitor_id, "도배", None)
    assert await stage.guest.closed_with() == CLOSE_BANNED


async def test_a_ban_of_whom_only_a_room_knows_finds_the_visitor(stage: Stage) -> None:
    who = await stage.who("손님")
    await stage.guest.ask("CLIENT_ROOM_EXIT", roomID=stage.room, userName="손님")
    ban = await bans.ban(stage.server.hub, "", "도배", None, room_id=stage.room, person=who.person, tag=who.tag)
    assert await stage.guest.closed_with() == CLOSE_BANNED
    assert await closed_at_once(stage.cookie) == CLOSE_BANNED
    await stage.server.bans.read()
    assert (await Ban.objects.aget(id=ban.id)).visitor == who.visitor_id


async def test_the_others_stay(stage: Stage) -> None:
    await stage.ban()
    await stage.guest.closed_with()
    assert (await stage.host.say(stage.room, "주인", "아직 있어요"))["participants"] == 1


async def test_a_ban_is_told_to_every_node_at_once(server: Node) -> None:
    layer = cast(Layer, get_channel_layer())
    other = Hub(server.store, layer, "rooms.hub.other")
    other.start()
    async with asyncio.timeout(5):
        while not other.bans_changed.is_set():
            # Until it is listening.
            await asyncio.sleep(0.02)
            await server.hub.announce_bans()
    await other.stop()


# --- addresses -------------------------------------------------------------------------------------------------------

HERE, THERE = Address(1, "a" * 16), Address(1, "b" * 16)


async def at_an_address(server: Node) -> Ban:
    ban = await Ban.objects.add_ban("v" * 32, "도배", None, address=HERE.name)
    await server.bans.read()
    return ban


def made(ban: Ban, minutes: int) -> Visitor:
    """A visitor whose identity was made so long after a ban."""
    return Visitor("s", int(ban.at.timestamp() * 1000) + minutes * 60_000)


async def test_an_identity_made_after_a_ban_is_kept_out_where_the_banned_was(server: Node) -> None:
    visitor = made(await at_an_address(server), 1)
    assert [server.bans.keep_out(visitor, each) for each in (HERE, THERE, None)] == [True, False, False]


async def test_whom_a_ban_keeps_out_the_next_ban_from_the_same_address_does_not_let_in(server: Node) -> None:
    ban = await at_an_address(server)
    await Ban.objects.filter(id=ban.id).aupdate(at=ban.at - timedelta(minutes=2))
    second = await at_an_address(server)
    assert server.bans.keep_out(made(second, -1), HERE)


async def test_an_identity_made_before_a_ban_is_not_touched(server: Node) -> None:
    ban = await at_an_address(server)
    assert not any(server.bans.keep_out(visitor, HERE) for visitor in (made(ban, -1), Visitor("old")))


async def test_the_same_address_under_yesterdays_key_counts(server: Node) -> None:
    visitor = made(await at_an_address(server), 1)
    assert server.bans.keep_out(visitor, Address(2, "c" * 16, HERE.name))


async def test_an_address_is_known_for_a_day(server: Node) -> None:
    ban = await at_an_address(server)
    await Ban.objects.filter(id=ban.id).aupdate(at=timezone.now() - timedelta(hours=25))
    await server.bans.read()
    assert not server.bans.keep_out(made(ban, 1), HERE)


async def test_a_ban_notes_the_address_of_the_moment(stage: Stage) -> None:
    for connection in stage.server.hub.connections:
        connection.address = HERE
    ban = await stage.ban()
    await stage.guest.closed_with()
    assert (await Ban.objects.aget(id=ban.id)).address == HERE.name


async def test_a_token_says_when_the_identity_was_made() -> None:
    visitor = Visitor.new()
    assert from_token(visitor.token()) == visitor
    assert visitor.made_at > 0
