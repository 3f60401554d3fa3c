"""What people do about a line: take it back, answer it, react to it, report it, over sockets."""

import asyncio
import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from rooms.models import Report
from rooms.models.reports import REPORTS_MAX
from rooms.node import Node
from tests.conftest import Client, Connect, Message, heard

ROOM = "사랑방"


class Stage:
    """A room with its host 주인 and a guest 손님."""

    def __init__(self, connect: Connect, host: Client, guest: Client, room: int) -> None:
        self.connect, self.host, self.guest, self.room = connect, host, guest, room

    async def by_host(self, command: str, **fields: Any) -> Message:
        return await self.host.ask(f"CLIENT_{command}", roomID=self.room, userName="주인", **fields)

    async def by_guest(self, command: str, **fields: Any) -> Message:
        return await self.guest.ask(f"CLIENT_{command}", roomID=self.room, userName="손님", **fields)

    async def said(self, message: str, **fields: Any) -> int:
        """The guest says something; the line's number."""
        return int((await self.guest.say(self.room, "손님", message, **fields))["seq"])


@pytest.fixture(autouse=True)
def quick_sweeps(settings: Settings) -> None:
    """Before the node starts, which would wait a second for its next sweep."""
    settings.ROOMS_SWEEP = 0.02


@pytest.fixture
async def stage(connect: Connect) -> Stage:
    host, guest = await connect(), await connect()
    created = await host.create(ROOM, "주인")
    await guest.join(created["roomID"], "손님")
    await host.until("SERVER_ROOM_JOIN")
    return Stage(connect, host, guest, created["roomID"])


def brief(message: Message, *fields: str) -> tuple[Any, ...]:
    return tuple(message.get(field) for field in fields)


# --- taking back -----------------------------------------------------------------------------------------------------


async def test_an_author_takes_a_line_back_for_all(stage: Stage) -> None:
    line = await stage.said("잘못 썼어요")
    answer = await stage.by_guest("CHAT_REMOVE", line=line, ref="r1")
    assert brief(answer, "type", "status", "line", "by", "ref") == ("SERVER_CHAT_REMOVE", True, line, "author", "r1")
    assert (await stage.host.until("SERVER_CHAT_REMOVE"))["seq"] == answer["seq"]


async def test_the_host_takes_back_any_line(stage: Stage) -> None:
    line = await stage.said("나쁜 말")
    assert brief(await stage.by_host("CHAT_REMOVE", line=line), "status", "by") == (True, "host")


async def test_nobody_else_takes_a_line_back(stage: Stage) -> None:
    line = (await stage.host.say(stage.room, "주인", "제 말"))["seq"]
    answer = await stage.by_guest("CHAT_REMOVE", line=line)
    assert brief(answer, "status", "error", "roomID", "line") == (False, "not_host", stage.room, line)


async def test_what_is_no_line_cannot_be_taken_back(stage: Stage) -> None:
    line = await stage.said("한 번")
    await stage.by_guest("CHAT_REMOVE", line=line)
    for number in (line, 1, 0):
        assert brief(await stage.by_guest("CHAT_REMOVE", line=number), "error", "field") == ("bad_field", "line")


async def test_a_line_that_was_taken_back_is_not_sent_again(stage: Stage) -> None:
    before = (await stage.host.say(stage.room, "주인", "하나"))["seq"]
    line = await stage.said("둘")
    await stage.by_guest("CHAT_REMOVE", line=line)
    await heard(stage.guest)
    joined = await stage.guest.join(stage.room, "손님", after=before)
    events = await heard(stage.guest)
    assert joined["recovered"] is True
    assert [brief(event, "type", "seq", "line") for event in events] == [
        ("SERVER_CHAT_REMOVE", line, line),
        ("SERVER_CHAT_REMOVE", line + 1, line),
    ]


