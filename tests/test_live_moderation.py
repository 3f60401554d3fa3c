"""What hosts, moderators and people may ask of the live store, held against both implementations."""

import asyncio
import time
from typing import Any

import msgspec
import pytest
from pytest_django import Settings

from rooms.live.addresses import Address
from rooms.live.contract import Done, LiveStore
from rooms.live.moderation import (
    Actor,
    Change,
    Examine,
    Inspect,
    Kick,
    Lift,
    Mute,
    Notice,
    Overview,
    Quote,
    React,
    Remove,
    Standing,
    Subject,
    Transfer,
)
from rooms.live.operations import (
    BeginDelete,
    Create,
    Duplicate,
    Exit,
    FinishDelete,
    History,
    Join,
    Person,
    Restore,
    Rules,
    Send,
    Sweep,
)
from rooms.protocol import Refusal, Sent, event_body
from tests.test_live import GUEST, HOST, ROOM, do, joined, joining, losing, opened, read, refused, saying, swept

OTHER = Person("other", "다른 이", "o" * 32, "tagot")
ALSO = Person("also", "또 나", GUEST.visitor_id, "taggu")
BY_HOST = Actor(HOST.key, HOST.visitor_id, "h")
BY_GUEST = Actor(GUEST.key, GUEST.visitor_id, "g")
MODERATOR = Actor(ref="m")
HOME, ELSEWHERE = Address(2, "h2", "h1"), Address(2, "e2", "e1")
HISTORY = 5


@pytest.fixture(autouse=True)
def short_memory(settings: Settings) -> None:
    """Before the store is made, which reads these once."""
    settings.ROOMS_HISTORY, settings.ROOMS_HISTORY_AGE, settings.ROOMS_REF_AGE = HISTORY, 60, 60


def told(done: Done[Any], *names: str) -> list[tuple[Any, ...]]:
    """Fields of the events."""
    return [tuple(read(event).get(name) for name in names) for event in done.events]


def why(problem: Refusal) -> tuple[str, dict[str, Any]]:
    return problem.error, problem.extra


def kicking(target: str = GUEST.key, actor: Actor = BY_HOST, **more: Any) -> Kick:
    return Kick(ROOM, actor, target, **more)


def lifting(person: str, ref: str = "l") -> Lift:
    return Lift(ROOM, Actor(HOST.key, HOST.visitor_id, ref), person, 7)


def muting(seconds: float = 60, target: str = GUEST.key, actor: Actor = BY_HOST) -> Mute:
    return Mute(ROOM, actor, target, int((time.time() + seconds) * 1000) if seconds else 0)


async def person_of(store: LiveStore, key: str = GUEST.key) -> str:
    [subject] = [each for each in (await do(store, Inspect(ROOM))).answer if each.key == key]
    return subject.person


async def line(store: LiveStore, text: str = "안녕", person: Person = GUEST, ref: str = "r") -> int:
    """Say something; returns its ``seq``."""
    [event] = (await do(store, saying(text, person, ref))).events
    return event.seq


@pytest.fixture
async def room(store: LiveStore) -> int:
    """A room with its host and a guest; returns its ``seq`` before the guest came."""
    seq = (await opened(store)).seq
    await joined(store)
    return seq


# --- who may do what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actor", "target", "heir", "problem"),
    [
        (Actor("ghost", "x" * 32), GUEST.key, False, ("not_in_room", {})),
        (Actor(HOST.key, GUEST.visitor_id), GUEST.key, False, ("not_in_room", {})),
        (BY_GUEST, HOST.key, False, ("not_host", {})),
        (BY_HOST, "ghost", False, ("not_in_room", {"field": "target"})),
        (BY_HOST, HOST.key, False, ("bad_field", {"field": "target"})),
        (MODERATOR, HOST.key, True, ("bad_field", {"field": "target"})),
    ],
)
@pytest.mark.usefixtures("room")
async def test_what_may_not_be_done_is_refused_with_its_reason(
    store: LiveStore, actor: Actor, target: str, heir: bool, problem: tuple[str, dict[str, str]]
) -> None:
    assert why(await refused(store, Examine(ROOM, actor, target, heir))) == problem


