"""``manage.py rooms`` beside two running servers: what it shows, what people hear of it, and how it ends."""

import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis
from django.core.management import CommandError, call_command

from rooms.management.table import table, width
from tests.scene import saw
from tests.servers import ROOT, Cluster, cluster
from tests.talk import Talker

AT_ONCE = 1
"""Seconds in which an event is heard that comes through the layer; comparing with the store takes 20 s here."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    environment = {"ROOMS_POSITION_CHECK": "20", "ROOMS_RECONCILE": "20", "TIME_ZONE": "Asia/Seoul"}
    with cluster(tmp_path_factory.mktemp("console"), workers=2, environment=environment) as running:
        yield running


def call(system: Cluster, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    return subprocess.run(
        [sys.executable, "manage.py", "rooms", *words],
        env=os.environ | system.environment | environment,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


async def run(system: Cluster, *words: str) -> str:
    """Run the command while people are there; it must work. Returns what it says."""
    done = await asyncio.to_thread(call, system, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def found(system: Cluster, *words: str) -> Any:
    """The same, as data."""
    return json.loads(await run(system, *words, "--json"))


@contextlib.asynccontextmanager
async def people(system: Cluster) -> AsyncIterator[tuple[Talker, Talker]]:
    """A host on one worker, a guest on the other."""
    draw = random.Random(time.monotonic_ns())
    host = await Talker([system.urls[0]], None, f"주인{draw.randrange(10**6)}", draw).enter()
    guest = await Talker([system.urls[1]], host.room, "손님", draw).enter()
    try:
        yield host, guest
    finally:
        await asyncio.gather(host.stop(), guest.stop())


def heard(talker: Talker, type: str) -> list[dict[str, Any]]:
    return [event for stretch in talker.stretches for event in stretch.events if event["type"] == type]


async def hear(type: str, *talkers: Talker) -> list[list[dict[str, Any]]]:
    """What each hears of a type, at once."""
    for talker in talkers:
        await talker.until(lambda talker: saw(talker, type), AT_ONCE)
    return [heard(talker, type) for talker in talkers]


# --- what people hear -------------------------------------------------------------------------------------------------


async def test_a_notice_is_heard_on_both_workers(system: Cluster) -> None:
    async with people(system) as (host, guest):
        assert "done" in await run(system, "notice", str(host.room), "서로 친절하게 해 주세요.")
        for said in await hear("SERVER_ROOM_NOTICE", host, guest):
            assert [event["message"] for event in said] == ["서로 친절하게 해 주세요."]


async def test_a_notice_to_all_is_heard_in_every_room(system: Cluster) -> None:
    async with people(system) as (host, _), people(system) as (other, guest):
        await run(system, "notice", "all", "곧 다시 시작합니다.")
        await hear("SERVER_ROOM_NOTICE", host, other, guest)


async def test_a_room_is_closed_and_the_reason_said_before(system: Cluster) -> None:
    async with people(system) as (host, guest):
        await run(system, "close", str(host.room), "--reason", "광고 방입니다.")
        for end in await hear("SERVER_ROOM_DELETE", host, guest):
            assert end[0]["reason"] == "moderator"
        assert heard(guest, "SERVER_ROOM_NOTICE")[0]["message"] == "광고 방입니다."
        assert host.room not in [row["room"] for row in await found(system, "list")]


async def test_a_person_who_is_put_out_cannot_come_back(system: Cluster) -> None:
    async with people(system) as (host, guest):
        assert "손님" in await run(system, "kick", str(host.room), "손님 ")
        (gone,), _ = await hear("SERVER_ROOM_EXIT", host, guest)
        assert (gone["nickName"], gone["reason"]) == ("손님", "kicked")
        guest.break_off()
        await guest.until(lambda guest: any(answer["error"] == "banned" for answer in guest.refused), 10)
        kept_out = (await found(system, "show", str(host.room)))["keptOut"]
        assert [who["name"] for who in kept_out] == ["손님"]


async def test_a_banned_person_is_put_out_and_comes_nowhere(system: Cluster) -> None:
    async with people(system) as (host, guest):
        made = await found(system, "ban", str(host.room), "손님", "--days", "3", "--reason", "도배")
        await hear("SERVER_ROOM_EXIT", host)
        await guest.until(lambda guest: any(answer["error"] == "banned" for answer in guest.refused), 10)
        listed = next(row for row in await found(system, "bans") if row["ban"] == made["ban"])
        assert (listed["reason"], listed["room"], listed["tag"]) == ("도배", host.room, made["tag"])


async def test_a_ban_that_is_lifted_holds_no_more(system: Cluster) -> None:
    async with people(system) as (host, guest):
        made = await found(system, "ban", str(host.room), "손님")
        await guest.until(lambda guest: any(answer["error"] == "banned" for answer in guest.refused), 10)
        await run(system, "bans", "--lift", str(made["ban"]))
        assert made["ban"] not in [row["ban"] for row in await found(system, "bans")]
        assert made["ban"] in [row["ban"] for row in await found(system, "bans", "--all")]


# --- what it shows ----------------------------------------------------------------------------------------------------


async def test_the_list_says_how_many_are_in_and_who_hosts(system: Cluster) -> None:
    async with people(system) as (host, _):
        row = next(row for row in await found(system, "list") if row["room"] == host.room)
        assert (row["name"], row["people"], row["host"]) == (f"방 {host.nick}", 2, host.nick)
        assert f"방 {host.nick}" in await run(system, "list")


async def test_a_room_is_shown_with_the_people_in_it(system: Cluster) -> None:
    async with people(system) as (host, _):
        shown = await found(system, "show", str(host.room))
        assert [who["name"] for who in shown["members"]] == [host.nick, "손님"]
        assert "손님" in await run(system, "show", str(host.room))


async def test_it_tells_nobodys_secret(system: Cluster) -> None:
    async with people(system) as (host, _):
        hosts = [str(row[0]) for row in system.postgres.execute("select visitor from rooms_host")]
        await run(system, "ban", str(host.room), "손님")
        said = [await run(system, *words) for words in (["show", str(host.room), "--json"], ["bans", "--json"])]
        assert hosts
        assert not any(visitor in "".join(said) for visitor in hosts)


async def test_a_report_is_shown_with_its_lines_and_ends_in_a_ban(system: Cluster) -> None:
    async with people(system) as (host, guest):
        await guest.say("나쁜 말")
        ((line,), *_) = await hear("SERVER_CHAT_SEND", host)
        assert host._socket is not None
        await host._socket.send(host._text("CLIENT_CHAT_REPORT", line=line["seq"], reason="abuse", note="심해요"))
        reports: list[dict[str, Any]] = []
        while not reports:
            reports = [row for row in await found(system, "reports") if row["room"] == host.room]
        (row,) = reports
        assert (row["name"], row["message"], row["note"]) == ("손님", "나쁜 말", "심해요")
        assert "나쁜 말" in await run(system, "reports", str(row["report"]))
        await run(system, "ban", "report", str(row["report"]))
        await guest.until(lambda guest: any(answer["error"] == "banned" for answer in guest.refused), 10)
        resolved = await found(system, "reports", str(row["report"]))
        assert resolved["resolution"] == "banned"


def test_it_says_on_which_installation_and_database_it_works(system: Cluster) -> None:
    done = call(system, "bans")
    assert "Installation " in done.stderr
    assert "postgresql database postgres" in done.stderr
    assert "Installation" not in done.stdout


async def test_it_leaves_nothing_behind_in_redis(system: Cluster) -> None:
    async with people(system) as (host, _):
        await run(system, "notice", str(host.room), "안녕하세요")
        await run(system, "show", str(host.room))
    with redis.Redis.from_url(system.redis.url, decode_responses=True) as client:
        (leases,) = client.keys("*:leases")
        names = {*client.zrange(leases, 0, -1)}
        assert len(names) == len(system.workers)
        assert not any("errand" in key for key in client.keys("*"))


# --- how it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["show", "notice", "close", "kick", "ban"])
def test_a_room_that_is_not_open_is_refused(system: Cluster, act: str) -> None:
    words = {"notice": ["안녕"], "kick": ["손님"], "ban": ["손님"]}.get(act, [])
    done = call(system, act, "5", *words)
    assert (done.returncode, "No room 5 is open." in done.stderr + done.stdout) == (1, True), done.stderr


def refusal(*words: str) -> CommandError:
    """How the command ends in this process."""
    with pytest.raises(CommandError) as caught:
        call_command("rooms", *words)
    return caught.value


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("bans --lift 99999", "no ban 99999 is in force"),
        ("reports 99999", "there is no report 99999"),
    ],
)
def test_what_is_not_there_is_refused(words: str, sentence: str) -> None:
    problem = refusal(*words.split())
    assert (problem.returncode, sentence in str(problem)) == (1, True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "required: what"),
        ("show 방", "invalid number value"),
        ("show 0", "invalid number value"),
        ("notice 5", "required: message"),
        ("notice 5 " + "가" * 201, "invalid text of 200 characters"),
        ("ban report 손님", "no number of a report"),
        ("ban 5 손님 --days -1", "days"),
    ],
)
def test_what_is_not_understood_is_named(words: str, sentence: str) -> None:
    assert sentence in str(refusal(*words.split()))


def test_what_is_not_understood_ends_with_2(system: Cluster) -> None:
    assert call(system, "show", "방").returncode == 2


async def test_nobody_of_that_name_is_in_the_room(system: Cluster) -> None:
    async with people(system) as (host, _):
        for words in (["kick", str(host.room), "아무개"], ["ban", str(host.room), "아무개"]):
            done = await asyncio.to_thread(call, system, *words)
            assert (done.returncode, "is called 아무개" in done.stderr) == (1, True)


async def test_of_several_rooms_those_are_closed_that_are_open(system: Cluster) -> None:
    async with people(system) as (host, _):
        done = await asyncio.to_thread(call, system, "close", "5", str(host.room))
        assert done.returncode == 1
        await hear("SERVER_ROOM_DELETE", host)


LIVE = ["list", "show 5", "close 5", "notice all 안녕", "kick 5 손님", "ban 5 손님"]


@pytest.mark.django_db
@pytest.mark.parametrize("words", LIVE)
def test_without_redis_what_needs_live_rooms_is_refused(words: str) -> None:
    problem = refusal(*words.split())
    assert (problem.returncode, "Without REDIS_URL" in str(problem)) == (3, True)


def test_without_redis_the_refusal_is_the_exit_code(system: Cluster) -> None:
    assert call(system, "list", REDIS_URL="").returncode == 3


@pytest.mark.django_db
@pytest.mark.parametrize("words", ["bans", "reports"])
def test_without_redis_the_rest_works(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("rooms", words)
    assert f"No {words[:-1]} is" in capsys.readouterr().out


def test_a_redis_that_is_away_is_said_in_a_sentence(system: Cluster) -> None:
    done = call(system, "list", REDIS_URL="redis://127.0.0.1:1/0")
    assert (done.returncode, "Redis cannot be reached" in done.stderr) == (3, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_without_tables_is_said_in_a_sentence(system: Cluster, tmp_path: Any) -> None:
    done = call(system, "bans", DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3")
    assert (done.returncode, "have the migrations been run?" in done.stderr) == (3, True), done.stderr


def test_the_help_has_examples(system: Cluster) -> None:
    done = call(system, "--help")
    assert (done.returncode, "manage.py rooms kick 6120395817364512 달빛" in done.stdout) == (0, True)


# --- tables -----------------------------------------------------------------------------------------------------------


def test_korean_takes_two_columns_a_syllable() -> None:
    assert [width(text) for text in ("달빛", "moon", "달x", "e\u0301", "ㅎㅎ", "🙂", "")] == [4, 4, 3, 1, 4, 2, 0]


def test_the_columns_of_a_table_stand_under_each_other() -> None:
    lines = table(("name", "people", "host"), [("사랑방", 12, "달빛"), ("book club", None, None)]).splitlines()
    assert lines == ["name       people  host", "사랑방         12  달빛", "book club       -  -"]


def test_what_people_wrote_cannot_break_a_table() -> None:
    assert table(("message",), [("두\n줄\u202e\x1b[2J",)]).splitlines() == ["message", "두 줄  [2J"]
