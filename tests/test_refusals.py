"""What is refused, with which words, and when the server closes: each provoked over a socket."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core import signing
from django.db import OperationalError
from pytest_django import Settings

from chatsite import logs
from rooms import services, words
from rooms.live.contract import StoreUnavailable
from rooms.models import Room, RoomQuerySet
from rooms.node import Node
from rooms.protocol import ERRORS
from rooms.visitors import COOKIE, SECURE_COOKIE
from tests.conftest import ORIGIN, Client, Connect, Message, a_cookie, browser_headers

COMMANDS = ("CLIENT_ROOM_CREATE", "CLIENT_ROOM_DELETE", "CLIENT_ROOM_JOIN", "CLIENT_ROOM_EXIT", "CLIENT_CHAT_SEND")


@dataclass
class Stage:
    """A room with its host 주인 and a guest 손님, and what it takes to make trouble."""

    connect: Connect
    settings: Settings
    server: Node
    monkeypatch: pytest.MonkeyPatch
    host: Client
    guest: Client
    room: int
    token: str

    async def cut_store(self) -> None:
        async def apply(*_: Any) -> None:
            raise StoreUnavailable

        self.monkeypatch.setattr(self.server.store, "apply", apply)
        self.monkeypatch.setattr(self.server.store, "lobby", apply)


@pytest.fixture(autouse=True)
def quick_sweeps(settings: Settings) -> None:
    """Before the node starts, which would wait a second for its next sweep."""
    settings.ROOMS_SWEEP = 0.02


@pytest.fixture
async def stage(
    settings: Settings, connect: Connect, server: Node, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    host, guest = await connect(), await connect()
    created = await host.create("사랑방", "주인")
    await guest.join(created["roomID"], "손님")
    await host.until("SERVER_ROOM_JOIN")
    yield Stage(connect, settings, server, monkeypatch, host, guest, created["roomID"], created["token"])
    monkeypatch.undo()


async def answer_to(client: Client, text: str) -> Message:
    await client.send_text(text)
    return await client.receive()


async def refused_handshake(*headers: tuple[str, str]) -> bool:
    client = Client([(name.encode(), value.encode()) for name, value in headers])
    accepted, _ = await client.socket.connect(timeout=5)
    await client.drop()
    return not accepted


# --- every code of the list ------------------------------------------------------------------------------------------


async def room_full(stage: Stage) -> Message:
    stage.settings.ROOMS_ROOM_SIZE = 2
    return await (await stage.connect()).join(stage.room, "셋째")


async def too_fast(stage: Stage) -> Message:
    stage.settings.ROOMS_COMMAND_BURST = 1
    client = await stage.connect()
    await client.ask("CLIENT_ROOM_LIST")
    return await client.join(stage.room, "셋째")


async def unavailable(stage: Stage) -> Message:
    await stage.cut_store()
    return await stage.guest.say(stage.room, "손님", "들리나요")


async def banned(stage: Stage) -> Message:
    third = await stage.connect()
    token = (await third.join(stage.room, "셋째"))["token"]
    await stage.host.ask("CLIENT_MEMBER_KICK", roomID=stage.room, userName="주인", target="셋째")
    return await (await stage.connect()).join(stage.room, "다른이", token=token)


async def room_locked(stage: Stage) -> Message:
    await stage.host.ask("CLIENT_ROOM_LOCK", roomID=stage.room, userName="주인", locked=True)
    return await (await stage.connect()).join(stage.room, "셋째")


async def muted(stage: Stage) -> Message:
    await stage.host.ask("CLIENT_MEMBER_MUTE", roomID=stage.room, userName="주인", target="손님", seconds=60)
    return await stage.guest.say(stage.room, "손님", "저기요")


async def not_allowed(stage: Stage) -> Message:
    unwanted = words.Lists(frozenset(), None, words.Words(["바보"]))
    stage.monkeypatch.setattr(words, "lists", lambda: unwanted)
    return await stage.guest.say(stage.room, "손님", "바보")


PROVOKED: dict[str, Callable[[Stage], Awaitable[Message]]] = {
    "bad_frame": lambda stage: answer_to(stage.guest, "[]"),
    "bad_json": lambda stage: answer_to(stage.guest, "{"),
    "unknown_type": lambda stage: stage.guest.ask("CLIENT_ROOM_PAINT"),
    "bad_field": lambda stage: stage.guest.say(stage.room, "손님", ""),
    "room_not_found": lambda stage: stage.guest.join(1, "손님"),
    "room_name_taken": lambda stage: stage.guest.create("사랑방", "손님"),
    "room_full": room_full,
    "name_taken": lambda stage: stage.guest.join(stage.room, "주인"),
    "name_not_allowed": lambda stage: stage.guest.join(stage.room, "\u3164"),
    "not_in_room": lambda stage: stage.guest.say(stage.room, "주인", "나야 나"),
    "not_host": lambda stage: stage.guest.ask("CLIENT_ROOM_DELETE", roomID=stage.room, userName="손님"),
    "banned": banned,
    "room_locked": room_locked,
    "muted": muted,
    "not_allowed": not_allowed,
    "too_fast": too_fast,
    "too_many_rooms": lambda stage: too_many_rooms(stage),
    "unavailable": unavailable,
}


async def too_many_rooms(stage: Stage) -> Message:
    stage.settings.ROOMS_ROOMS_PER_VISITOR = 1
    return await stage.host.create("둘째 방", "주인")


@pytest.mark.parametrize("code", ERRORS)
async def test_every_refusal_is_provoked_and_says_what_it_is(stage: Stage, code: str) -> None:
    answer = await PROVOKED[code](stage)
    assert (answer["type"].startswith("SERVER_"), answer["status"], answer["error"]) == (True, False, code)
    assert answer["detail"].strip()


def test_no_refusal_is_provoked_that_is_not_in_the_list() -> None:
    assert set(PROVOKED) == set(ERRORS)


@pytest.mark.parametrize("code", ERRORS)
async def test_a_refusal_changes_nothing_for_the_others(stage: Stage, code: str) -> None:
    await PROVOKED[code](stage)
    stage.monkeypatch.undo()
    said = await stage.host.say(stage.room, "주인", "아직 있어요")
    assert (said["status"], said["participants"]) == (True, 2)


# --- frames that cannot be understood --------------------------------------------------------------------------------

FRAMES = {
    "empty": ("", "bad_frame"),
    "a list": ("[]", "bad_frame"),
    "a text": ('"CLIENT_ROOM_LIST"', "bad_frame"),
    "null": ("null", "bad_frame"),
    "too long": (json.dumps({"type": "CLIENT_ROOM_LIST", "ref": "x" * 4096}), "bad_frame"),
    "too long in bytes only": (
        json.dumps({"type": "CLIENT_ROOM_LIST", "x": "가" * 1400}, ensure_ascii=False),
        "bad_frame",
    ),
    "cut off": ('{"type": "CLIENT_ROOM_LIST"', "bad_json"),
    "no JSON": ("안녕하세요", "bad_json"),
    "NaN": ('{"type": "CLIENT_ROOM_LIST", "watch": NaN}', "bad_json"),
    "no type": ("{}", "unknown_type"),
    "a type of the server": ('{"type": "SERVER_ROOM_LIST"}', "unknown_type"),
    "a type that is no text": ('{"type": ["CLIENT_ROOM_LIST"]}', "unknown_type"),
    "a type in small letters": ('{"type": "client_room_list"}', "unknown_type"),
}


@pytest.mark.parametrize(("text", "code"), FRAMES.values(), ids=FRAMES)
async def test_a_frame_that_is_no_command_is_a_frame_error(connect: Connect, text: str, code: str) -> None:
    client = await connect()
    await client.socket.send_input({"type": "websocket.receive", "text": text})
    answer = await client.receive()
    assert set(answer) == {"type", "status", "error", "detail"}
    assert (answer["type"], answer["status"], answer["error"]) == ("SERVER_FRAME_ERROR", False, code)


async def test_a_binary_frame_is_a_frame_error(connect: Connect) -> None:
    client = await connect()
    await client.socket.send_to(bytes_data=b'{"type": "CLIENT_ROOM_LIST"}')
    answer = await client.receive()
    assert (answer["type"], answer["error"]) == ("SERVER_FRAME_ERROR", "bad_frame")


async def test_an_unknown_type_is_answered_with_its_ref(connect: Connect) -> None:
    answer = await (await connect()).ask("CLIENT_ROOM_PAINT", ref="색")
    assert (answer["type"], answer["error"], answer["ref"]) == ("SERVER_FRAME_ERROR", "unknown_type", "색")


async def test_a_frame_of_exactly_4096_bytes_is_a_command(connect: Connect) -> None:
    client = await connect()
    frame = json.dumps({"type": "CLIENT_ROOM_LIST", "pad": ""})
    frame = frame.replace('""', f'"{"x" * (4096 - len(frame))}"')
    assert (await answer_to(client, frame))["status"] is True
    assert (await answer_to(client, frame + " "))["error"] == "bad_frame"


# --- fields ----------------------------------------------------------------------------------------------------------

CREATE: Message = {"type": "CLIENT_ROOM_CREATE", "roomName": "방", "userName": "철수"}
JOIN: Message = {"type": "CLIENT_ROOM_JOIN", "roomID": 7, "userName": "철수"}
SAY: Message = {"type": "CLIENT_CHAT_SEND", "roomID": 7, "userName": "철수", "message": "안녕"}
EXIT: Message = {"type": "CLIENT_ROOM_EXIT", "roomID": 7, "userName": "철수"}
DELETE: Message = {"type": "CLIENT_ROOM_DELETE", "roomID": 7, "userName": "철수"}
LIST: Message = {"type": "CLIENT_ROOM_LIST"}

WRONG: list[tuple[Message, str, list[Any]]] = [
    (CREATE, "roomName", [..., None, 5, [], {"a": 1}, "가" * 31]),
    (CREATE, "userName", [..., None, 5, True, "가" * 11]),
    (CREATE, "listed", [1, "true"]),
    (JOIN, "roomID", [..., None, 0, -1, 2**53, 10**400, 7.5, "7", True, [7]]),
    (JOIN, "userName", [..., 1, "가" * 11]),
    (JOIN, "after", [-1, "1", 2**53, 1.5, False]),
    (JOIN, "token", [5, "x" * 201, "\ud800", ["t"], "", "x", "가:나:다", ":::"]),
    (SAY, "message", [..., None, 5]),
    (SAY, "roomID", [..., 0, "7"]),
    (EXIT, "roomID", [..., 0, "7"]),
    (DELETE, "userName", [..., 5]),
    (LIST, "watch", [1, "yes"]),
    *[(command, "ref", ["", "x" * 37, 5, "\udc00"]) for command in (CREATE, JOIN, SAY, EXIT, DELETE, LIST)],
]


@pytest.mark.parametrize(("command", "field", "wrong"), WRONG)
async def test_a_wrong_field_is_named(connect: Connect, command: Message, field: str, wrong: list[Any]) -> None:
    client = await connect()
    for value in wrong:
        frame = {name: given for name, given in (command | {field: value}).items() if given is not ...}
        answer = await answer_to(client, json.dumps(frame))
        assert answer["type"] == command["type"].replace("CLIENT", "SERVER")
        assert (answer["status"], answer["error"], answer["field"]) == (False, "bad_field", field), value
        assert "ref" not in answer


async def test_a_message_that_may_not_be_said(stage: Stage) -> None:
    for message in ("", " \u3000\n ", "가" * 129, "종\u0007", "탭\t이", "\x00", "\ud800", "\x7f", "\x85a"):
        answer = await stage.guest.say(stage.room, "손님", message)
        assert (answer["error"], answer["field"]) == ("bad_field", "message"), ascii(message)
        assert (answer["roomID"], answer["nickname"], answer["message"]) == (stage.room, "손님", "")


INVISIBLE = {
    "empty": "",
    "blank": " \u3000",
    "Hangul filler": "\u3164",
    "Hangul choseong filler": "가\u115f",
    "half-width filler": "가\uffa0",
    "zero-width space": "철\u200b수",
    "zero-width joiner": "철\u200d수",
    "right-to-left override": "\u202e수철",
    "bidi isolate": "철수\u2066",
    "byte order mark inside": "철\ufeff수",
    "control character": "철\x07수",
    "line feed": "철\n수",
    "NUL": "철\x00",
    "unpaired surrogate": "철\ud800",
    "braille blank": "\u2800",
    "only a mark": "\u0301",
    "tag character": "철\U000e0041",
}


async def test_a_nickname_that_cannot_be_seen_is_not_allowed(stage: Stage) -> None:
    for name in INVISIBLE.values():
        answer = await stage.guest.join(stage.room, name)
        assert (answer["error"], answer["field"]) == ("name_not_allowed", "userName"), ascii(name)
        assert (answer["type"], answer["roomID"]) == ("SERVER_ROOM_JOIN", stage.room)


async def test_a_room_name_that_cannot_be_seen_is_not_allowed(connect: Connect) -> None:
    client = await connect()
    for name in INVISIBLE.values():
        answer = await client.create(name, "철수")
        assert (answer["error"], answer["field"]) == ("name_not_allowed", "roomName"), ascii(name)
        assert (answer["roomID"], answer["roomName"]) == (0, "")


async def test_a_name_in_any_script_is_allowed(stage: Stage) -> None:
    for name in ("👨‍👩‍👧‍👦", "👍🏽 철수", "ไทย", "हिन्दी", "Zoë", "❤️", "٣", "O'Neil"):
        assert (await stage.guest.join(stage.room, name))["nickName"] == name


async def test_a_family_emoji_counts_with_its_joiners(stage: Stage) -> None:
    family = "👨‍👩‍👧‍👦"
    client = await stage.connect()
    assert (await client.join(stage.room, family + "가족들"))["nickName"] == family + "가족들"
    assert (await client.join(stage.room, family + "가족들이"))["error"] == "bad_field"


ECHOES: list[tuple[Message, Message]] = [
    (CREATE | {"userName": ""}, {"roomID": 0, "roomName": "방"}),
    (CREATE | {"userName": 5}, {"roomID": 0, "roomName": "방"}),
    (CREATE | {"roomName": "\u3164"}, {"roomID": 0, "roomName": ""}),
    (JOIN, {"roomID": 7}),
    (JOIN | {"roomID": "7"}, {"roomID": 0}),
    (EXIT, {"roomID": 7, "nickName": "철수"}),
    (EXIT | {"roomID": -7}, {"roomID": 0, "nickName": "철수"}),
    (EXIT | {"userName": "\u3164"}, {"roomID": 7, "nickName": ""}),
    (DELETE, {"roomID": 7}),
    (DELETE | {"roomID": None}, {"roomID": 0}),
    (SAY, {"roomID": 7, "nickname": "철수", "message": "안녕"}),
    (SAY | {"message": 5}, {"roomID": 7, "nickname": "철수", "message": ""}),
    (SAY | {"roomID": "x"}, {"roomID": 0, "nickname": "철수", "message": "안녕"}),
    (SAY | {"userName": "가" * 11}, {"roomID": 7, "nickname": "", "message": "안녕"}),
    (LIST | {"watch": "x"}, {"rooms": [], "total": 0}),
]


@pytest.mark.parametrize(("command", "echo"), ECHOES)
async def test_a_refusal_echoes_the_fields_of_the_answer_that_were_valid(
    connect: Connect, command: Message, echo: Message
) -> None:
    answer = await answer_to(await connect(), json.dumps(command | {"ref": "메아리"}))
    extra = {"type", "status", "error", "detail", "field", "ref"}
    assert {name: value for name, value in answer.items() if name not in extra} == echo
    assert (answer["status"], answer["ref"]) == (False, "메아리")


# --- rooms and names -------------------------------------------------------------------------------------------------


async def test_a_taken_room_name_is_answered_with_the_room_that_has_it(stage: Stage) -> None:
    answer = await stage.guest.create("사랑방", "손님")
    assert (answer["error"], answer["roomID"], answer["roomName"]) == ("room_name_taken", stage.room, "사랑방")


@pytest.mark.parametrize("name", [" 사랑방 ", "\u1109\u1161\u1105\u1161\u11bc\u1107\u1161\u11bc"])
async def test_a_room_name_that_is_the_same_is_taken(stage: Stage, name: str) -> None:
    assert (await stage.guest.create(name, "손님"))["roomID"] == stage.room


@pytest.mark.parametrize("name", ["PARIS", "ＰＡＲＩＳ", "Раris", "Ρaris"], ids=["case", "wide", "Cyrillic", "Greek"])
async def test_a_room_name_that_looks_the_same_is_taken(stage: Stage, name: str) -> None:
    room = (await stage.host.create("Paris", "주인"))["roomID"]
    answer = await stage.guest.create(name, "손님")
    assert (answer["error"], answer["roomID"]) == ("room_name_taken", room)


@pytest.mark.parametrize("name", ["ANNA", "Ａnna", "Аnna", "Αnna"], ids=["case", "wide", "Cyrillic", "Greek"])
async def test_a_nickname_that_looks_like_someone_elses_is_taken(stage: Stage, name: str) -> None:
    await stage.guest.join(stage.room, "Anna")
    assert (await (await stage.connect()).join(stage.room, name))["error"] == "name_taken"


@pytest.mark.parametrize("command", ["CLIENT_ROOM_EXIT", "CLIENT_ROOM_DELETE", "CLIENT_CHAT_SEND"])
async def test_a_room_that_was_joined_by_another_connection_is_not_joined(stage: Stage, command: str) -> None:
    cookie = a_cookie()
    tab, other = await stage.connect(cookie), await stage.connect(cookie)
    await tab.join(stage.room, "셋째")
    answer = await other.ask(command, roomID=stage.room, userName="셋째", message="안녕")
    assert (answer["status"], answer["error"]) == (False, "not_in_room")


@pytest.mark.parametrize("command", ["CLIENT_ROOM_EXIT", "CLIENT_ROOM_DELETE", "CLIENT_CHAT_SEND"])
async def test_who_only_knows_the_hosts_name_is_not_the_host(stage: Stage, command: str) -> None:
    stranger = await stage.connect()
    for client in (stage.guest, stranger):
        answer = await client.ask(command, roomID=stage.room, userName="주인", message="안녕")
        assert (answer["error"], answer["roomID"]) == ("not_in_room", stage.room)
    assert (await stage.host.say(stage.room, "주인", "아직 있어요"))["participants"] == 2


async def test_a_guest_may_not_delete_the_room(stage: Stage) -> None:
    answer = await stage.guest.ask("CLIENT_ROOM_DELETE", roomID=stage.room, userName="손님")
    assert (answer["type"], answer["error"], answer["roomID"]) == ("SERVER_ROOM_DELETE", "not_host", stage.room)
    assert "seq" not in answer
    assert (await stage.host.say(stage.room, "주인", "아직 있어요"))["status"] is True


@pytest.mark.parametrize("command", COMMANDS[1:])
async def test_a_deleted_room_is_no_more(stage: Stage, command: str) -> None:
    await stage.host.ask("CLIENT_ROOM_DELETE", roomID=stage.room, userName="주인")
    answer = await stage.guest.ask(command, roomID=stage.room, userName="손님", message="안녕")
    assert (answer["status"], answer["error"] in ("room_not_found", "not_in_room")) == (False, True)


async def test_after_an_exit_one_is_not_in_the_room(stage: Stage) -> None:
    await stage.guest.ask("CLIENT_ROOM_EXIT", roomID=stage.room, userName="손님")
    assert (await stage.guest.say(stage.room, "손님", "안녕"))["error"] == "not_in_room"


async def test_a_full_room_has_room_again_when_someone_leaves(stage: Stage) -> None:
    assert (await room_full(stage))["error"] == "room_full"
    await stage.guest.ask("CLIENT_ROOM_EXIT", roomID=stage.room, userName="손님")
    assert (await (await stage.connect()).join(stage.room, "셋째"))["participants"] == 2


async def test_a_visitor_may_host_so_many_rooms_and_another_when_one_is_gone(stage: Stage) -> None:
    assert (await too_many_rooms(stage))["error"] == "too_many_rooms"
    await stage.host.ask("CLIENT_ROOM_DELETE", roomID=stage.room, userName="주인")
    assert (await too_many_rooms(stage))["status"] is True


async def test_a_connection_may_have_so_many_names(stage: Stage) -> None:
    stage.settings.ROOMS_ROOMS_PER_CONNECTION = 2
    assert (await stage.guest.join(stage.room, "둘째"))["status"] is True
    assert (await stage.guest.join(stage.room, "셋째"))["error"] == "too_many_rooms"
    assert (await stage.guest.create("둘째 방", "손님"))["error"] == "too_many_rooms"
    assert (await stage.guest.join(stage.room, "둘째"))["status"] is True


async def test_a_token_that_is_too_old_is_a_bad_field(stage: Stage) -> None:
    stage.settings.ROOMS_TOKEN_AGE = -1
    answer = await (await stage.connect()).join(stage.room, "주인", token=stage.token)
    assert (answer["error"], answer["field"]) == ("bad_field", "token")


async def test_a_token_is_no_cookie_and_a_cookie_no_token(stage: Stage) -> None:
    browser = await stage.connect(stage.token)
    assert (await browser.join(stage.room, "주인"))["error"] == "name_taken"
    assert (await (await stage.connect()).join(stage.room, "셋째", token=a_cookie()))["error"] == "bad_field"


# --- too fast --------------------------------------------------------------------------------------------------------


async def test_who_talks_too_fast_is_told_how_long_to_wait(stage: Stage) -> None:
    stage.settings.ROOMS_CHAT_BURST, stage.settings.ROOMS_CHAT_RATE = 2, 0.5
    client = await stage.connect()
    await client.join(stage.room, "셋째")
    answers = [await client.say(stage.room, "셋째", text) for text in ("하나", "둘", "셋")]
    assert [answer["status"] for answer in answers] == [True, True, False]
    assert (answers[2]["error"], answers[2]["nickname"], answers[2]["message"]) == ("too_fast", "셋째", "셋")
    assert 0 < answers[2]["retryAfter"] <= 2000


async def test_after_the_wait_one_may_talk_again(stage: Stage) -> None:
    stage.settings.ROOMS_CHAT_BURST, stage.settings.ROOMS_CHAT_RATE = 1, 5.0
    client = await stage.connect()
    await client.join(stage.room, "셋째")
    await client.say(stage.room, "셋째", "하나")
    answer = await client.say(stage.room, "셋째", "둘", ref="둘")
    assert (answer["error"], 0 < answer["retryAfter"] <= 200) == ("too_fast", True)
    await asyncio.sleep(answer["retryAfter"] / 1000)  # what a client is told to do
    assert (await client.say(stage.room, "셋째", "둘", ref="둘"))["message"] == "둘"


async def test_a_message_without_ref_is_slowed_down_too(stage: Stage) -> None:
    stage.settings.ROOMS_CHAT_BURST, stage.settings.ROOMS_CHAT_RATE = 1, 0.01
    client = await stage.connect()
    await client.join(stage.room, "셋째")
    for _ in range(2):
        await client.send("CLIENT_CHAT_SEND", roomID=stage.room, userName="셋째", message="안녕")
    assert (await client.receive())["status"] is True
    assert (await client.receive())["error"] == "too_fast"


async def test_two_tabs_of_one_visitor_share_how_fast_they_may_talk(stage: Stage) -> None:
    stage.settings.ROOMS_CHAT_BURST, stage.settings.ROOMS_CHAT_RATE = 1, 0.01
    cookie = a_cookie()
    tabs = [await stage.connect(cookie), await stage.connect(cookie)]
    for tab in tabs:
        await tab.join(stage.room, "셋째")
    assert (await tabs[0].say(stage.room, "셋째", "하나"))["status"] is True
    assert (await tabs[1].say(stage.room, "셋째", "둘"))["error"] == "too_fast"


async def test_others_are_not_slowed_down(stage: Stage) -> None:
    answer = await too_fast(stage)
    assert (answer["error"], answer["retryAfter"] > 0) == ("too_fast", True)
    assert (await stage.guest.say(stage.room, "손님", "안녕"))["status"] is True


# --- when a part of the server is away -------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [*COMMANDS, "CLIENT_ROOM_LIST"])
async def test_without_the_live_store_every_command_is_unavailable(stage: Stage, command: str) -> None:
    await stage.cut_store()
    answer = await stage.guest.ask(command, roomID=stage.room, roomName="새 방", userName="손님", message="안녕")
    assert (answer["type"], answer["error"]) == (command.replace("CLIENT", "SERVER"), "unavailable")


@pytest.mark.parametrize("command", COMMANDS[1:])
async def test_what_was_unavailable_is_done_when_it_is_sent_again(stage: Stage, command: str) -> None:
    await stage.cut_store()
    fields = {"roomID": stage.room, "userName": "주인", "message": "안녕", "ref": "다시"}
    assert (await stage.host.ask(command, **fields))["error"] == "unavailable"
    stage.monkeypatch.undo()
    assert (await stage.host.ask(command, **fields))["status"] is True


async def test_a_room_that_could_not_be_made_is_made_when_it_is_sent_again(stage: Stage) -> None:
    await stage.cut_store()
    client = await stage.connect()
    assert (await client.create("새 방", "셋째", ref="다시"))["error"] == "unavailable"
    stage.monkeypatch.undo()
    assert (await client.create("새 방", "셋째", ref="다시"))["participants"] == 1
    assert await Room.objects.filter(name="새 방").acount() == 1


async def test_without_the_database_no_room_is_made(stage: Stage) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError

    stage.monkeypatch.setattr(RoomQuerySet, "_create_with_host", fail)
    answer = await stage.guest.create("새 방", "손님", ref="다시")
    assert (answer["error"], answer["roomID"], answer["roomName"]) == ("unavailable", 0, "새 방")
    stage.monkeypatch.undo()
    assert (await stage.guest.create("새 방", "손님", ref="다시"))["status"] is True


async def test_without_the_database_people_join_leave_and_talk(stage: Stage) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError

    stage.monkeypatch.setattr(RoomQuerySet, "iterator", fail)
    stage.monkeypatch.setattr(RoomQuerySet, "filter", fail)
    client = await stage.connect()
    assert (await client.join(stage.room, "셋째"))["participants"] == 3
    assert (await client.say(stage.room, "셋째", "안녕"))["status"] is True
    assert (await client.ask("CLIENT_ROOM_EXIT", roomID=stage.room, userName="셋째"))["status"] is True


async def test_a_fault_of_the_server_is_unavailable_and_costs_nobody_the_connection(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a fault")

    stage.monkeypatch.setattr(services, "join", fail)
    assert (await stage.guest.join(stage.room, "둘째"))["error"] == "unavailable"
    stage.monkeypatch.undo()
    assert (await stage.guest.join(stage.room, "둘째"))["status"] is True
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


# --- closing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ['{"type": "CLIENT_ROOM_LIST"}', "{"])
async def test_who_goes_on_in_spite_of_too_fast_is_closed_with_4501(
    connect: Connect, settings: Settings, text: str
) -> None:
    settings.ROOMS_COMMAND_BURST, settings.ROOMS_COMMAND_RATE, settings.ROOMS_FLOOD_CLOSE = 1, 0.01, 3
    client = await connect()
    for _ in range(10):
        await client.send_text(text)
    assert len([await client.receive() for _ in range(4)]) == 4
    assert await client.closed_with() == 4501


async def test_a_flooding_persons_room_is_told_of_the_loss(stage: Stage) -> None:
    stage.settings.ROOMS_COMMAND_BURST, stage.settings.ROOMS_COMMAND_RATE, stage.settings.ROOMS_FLOOD_CLOSE = 1, 0.01, 3
    stage.settings.ROOMS_GRACE = 0.05
    client = await stage.connect()
    await client.join(stage.room, "셋째")
    for _ in range(3):
        await client.send_text("{")
    assert await client.closed_with() == 4501
    await client.drop()
    assert (await stage.host.until("SERVER_ROOM_EXIT"))["reason"] == "lost"


async def test_too_many_connections_of_one_visitor_are_closed_with_4502(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_CONNECTIONS_PER_VISITOR = 2
    cookie = a_cookie()
    tabs = [await connect(cookie) for _ in range(2)]
    assert await (await connect(cookie)).closed_with() == 4502
    assert [(await tab.ask("CLIENT_ROOM_LIST"))["status"] for tab in tabs] == [True, True]


async def test_when_a_connection_is_gone_there_may_be_another(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_CONNECTIONS_PER_VISITOR = 1
    cookie = a_cookie()
    tab = await connect(cookie)
    surplus = await connect(cookie)
    assert await surplus.closed_with() == 4502
    for client in (surplus, tab):
        await client.drop()
    assert (await (await connect(cookie)).ask("CLIENT_ROOM_LIST"))["status"] is True


async def test_programs_without_a_cookie_are_visitors_of_their_own(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_CONNECTIONS_PER_VISITOR = 1
    clients = [await connect() for _ in range(3)]
    assert [(await client.ask("CLIENT_ROOM_LIST"))["status"] for client in clients] == [True] * 3


# --- origins ---------------------------------------------------------------------------------------------------------

FOREIGN = [
    "http://evil.example",
    "http://testserver.evil.example",
    "null",
    "",
    "http://testserver:81",
    "http://[",
    "testserver",
]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_foreign_origin_is_refused(origin: str) -> None:
    assert await refused_handshake(("host", "testserver"), ("origin", origin), ("cookie", f"{COOKIE}={a_cookie()}"))


@pytest.mark.usefixtures("server")
async def test_a_host_that_is_not_this_sites_is_refused() -> None:
    assert await refused_handshake(("host", "evil.example"), ("origin", "http://evil.example"))


@pytest.mark.usefixtures("server")
async def test_a_refused_origin_is_logged_without_its_address(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "SECONDS", 0)
    await refused_handshake(("host", "testserver"), ("origin", "http://evil.example"))
    [record] = caplog.records
    assert (record.levelno, "evil" in record.getMessage()) == (logging.WARNING, False)


@pytest.mark.usefixtures("server")
async def test_an_origin_that_the_operator_trusts_is_accepted(settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://chat.example"]
    assert not await refused_handshake(("host", "testserver"), ("origin", "https://chat.example"))


async def test_without_an_origin_cookies_are_ignored(stage: Stage) -> None:
    cookie = a_cookie()
    browser = await stage.connect(cookie)
    await browser.join(stage.room, "셋째")
    program = await Client([header for header in browser_headers(cookie) if header[0] != b"origin"]).open()
    assert (await program.join(stage.room, "셋째"))["error"] == "name_taken"
    assert "token" in await program.join(stage.room, "넷째")
    await program.drop()


@pytest.mark.parametrize(("name", "known"), [(SECURE_COOKIE, True), (COOKIE, False)])
async def test_behind_tls_only_the_cookie_of_this_very_host_is_believed(name: str, known: bool, stage: Stage) -> None:
    stage.settings.TRUST_PROXY = True
    headers = [(key, value.replace(b"visitor=", name.encode() + b"=")) for key, value in browser_headers(a_cookie())]
    client = await Client([*headers, (b"x-forwarded-proto", b"https")]).open()
    answer = await client.join(stage.room, "셋째")
    assert ("token" not in answer) is known
    await client.drop()


@pytest.mark.parametrize("cookie", ["x", "가", signing.Signer(salt="another", key="k").sign("secret"), "\x00", '"'])
async def test_a_forged_cookie_is_no_cookie(stage: Stage, cookie: str) -> None:
    client = await stage.connect(cookie)
    assert "token" in await client.join(stage.room, "셋째")


async def test_this_sites_origin_is_accepted_with_its_cookies(stage: Stage) -> None:
    assert ORIGIN == "http://testserver"
    assert "token" not in await (await stage.connect(a_cookie())).join(stage.room, "셋째")


async def test_a_join_pays_for_the_events_that_it_is_sent_again(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_FLOOD_CONTROL = False
    host = await connect()
    room = await host.create()
    for number in range(64):
        await host.say(room["roomID"], "주인", f"{number}")
    settings.ROOMS_COMMAND_BURST, settings.ROOMS_COMMAND_RATE, settings.ROOMS_FLOOD_CONTROL = 8, 0.01, True
    guest = await connect()
    await guest.join(room["roomID"], "주인", token=room["token"], after=room["seq"])
    assert [(await guest.ask("CLIENT_HELLO"))["status"] for _ in range(4)] == [True, True, True, False]