@pytest.mark.usefixtures("room")
async def test_an_heir_is_held_by_a_connection(store: LiveStore) -> None:
    await do(store, losing(grace=10_000))
    assert why(await refused(store, Examine(ROOM, BY_HOST, GUEST.key, True))) == ("not_in_room", {"field": "target"})


@pytest.mark.usefixtures("room")
async def test_the_target_is_told_to_the_one_who_may(store: LiveStore) -> None:
    [_, subject] = (await do(store, Inspect(ROOM))).answer
    assert (await do(store, Examine(ROOM, BY_HOST, GUEST.key))).answer.subject == subject
    assert subject == Subject(GUEST.key, GUEST.nick, GUEST.tag, GUEST.visitor_id, subject.person, True)


async def test_a_room_that_is_not_known_is_no_place_to_do_anything(store: LiveStore) -> None:
    assert (await refused(store, kicking())).error == "unavailable"


# --- kicks and blocks ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("room")
async def test_a_kick_takes_all_names_of_a_visitor_the_targets_first(store: LiveStore) -> None:
    await joined(store, ALSO, "p2")
    done = await do(store, kicking(ALSO.key))
    assert told(done, "nickName", "reason", "by", "participants") == [
        (ALSO.nick, "kicked", "host", 2),
        (GUEST.nick, "kicked", "host", 1),
    ]
    assert [event.out for event in done.events] == [ALSO.key, GUEST.key]
    assert [set(event.recipients) for event in done.events] == [{"p1", "p2"}] * 2


@pytest.mark.usefixtures("room")
async def test_a_node_that_reads_later_who_was_put_out_is_told_the_name(store: LiveStore) -> None:
    [event] = (await do(store, kicking())).events
    kept = (await do(store, History(ROOM, event.seq - 1))).answer.events
    assert [each.out for each in kept] == [GUEST.key]


@pytest.mark.parametrize(
    "act",
    [
        Kick(ROOM, BY_HOST, OTHER.key, GUEST.visitor_id),
        Mute(ROOM, BY_HOST, OTHER.key, 10**15, GUEST.visitor_id),
        Transfer(ROOM, BY_HOST, OTHER.key, 0, GUEST.visitor_id),
    ],
)
async def test_nothing_is_done_to_somebody_else_who_has_the_name_by_now(
    store: LiveStore, act: Kick | Mute | Transfer
) -> None:
    await opened(store)
    await joined(store, OTHER)
    refusal = await refused(store, act)
    assert (refusal.error, refusal.extra) == ("not_in_room", {"field": "target"})


@pytest.mark.usefixtures("room")
async def test_a_kicked_visitor_cannot_come_back_under_any_name(store: LiveStore) -> None:
    await do(store, kicking())
    assert (await refused(store, joining())).error == "banned"
    assert (await refused(store, joining(ALSO))).error == "banned"
    assert (await joined(store, OTHER)).events


@pytest.mark.usefixtures("room")
async def test_a_node_cannot_put_a_kicked_visitor_back(store: LiveStore) -> None:
    await do(store, kicking())
    restored = (await do(store, Restore(ROOM, (GUEST,), 0, 0, 0), "p2")).answer
    assert restored.out == (GUEST.key,)


@pytest.mark.usefixtures("room")
async def test_a_kicked_visitor_may_come_back_after_the_lift_as_someone_new(store: LiveStore) -> None:
    person, seen = await person_of(store), await line(store)
    await do(store, kicking())
    await do(store, lifting(person))
    back = (await joined(store, after=seen)).answer
    assert (back.recovered, back.replay) == (False, [])


@pytest.mark.usefixtures("room")
async def test_a_lift_that_is_repeated_lets_nobody_in_who_was_kicked_since(store: LiveStore) -> None:
    person = await person_of(store)
    for kick in (kicking(), kicking(actor=Actor(HOST.key, HOST.visitor_id, "k2"))):
        await joined(store)
        await do(store, kick)
        await do(store, lifting(person))
    found = (await do(store, Examine(ROOM, Actor(HOST.key, HOST.visitor_id, "l")))).answer
    assert found.made == Duplicate(7, "")
    assert (await refused(store, joining())).error == "banned"


@pytest.mark.usefixtures("room")
async def test_someone_who_is_waited_for_can_be_put_out(store: LiveStore) -> None:
    await do(store, losing(grace=10_000))
    assert told(await do(store, kicking()), "reason") == [("kicked",)]
    assert (await refused(store, joining())).error == "banned"


