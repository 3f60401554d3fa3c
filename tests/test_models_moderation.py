"""The models of moderation: who is kept out, who is muted, banned, reported, and for how long that is kept."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from rooms.models import BLOCKS_MAX, Ban, Block, Host, Mute, Report, Room, forget, random_id
from rooms.protocol import REPORT_REASONS

pytestmark = pytest.mark.django_db(transaction=True)

VISITOR, HEIR = uuid.UUID(int=7).hex, uuid.UUID(int=8).hex
PERSON, OTHER = "ab" * 10, "cd" * 10
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def room() -> Room:
    return await Room.objects.create_with_host(random_id(), "사랑방", True, VISITOR, "주인", "abcde")


def report(**fields: Any) -> Report:
    given = {"room_id": 5, "room_name": "방", "reason": "spam", "line": 9, "nickname": "손님", "tag": "abcde"}
    return Report(**given | {"person": PERSON, "reporter": VISITOR} | fields)


async def test_a_room_has_no_rules_at_first(room: Room) -> None:
    assert (room.topic, room.locked, room.slow) == ("", False, 0)


async def test_one_rule_is_changed_and_the_others_stay(room: Room) -> None:
    await Room.objects.set_rules(room.id, topic="오늘 저녁", slow=30)
    assert await Room.objects.set_rules(room.id, locked=True)
    await room.arefresh_from_db()
    assert (room.topic, room.locked, room.slow) == ("오늘 저녁", True, 30)


async def test_a_rule_can_be_taken_back(room: Room) -> None:
    await Room.objects.set_rules(room.id, topic="오늘 저녁", locked=True)
    await Room.objects.set_rules(room.id, topic="", locked=False)
    await room.arefresh_from_db()
    assert (room.topic, room.locked) == ("", False)


async def test_a_room_without_a_row_gets_no_rules() -> None:
    assert not await Room.objects.set_rules(5, locked=True)


@pytest.mark.parametrize("slow", [-1, 301])
async def test_slow_mode_out_of_range_is_refused_by_the_database(slow: int, room: Room) -> None:
    with pytest.raises(IntegrityError, match="slow"):
        await Room.objects.set_rules(room.id, slow=slow)


async def test_what_opens_a_room_is_found_whole(room: Room) -> None:
    later = timezone.now() + timedelta(minutes=1)
    await Block.objects.keep_out(room.id, PERSON, "손님", "abcde")
    await Mute.objects.mute(room.id, PERSON, "손님", "abcde", later)
    await Mute.objects.mute(room.id, OTHER, "다른", "fghij", timezone.now())
    found = await Room.objects.whole().aget(id=room.id)
    assert found.blocked == (PERSON,)
    assert found.muted == ((PERSON, round(later.timestamp() * 1000)),)


# --- who is kept out -------------------------------------------------------------------------------------------------


async def test_who_is_kept_out_twice_is_there_once_with_the_later_name(room: Room) -> None:
    await Block.objects.keep_out(room.id, PERSON, "손님", "abcde")
    await Block.objects.keep_out(room.id, PERSON, "새이름", "abcde")
    assert (await Block.objects.aget()).nickname == "새이름"


async def test_the_oldest_of_too_many_falls_out(room: Room) -> None:
    long_ago = timezone.now() - timedelta(days=1)
    many = [Block(room=room, person=f"{n:020}", nickname="손님", tag="abcde", at=long_ago) for n in range(BLOCKS_MAX)]
    await Block.objects.abulk_create(many)
    await Block.objects.filter(person=f"{7:020}").aupdate(at=long_ago - timedelta(days=1))
    await Block.objects.keep_out(room.id, PERSON, "손님", "abcde")
    assert await Block.objects.of(room.id).acount() == BLOCKS_MAX
    assert not await Block.objects.filter(person=f"{7:020}").aexists()


async def test_the_people_kept_out_come_newest_first(room: Room) -> None:
    await Block.objects.keep_out(room.id, PERSON, "손님", "abcde")
    await Block.objects.keep_out(room.id, OTHER, "다른", "fghij")
    assert [block.tag async for block in Block.objects.of(room.id)] == ["fghij", "abcde"]


async def test_who_is_let_in_again_is_found_by_the_tag(room: Room) -> None:
    await Block.objects.keep_out(room.id, PERSON, "손님", "abcde")
    assert await Block.objects.lift(room.id, "abcde") == PERSON
    assert await Block.objects.lift(room.id, "abcde") == ""


async def test_a_tag_of_another_room_lifts_nothing(room: Room) -> None:
    await Block.objects.keep_out(room.id, PERSON, "손님", "abcde")
    assert await Block.objects.lift(room.id + 1, "abcde") == ""


async def test_nobody_is_kept_out_of_a_room_that_is_gone() -> None:
    with pytest.raises(IntegrityError):
        await Block.objects.keep_out(5, PERSON, "손님", "abcde")


async def test_blocks_and_mutes_go_with_the_room(room: Room) -> None:
    await Block.objects.keep_out(room.id, PERSON, "손님", "abcde")
    await Mute.objects.mute(room.id, PERSON, "손님", "abcde", timezone.now() + timedelta(minutes=1))
    await room.adelete()
    assert (await Block.objects.acount(), await Mute.objects.acount()) == (0, 0)


# --- who may say nothing ---------------------------------------------------------------------------------------------


async def test_the_later_mute_stands(room: Room) -> None:
    later = timezone.now() + timedelta(minutes=1)
    await Mute.objects.mute(room.id, PERSON, "손님", "abcde", later + timedelta(hours=1))
    await Mute.objects.mute(room.id, PERSON, "손님", "abcde", later)
    assert (await Mute.objects.aget()).until == later


async def test_a_mute_is_lifted_once(room: Room) -> None:
    await Mute.objects.mute(room.id, PERSON, "손님", "abcde", timezone.now() + timedelta(minutes=1))
    assert await Mute.objects.unmute(room.id, PERSON)
    assert not await Mute.objects.unmute(room.id, PERSON)


# --- another host ----------------------------------------------------------------------------------------------------


async def transfer(room: Room, giver: str = VISITOR, most: int = 5) -> bool:
    return await Host.objects.transfer(room.id, giver, HEIR, "새주인", "fghij", most)


async def test_a_room_is_given_to_an_heir(room: Room) -> None:
    assert await transfer(room)
    host = await Host.objects.aget(room=room)
    assert (host.visitor, host.nickname, host.tag) == (HEIR, "새주인", "fghij")


async def test_a_room_is_given_twice_without_harm(room: Room) -> None:
    await transfer(room)
    assert await transfer(room, most=1)


async def test_an_heir_with_too_many_rooms_gets_no_more(room: Room) -> None:
    await Room.objects.create_with_host(random_id(), "다른 방", True, HEIR, "주인", "abcde")
    assert not await transfer(room, most=1)
    assert (await Host.objects.aget(room=room)).visitor == VISITOR


async def test_only_the_host_of_the_moment_can_give_a_room(room: Room) -> None:
    with pytest.raises(Host.DoesNotExist):
        await transfer(room, giver=uuid.UUID(int=9).hex)


# --- bans ------------------------------------------------------------------------------------------------------------


async def test_a_ban_without_an_end_is_in_force() -> None:
    ban = await Ban.objects.add_ban(VISITOR, "광고", None)
    assert await Ban.objects.of_visitor(VISITOR) == ban
    assert await Ban.objects.of_visitor(HEIR) is None


async def test_a_ban_is_over_when_its_time_is_up() -> None:
    await Ban.objects.add_ban(VISITOR, "광고", timezone.now() - timedelta(seconds=1))
    assert await Ban.objects.of_visitor(VISITOR) is None


async def test_a_lifted_ban_is_over() -> None:
    ban = await Ban.objects.add_ban(VISITOR, "광고", None, address="ab" * 8)
    lifted = await Ban.objects.lift(ban.id)
    assert lifted is not None
    assert lifted.address == ""
    assert await Ban.objects.of_visitor(VISITOR) is None
    assert await Ban.objects.lift(ban.id) is None


async def test_the_longest_ban_counts() -> None:
    await Ban.objects.add_ban(VISITOR, "광고", timezone.now() + timedelta(days=1))
    for_ever = await Ban.objects.add_ban(VISITOR, "광고", None)
    await Ban.objects.add_ban(VISITOR, "광고", timezone.now() + timedelta(days=2))
    assert await Ban.objects.of_visitor(VISITOR) == for_ever


async def test_a_visitor_of_whom_one_room_only_knows_can_be_banned() -> None:
    ban = await Ban.objects.add_ban("", "광고", None, room_id=5, person=PERSON, tag="abcde")
    await Ban.objects.add_ban(VISITOR, "광고", None)
    assert await Ban.objects.known_by_room() == [ban]


async def test_a_ban_of_nobody_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError, match="ban_is_of_someone"):
        await Ban.objects.add_ban("", "광고", None)


# --- reports ---------------------------------------------------------------------------------------------------------


async def test_a_report_is_kept() -> None:
    line = {"nickName": "손님", "tag": "abcde", "message": "광고", "at": 1, "reported": True}
    assert await Report.objects.add_report(report(lines=[line]), LONG_AGO) == 0
    assert (await Report.objects.aget()).lines == [line]


async def test_a_report_with_the_same_ref_is_kept_once() -> None:
    for _ in range(2):
        assert await Report.objects.add_report(report(ref="r1"), LONG_AGO) == 0
    assert await Report.objects.acount() == 1


async def test_reports_without_a_ref_are_kept_each() -> None:
    for _ in range(2):
        await Report.objects.add_report(report(), LONG_AGO)
    assert await Report.objects.acount() == 2


async def test_the_sixth_report_in_ten_minutes_has_to_wait() -> None:
    first = timezone.now() - timedelta(minutes=9)
    for _ in range(5):
        await Report.objects.add_report(report(at=first), LONG_AGO)
    assert 50_000 < await Report.objects.add_report(report(), LONG_AGO) <= 60_000
    assert await Report.objects.acount() == 5


async def test_a_repeated_report_does_not_have_to_wait() -> None:
    for number in range(5):
        await Report.objects.add_report(report(ref=f"r{number}"), LONG_AGO)
    assert await Report.objects.add_report(report(ref="r0"), LONG_AGO) == 0


async def test_another_reporter_does_not_have_to_wait() -> None:
    for _ in range(5):
        await Report.objects.add_report(report(), LONG_AGO)
    assert await Report.objects.add_report(report(reporter=HEIR), LONG_AGO) == 0


async def test_a_report_is_resolved_once() -> None:
    await Report.objects.add_report(report(), LONG_AGO)
    found = await Report.objects.aget()
    assert await Report.objects.resolve(found.id, Report.Resolution.MUTED, None)
    assert not await Report.objects.resolve(found.id, Report.Resolution.NOTHING, None)
    assert not await Report.objects.open().aexists()


def test_the_reasons_are_those_of_the_protocol() -> None:
    assert tuple(Report.Reason.values) == REPORT_REASONS


# --- how long all that is kept ---------------------------------------------------------------------------------------


async def test_a_report_goes_after_its_days() -> None:
    await Report.objects.add_report(report(at=timezone.now() - timedelta(days=31)), LONG_AGO)
    await Report.objects.add_report(report(at=timezone.now() - timedelta(days=29)), LONG_AGO)
    await forget(30)
    assert await Report.objects.acount() == 1


async def test_a_mute_goes_when_its_time_is_up(room: Room) -> None:
    await Mute.objects.mute(room.id, PERSON, "손님", "abcde", timezone.now() - timedelta(seconds=1))
    await Mute.objects.mute(room.id, OTHER, "다른", "fghij", timezone.now() + timedelta(minutes=1))
    await forget(30)
    assert (await Mute.objects.aget()).person == OTHER


async def test_the_address_of_a_ban_goes_after_a_day() -> None:
    for hours in (23, 25):
        ban = await Ban.objects.add_ban(VISITOR, "광고", None, tag=str(hours), address="ab" * 8)
        await Ban.objects.filter(id=ban.id).aupdate(at=timezone.now() - timedelta(hours=hours))
    await forget(30)
    assert [ban.tag async for ban in Ban.objects.exclude(address="")] == ["23"]


async def test_a_ban_goes_some_days_after_its_end_and_never_before() -> None:
    old = timezone.now() - timedelta(days=31)
    await Ban.objects.add_ban(VISITOR, "ended", old)
    lifted = await Ban.objects.add_ban(VISITOR, "lifted", None)
    await Ban.objects.filter(id=lifted.id).aupdate(lifted_at=old)
    for_ever = await Ban.objects.add_ban(VISITOR, "for ever", None)
    await Ban.objects.filter(id=for_ever.id).aupdate(at=old)
    await forget(30)
    assert [ban.reason async for ban in Ban.objects.all()] == ["for ever"]
