"""The admin: finding and adding rooms, what is done to rooms and people, reports, bans, and the log of it."""

import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any
from unicodedata import normalize

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import AsyncClient
from django.urls import reverse
from pytest_django import Settings

from rooms.live.contract import Unavailable
from rooms.models import Ban, Block, Ended, Host, Mute, Report, Room
from rooms.names import key
from rooms.node import Node
from tests.conftest import Client, Connect, heard

LIST = "admin:rooms_room_changelist"
ADD = "admin:rooms_room_add"
ROOM = "admin:rooms_room_change"
REPORTS = "admin:rooms_report_changelist"
REPORT = "admin:rooms_report_change"
BANS = "admin:rooms_ban_changelist"

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.parametrize("live_store", ["memory"], indirect=True),
]


@pytest.fixture(autouse=True)
def english(settings: Settings) -> None:
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
async def moderator(server: Node) -> AsyncClient:
    """A member of the staff with the rights of the group *moderator*."""
    rights = import_module("rooms.migrations.0005_moderators").RIGHTS
    return await staff(*(f"{right}_{model}" for model, given in rights.items() for right in given))


async def staff(*rights: str) -> AsyncClient:
    """Somebody of the staff with some rights."""
    user = await User.objects.acreate_user(secrets.token_hex(4), is_staff=True)
    found = Permission.objects.filter(content_type__app_label="rooms", codename__in=rights)
    await user.user_permissions.aset([right async for right in found])
    client = AsyncClient()
    await client.aforce_login(user)
    return client


@pytest.fixture
async def room(server: Node) -> Room:
    """A row of a room with a host, who is not there."""
    room = await Room.objects.acreate(name="사랑방 이야기")
    await Host.objects.acreate(room=room, visitor=uuid.UUID(int=7).hex, nickname="주인", tag="abcde")
    return room


@pytest.fixture
async def official(server: Node) -> Room:
    """A row of an official room."""
    return await Room.objects.acreate(name="광장")


@dataclass
class Open:
    """An open room with its host and a guest in it."""

    id: int
    host: Client
    guest: Client

    @property
    def page(self) -> str:
        return reverse(ROOM, args=[self.id])


@pytest.fixture
async def open_room(connect: Connect) -> Open:
    host, guest = await connect(), await connect()
    made = await host.create("비밀의 방", "방지기")
    await guest.join(made["roomID"], "손님")
    await heard(host)
    return Open(made["roomID"], host, guest)