@pytest.mark.usefixtures("room")
async def test_a_kick_can_leave_the_door_open(store: LiveStore) -> None:
    await do(store, kicking(actor=MODERATOR, block=False))
    assert (await joined(store)).events


@pytest.mark.usefixtures("room")
async def test_a_banned_visitor_is_put_out_whatever_the_names(store: LiveStore) -> None:
    done = await do(store, kicking("", MODERATOR, visitor_id=GUEST.visitor_id))
    assert told(done, "nickName", "by") == [(GUEST.nick, "moderator")]


@pytest.mark.usefixtures("room")
async def test_a_visitor_who_is_not_in_can_be_kept_out(store: LiveStore) -> None:
    assert (await do(store, kicking("", MODERATOR, visitor_id=OTHER.visitor_id))).events == ()
    assert (await refused(store, joining(OTHER))).error == "banned"


@pytest.mark.usefixtures("room")
async def test_the_room_of_a_host_who_is_put_out_is_deleted(store: LiveStore) -> None:
    done = await do(store, kicking(HOST.key, MODERATOR))
    assert done.answer.closing
    assert read((await do(store, FinishDelete(ROOM))).events[0])["reason"] == "moderator"


@pytest.mark.usefixtures("room")
async def test_a_host_who_is_put_out_under_another_name_loses_the_room_too(store: LiveStore) -> None:
    await joined(store, Person("second", "둘째", HOST.visitor_id, HOST.tag))
    assert (await do(store, kicking("second", MODERATOR))).answer.closing


@pytest.mark.usefixtures("room")
async def test_a_kick_that_is_repeated_is_answered_with_the_first_event(store: LiveStore) -> None:
    [event] = (await do(store, kicking())).events
    again = await do(store, kicking())
    assert (again.answer.made, again.events) == (Duplicate(event.seq, event.text), ())
    assert (await do(store, Examine(ROOM, BY_HOST, GUEST.key))).answer.made == again.answer.made


async def from_home(store: LiveStore, person: Person, made_at: int, address: Address = HOME) -> Any:
    """The answer to a join from an address, or why it is refused."""
    [outcome] = await store.apply("p1", [Join(ROOM, person, None, 10, address=address, made_at=made_at)])
    return getattr(outcome, "refusal", None) and outcome.refusal.error  # type: ignore[union-attr]


async def kicked_from_home(store: LiveStore, address_for: int) -> str:
    """Put the guest out who came from an address; returns the person."""
    await from_home(store, GUEST, 0)
    person = await person_of(store)
    await do(store, kicking(address_for=address_for))
    return person


LATER = 2**52


@pytest.mark.parametrize("address", [HOME, Address(3, "h3", "h2")])
@pytest.mark.usefixtures("room")
async def test_a_newer_identity_from_the_address_of_a_kicked_visitor_is_kept_out(
    store: LiveStore, address: Address
) -> None:
    await kicked_from_home(store, 60_000)
    assert await from_home(store, OTHER, LATER, address) == "banned"


@pytest.mark.parametrize(("made_at", "address"), [(0, HOME), (1_700_000_000_000, HOME), (LATER, ELSEWHERE)])
@pytest.mark.usefixtures("room")
async def test_an_older_identity_and_other_addresses_are_let_in(
    store: LiveStore, made_at: int, address: Address
) -> None:
    await kicked_from_home(store, 60_000)
    assert await from_home(store, OTHER, made_at, address) is None


@pytest.mark.usefixtures("room")
async def test_an_address_is_kept_out_for_a_while_only(store: LiveStore) -> None:
    await kicked_from_home(store, 50)
    await asyncio.sleep(0.06)
    assert await from_home(store, OTHER, LATER) is None


@pytest.mark.usefixtures("room")
async def test_an_address_is_let_in_with_the_visitor(store: LiveStore) -> None:
    person = await kicked_from_home(store, 60_000)
    await do(store, lifting(person))
    assert await from_home(store, OTHER, LATER) is None


