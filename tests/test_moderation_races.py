"""What hosts do while somebody comes, goes or is lost at the same moment: whichever is first, all agree afterwards."""

import asyncio
from typing import Any

import pytest
from pytest_django import Settings

from rooms.live.moderation import Inspect
from rooms.models import Block, Host, Room
from rooms.node import Node
from tests.conftest import Client, Connect, Message, a_cookie, heard

TURNS = [True, False]
"""Who is first."""


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    """Before the node starts."""
    settings.ROOMS_SWEEP = 0.02
    settings.ROOMS_GRACE = settings.ROOMS_HOST_GRACE = 0.1


class Stage:
    """A room with its host 주인 and a guest 손님, whose cookie is known."""

    def __init__(self, connect: Connect, host: Client, guest: Client, room: int, cookie: str) -> None:
        self.connect, self.host, self.guest, self.room, self.cookie = connect, host, guest, room, cookie

    async def by_host(self, command: str, **fields: Any) -> Message:
        return await self.host.ask(f"CLIENT_{command}", roomID=self.room, userName="주인", **fields)

    async def by_guest(self, command: str, **fields: Any) -> Message:
        return await self.guest.ask(f"CLIENT_{command}", roomID=self.room, userName="손님", **fields)


@pytest.fixture
async def stage(connect: Connect) -> Stage:
    cookie = a_cookie()
    host, guest = await connect(), await connect(cookie)
    created = await host.create("사랑방", "주인")
    await guest.join(created["roomID"], "손님")
    await host.until("SERVER_ROOM_JOIN")
    return Stage(connect, host, guest, created["roomID"], cookie)


async def both(first: Any, second: Any, turned: bool) -> tuple[Message, Message]:
    """Two commands at once, one of them a moment earlier; the answers in the order given."""
    if turned:
        answers = await asyncio.gather(second, first)
        return answers[1], answers[0]
    answers = await asyncio.gather(first, second)
    return answers[0], answers[1]


@pytest.mark.parametrize("turned", TURNS)
async def test_a_kick_while_the_target_leaves(stage: Stage, server: Node, turned: bool) -> None:
    kick, left = await both(stage.by_host("MEMBER_KICK", target="손님"), stage.by_guest("ROOM_EXIT"), turned)
    # Who was put out first is no longer there to leave.
    assert left["status"] or left["error"] == "not_in_room"
    assert kick["status"] or (kick["error"], kick["field"]) == ("not_in_room", "target")
    assert await Block.objects.acount() == int(kick["status"])
    assert [each.nick for each in await server.hub.do(Inspect(stage.room))] == ["주인"]
    back = await (await stage.connect(stage.cookie)).join(stage.room, "손님")
    assert back.get("error") == ("banned" if kick["status"] else None)


@pytest.mark.parametrize("turned", TURNS)
async def test_a_transfer_while_the_heir_leaves(stage: Stage, turned: bool) -> None:
    given, _ = await both(stage.by_host("HOST_TRANSFER", target="손님"), stage.by_guest("ROOM_EXIT"), turned)
    if given["status"]:
        # The heir was the host when they left.
        assert (await stage.host.until("SERVER_ROOM_DELETE"))["reason"] == "host_left"
        assert await Room.objects.acount() == 0
    else:
        assert (given["error"], given["field"]) == ("not_in_room", "target")
        assert (await Host.objects.aget(room_id=stage.room)).nickname == "주인"
        assert (await stage.by_host("ROOM_LOCK", locked=True))["status"] is True


async def test_a_transfer_while_the_heirs_connection_is_lost(stage: Stage) -> None:
    given, _ = await asyncio.gather(stage.by_host("HOST_TRANSFER", target="손님"), stage.guest.drop())
    if given["status"]:
        assert (await stage.host.until("SERVER_ROOM_DELETE"))["reason"] == "host_lost"
    else:
        assert given["error"] == "not_in_room"
        assert (await stage.by_host("ROOM_LOCK", locked=True))["status"] is True


async def test_host_and_heir_gone_at_once_close_the_room(stage: Stage) -> None:
    third = await stage.connect()
    await third.join(stage.room, "셋째")
    await stage.by_host("HOST_TRANSFER", target="손님")
    await asyncio.gather(stage.host.drop(), stage.guest.drop())
    assert (await third.until("SERVER_ROOM_DELETE"))["reason"] == "host_lost"
    assert await Room.objects.acount() == 0


async def test_the_former_host_is_lost_like_anyone(stage: Stage) -> None:
    await stage.by_host("HOST_TRANSFER", target="손님")
    await stage.host.drop()
    assert (await stage.guest.until("SERVER_ROOM_EXIT"))["reason"] == "lost"
    assert (await stage.guest.say(stage.room, "손님", "아직 있어요"))["participants"] == 1


@pytest.mark.parametrize("turned", TURNS)
async def test_a_lock_while_somebody_joins(stage: Stage, server: Node, turned: bool) -> None:
    third = await stage.connect()
    _, joined = await both(stage.by_host("ROOM_LOCK", locked=True), third.join(stage.room, "셋째"), turned)
    people = [each.nick for each in await server.hub.do(Inspect(stage.room))]
    assert joined["status"] or joined["error"] == "room_locked"
    assert ("셋째" in people) == joined["status"]
    assert (await (await stage.connect()).join(stage.room, "넷째"))["error"] == "room_locked"


@pytest.mark.parametrize("turned", TURNS)
async def test_a_mute_while_the_target_comes_back_elsewhere(stage: Stage, turned: bool) -> None:
    other = await stage.connect(stage.cookie)
    muted, joined = await both(
        stage.by_host("MEMBER_MUTE", target="손님", seconds=60), other.join(stage.room, "둘째"), turned
    )
    assert (muted["status"], joined["status"]) == (True, True)
    assert (await other.say(stage.room, "둘째", "저기요"))["error"] == "muted"


@pytest.mark.parametrize("turned", TURNS)
async def test_a_removal_while_somebody_comes_back(stage: Stage, turned: bool) -> None:
    before = (await stage.host.say(stage.room, "주인", "하나"))["seq"]
    line = (await stage.host.say(stage.room, "주인", "둘"))["seq"]
    other = await stage.connect(stage.cookie)
    await both(stage.by_host("CHAT_REMOVE", line=line), other.join(stage.room, "손님", after=before), turned)
    said = await stage.host.say(stage.room, "주인", "셋")
    events = await heard(other)
    seen = [(event["type"], event.get("line")) for event in events if event["seq"] > before]
    assert ("SERVER_CHAT_REMOVE", line) in seen
    assert events[-1]["seq"] == said["seq"]


async def test_a_report_of_a_line_that_is_just_expiring(stage: Stage, settings: Settings) -> None:
    line = (await stage.guest.say(stage.room, "손님", "나쁜 말"))["seq"]
    removed, reported = await asyncio.gather(
        stage.by_guest("CHAT_REMOVE", line=line), stage.by_host("CHAT_REPORT", line=line, reason="abuse")
    )
    assert removed["status"] is True
    assert reported["status"] or (reported["error"], reported["field"]) == ("bad_field", "line")