async def test_a_repeat_of_a_removed_lines_ref_is_told_of_its_removal(stage: Stage) -> None:
    line = await stage.said("둘", ref="m1")
    await stage.by_guest("CHAT_REMOVE", line=line)
    answer = await stage.guest.say(stage.room, "손님", "둘", ref="m1")
    assert brief(answer, "type", "seq", "line") == ("SERVER_CHAT_REMOVE", line, line)


async def test_a_repeated_removal_goes_to_the_caller_only(stage: Stage) -> None:
    line = await stage.said("둘")
    first = await stage.by_guest("CHAT_REMOVE", line=line, ref="r1")
    await heard(stage.host)
    assert await stage.by_guest("CHAT_REMOVE", line=line, ref="r1") == first
    assert await heard(stage.host) == []


async def test_a_line_removed_while_somebody_comes_back_is_gone_for_them(stage: Stage) -> None:
    before = (await stage.host.say(stage.room, "주인", "하나"))["seq"]
    line = await stage.said("둘")
    await stage.host.send("CLIENT_CHAT_REMOVE", roomID=stage.room, userName="주인", line=line)
    await stage.guest.join(stage.room, "손님", after=before)
    await stage.host.until("SERVER_CHAT_REMOVE")
    events = await heard(stage.guest)
    assert ("SERVER_CHAT_REMOVE", line) in [brief(event, "type", "line") for event in events]


# --- answering -------------------------------------------------------------------------------------------------------


async def test_a_reply_says_which_line_it_answers(stage: Stage) -> None:
    line = await stage.said("점심 뭐 먹어요?")
    answer = await stage.host.say(stage.room, "주인", "국수요", replyTo=line)
    assert brief(answer, "status", "replyTo") == (True, line)
    assert (await stage.guest.until("SERVER_CHAT_SEND"))["replyTo"] == line


async def test_a_line_that_is_not_kept_cannot_be_answered(stage: Stage) -> None:
    line = await stage.said("잠깐")
    await stage.by_guest("CHAT_REMOVE", line=line)
    for number in (line, 1, 0):
        answer = await stage.guest.say(stage.room, "손님", "네?", replyTo=number)
        assert brief(answer, "error", "field") == ("bad_field", "replyTo")


async def test_a_line_without_reply_has_no_such_field(stage: Stage) -> None:
    assert "replyTo" not in await stage.guest.say(stage.room, "손님", "안녕하세요", replyTo=None)


# --- reactions -------------------------------------------------------------------------------------------------------


async def test_a_reaction_is_answered_at_once_and_counted_for_all(stage: Stage) -> None:
    line = await stage.said("소풍 가요")
    answer = await stage.by_host("CHAT_REACT", line=line, reaction="like", on=True)
    assert brief(answer, "type", "status", "roomID", "line", "reaction", "on", "seq") == (
        *("SERVER_CHAT_REACT", True, stage.room, line, "like", True, None),
    )
    event = await stage.guest.until("SERVER_CHAT_REACT")
    assert brief(event, "line", "reaction", "count", "ref") == (line, "like", 1, None)


async def test_a_visitor_counts_once_for_a_reaction(stage: Stage) -> None:
    line = await stage.said("소풍 가요")
    for on in (True, True, False):
        await stage.by_host("CHAT_REACT", line=line, reaction="heart", on=on)
    counts: list[int] = []
    while counts[-1:] != [0]:
        counts.append((await stage.guest.until("SERVER_CHAT_REACT"))["count"])
    assert counts in ([1, 0], [0])


async def test_a_repeated_reaction_is_answered_alike_and_undoes_nothing(stage: Stage) -> None:
    line = await stage.said("소풍 가요")
    first = await stage.by_host("CHAT_REACT", line=line, reaction="heart", on=True, ref="y1")
    await stage.guest.until("SERVER_CHAT_REACT")
    await stage.by_host("CHAT_REACT", line=line, reaction="heart", on=False)
    assert await stage.by_host("CHAT_REACT", line=line, reaction="heart", on=True, ref="y1") == first
    assert (await stage.guest.until("SERVER_CHAT_REACT"))["count"] == 0