async def put_out_twice_from_home(store: LiveStore) -> tuple[str, int, str]:
    """Put the guest out, and then somebody else from the same address; both persons, and a time between."""
    first = await kicked_from_home(store, 60_000)
    await asyncio.sleep(0.01)
    [event] = (await do(store, Join(ROOM, OTHER, None, 10, address=HOME))).events
    between = read(event)["at"]
    await asyncio.sleep(0.01)
    second = await person_of(store, OTHER.key)
    await do(store, kicking(OTHER.key, Actor(HOST.key, HOST.visitor_id, "h2"), address_for=60_000))
    return first, between, second


THIRD = Person("third", "셋째", "3" * 32, "tag3")


@pytest.mark.usefixtures("room")
async def test_whom_a_kick_keeps_out_the_next_kick_from_the_same_address_does_not_let_in(store: LiveStore) -> None:
    _, between, _ = await put_out_twice_from_home(store)
    assert await from_home(store, THIRD, between) == "banned"


@pytest.mark.usefixtures("room")
async def test_an_address_is_kept_out_as_long_as_one_of_its_people_is(store: LiveStore) -> None:
    first, _, second = await put_out_twice_from_home(store)
    await do(store, Lift(ROOM, Actor(HOST.key, HOST.visitor_id, "l1"), second))
    assert await from_home(store, THIRD, LATER) == "banned"
    await do(store, Lift(ROOM, Actor(HOST.key, HOST.visitor_id, "l2"), first))
    assert await from_home(store, THIRD, LATER) is None


# --- mutes -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("room")
async def test_everyone_is_told_of_a_mute(store: LiveStore) -> None:
    mute = muting()
    [event] = (await do(store, mute)).events
    assert read(event) | {"seq": 0, "at": 0} == {
        "type": "SERVER_MEMBER_MUTE",
        "roomID": ROOM,
        "nickName": GUEST.nick,
        "tag": GUEST.tag,
        "until": mute.until,
        "by": "host",
        "status": True,
        "ref": "h",
        "seq": 0,
        "at": 0,
        "participants": 2,
    }


@pytest.mark.usefixtures("room")
async def test_a_ref_that_is_not_the_clients_is_told_nobody(store: LiveStore) -> None:
    mute = muting(actor=Actor(HOST.key, HOST.visitor_id, "h", echo=False))
    assert told(await do(store, mute), "ref") == [(None,)]
    assert isinstance((await do(store, mute)).answer, Duplicate)


@pytest.mark.usefixtures("room")
async def test_a_muted_visitor_says_nothing_under_any_name(store: LiveStore) -> None:
    await joined(store, ALSO)
    await do(store, muting())
    for person in (GUEST, ALSO):
        error, extra = why(await refused(store, saying("!", person)))
        assert (error, 55_000 < extra["retryAfter"] <= 60_000) == ("muted", True)


@pytest.mark.usefixtures("room")
async def test_a_mute_ends_by_itself(store: LiveStore) -> None:
    await do(store, muting(0.05))
    await asyncio.sleep(0.06)
    assert await line(store)


@pytest.mark.usefixtures("room")
async def test_a_mute_can_be_lifted(store: LiveStore) -> None:
    await do(store, muting())
    await do(store, muting(0, actor=MODERATOR))
    assert await line(store)


@pytest.mark.usefixtures("room")
async def test_a_muted_visitor_who_comes_in_is_told_until_when(store: LiveStore) -> None:
    mute = muting()
    await do(store, mute)
    await do(store, Exit(ROOM, GUEST.key, GUEST.visitor_id))
    assert (await joined(store)).answer.state.mutedUntil == mute.until
    assert (await joined(store, OTHER)).answer.state.mutedUntil == 0


# --- lock, slow mode, topic ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("room")
async def test_nobody_new_comes_into_a_locked_room(store: LiveStore) -> None:
    assert told(await do(store, Change(ROOM, BY_HOST, locked=True)), "locked", "by") == [(True, "host")]
    assert (await refused(store, joining(OTHER))).error == "room_locked"
    await do(store, Change(ROOM, MODERATOR, locked=False))
    assert (await joined(store, OTHER)).answer.state.locked is False


@pytest.mark.usefixtures("room")
async def test_a_member_comes_back_into_a_locked_room(store: LiveStore) -> None:
    await do(store, Change(ROOM, BY_HOST, locked=True))
    await do(store, losing(grace=10_000))
    assert (await joined(store)).answer.state.locked
    assert (await refused(store, joining(Person(GUEST.key, GUEST.nick, "x" * 32, "tagxx")))).error == "room_locked"


