"""What a host asks for: each command with its answer, its event and what it does from then on, over sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from rooms import moderation, words
from rooms.live.addresses import Address
from rooms.models import Block, Host, Mute, Room
from rooms.node import Node
from rooms.port import recorded
from rooms.protocol import Refusal
from tests.conftest import Client, Connect, Message, a_cookie, heard


@dataclass
class Stage:
    """A room with its host 주인 and a guest 손님, whose cookie is known."""

    connect: Connect
    host: Client
    guest: Client
    room: int
    cookie: str

    async def ask(self, command: str, **fields: Any) -> Message:
        """The host asks for something; the answer."""
        return await self.host.ask(f"CLIENT_{command}", roomID=self.room, userName="주인", **fields)

    async def back(self, nick: str = "손님", **fields: Any) -> tuple[Client, Message]:
        """The guest comes in from another window; the answer to their join."""
        client = await self.connect(self.cookie)
        return client, await client.join(self.room, nick, **fields)


@pytest.fixture(autouse=True)
def quick_sweeps(settings: Settings) -> None:
    """Before the node starts, which would wait a second for its next sweep."""
    settings.ROOMS_SWEEP = 0.02


@pytest.fixture
async def stage(connect: Connect) -> Stage:
    cookie = a_cookie()
    host, guest = await connect(), await connect(cookie)
    created = await host.create("사랑방", "주인")
    await guest.join(created["roomID"], "손님")
    await host.until("SERVER_ROOM_JOIN")
    return Stage(connect, host, guest, created["roomID"], cookie)


def brief(message: Message, *fields: str) -> tuple[Any, ...]:
    return tuple(message.get(field) for field in fields)


# --- kick ------------------------------------------------------------------------------------------------------------


async def test_a_kick_is_answered_and_told_to_all(stage: Stage) -> None:
    answer = await stage.ask("MEMBER_KICK", target="손님")
    event = await stage.host.until("SERVER_ROOM_EXIT")
    assert brief(answer, "type", "status", "roomID", "nickName") == ("SERVER_MEMBER_KICK", True, stage.room, "손님")
    assert (answer["tag"], "seq" in answer) == (event["tag"], False)
    assert brief(event, "nickName", "reason", "by", "participants") == ("손님", "kicked", "host", 1)


async def test_who_was_kicked_hears_it_and_then_nothing_but_keeps_the_connection(stage: Stage) -> None:
    await stage.ask("MEMBER_KICK", target="손님")
    await stage.host.say(stage.room, "주인", "갔네요")
    assert [brief(each, "type", "reason") for each in await heard(stage.guest)] == [("SERVER_ROOM_EXIT", "kicked")]
    assert (await stage.guest.say(stage.room, "손님", "저요?"))["error"] == "not_in_room"


async def test_who_was_kicked_keeps_their_other_rooms(stage: Stage) -> None:
    other = (await stage.guest.create("딴 방", "손님"))["roomID"]
    await stage.ask("MEMBER_KICK", target="손님")
    assert (await stage.guest.say(other, "손님", "여기는 괜찮아요"))["status"] is True


async def test_all_names_of_a_visitor_are_put_out_the_target_first(stage: Stage) -> None:
    second, _ = await stage.back("둘째")
    await stage.ask("MEMBER_KICK", target="둘째")
    for client in (stage.host, stage.guest, second):
        out = [each for each in await heard(client) if each["type"] == "SERVER_ROOM_EXIT"]
        assert [each["nickName"] for each in out] == ["둘째", "손님"]


async def test_who_was_kicked_cannot_come_back_under_any_name(stage: Stage) -> None:
    await stage.ask("MEMBER_KICK", target="손님")
    answers = [(await stage.back(name))[1] for name in ("손님", "다른이")]
    assert [brief(answer, "status", "error") for answer in answers] == [(False, "banned")] * 2


async def test_a_name_is_compared_as_everywhere(stage: Stage) -> None:
    await stage.guest.join(stage.room, "Admín")
    assert (await stage.ask("MEMBER_KICK", target="ＡＤＭÍＮ "))["nickName"] == "Admín"


async def test_a_repeated_kick_is_answered_alike_and_does_nothing(stage: Stage) -> None:
    first = await stage.ask("MEMBER_KICK", target="손님", ref="k1")
    await heard(stage.host)
    again = await stage.ask("MEMBER_KICK", target="손님", ref="k1")
    assert again == first
    assert await heard(stage.host) == []


async def test_a_kick_with_the_ref_of_another_command_is_refused(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.ask("ROOM_SLOW", seconds=5, ref="x")
    answer = await stage.ask("MEMBER_KICK", target="손님", ref="x")
    assert brief(answer, "status", "error", "field") == (False, "bad_field", "ref")
    assert caplog.records == []


@pytest.mark.parametrize(("seconds", "error"), [(600, "banned"), (0, None)])
async def test_a_newer_identity_from_the_address_of_a_kick_is_kept_out_unless_the_operator_turns_that_off(
    stage: Stage, server: Node, settings: Settings, seconds: int, error: str | None
) -> None:
    settings.ROOMS_KICK_ADDRESS = seconds
    older = await stage.connect()
    for connection in server.hub.connections:
        connection.address = Address(1, "a" * 16)
    await stage.guest.join(stage.room, "손님")
    await stage.ask("MEMBER_KICK", target="손님")
    await asyncio.sleep(0.01)
    newer = await stage.connect()
    for connection in server.hub.connections:
        connection.address = Address(2, "b" * 16, "a" * 16)
    assert (await newer.join(stage.room, "셋째")).get("error") == error
    assert (await older.join(stage.room, "넷째"))["status"] is True


async def test_a_moderator_who_kicks_the_host_closes_the_room(stage: Stage, server: Node) -> None:
    await moderation.kick(server.hub, stage.room, moderation.moderator(), "주인")
    for client in (stage.host, stage.guest):
        out = await client.until("SERVER_ROOM_EXIT")
        assert brief(out, "nickName", "reason", "by") == ("주인", "kicked", "moderator")
    assert (await stage.guest.until("SERVER_ROOM_DELETE"))["reason"] == "moderator"


async def test_the_blocks_are_listed_the_latest_first(stage: Stage) -> None:
    third = await stage.connect()
    await third.join(stage.room, "셋째")
    for name in ("손님", "셋째"):
        await stage.ask("MEMBER_KICK", target=name)
    answer = await stage.ask("BLOCK_LIST")
    assert brief(answer, "type", "status", "roomID") == ("SERVER_BLOCK_LIST", True, stage.room)
    assert [block["nickName"] for block in answer["blocks"]] == ["셋째", "손님"]
    assert all(set(block) == {"nickName", "tag", "at"} for block in answer["blocks"])


async def test_a_lifted_block_lets_the_person_come_back(stage: Stage) -> None:
    tag = (await stage.ask("MEMBER_KICK", target="손님"))["tag"]
    answer = await stage.ask("BLOCK_LIFT", tag=tag)
    assert brief(answer, "type", "status", "roomID", "tag") == ("SERVER_BLOCK_LIFT", True, stage.room, tag)
    assert (await stage.back())[1]["status"] is True
    assert (await stage.ask("BLOCK_LIST"))["blocks"] == []


async def test_a_repeated_lift_is_answered_alike(stage: Stage) -> None:
    tag = (await stage.ask("MEMBER_KICK", target="손님"))["tag"]
    first = await stage.ask("BLOCK_LIFT", tag=tag, ref="l1")
    assert await stage.ask("BLOCK_LIFT", tag=tag, ref="l1") == first


async def test_a_repeated_lift_lets_nobody_in_who_was_kicked_since(stage: Stage) -> None:
    tag = (await stage.ask("MEMBER_KICK", target="손님"))["tag"]
    first = await stage.ask("BLOCK_LIFT", tag=tag, ref="l1")
    await stage.back()
    await stage.ask("MEMBER_KICK", target="손님")
    assert await stage.ask("BLOCK_LIFT", tag=tag, ref="l1") == first
    assert (await stage.back())[1]["error"] == "banned"
    assert len((await stage.ask("BLOCK_LIST"))["blocks"]) == 1


@pytest.mark.parametrize("fails", [1, 2])
async def test_a_lift_that_failed_half_way_is_completed_when_it_is_sent_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, fails: int
) -> None:
    tag = (await stage.ask("MEMBER_KICK", target="손님"))["tag"]
    uses = 0

    @asynccontextmanager
    async def failing(detail: str) -> AsyncIterator[None]:
        nonlocal uses
        uses += 1
        if uses == fails:
            raise Refusal("unavailable", detail)
        async with recorded(detail):
            yield

    monkeypatch.setattr(moderation, "recorded", failing)
    answers = [await stage.ask("BLOCK_LIFT", tag=tag, ref="l1") for _ in range(2)]
    assert [answer["status"] for answer in answers] == [False, True]
    assert await Block.objects.acount() == 0
    assert (await stage.back())[1]["status"] is True


async def test_an_unknown_tag_cannot_be_lifted(stage: Stage) -> None:
    answer = await stage.ask("BLOCK_LIFT", tag="zzzzz")
    assert brief(answer, "status", "error", "field", "tag") == (False, "bad_field", "tag", "zzzzz")


# --- mute ------------------------------------------------------------------------------------------------------------


async def test_a_mute_is_told_to_all_and_answers_with_its_ref(stage: Stage) -> None:
    answer = await stage.ask("MEMBER_MUTE", target="손님", seconds=60, ref="m1")
    assert brief(answer, "type", "status", "nickName", "by", "ref") == (
        *("SERVER_MEMBER_MUTE", True, "손님", "host", "m1"),
    )
    assert 55_000 < answer["until"] - answer["at"] <= 61_000
    assert (await stage.guest.until("SERVER_MEMBER_MUTE"))["seq"] == answer["seq"]


async def test_a_muted_visitor_says_nothing_under_any_name(stage: Stage) -> None:
    await stage.ask("MEMBER_MUTE", target="손님", seconds=60)
    second, joined = await stage.back("둘째")
    answers = [await stage.guest.say(stage.room, "손님", "하나"), await second.say(stage.room, "둘째", "둘")]
    assert [answer["error"] for answer in answers] == ["muted", "muted"]
    assert all(0 < answer["retryAfter"] <= 60_000 for answer in answers)
    assert joined["mutedUntil"] > joined["at"]


async def test_a_mute_is_lifted_with_no_seconds(stage: Stage) -> None:
    await stage.ask("MEMBER_MUTE", target="손님", seconds=60)
    assert (await stage.ask("MEMBER_MUTE", target="손님", seconds=0))["until"] == 0
    assert (await stage.guest.say(stage.room, "손님", "다시 왔어요"))["status"] is True
    assert await Mute.objects.acount() == 0


async def test_a_muted_visitor_who_comes_back_elsewhere_is_muted_still(stage: Stage) -> None:
    await stage.ask("MEMBER_MUTE", target="손님", seconds=60)
    await stage.guest.ask("CLIENT_ROOM_EXIT", roomID=stage.room, userName="손님")
    client, _ = await stage.back("새이름")
    assert (await client.say(stage.room, "새이름", "저는 다른 사람"))["error"] == "muted"


async def test_a_repeated_mute_goes_to_the_caller_only(stage: Stage) -> None:
    first = await stage.ask("MEMBER_MUTE", target="손님", seconds=60, ref="m1")
    await heard(stage.guest)
    assert await stage.ask("MEMBER_MUTE", target="손님", seconds=60, ref="m1") == first
    assert await heard(stage.guest) == []


# --- lock, slow mode, topic ------------------------------------------------------------------------------------------


async def test_nobody_new_comes_into_a_locked_room(stage: Stage) -> None:
    answer = await stage.ask("ROOM_LOCK", locked=True, ref="x1")
    assert brief(answer, "type", "status", "locked", "by", "ref") == ("SERVER_ROOM_LOCK", True, True, "host", "x1")
    assert (await (await stage.connect()).join(stage.room, "셋째"))["error"] == "room_locked"


async def test_who_is_in_a_locked_room_may_return_within_the_grace(stage: Stage) -> None:
    await stage.ask("ROOM_LOCK", locked=True)
    await stage.guest.drop()
    _, answer = await stage.back()
    assert brief(answer, "status", "locked") == (True, True)


async def test_an_unlocked_room_lets_people_in_again(stage: Stage) -> None:
    for locked in (True, False):
        await stage.ask("ROOM_LOCK", locked=locked)
    assert (await (await stage.connect()).join(stage.room, "셋째"))["status"] is True


async def test_slow_mode_has_guests_wait_and_not_the_host(stage: Stage) -> None:
    answer = await stage.ask("ROOM_SLOW", seconds=30)
    assert brief(answer, "type", "seconds", "by") == ("SERVER_ROOM_SLOW", 30, "host")
    assert [(await stage.host.say(stage.room, "주인", str(n)))["status"] for n in range(2)] == [True, True]
    assert (await stage.guest.say(stage.room, "손님", "하나"))["status"] is True
    refused = await stage.guest.say(stage.room, "손님", "둘")
    assert refused["error"] == "too_fast"
    assert 20_000 < refused["retryAfter"] <= 30_000


async def test_slow_mode_holds_without_flood_control(stage: Stage, settings: Settings) -> None:
    settings.ROOMS_FLOOD_CONTROL = False
    await stage.ask("ROOM_SLOW", seconds=30)
    answers = [await stage.guest.say(stage.room, "손님", str(n)) for n in range(2)]
    assert [answer.get("error") for answer in answers] == [None, "too_fast"]


async def test_a_topic_is_cleaned_and_shown_to_who_comes_in(stage: Stage) -> None:
    assert (await stage.ask("ROOM_TOPIC", topic="  봄꽃 이야기 "))["topic"] == "봄꽃 이야기"
    joined = await (await stage.connect()).join(stage.room, "셋째")
    assert brief(joined, "topic", "locked", "slow", "mutedUntil") == ("봄꽃 이야기", False, 0, 0)


async def test_a_topic_may_be_empty(stage: Stage) -> None:
    await stage.ask("ROOM_TOPIC", topic="봄꽃")
    assert (await stage.ask("ROOM_TOPIC", topic="  "))["topic"] == ""


@pytest.mark.parametrize("topic", ["두\n줄", "가" * 81, "종\u0007"])
async def test_a_topic_that_breaks_the_rules_is_a_bad_field(stage: Stage, topic: str) -> None:
    assert brief(await stage.ask("ROOM_TOPIC", topic=topic), "error", "field") == ("bad_field", "topic")


async def test_the_list_of_rooms_has_topic_and_lock(stage: Stage) -> None:
    await stage.ask("ROOM_TOPIC", topic="봄꽃")
    await stage.ask("ROOM_LOCK", locked=True)
    listed = await (await stage.connect()).ask("CLIENT_ROOM_LIST")
    assert [brief(room, "topic", "locked") for room in listed["rooms"]] == [("봄꽃", True)]


# --- transfer --------------------------------------------------------------------------------------------------------


async def test_the_new_host_has_all_rights_and_the_old_one_none(stage: Stage) -> None:
    answer = await stage.ask("HOST_TRANSFER", target="손님", ref="t1")
    assert brief(answer, "type", "status", "nickName", "by", "ref") == (
        *("SERVER_HOST_TRANSFER", True, "손님", "host", "t1"),
    )
    assert (await stage.ask("ROOM_LOCK", locked=True))["error"] == "not_host"
    locked = await stage.guest.ask("CLIENT_ROOM_LOCK", roomID=stage.room, userName="손님", locked=True)
    assert locked["status"] is True


async def test_a_repeated_transfer_is_answered_though_the_caller_is_no_host_any_more(stage: Stage) -> None:
    first = await stage.ask("HOST_TRANSFER", target="손님", ref="t1")
    assert await stage.ask("HOST_TRANSFER", target="손님", ref="t1") == first


async def test_the_old_host_may_leave_without_closing_the_room(stage: Stage) -> None:
    await stage.ask("HOST_TRANSFER", target="손님")
    await stage.host.ask("CLIENT_ROOM_EXIT", roomID=stage.room, userName="주인")
    assert (await stage.guest.say(stage.room, "손님", "이제 제 방"))["status"] is True


async def test_an_heir_whom_no_connection_holds_is_not_in_the_room(stage: Stage) -> None:
    await stage.guest.drop()
    await heard(stage.host)
    answer = await stage.ask("HOST_TRANSFER", target="손님")
    assert brief(answer, "error", "field", "target") == ("not_in_room", "target", "손님")


async def test_an_heir_hosts_no_more_rooms_than_allowed(stage: Stage, settings: Settings) -> None:
    settings.ROOMS_ROOMS_PER_VISITOR = 1
    await stage.guest.create("딴 방", "손님")
    assert (await stage.ask("HOST_TRANSFER", target="손님"))["error"] == "too_many_rooms"
    host = await Host.objects.aget(room_id=stage.room)
    assert host.nickname == "주인"


async def test_blocks_and_mutes_stay_when_the_host_changes(stage: Stage) -> None:
    third = await stage.connect()
    await third.join(stage.room, "셋째")
    await stage.ask("MEMBER_MUTE", target="손님", seconds=60)
    await stage.ask("HOST_TRANSFER", target="셋째")
    assert (await stage.guest.say(stage.room, "손님", "저기"))["error"] == "muted"


# --- who may ----------------------------------------------------------------------------------------------------------

ASKED: dict[str, Message] = {
    "MEMBER_KICK": {"target": "손님"},
    "MEMBER_MUTE": {"target": "손님", "seconds": 60},
    "HOST_TRANSFER": {"target": "손님"},
    "BLOCK_LIST": {},
    "BLOCK_LIFT": {"tag": "abcde"},
    "ROOM_LOCK": {"locked": True},
    "ROOM_SLOW": {"seconds": 5},
    "ROOM_TOPIC": {"topic": "봄"},
}
AT_SOMEONE = ("MEMBER_KICK", "MEMBER_MUTE", "HOST_TRANSFER")


@pytest.mark.parametrize("command", ASKED)
async def test_a_guest_may_not(stage: Stage, command: str) -> None:
    answer = await stage.guest.ask(f"CLIENT_{command}", roomID=stage.room, userName="손님", **ASKED[command])
    assert brief(answer, "type", "status", "error", "roomID") == (f"SERVER_{command}", False, "not_host", stage.room)


@pytest.mark.parametrize("command", ASKED)
async def test_the_hosts_name_alone_is_no_right(stage: Stage, command: str) -> None:
    answer = await stage.guest.ask(f"CLIENT_{command}", roomID=stage.room, userName="주인", **ASKED[command])
    assert answer["error"] == "not_in_room"


@pytest.mark.parametrize("command", AT_SOMEONE)
async def test_nobody_does_it_to_themselves(stage: Stage, command: str) -> None:
    await stage.host.join(stage.room, "주인이")
    for name in ("주인", "주인이"):
        answer = await stage.ask(command, **ASKED[command] | {"target": name})
        assert brief(answer, "error", "field", "target") == ("bad_field", "target", name)


@pytest.mark.parametrize("command", AT_SOMEONE)
async def test_a_target_who_is_not_there_is_named(stage: Stage, command: str) -> None:
    answer = await stage.ask(command, **ASKED[command] | {"target": "없는이"})
    assert brief(answer, "error", "field", "target") == ("not_in_room", "target", "없는이")


@pytest.mark.parametrize("command", AT_SOMEONE)
async def test_a_target_that_is_no_name_is_a_bad_field_before_all_else(stage: Stage, command: str) -> None:
    asked = ASKED[command] | {"target": "\u3164"}
    answer = await stage.guest.ask(f"CLIENT_{command}", roomID=1, userName="누구", **asked)
    assert brief(answer, "error", "field") == ("bad_field", "target")


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("MEMBER_MUTE", {"target": "손님", "seconds": 86_401}),
        ("MEMBER_MUTE", {"target": "손님", "seconds": -1}),
        ("ROOM_SLOW", {"seconds": 301}),
        ("ROOM_LOCK", {"locked": 1}),
        ("BLOCK_LIFT", {"tag": ""}),
        ("MEMBER_KICK", {}),
    ],
)
async def test_a_wrong_field_is_refused(stage: Stage, command: str, wrong: Message) -> None:
    assert brief(await stage.ask(command, **wrong), "status", "error") == (False, "bad_field")


@pytest.mark.parametrize("command", ASKED)
async def test_nothing_is_done_without_the_database(
    stage: Stage, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await heard(stage.guest)

    def away(*_: object) -> None:
        raise OperationalError("cannot be reached")

    monkeypatch.setattr("rooms.models.reach._checked_connection", away)
    assert (await stage.ask(command, **ASKED[command]))["error"] == "unavailable"
    assert await heard(stage.guest) == []


REPEATED: dict[str, Message] = {
    "ROOM_LOCK": {"locked": True},
    "ROOM_SLOW": {"seconds": 5},
    "ROOM_TOPIC": {"topic": "봄"},
    "MEMBER_MUTE": {"target": "손님", "seconds": 60},
    "MEMBER_KICK": {"target": "손님"},
    "HOST_TRANSFER": {"target": "손님"},
    "CHAT_REMOVE": {},
    "CHAT_REACT": {"reaction": "like", "on": True},
    "CHAT_REPORT": {"reason": "spam"},
}


@pytest.mark.parametrize("command", REPEATED)
async def test_what_another_connection_of_the_caller_repeats_is_answered_alike_and_does_nothing(
    stage: Stage, command: str
) -> None:
    cookie = a_cookie()
    one, two = await stage.connect(cookie), await stage.connect(cookie)
    room = (await one.create("딴 방", "임자"))["roomID"]
    await two.join(room, "임자")
    await stage.guest.join(room, "손님")
    fields = dict(REPEATED[command])
    if command.startswith("CHAT"):
        fields["line"] = (await one.say(room, "임자", "하나"))["seq"]
    first = await one.ask(f"CLIENT_{command}", roomID=room, userName="임자", **fields, ref="r")
    for client in (one, two, stage.guest):
        await heard(client)
    assert await two.ask(f"CLIENT_{command}", roomID=room, userName="임자", **fields, ref="r") == first
    assert [await heard(client) for client in (one, two, stage.guest)] == [[], [], []]


async def test_answers_keep_the_order_of_their_commands(stage: Stage) -> None:
    for ref in ("r1", "r2", "r3"):
        await stage.host.send("CLIENT_ROOM_SLOW", roomID=stage.room, userName="주인", seconds=0, ref=ref)
    await stage.host.send("CLIENT_HELLO", ref="r4")
    assert [(await stage.host.receive())["ref"] for _ in range(4)] == ["r1", "r2", "r3", "r4"]


# --- what outlives the live store's memory ----------------------------------------------------------------------------


async def test_all_rules_outlive_the_stores_memory(stage: Stage, server: Node, forget: Any, settings: Settings) -> None:
    third = await stage.connect()
    await third.join(stage.room, "셋째")
    await stage.ask("MEMBER_KICK", target="손님")
    await stage.ask("MEMBER_MUTE", target="셋째", seconds=60)
    await stage.ask("ROOM_TOPIC", topic="봄꽃")
    await stage.ask("ROOM_SLOW", seconds=30)
    await stage.ask("HOST_TRANSFER", target="셋째")
    forget(server.store)
    await server.keeper.restore()
    assert (await stage.back())[1]["error"] == "banned"
    assert (await third.say(stage.room, "셋째", "저기"))["error"] == "muted"
    seen = await (await stage.connect()).join(stage.room, "넷째")
    assert brief(seen, "topic", "slow", "host") == ("봄꽃", 30, "셋째")


async def test_a_refused_operation_leaves_the_database_as_it_was(
    stage: Stage, server: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rooms.live.contract import refusal
    from rooms.live.moderation import Change, Kick, Transfer
    from rooms.live.moderation import Mute as LiveMute

    ask = server.hub.ask

    async def refusing(connection: Any, operation: Any, lost: Any) -> Any:
        if isinstance(operation, Change | Kick | LiveMute | Transfer):
            raise refusal("not_host")
        return await ask(connection, operation, lost)

    await stage.ask("MEMBER_MUTE", target="손님", seconds=60)
    before = await Mute.objects.aget()
    monkeypatch.setattr(server.hub, "ask", refusing)
    for command in ("MEMBER_KICK", "MEMBER_MUTE", "HOST_TRANSFER", "ROOM_LOCK", "ROOM_SLOW", "ROOM_TOPIC"):
        await stage.ask(command, **ASKED[command])
    assert await Block.objects.acount() == 0
    assert (await Mute.objects.aget()).until == before.until
    assert (await Host.objects.aget(room_id=stage.room)).nickname == "주인"
    row = await Room.objects.aget(id=stage.room)
    assert (row.topic, row.locked, row.slow) == ("", False, 0)


async def test_who_may_set_no_topic_is_told_nothing_of_the_operators_words(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    unwanted = words.Lists(frozenset(), words.Words(["바보"]), None)
    monkeypatch.setattr(words, "lists", lambda: unwanted)
    answer = await stage.guest.ask("CLIENT_ROOM_TOPIC", roomID=stage.room, userName="손님", topic="바보")
    assert answer["error"] == "not_host"


@pytest.mark.parametrize(
    ("command", "fields"), [("MEMBER_KICK", {"target": "손님"}), ("CHAT_REACT", {"reaction": "like", "on": True})]
)
async def test_what_has_an_answer_of_its_own_is_answered_once_though_its_event_is_lost(
    stage: Stage, server: Node, monkeypatch: pytest.MonkeyPatch, command: str, fields: Message
) -> None:
    ask = server.hub.ask

    async def losing(connection: Any, operation: Any, lost: Any) -> Any:
        answer = await ask(connection, operation, lost)
        lost()
        return answer

    line = (await stage.host.say(stage.room, "주인", "하나"))["seq"]
    monkeypatch.setattr(server.hub, "ask", losing)
    more = {"line": line} if command == "CHAT_REACT" else {}
    assert (await stage.ask(command, **fields, **more, ref="z"))["status"] is True
    assert [each for each in await heard(stage.host) if each.get("ref") == "z"] == []


async def test_whom_too_many_others_follow_on_the_list_may_come_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rooms.models.people.BLOCKS_MAX", 1)
    third = await stage.connect()
    await third.join(stage.room, "셋째")
    for name in ("손님", "셋째"):
        await stage.ask("MEMBER_KICK", target=name)
    assert [block["nickName"] for block in (await stage.ask("BLOCK_LIST"))["blocks"]] == ["셋째"]
    assert (await stage.back())[1]["status"] is True


async def test_a_list_that_is_watched_tells_of_topic_lock_and_host(stage: Stage) -> None:
    watcher = await stage.connect()
    await watcher.ask("CLIENT_ROOM_LIST", watch=True)
    for command, fields in (("ROOM_TOPIC", {"topic": "봄"}), ("ROOM_LOCK", {"locked": True})):
        await stage.ask(command, **fields)
        [row] = (await watcher.until("SERVER_ROOM_UPDATE"))["rooms"]
        assert brief(row, *fields) == tuple(fields.values())
    await stage.ask("HOST_TRANSFER", target="손님")
    assert (await watcher.until("SERVER_ROOM_UPDATE"))["rooms"][0]["host"] == "손님"


async def test_a_topic_has_none_of_the_operators_words(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    unwanted = words.Lists(frozenset(), words.Words(["바보"]), None)
    monkeypatch.setattr(words, "lists", lambda: unwanted)
    assert brief(await stage.ask("ROOM_TOPIC", topic="바 보 들"), "error", "topic") == ("not_allowed", "바 보 들")