async def test_a_repeated_reaction_is_answered_alike_though_its_line_is_gone(stage: Stage) -> None:
    line = await stage.said("소풍 가요")
    first = await stage.by_host("CHAT_REACT", line=line, reaction="heart", on=True, ref="y1")
    await stage.by_guest("CHAT_REMOVE", line=line)
    await stage.host.until("SERVER_CHAT_REMOVE")
    assert await stage.by_host("CHAT_REACT", line=line, reaction="heart", on=True, ref="y1") == first


async def test_what_is_no_line_gets_no_reaction(stage: Stage) -> None:
    answer = await stage.by_host("CHAT_REACT", line=1, reaction="like", on=True)
    assert brief(answer, "status", "error", "field", "reaction", "on") == (False, "bad_field", "line", "like", True)


async def test_a_reaction_that_is_none_is_a_bad_field(stage: Stage) -> None:
    line = await stage.said("소풍 가요")
    answer = await stage.by_host("CHAT_REACT", line=line, reaction="angry", on=True)
    assert brief(answer, "error", "field") == ("bad_field", "reaction")


async def test_who_is_muted_does_not_react(stage: Stage) -> None:
    line = await stage.said("소풍 가요")
    await stage.by_host("MEMBER_MUTE", target="손님", seconds=60)
    answer = await stage.by_guest("CHAT_REACT", line=line, reaction="like", on=True)
    assert answer["error"] == "muted"
    assert 0 < answer["retryAfter"] <= 60_000


# --- reports ---------------------------------------------------------------------------------------------------------


async def test_a_report_keeps_the_line_and_four_on_either_side(stage: Stage) -> None:
    lines = [await stage.said(str(number)) for number in range(10)]
    answer = await stage.by_host("CHAT_REPORT", line=lines[5], reason="abuse", note=" 무서워요 ")
    assert brief(answer, "type", "status", "roomID", "line") == ("SERVER_CHAT_REPORT", True, stage.room, lines[5])
    report = await Report.objects.aget()
    assert (report.room_name, report.reason, report.note, report.nickname) == (ROOM, "abuse", "무서워요", "손님")
    assert [line["message"] for line in report.lines] == [str(number) for number in range(1, 10)]
    assert [line["message"] for line in report.lines if line["reported"]] == ["5"]
    assert len(report.visitor) == len(report.reporter) == 32


async def test_a_report_leaves_out_what_was_taken_back(stage: Stage) -> None:
    lines = [await stage.said(str(number)) for number in range(3)]
    await stage.by_guest("CHAT_REMOVE", line=lines[0])
    await stage.by_host("CHAT_REPORT", line=lines[1], reason="spam")
    report = await Report.objects.aget()
    assert [line["message"] for line in report.lines] == ["1", "2"]


async def test_the_one_who_is_reported_hears_nothing(stage: Stage) -> None:
    line = await stage.said("나쁜 말")
    await stage.by_host("CHAT_REPORT", line=line, reason="abuse")
    assert await heard(stage.guest) == []


async def test_a_report_of_who_has_gone_says_who_it_was_to_this_room(stage: Stage) -> None:
    line = await stage.said("나쁜 말")
    await stage.by_guest("ROOM_EXIT")
    await stage.by_host("CHAT_REPORT", line=line, reason="abuse")
    report = await Report.objects.aget()
    assert (report.visitor, len(report.person)) == ("", 20)


async def test_a_repeated_report_is_one(stage: Stage) -> None:
    line = await stage.said("나쁜 말")
    answers = [await stage.by_host("CHAT_REPORT", line=line, reason="abuse", ref="p1") for _ in range(2)]
    assert answers[0] == answers[1]
    assert await Report.objects.acount() == 1