@pytest.mark.usefixtures("room")
async def test_a_node_may_put_its_people_back_into_a_locked_room(store: LiveStore) -> None:
    await do(store, Change(ROOM, BY_HOST, locked=True))
    restored = await do(store, Restore(ROOM, (OTHER,), 0, 0, 0), "p2")
    assert (restored.answer.out, told(restored, "nickName")) == ((), [(OTHER.nick,)])


@pytest.mark.usefixtures("room")
async def test_in_slow_mode_a_visitor_waits_between_two_lines_under_any_name(store: LiveStore) -> None:
    await joined(store, ALSO)
    assert told(await do(store, Change(ROOM, BY_HOST, slow=10)), "seconds") == [(10,)]
    await line(store)
    for person, ref in ((GUEST, "2"), (ALSO, "3")):
        error, extra = why(await refused(store, saying("!", person, ref)))
        assert (error, 9_000 < extra["retryAfter"] <= 10_000) == ("too_fast", True)


@pytest.mark.usefixtures("room")
async def test_slow_mode_counts_from_when_it_is_set(store: LiveStore) -> None:
    await do(store, Change(ROOM, BY_HOST, slow=10))
    await line(store, ref="1")
    await do(store, Change(ROOM, MODERATOR, slow=20))
    assert await line(store, ref="2")


@pytest.mark.usefixtures("room")
async def test_slow_mode_is_not_for_the_host(store: LiveStore) -> None:
    await do(store, Change(ROOM, BY_HOST, slow=10))
    assert await line(store, person=HOST, ref="1") < await line(store, person=HOST, ref="2")


@pytest.mark.usefixtures("room")
async def test_the_longer_of_two_waits_is_told(store: LiveStore) -> None:
    await do(store, Change(ROOM, BY_HOST, slow=10))
    await line(store)
    assert (await refused(store, saying("!", ref="2", wait=60_000))).extra == {"retryAfter": 60_000}


@pytest.mark.usefixtures("room")
async def test_a_line_that_is_repeated_in_slow_mode_is_no_second_one(store: LiveStore) -> None:
    await do(store, Change(ROOM, BY_HOST, slow=10))
    seq = await line(store)
    assert (await do(store, saying("안녕"))).answer == Duplicate(seq, (await kept(store, seq))[0].text)


@pytest.mark.usefixtures("room")
async def test_the_topic_is_in_the_lobby_and_told_to_newcomers(store: LiveStore) -> None:
    assert told(await do(store, Change(ROOM, BY_HOST, topic="여행")), "topic") == [("여행",)]
    [row] = (await store.lobby(10)).rooms
    assert (row.topic, (await joined(store, OTHER)).answer.state.topic) == ("여행", "여행")


# --- the host, and what moderators see -------------------------------------------------------------------------------


@pytest.mark.usefixtures("room")
async def test_a_new_host_is_the_host_in_everything(store: LiveStore) -> None:
    done = await do(store, Transfer(ROOM, BY_HOST, GUEST.key))
    assert told(done, "nickName", "tag", "by") == [(GUEST.nick, GUEST.tag, "host")]
    assert (await store.lobby(10)).rooms[0].host == GUEST.nick
    assert (await refused(store, BeginDelete(ROOM, "deleted", HOST.key, HOST.visitor_id))).error == "not_host"
    assert (await do(store, Exit(ROOM, HOST.key, HOST.visitor_id))).answer is False
    assert (await do(store, Exit(ROOM, GUEST.key, GUEST.visitor_id))).answer is True


@pytest.mark.usefixtures("room")
async def test_a_transfer_that_is_repeated_is_answered_though_the_host_is_another(store: LiveStore) -> None:
    [event] = (await do(store, Transfer(ROOM, BY_HOST, GUEST.key))).events
    assert (await do(store, Transfer(ROOM, BY_HOST, GUEST.key))).answer == Duplicate(event.seq, event.text)


@pytest.mark.usefixtures("room")
async def test_a_room_whose_absent_host_was_replaced_closes_no_longer(store: LiveStore) -> None:
    await do(store, losing(HOST, grace=10_000))
    await do(store, Transfer(ROOM, MODERATOR, GUEST.key, grace=0))
    state = (await joined(store)).answer.state
    assert (state.host, bool(state.closesAt)) == (GUEST.nick, False)
    assert told(await do(store, Sweep(0, 0)), "type", "nickName") == [("SERVER_ROOM_EXIT", HOST.nick)]