async def say(client: AsyncClient, page: str, act: str, **fields: Any) -> str:
    """Send a form of a page; returns the page that follows."""
    response = await client.post(page, {"act": act, **fields}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


async def text(client: AsyncClient, name: str, *args: Any, **query: str) -> str:
    response = await client.get(reverse(name, args=args), query)
    assert response.status_code == 200
    return response.content.decode()


async def log() -> list[tuple[str, str]]:
    """What is in the admin's log: of what, and what was done; the latest first."""
    return [entry async for entry in LogEntry.objects.values_list("object_repr", "change_message")]


async def listed(client: AsyncClient, **query: str) -> set[int]:
    """The rooms that the list shows."""
    response = await client.get(reverse(LIST), query)
    assert response.status_code == 200
    return {room.pk for room in response.context["cl"].result_list}


async def tag_of(open_room: Open, nick: str) -> str:
    page = await open_room.host.ask("CLIENT_ROOM_JOIN", roomID=open_room.id, userName="방지기")
    return str(next(each["tag"] for each in page["members"] if each["nickName"] == nick))


# --- the list --------------------------------------------------------------------------------------------------------


async def test_the_list_shows_how_many_are_in_a_room(moderator: AsyncClient, open_room: Open) -> None:
    page = await text(moderator, LIST)
    assert "비밀의 방" in page
    assert '<td class="field-people">2</td>' in page
    assert "방지기" in page


async def test_the_list_shows_how_many_reports_of_a_room_wait(moderator: AsyncClient, open_room: Open) -> None:
    await reported(open_room)
    done = await reported(open_room)
    await Report.objects.resolve(done.pk, "nothing", None)
    assert '<td class="field-open_reports">1</td>' in await text(moderator, LIST)


async def test_the_list_shows_an_official_room_with_a_dash(moderator: AsyncClient, official: Room) -> None:
    assert '<td class="field-host_name">—</td>' in await text(moderator, LIST)


async def test_nobody_else_gets_in(async_client: AsyncClient, room: Room) -> None:
    response = await async_client.get(reverse(LIST))
    assert response.status_code == 302
    assert "/login/" in response.headers["Location"]


async def test_no_page_shows_who_the_visitor_is(moderator: AsyncClient, open_room: Open) -> None:
    host = await Host.objects.aget()
    assert host.visitor not in await text(moderator, LIST) + await text(moderator, ROOM, open_room.id)


@pytest.mark.parametrize("words", ["사랑방", "이야기 사랑방", "주인"])
async def test_a_room_is_found_by_its_name_and_by_its_host(
    words: str, moderator: AsyncClient, room: Room, official: Room
) -> None:
    assert await listed(moderator, q=words) == {room.pk}


async def test_the_filter_shows_official_rooms_only(moderator: AsyncClient, room: Room, official: Room) -> None:
    assert await listed(moderator, official="yes") == {official.pk}
    assert await listed(moderator, official="no") == {room.pk}


async def test_the_index_has_our_own_title(moderator: AsyncClient) -> None:
    page = await text(moderator, "admin:index")
    assert "Sarangbang moderation" in page
    assert "Django" not in page


async def test_the_index_has_korean_words_that_koreans_use(moderator: AsyncClient, settings: Settings) -> None:
    settings.LANGUAGE_CODE = "ko"
    await User.objects.aupdate(is_superuser=True)
    page = await text(moderator, "admin:index")
    assert "사용자(들)" not in page
    assert "Django" not in page


# --- official rooms --------------------------------------------------------------------------------------------------


async def add(client: AsyncClient, name: str, listed: bool = True) -> str:
    """What follows when a moderator adds a room."""
    form = {"name": name} | ({"listed": "on"} if listed else {})
    return (await client.post(reverse(ADD), form, follow=True)).content.decode()


async def test_a_room_added_here_is_official_and_open_at_once(moderator: AsyncClient, connect: Connect) -> None:
    await add(moderator, "광장")
    room = await Room.objects.aget(host=None)
    entered = await (await connect()).join(room.pk, "손님")
    assert (entered["status"], entered["roomName"]) == (True, "광장")


async def test_a_room_added_here_has_the_key_of_its_name(moderator: AsyncClient) -> None:
    await add(moderator, " Ｐlaza ")
    room = await Room.objects.aget()
    assert (room.name, room.name_key) == ("Ｐlaza", key("plaza"))


@pytest.mark.parametrize("name", ["사랑방 이야기", "사랑방\u3000이야기", normalize("NFD", "사랑방 이야기")])
async def test_a_room_with_the_name_of_an_open_one_is_refused_on_the_form(
    name: str, moderator: AsyncClient, room: Room
) -> None:
    assert "An open room has this name" in await add(moderator, name)
    assert await Room.objects.acount() == 1


async def test_a_room_that_looks_like_an_open_one_is_refused_on_the_form(moderator: AsyncClient) -> None:
    await Room.objects.acreate(name="admin")
    assert "An open room has this name" in await add(moderator, "аdmіn")


async def test_an_unlisted_room_may_have_the_name_of_an_open_one(moderator: AsyncClient, room: Room) -> None:
    await add(moderator, room.name, listed=False)
    assert await Room.objects.filter(name=room.name).acount() == 2


@pytest.mark.parametrize("name", ["", " ", "\u3164", "a\u202eb", "a\u200db", "방" * 31, "a\tb"])
async def test_a_name_that_is_not_allowed_is_refused_on_the_form(name: str, moderator: AsyncClient) -> None:
    assert "errorlist" in await add(moderator, name)
    assert not await Room.objects.aexists()


# --- a room's page ---------------------------------------------------------------------------------------------------


async def test_a_room_s_page_shows_who_is_in_it_now(moderator: AsyncClient, open_room: Open) -> None:
    page = await text(moderator, ROOM, open_room.id)
    assert "<bdi>손님</bdi>" in page
    assert f"({await tag_of(open_room, '손님')})" in page


async def test_a_room_s_page_says_when_nobody_is_in_it(moderator: AsyncClient, official: Room) -> None:
    assert "Nobody is in the room." in await text(moderator, ROOM, official.pk)


@pytest.mark.parametrize("page", ["admin:rooms_room_history", ROOM])
async def test_the_pages_of_a_room_render(page: str, moderator: AsyncClient, room: Room) -> None:
    assert "사랑방 이야기" in await text(moderator, page, room.pk)


async def test_a_page_of_a_room_that_is_gone_leads_to_the_index(moderator: AsyncClient) -> None:
    assert (await moderator.get(reverse(ROOM, args=[5]))).status_code == 302


async def test_a_notice_is_told_to_the_people_in_the_room(moderator: AsyncClient, open_room: Open) -> None:
    await say(moderator, open_room.page, "notice", message="잠시 뒤에 점검합니다.")
    assert (await open_room.guest.until("SERVER_ROOM_NOTICE"))["message"] == "잠시 뒤에 점검합니다."


async def test_a_room_is_closed_at_once_and_the_reason_is_said_before(moderator: AsyncClient, open_room: Open) -> None:
    await say(moderator, open_room.page, "close", reason="약속을 어겼습니다.")
    told = [await open_room.guest.until(kind) for kind in ("SERVER_ROOM_NOTICE", "SERVER_ROOM_DELETE")]
    assert (told[0]["message"], told[1]["reason"]) == ("약속을 어겼습니다.", "moderator")
    assert not await Room.objects.aexists()
    assert await Ended.objects.filter(room_id=open_room.id).aexists()


async def test_a_room_is_locked_and_unlocked(moderator: AsyncClient, open_room: Open, connect: Connect) -> None:
    await say(moderator, open_room.page, "lock")
    assert (await open_room.guest.until("SERVER_ROOM_LOCK"))["by"] == "moderator"
    assert (await (await connect()).join(open_room.id, "새손님"))["error"] == "room_locked"
    await say(moderator, open_room.page, "unlock")
    assert (await (await connect()).join(open_room.id, "새손님"))["status"]


async def test_a_room_is_slowed(moderator: AsyncClient, open_room: Open) -> None:
    await say(moderator, open_room.page, "slow", seconds="30")
    assert (await open_room.guest.until("SERVER_ROOM_SLOW"))["seconds"] == 30


async def test_a_topic_is_taken_away(moderator: AsyncClient, open_room: Open) -> None:
    await open_room.host.ask("CLIENT_ROOM_TOPIC", roomID=open_room.id, userName="방지기", topic="나쁜 말")
    await say(moderator, open_room.page, "topic", topic="")
    assert (await Room.objects.aget()).topic == ""


async def test_someone_is_put_out_and_comes_back_when_that_is_lifted(moderator: AsyncClient, open_room: Open) -> None:
    tag = await tag_of(open_room, "손님")
    await say(moderator, open_room.page, "kick", target=key("손님"), tag=tag)
    assert (await open_room.guest.until("SERVER_ROOM_EXIT"))["reason"] == "kicked"
    assert (await open_room.guest.join(open_room.id, "손님"))["error"] == "banned"
    assert "Let come back" in await text(moderator, ROOM, open_room.id)
    await say(moderator, open_room.page, "lift", tag=tag)
    assert (await open_room.guest.join(open_room.id, "손님"))["status"]


async def test_someone_is_muted_and_may_speak_again(moderator: AsyncClient, open_room: Open) -> None:
    whom = {"target": key("손님"), "tag": await tag_of(open_room, "손님")}
    await say(moderator, open_room.page, "mute", seconds="600", **whom)
    assert (await open_room.guest.say(open_room.id, "손님", "나"))["error"] == "muted"
    assert "muted until" in await text(moderator, ROOM, open_room.id)
    await say(moderator, open_room.page, "unmute", **whom)
    assert (await open_room.guest.say(open_room.id, "손님", "나"))["status"]


async def test_someone_is_banned_with_a_reason_and_an_end(moderator: AsyncClient, open_room: Open) -> None:
    whom = {"target": key("손님"), "tag": await tag_of(open_room, "손님")}
    await say(moderator, open_room.page, "ban", days="7", reason="광고", **whom)
    assert (await open_room.guest.until("SERVER_ROOM_EXIT"))["reason"] == "kicked"
    ban = await Ban.objects.select_related("by").aget()
    assert (ban.tag, ban.reason, ban.by is not None) == (whom["tag"], "광고", True)
    assert ban.until is not None
    assert ban.until - ban.at > timedelta(days=6, hours=23)


async def test_what_is_no_act_does_nothing(moderator: AsyncClient, open_room: Open) -> None:
    await say(moderator, open_room.page, "rename", name="다른 이름")
    assert (await Room.objects.aget()).name == "비밀의 방"
    assert await log() == []


async def test_a_form_with_a_mistake_does_nothing_and_says_it(moderator: AsyncClient, open_room: Open) -> None:
    assert "less than or equal to 300" in await say(moderator, open_room.page, "slow", seconds="301")
    assert (await Room.objects.aget()).slow == 0


async def test_who_has_left_meanwhile_is_not_put_out(moderator: AsyncClient, open_room: Open) -> None:
    await open_room.guest.ask("CLIENT_ROOM_EXIT", roomID=open_room.id, userName="손님")
    assert "not in the room any more" in await say(moderator, open_room.page, "kick", target=key("손님"), tag="abcde")
    assert not await Block.objects.aexists()


# --- several rooms ---------------------------------------------------------------------------------------------------


async def act_on(client: AsyncClient, name: str, rooms: list[int], **fields: Any) -> str:
    chosen = {"action": name, "_selected_action": rooms, **fields}
    return (await client.post(reverse(LIST), chosen, follow=True)).content.decode()


async def test_a_notice_is_told_to_all_rooms(moderator: AsyncClient, open_room: Open, connect: Connect) -> None:
    other = await connect()
    second = (await other.create("다른 방", "다른이"))["roomID"]
    asked = await act_on(moderator, "notice", [open_room.id], select_across="1")
    assert "2 rooms" in asked
    across = {"select_across": "1", "filled": "yes"}
    await act_on(moderator, "notice", [open_room.id], message="점검합니다.", **across)
    assert (await other.until("SERVER_ROOM_NOTICE"))["roomID"] == second
    assert (await open_room.guest.until("SERVER_ROOM_NOTICE"))["message"] == "점검합니다."


async def test_rooms_are_closed_together_once_confirmed(
    moderator: AsyncClient, open_room: Open, official: Room
) -> None:
    both = [open_room.id, official.pk]
    assert "Do nothing" in await act_on(moderator, "close", both)
    assert await Room.objects.acount() == 2
    await act_on(moderator, "close", both, filled="yes", reason="")
    assert (await open_room.guest.until("SERVER_ROOM_DELETE"))["reason"] == "moderator"
    assert not await Room.objects.aexists()


async def test_the_delete_button_leads_to_closing(moderator: AsyncClient, room: Room) -> None:
    response = await moderator.post(reverse("admin:rooms_room_delete", args=[room.pk]), {"post": "yes"})
    assert response.headers["Location"] == reverse(ROOM, args=[room.pk]) + "#close"
    assert await Room.objects.aexists()


# --- reports ---------------------------------------------------------------------------------------------------------


async def reported(open_room: Open, message: str = "사세요") -> Report:
    """The guest says something, and the host reports it."""
    line = (await open_room.guest.say(open_room.id, "손님", message))["seq"]
    fields = {"roomID": open_room.id, "userName": "방지기", "line": line, "reason": "spam", "note": "광고입니다"}
    assert (await open_room.host.ask("CLIENT_CHAT_REPORT", **fields))["status"]
    return await Report.objects.alatest("id")


async def resolve(client: AsyncClient, report: Report, how: str, **fields: Any) -> Report:
    await say(client, reverse(REPORT, args=[report.pk]), how, tag=report.tag, **fields)
    await report.arefresh_from_db()
    return report


async def test_a_report_is_shown_with_its_lines(moderator: AsyncClient, open_room: Open) -> None:
    report = await reported(open_room, "이것 사세요")
    page = await text(moderator, REPORT, report.pk)
    assert "이것 사세요" in page
    assert "광고입니다" in page
    assert "비밀의 방" in page
    assert "손님 (" in await text(moderator, REPORTS)


async def test_a_report_that_waits_comes_first(moderator: AsyncClient, open_room: Open) -> None:
    first, second = await reported(open_room), await reported(open_room)
    await resolve(moderator, second, "nothing")
    response = await moderator.get(reverse(REPORTS))
    assert [report.pk for report in response.context["cl"].result_list] == [first.pk, second.pk]
    response = await moderator.get(reverse(REPORTS), {"state": "done"})
    assert [report.pk for report in response.context["cl"].result_list] == [second.pk]


async def test_a_report_is_resolved_without_doing_anything(moderator: AsyncClient, open_room: Open) -> None:
    report = await resolve(moderator, await reported(open_room), "nothing")
    assert report.resolution == "nothing"
    assert report.resolved_at is not None


async def test_a_reported_line_is_removed(moderator: AsyncClient, open_room: Open) -> None:
    report = await resolve(moderator, await reported(open_room), "removed")
    assert report.resolution == "removed"
    removed = await open_room.guest.until("SERVER_CHAT_REMOVE")
    assert (removed["line"], removed["by"]) == (report.line, "moderator")


async def test_a_reported_person_is_muted_under_another_name_too(moderator: AsyncClient, open_room: Open) -> None:
    report = await reported(open_room)
    await open_room.guest.ask("CLIENT_ROOM_EXIT", roomID=open_room.id, userName="손님")
    await open_room.guest.join(open_room.id, "새이름")
    assert (await resolve(moderator, report, "muted", seconds="600")).resolution == "muted"
    assert (await open_room.guest.say(open_room.id, "새이름", "나"))["error"] == "muted"


async def test_a_reported_person_is_put_out(moderator: AsyncClient, open_room: Open) -> None:
    assert (await resolve(moderator, await reported(open_room), "kicked")).resolution == "kicked"
    assert (await open_room.guest.until("SERVER_ROOM_EXIT"))["reason"] == "kicked"


async def test_someone_else_with_the_name_of_the_reported_is_not_put_out(
    moderator: AsyncClient, open_room: Open, connect: Connect
) -> None:
    report = await reported(open_room)
    await open_room.guest.ask("CLIENT_ROOM_EXIT", roomID=open_room.id, userName="손님")
    await (await connect()).join(open_room.id, "손님")
    assert (await resolve(moderator, report, "kicked")).resolved_at is None
    assert not await Block.objects.aexists()


async def test_a_reported_person_who_has_left_is_banned(moderator: AsyncClient, open_room: Open) -> None:
    report = await reported(open_room)
    await open_room.guest.ask("CLIENT_ROOM_EXIT", roomID=open_room.id, userName="손님")
    assert (await resolve(moderator, report, "banned", days="0", reason="광고")).resolution == "banned"
    ban = await Ban.objects.aget()
    assert (ban.visitor, ban.until, ban.reason) == (report.visitor, None, "광고")


async def test_the_room_of_a_report_is_closed(moderator: AsyncClient, open_room: Open) -> None:
    assert (await resolve(moderator, await reported(open_room), "closed", reason="")).resolution == "closed"
    assert not await Room.objects.aexists()


async def test_a_report_of_a_closed_room_offers_only_what_can_be_done(moderator: AsyncClient, open_room: Open) -> None:
    report = await reported(open_room)
    await say(moderator, open_room.page, "close", reason="")
    page = await text(moderator, REPORT, report.pk)
    assert [name for name in ("nothing", "removed", "muted", "banned", "closed") if f'value="{name}"' in page] == [
        "nothing",
        "banned",
    ]


async def test_a_report_is_not_resolved_twice(moderator: AsyncClient, open_room: Open) -> None:
    report = await resolve(moderator, await reported(open_room), "nothing")
    assert (await resolve(moderator, report, "kicked")).resolution == "nothing"
    assert not await Block.objects.aexists()


# --- bans ------------------------------------------------------------------------------------------------------------


async def test_a_ban_is_shown_and_lifted(moderator: AsyncClient, server: Node) -> None:
    ban = await Ban.objects.add_ban(uuid.UUID(int=7).hex, "광고", None, room_id=5, tag="abcde")
    page = await text(moderator, BANS)
    assert "abcde (5)" in page
    assert ban.visitor not in page
    await moderator.post(reverse(BANS), {"action": "lift", "_selected_action": [ban.pk]})
    assert not await Ban.objects.in_force().aexists()
    assert await log() == [("5 · abcde", "lifted the ban")]


# --- rights, the log, a live store that is away ----------------------------------------------------------------------


@pytest.mark.parametrize("act", ["lock", "close", "notice", "kick", "mute", "ban"])
async def test_who_may_only_look_cannot_act(act: str, server: Node, open_room: Open) -> None:
    looker = await staff("view_room", "view_report", "view_ban")
    assert "비밀의 방" in await text(looker, ROOM, open_room.id)
    assert (await looker.post(open_room.page, {"act": act})).status_code == 403


async def test_a_moderator_sees_nothing_of_accounts(moderator: AsyncClient) -> None:
    assert (await moderator.get(reverse("admin:auth_user_changelist"))).status_code == 403


async def test_the_log_of_the_admin_has_numbers_and_tags_and_no_names(moderator: AsyncClient, open_room: Open) -> None:
    whom = {"target": key("손님"), "tag": await tag_of(open_room, "손님")}
    report = await reported(open_room, "비밀의 말")
    await resolve(moderator, report, "nothing")
    await say(moderator, open_room.page, "topic", topic="비밀의 주제")
    await say(moderator, open_room.page, "slow", seconds="10")
    await say(moderator, open_room.page, "kick", **whom)
    await say(moderator, open_room.page, "close", reason="비밀")
    await add(moderator, "비밀의 광장")
    official = await Room.objects.aget()
    number = str(open_room.id)
    entries = await log()
    assert sorted(entries[1:]) == sorted(
        [
            (number, "closed"),
            (number, f"put out {whom['tag']}"),
            (number, "slow mode: 10 seconds"),
            (number, "changed the topic"),
            (f"{number} · {report.tag}", "report: nothing to do"),
        ]
    )
    assert entries[0][0] == str(official.pk)
    assert not any(name in str(entries) for name in ("비밀", "손님", "방지기"))


@pytest.fixture
def away(server: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The live store cannot be reached from now on."""

    async def fails(*_: object) -> None:
        raise Unavailable("cannot be reached")

    monkeypatch.setattr(server.hub, "do", fails)


async def test_without_the_live_store_the_list_says_so(moderator: AsyncClient, room: Room, away: None) -> None:
    page = await text(moderator, LIST)
    assert "the live rooms cannot be reached" in page
    assert '<td class="field-people">—</td>' in page


async def test_without_the_live_store_a_room_s_page_says_so(moderator: AsyncClient, room: Room, away: None) -> None:
    assert "Who is in the room cannot be shown" in await text(moderator, ROOM, room.pk)


@pytest.mark.parametrize(
    ("act", "fields"),
    [
        ("lock", {}),
        ("slow", {"seconds": "10"}),
        ("notice", {"message": "들리나요"}),
        ("close", {"reason": "점검"}),
        ("close", {"reason": ""}),
        ("kick", {"target": key("손님"), "tag": "abcde"}),
        ("mute", {"target": key("손님"), "tag": "abcde", "seconds": "600"}),
        ("ban", {"target": key("손님"), "tag": "abcde", "days": "7"}),
    ],
)
async def test_without_the_live_store_nothing_is_half_done(
    act: str, fields: dict[str, str], moderator: AsyncClient, room: Room, away: None
) -> None:
    assert "it was not done" in await say(moderator, reverse(ROOM, args=[room.pk]), act, **fields)
    await room.arefresh_from_db()
    assert (room.locked, room.slow) == (False, 0)
    assert [await model.objects.aexists() for model in (Block, Mute, Ban)] == [False] * 3
    assert await log() == []


async def test_without_the_live_store_a_report_waits(moderator: AsyncClient, open_room: Open, request: Any) -> None:
    report = await reported(open_room)
    request.getfixturevalue("away")
    assert (await resolve(moderator, report, "kicked")).resolved_at is None