async def test_a_ref_that_is_used_again_after_its_time_is_another_report(stage: Stage) -> None:
    line = await stage.said("나쁜 말")
    for reports in (1, 2):
        assert (await stage.by_host("CHAT_REPORT", line=line, reason="abuse", ref="1"))["status"] is True
        assert await Report.objects.acount() == reports
        await Report.objects.aupdate(at=timezone.now() - timedelta(minutes=3))


async def test_a_repeated_report_of_a_line_that_is_gone_meanwhile_is_answered_alike(stage: Stage) -> None:
    line = await stage.said("나쁜 말")
    first = await stage.by_host("CHAT_REPORT", line=line, reason="abuse", ref="p1")
    await stage.by_guest("CHAT_REMOVE", line=line)
    await heard(stage.host)
    assert await stage.by_host("CHAT_REPORT", line=line, reason="abuse", ref="p1") == first


async def test_a_line_that_has_just_expired_cannot_be_reported(stage: Stage, server: Node) -> None:
    line = await stage.said("나쁜 말")
    await stage.by_guest("CHAT_REMOVE", line=line)
    answer = await stage.by_host("CHAT_REPORT", line=line, reason="abuse", note="뭐라고 했더라")
    assert brief(answer, "error", "field", "line", "reason", "note") == (
        *("bad_field", "line", line, "abuse", "뭐라고 했더라"),
    )
    assert await Report.objects.acount() == 0


async def test_a_visitor_reports_five_times_in_ten_minutes(stage: Stage) -> None:
    line = await stage.said("나쁜 말")
    answers = [await stage.by_host("CHAT_REPORT", line=line, reason="other") for _ in range(6)]
    assert [answer["status"] for answer in answers] == [True] * 5 + [False]
    assert answers[5]["error"] == "too_fast"
    assert 500_000 < answers[5]["retryAfter"] <= 600_000


@pytest.mark.parametrize("wrong", [{"reason": "boring"}, {"note": "가" * 201}, {"note": "\x07"}, {"line": -1}])
async def test_a_wrong_field_of_a_report_is_named(stage: Stage, wrong: Message) -> None:
    answer = await stage.by_host("CHAT_REPORT", **{"line": 1, "reason": "abuse"} | wrong)
    assert brief(answer, "error", "field") == ("bad_field", *wrong)


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("CHAT_REMOVE", {"line": 1}),
        ("CHAT_REACT", {"line": 1, "reaction": "like", "on": True}),
        ("CHAT_REPORT", {"line": 1, "reason": "abuse"}),
    ],
)
async def test_only_who_is_in_the_room_does_anything_about_its_lines(
    stage: Stage, command: str, fields: Message
) -> None:
    stranger = await stage.connect()
    answer = await stranger.ask(f"CLIENT_{command}", roomID=stage.room, userName="손님", **fields)
    assert brief(answer, "type", "error") == (f"SERVER_{command}", "not_in_room")


async def test_reactions_are_told_at_most_twice_a_second(stage: Stage) -> None:
    line = await stage.said("소풍 가요")
    names = ("like", "heart", "laugh", "wow", "sad", "clap")
    for name in names:
        await stage.by_host("CHAT_REACT", line=line, reaction=name, on=True)
    told: list[Message] = []
    async with asyncio.timeout(10):
        while len(told) < len(names):
            told.append(await stage.guest.until("SERVER_CHAT_REACT"))
    moments = sorted({event["at"] for event in told})
    assert all(later - earlier >= 450 for earlier, later in itertools.pairwise(moments))


async def test_a_hello_tells_the_limits_of_lines_and_reports(stage: Stage) -> None:
    limits = (await stage.guest.ask("CLIENT_HELLO"))["limits"]
    expected = {"topicChars": 80, "noteChars": 200, "ownLineSeconds": 300, "reportsPer10Minutes": REPORTS_MAX}
    assert {name: limits.get(name) for name in expected} == expected