@pytest.mark.usefixtures("room")
async def test_a_moderator_sees_how_rooms_are(store: LiveStore) -> None:
    await do(store, Change(ROOM, Actor(), topic="여행"))
    await do(store, Change(ROOM, Actor(), slow=3))
    await do(store, losing(HOST, grace=10_000))
    assert (await do(store, Overview((ROOM, 5)))).answer == {ROOM: Standing(2, False, 3, "여행", True)}


@pytest.mark.usefixtures("room")
async def test_a_notice_is_told_once(store: LiveStore) -> None:
    done = await do(store, Notice(ROOM, "n", "점검 안내"))
    assert told(done, "type", "message") == [("SERVER_ROOM_NOTICE", "점검 안내")]
    assert isinstance((await do(store, Notice(ROOM, "n", "점검 안내"))).answer, Duplicate)


# --- lines -----------------------------------------------------------------------------------------------------------


async def kept(store: LiveStore, seq: int) -> list[Any]:
    """The kept events from a number on."""
    return (await do(store, History(ROOM, seq - 1))).answer.events


def removing(seq: int, actor: Actor = BY_GUEST, **more: int) -> Remove:
    return Remove(ROOM, actor, seq, **more)


@pytest.mark.parametrize(("actor", "by"), [(BY_GUEST, "author"), (BY_HOST, "host"), (MODERATOR, "moderator")])
@pytest.mark.usefixtures("room")
async def test_a_line_is_taken_back_by_those_who_may(store: LiveStore, actor: Actor, by: str) -> None:
    seq = await line(store)
    done = await do(store, removing(seq, actor))
    assert told(done, "type", "line", "by", "ref", "seq") == [("SERVER_CHAT_REMOVE", seq, by, actor.ref, seq + 1)]


@pytest.mark.usefixtures("room")
async def test_something_else_stands_in_the_place_of_a_line_that_was_taken_back(store: LiveStore) -> None:
    [said] = (await do(store, saying("비밀"))).events
    await do(store, removing(said.seq))
    instead, event = (read(each) for each in await kept(store, said.seq))
    assert instead == {
        "type": "SERVER_CHAT_REMOVE",
        "roomID": ROOM,
        "line": said.seq,
        "by": "author",
        "status": True,
        "seq": said.seq,
        "at": read(said)["at"],
        "participants": 2,
    }
    assert (event["type"], event["seq"]) == ("SERVER_CHAT_REMOVE", said.seq + 1)


@pytest.mark.usefixtures("room")
async def test_a_repeated_ref_of_a_line_that_was_taken_back_finds_what_stands_there(store: LiveStore) -> None:
    body = event_body(Sent(ROOM, GUEST.nick, '"ref":"', GUEST.tag, ref='1",'))
    said = Send(ROOM, GUEST.key, GUEST.visitor_id, '1",', body)
    [event] = (await do(store, said)).events
    await do(store, removing(event.seq))
    answer = (await do(store, said)).answer
    assert answer is not None
    instead = read(event.__class__(ROOM, answer.seq, answer.text))
    assert (instead["type"], instead["seq"], instead["ref"]) == ("SERVER_CHAT_REMOVE", event.seq, '1",')


@pytest.mark.usefixtures("room")
async def test_an_author_may_take_a_line_back_for_a_while_only(store: LiveStore) -> None:
    seq = await line(store)
    await asyncio.sleep(0.02)
    assert (await refused(store, removing(seq, own_for=10))).error == "not_host"
    assert told(await do(store, removing(seq, BY_HOST, own_for=10)), "by") == [("host",)]


@pytest.mark.usefixtures("room")
async def test_nobody_takes_back_the_line_of_another(store: LiveStore) -> None:
    seq = await line(store, person=HOST)
    assert (await refused(store, removing(seq))).error == "not_host"


@pytest.mark.usefixtures("room")
async def test_what_is_no_kept_line_cannot_be_taken_back(store: LiveStore) -> None:
    seq = await line(store)
    await do(store, removing(seq))
    for number in (seq, seq + 1, 0):
        assert why(await refused(store, removing(number, BY_HOST))) == ("bad_field", {"field": "line"})


async def test_a_line_that_was_taken_back_is_nothing_missed(store: LiveStore, room: int) -> None:
    await do(store, losing(grace=10_000))
    await do(store, removing(await line(store, person=HOST), BY_HOST))
    await line(store, person=HOST, ref="2")
    back = (await joined(store, after=room + 1)).answer
    assert (back.recovered, len(back.replay)) == (True, 3)


async def test_removals_are_kept_when_many_come_and_go(store: LiveStore, room: int) -> None:
    seq = await line(store)
    await do(store, removing(seq))
    for _ in range(2 * HISTORY):
        await joined(store, OTHER)
        await do(store, Exit(ROOM, OTHER.key, OTHER.visitor_id))
    events = [read(event) for event in await kept(store, seq)]
    assert [event["seq"] for event in events if event["type"] == "SERVER_CHAT_REMOVE"] == [seq, seq + 1]
    assert len(events) == 1 + 3 * HISTORY


@pytest.mark.usefixtures("room")
async def test_a_reply_is_to_a_kept_line(store: LiveStore) -> None:
    seq = await line(store, person=HOST)
    reply = Send(ROOM, GUEST.key, GUEST.visitor_id, "2", event_body(Sent(ROOM, "", "", "")), reply_to=seq)
    assert (await do(store, reply)).events
    await do(store, removing(seq, BY_HOST))
    again = Send(ROOM, GUEST.key, GUEST.visitor_id, "3", reply.body, reply_to=seq)
    assert why(await refused(store, again)) == ("bad_field", {"field": "replyTo"})


def liking(seq: int, on: bool = True, person: Person = GUEST, reaction: Any = "like") -> React:
    return React(ROOM, person.key, person.visitor_id, seq, reaction, on)


@pytest.mark.usefixtures("room")
async def test_a_reaction_is_counted_once_for_a_visitor(store: LiveStore) -> None:
    await joined(store, ALSO)
    seq = await line(store)
    first = await do(store, liking(seq))
    assert told(first, "type", "line", "reaction", "count") == [("SERVER_CHAT_REACT", seq, "like", 1)]
    await do(store, liking(seq))
    await do(store, liking(seq, person=ALSO))
    await do(store, liking(seq, person=HOST))
    assert told(await swept(store), "count") == [(2,)]


@pytest.mark.usefixtures("room")
async def test_a_reaction_that_is_repeated_undoes_nothing(store: LiveStore) -> None:
    seq = await line(store)
    for on, ref in ((True, "1"), (False, "2"), (True, "1")):
        await do(store, msgspec.structs.replace(liking(seq, on), ref=ref))
    assert told(await swept(store), "count") == [(0,)]


@pytest.mark.usefixtures("room")
async def test_reactions_are_told_at_most_twice_a_second(store: LiveStore) -> None:
    seq = await line(store)
    started = time.monotonic()
    await do(store, liking(seq))
    assert (await do(store, liking(seq, False))).events == ()
    await asyncio.sleep(0.005)
    assert (await do(store, liking(seq, reaction="heart"))).events == ()
    assert told(await swept(store), "reaction", "count") == [("like", 0)]
    assert told(await swept(store, "p2"), "reaction", "count") == [("heart", 1)]
    assert 0.9 < time.monotonic() - started < 3


@pytest.mark.usefixtures("room")
async def test_reactions_go_with_their_line(store: LiveStore) -> None:
    first, second = await line(store, ref="1"), await line(store, ref="2")
    await do(store, liking(first, reaction="wow"))
    await do(store, liking(first))
    await do(store, liking(second))
    await do(store, removing(first))
    assert told(await swept(store), "line") == [(second,)]
    assert why(await refused(store, liking(first))) == ("bad_field", {"field": "line"})


@pytest.mark.usefixtures("room")
async def test_a_muted_visitor_does_not_react(store: LiveStore) -> None:
    seq = await line(store)
    await do(store, muting())
    assert (await refused(store, liking(seq))).error == "muted"


@pytest.mark.usefixtures("room")
async def test_a_reported_line_comes_with_those_around_it(store: LiveStore) -> None:
    seqs = [await line(store, f"{number}", (HOST, GUEST)[number % 2], f"{number}") for number in range(4)]
    await do(store, removing(seqs[1]))
    person = await person_of(store, HOST.key)
    quoted = (await do(store, Quote(ROOM, GUEST.key, GUEST.visitor_id, seqs[2]))).answer
    assert [read(each)["message"] for each in map(_event, quoted.texts)] == ["0", "2", "3"]
    assert (quoted.nick, quoted.tag, quoted.person, quoted.visitor_id) == (HOST.nick, HOST.tag, person, HOST.visitor_id)


def _event(text: str) -> Any:
    return type("Text", (), {"text": text})


@pytest.mark.usefixtures("room")
async def test_the_author_of_a_reported_line_who_has_gone_is_known_to_the_room_only(store: LiveStore) -> None:
    person, seq = await person_of(store), await line(store)
    await do(store, Exit(ROOM, GUEST.key, GUEST.visitor_id))
    quoted = (await do(store, Quote(ROOM, HOST.key, HOST.visitor_id, seq))).answer
    assert (quoted.person, quoted.visitor_id) == (person, "")


# --- what outlives the store's memory --------------------------------------------------------------------------------


async def test_a_room_that_is_brought_back_has_its_rules(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await joined(store, OTHER)
    blocked, muted = await person_of(store), await person_of(store, OTHER.key)
    await do(store, BeginDelete(ROOM, "moderator"))
    await do(store, FinishDelete(ROOM))
    rules = Rules("여행", True, 7, (blocked,), ((muted, LATER),))
    # In another room the same visitors are other persons.
    room = Create(5, "옛 방", True, 1, HOST, False, 10_000, rules=rules)
    state = (await do(store, room)).answer.state
    assert (state.topic, state.locked, state.slow) == ("여행", True, 7)
    described = await store.describe(5)
    assert described is not None
    assert described.rules == rules


@pytest.mark.usefixtures("room")
async def test_a_room_that_is_brought_back_keeps_out_and_silent_whom_it_did(store: LiveStore, forget: Any) -> None:
    await joined(store, OTHER)
    blocked, muted = await person_of(store), await person_of(store, OTHER.key)
    forget(store)
    rules = Rules(blocked=(blocked,), muted=((muted, LATER),))
    await do(store, Create(ROOM, "사랑방", True, 1, HOST, False, 10_000, rules=rules))
    assert (await refused(store, joining())).error == "banned"
    assert (await do(store, Restore(ROOM, (GUEST, OTHER), 0, 0, 0))).answer.out == (GUEST.key,)
    assert (await refused(store, saying("!", OTHER))).error == "muted"


@pytest.mark.parametrize("live_store", ["redis"], indirect=True)
async def test_nothing_of_the_people_of_a_room_stays_when_it_has_ended(store: LiveStore, redis: Any) -> None:
    await opened(store)
    await do(store, Join(ROOM, GUEST, None, 10, address=HOME))
    await joined(store, OTHER)
    seq = await line(store)
    await do(store, Change(ROOM, Actor(), slow=10))
    await do(store, muting(target=OTHER.key, actor=Actor()))
    for each in (seq, await line(store, ref="2")):
        await do(store, liking(each))
        await do(store, liking(each, reaction="wow"))
    await do(store, kicking(address_for=60_000))
    await do(store, removing(seq, Actor()))
    await do(store, BeginDelete(ROOM, "deleted"))
    await do(store, FinishDelete(ROOM))
    kinds = [name.rsplit(":", 2)[-2] for name in redis.command("KEYS", f"*:{ROOM}").splitlines()]
    fields = redis.command("HKEYS", *redis.command("KEYS", f"*:room:{ROOM}").splitlines()).splitlines()
    assert (sorted(kinds), sorted(fields)) == (["others", "room"], ["closing", "epoch_seq", "gone", "seq"])
    assert redis.command("KEYS", f"*:{ROOM}:*") == ""


@pytest.mark.usefixtures("room")
async def test_an_ended_room_is_swept_without_a_word(store: LiveStore) -> None:
    seq = await line(store)
    await do(store, liking(seq))
    await do(store, liking(seq, False))
    await do(store, BeginDelete(ROOM, "deleted"))
    await asyncio.sleep(0.55)
    assert (await do(store, Sweep(0, 0))).events == ()
