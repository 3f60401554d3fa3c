"""The live store's contract, held against both implementations: memory, and a real Redis."""

import asyncio
import json
from typing import Any

import pytest
from msgspec import UNSET
from pytest_django import Settings

from rooms.live.contract import Done, LiveStore, Refused, RoomUnknown, StoreUnavailable
from rooms.live.operations import (
    AnswerT,
    BeginDelete,
    Create,
    Disconnect,
    Duplicate,
    Entered,
    Event,
    Exit,
    FinishDelete,
    History,
    HistoryPage,
    Join,
    Operation,
    Person,
    Positions,
    Reserve,
    Restore,
    Send,
    Sweep,
)
from rooms.live.redis import RedisStore
from rooms.protocol import Member, Refusal, RoomState, Sent, event_body
from tests.stores import RedisServer, redis_server

ROOM = 2**53 - 1
HOST = Person("host", "방장", "h" * 32, "tagho")
GUEST = Person("guest", '손"님', "g" * 32, "taggu")
HISTORY = 5
AGE = 400


@pytest.fixture(autouse=True)
def short_memory(settings: Settings) -> None:
    """Before the store is made, which reads these once."""
    settings.ROOMS_HISTORY, settings.ROOMS_HISTORY_AGE, settings.ROOMS_REF_AGE = HISTORY, AGE / 1000, AGE / 1000


async def do(store: LiveStore, operation: Operation[AnswerT], node_id: str = "p1") -> Done[AnswerT]:
    [outcome] = await store.apply(node_id, [operation])
    assert not isinstance(outcome, Refused), outcome.refusal
    return outcome


async def refused(store: LiveStore, operation: Operation[Any]) -> Refusal:
    [outcome] = await store.apply("p1", [operation])
    assert isinstance(outcome, Refused)
    return outcome.refusal


async def opened(store: LiveStore, held: bool = True, grace: int = 10_000, seq: int = 0) -> RoomState:
    for node_id in ("p1", "p2"):
        await store.beat(node_id, 60_000)
    outcome = await do(store, Create(ROOM, "사랑방", True, 1_700_000_000_000, HOST, held, grace, seq))
    return outcome.answer.state


def joining(person: Person = GUEST, after: int | None = None) -> Join:
    return Join(ROOM, person, after, 10)


async def joined(
    store: LiveStore, person: Person = GUEST, node_id: str = "p1", after: int | None = None
) -> Done[Entered]:
    return await do(store, joining(person, after), node_id)


def saying(text: str, person: Person = GUEST, ref: str = "r", wait: int = 0) -> Send:
    body = event_body(Sent(ROOM, person.nick, text, person.tag))
    return Send(ROOM, person.key, person.visitor_id, ref, body, wait)


def losing(person: Person = GUEST, grace: int = 0) -> Disconnect:
    return Disconnect(ROOM, person.key, person.visitor_id, grace, grace)


def read(event: Event) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(event.text)
    return fields


async def swept(store: LiveStore, node_id: str = "p1", grace: int = 0) -> Done[tuple[int, ...]]:
    """Sweep until something happens."""
    while not (outcome := await do(store, Sweep(grace, grace), node_id)).events:
        await asyncio.sleep(0.01)
    return outcome


async def test_the_opener_is_in_the_room_as_its_host(store: LiveStore) -> None:
    entered = await opened(store)
    assert (entered.roomName, entered.host, entered.participants) == ("사랑방", "방장", 1)
    assert entered.members == [Member("방장", "tagho")]


async def test_opening_again_finds_the_room_as_it_is(store: LiveStore) -> None:
    first = await opened(store)
    assert (await opened(store)).seq == first.seq


async def test_a_room_can_be_official(store: LiveStore) -> None:
    outcome = await do(store, Create(ROOM, "공식", True, 1, None, False))
    assert (outcome.answer.state.host, outcome.answer.state.participants) == ("", 0)


async def test_a_reserved_ref_keeps_its_first_room(store: LiveStore) -> None:
    assert (await do(store, Reserve("v", "ref", 1))).answer == 1
    assert (await do(store, Reserve("v", "ref", 2))).answer == 1
    assert (await do(store, Reserve("w", "ref", 3))).answer == 3


async def test_a_join_is_an_event_with_the_next_seq_and_the_new_count(store: LiveStore) -> None:
    base = (await opened(store)).seq
    [event] = (await joined(store)).events
    assert event.seq == base + 1
    assert event.recipients == ("p1",)
    message = read(event)
    assert message.pop("at") > 0
    assert message == {
        "type": "SERVER_ROOM_JOIN",
        "roomID": ROOM,
        "nickName": '손"님',
        "tag": "taggu",
        "status": True,
        "seq": base + 1,
        "participants": 2,
    }


async def test_joining_again_is_no_event(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    again = await joined(store, node_id="p2")
    assert again.events == ()
    assert again.answer.state.participants == 2


async def test_anothers_name_is_taken(store: LiveStore) -> None:
    await opened(store)
    assert (await refused(store, joining(Person("host", "방장", "x" * 32, "t")))).error == "name_taken"


async def test_a_full_room_lets_only_those_in_who_are_in(store: LiveStore) -> None:
    await opened(store)
    assert (await refused(store, Join(ROOM, GUEST, None, 1))).error == "room_full"
    await do(store, Join(ROOM, HOST, None, 1))


@pytest.mark.parametrize(
    "operation", [Join(ROOM, GUEST, None, 9), saying("x"), Restore(ROOM, (GUEST,), 0, 10_000, 10_000)]
)
async def test_a_room_it_never_heard_of_is_unknown(store: LiveStore, operation: Operation[Any]) -> None:
    assert isinstance(await refused(store, operation), RoomUnknown)


async def test_a_message_is_told_to_every_node_with_people_in_the_room(store: LiveStore) -> None:
    await opened(store)
    await joined(store, node_id="p2")
    [event] = (await do(store, saying('안녕 "친구" \\ /'), "p2")).events
    assert sorted(event.recipients) == ["p1", "p2"]
    assert (read(event)["message"], read(event)["participants"]) == ('안녕 "친구" \\ /', 2)


async def test_messages_of_one_flush_keep_their_order(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    outcomes = await store.apply("p1", [saying(str(n), ref=str(n)) for n in range(20)])
    events = [event for outcome in outcomes if isinstance(outcome, Done) for event in outcome.events]
    assert [read(event)["message"] for event in events] == [str(n) for n in range(20)]
    assert [event.seq - events[0].seq for event in events] == list(range(20))


async def test_a_ref_is_said_once(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    [event] = (await do(store, saying("하나"))).events
    again = await do(store, saying("하나"))
    assert again.events == ()
    assert again.answer == Duplicate(event.seq, event.text)


async def test_a_repeated_ref_is_recognised_before_flood_control(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await do(store, saying("하나"))
    assert isinstance((await do(store, saying("하나", wait=500))).answer, Duplicate)
    refusal = await refused(store, saying("둘", ref="other", wait=500))
    assert (refusal.error, refusal.extra) == ("too_fast", {"retryAfter": 500})


async def test_nobody_speaks_under_anothers_name(store: LiveStore) -> None:
    await opened(store)
    assert (await refused(store, saying("x", Person("host", "방장", "x" * 32, "t")))).error == "not_in_room"


async def test_leaving_is_an_event_and_frees_the_name(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    outcome = await do(store, Exit(ROOM, GUEST.key, GUEST.visitor_id))
    assert outcome.answer is False
    assert (read(outcome.events[0])["reason"], read(outcome.events[0])["participants"]) == ("left", 1)
    await joined(store, Person("guest", "손님", "x" * 32, "t"))


async def test_who_is_held_by_another_node_has_not_left(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await joined(store, node_id="p2")
    assert (await do(store, Exit(ROOM, GUEST.key, GUEST.visitor_id))).events == ()
    assert len((await do(store, Exit(ROOM, GUEST.key, GUEST.visitor_id), "p2")).events) == 1


async def test_leaving_twice_is_one_event(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await do(store, Exit(ROOM, GUEST.key, GUEST.visitor_id))
    assert (await do(store, Exit(ROOM, GUEST.key, GUEST.visitor_id))).events == ()


async def test_the_hosts_leaving_closes_the_room(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    assert (await do(store, Exit(ROOM, HOST.key, HOST.visitor_id))).answer is True
    assert (await refused(store, joining(Person("late", "늦은", "l" * 32, "t")))).error == "room_not_found"
    assert (await do(store, Exit(ROOM, HOST.key, HOST.visitor_id))).answer is True
    [event] = (await do(store, FinishDelete(ROOM))).events
    assert (read(event)["reason"], read(event)["participants"], event.end) == ("host_left", 0, True)


async def test_only_the_host_closes_a_room(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    assert (await refused(store, BeginDelete(ROOM, "deleted", GUEST.key, GUEST.visitor_id))).error == "not_host"
    assert (await refused(store, BeginDelete(ROOM, "deleted", HOST.key, GUEST.visitor_id))).error == "not_host"
    await do(store, BeginDelete(ROOM, "deleted", HOST.key, HOST.visitor_id, "ref"))
    assert read((await do(store, FinishDelete(ROOM))).events[0])["ref"] == "ref"


async def test_a_deletion_is_finished_once(store: LiveStore) -> None:
    await opened(store)
    assert (await do(store, FinishDelete(ROOM))).events == ()
    await do(store, BeginDelete(ROOM, "moderator"))
    assert len((await do(store, FinishDelete(ROOM))).events) == 1
    assert (await do(store, FinishDelete(ROOM))).events == ()


async def test_a_deleted_room_is_remembered_for_those_who_missed_its_end(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await do(store, BeginDelete(ROOM, "moderator"))
    await do(store, FinishDelete(ROOM))
    assert (await do(store, Positions((ROOM,)))).answer == {ROOM: base + 1}
    kept = (await do(store, History(ROOM, base))).answer
    assert [event.end for event in kept.events] == [True]
    assert (await refused(store, joining())).error == "room_not_found"
    assert (await refused(store, Create(ROOM, "사랑방", True, 1, HOST, False))).error == "room_not_found"


async def test_a_lost_person_keeps_name_and_place_until_the_grace_is_over(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    assert (await do(store, losing(grace=60_000))).events == ()
    assert (await do(store, Sweep(0, 0))).events == ()
    assert (await refused(store, joining(Person("guest", "손님", "x" * 32, "t")))).error == "name_taken"
    back = await joined(store)
    assert (back.events, back.answer.state.participants) == ((), 2)


async def test_who_does_not_come_back_is_lost(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await do(store, losing())
    [event] = (await swept(store)).events
    assert (read(event)["nickName"], read(event)["reason"], read(event)["participants"]) == ('손"님', "lost", 1)
    assert (await do(store, Sweep(0, 0))).events == ()


async def test_who_comes_back_is_not_lost_later(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await do(store, losing(grace=1))
    await joined(store)
    await asyncio.sleep(0.01)
    assert (await do(store, Sweep(0, 0))).events == ()


async def test_the_hosts_absence_and_return_are_announced(store: LiveStore) -> None:
    await opened(store)
    [away] = (await do(store, losing(HOST, 30_000))).events
    assert read(away)["type"] == "SERVER_HOST_AWAY"
    assert read(away)["closesAt"] == read(away)["at"] + 30_000
    [back] = (await joined(store, HOST)).events
    assert (read(back)["type"], read(back)["nickName"]) == ("SERVER_HOST_BACK", "방장")


async def test_a_newcomer_is_told_when_the_room_closes_without_its_host(store: LiveStore) -> None:
    await opened(store)
    assert (await joined(store)).answer.state.closesAt is UNSET
    [away] = (await do(store, losing(HOST, 30_000))).events
    assert (await joined(store)).answer.state.closesAt == read(away)["closesAt"]
    assert (await joined(store, HOST)).answer.state.closesAt is UNSET


async def test_a_host_who_is_lost_takes_the_room_along(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await do(store, losing(HOST))
    outcome = await swept(store)
    assert outcome.answer == (ROOM,)
    assert read(outcome.events[-1])["reason"] == "lost"
    assert read((await do(store, FinishDelete(ROOM))).events[0])["reason"] == "host_lost"


async def test_the_members_of_a_dead_node_are_lost(store: LiveStore) -> None:
    await opened(store)
    await joined(store, node_id="p2")
    await store.release("p2")
    [event] = (await swept(store)).events
    assert read(event)["reason"] == "lost"
    assert event.recipients == ("p1",)


async def test_a_member_another_node_holds_too_survives_a_dead_node(store: LiveStore) -> None:
    await opened(store)
    await joined(store, node_id="p1")
    await joined(store, node_id="p2")
    await store.release("p2")
    assert (await do(store, Sweep(0, 0))).events == ()
    [event] = (await do(store, saying("여기 있어요"))).events
    assert event.recipients == ("p1",)


async def test_a_lease_that_ran_out_is_told_at_the_next_beat(store: LiveStore) -> None:
    assert await store.beat("p3", 1) is False
    await asyncio.sleep(0.01)
    assert await store.beat("p3", 60_000) is False
    # The answer may have been lost: it is given until the node says that it has done what is to be done.
    assert await store.beat("p3", 60_000) is False
    await store.confirm("p3")
    assert await store.beat("p3", 60_000) is True


async def test_who_was_lost_with_a_node_is_put_back_with_an_event(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await joined(store, node_id="p2")
    await store.release("p2")
    await swept(store)
    outcome = await do(store, Restore(ROOM, (GUEST,), base + 1, 10_000, 10_000), "p2")
    assert [read(event)["type"] for event in outcome.events] == ["SERVER_ROOM_JOIN"]
    assert read(outcome.events[0])["participants"] == 2


async def test_who_is_still_in_is_put_back_without_an_event(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await joined(store, node_id="p2")
    outcome = await do(store, Restore(ROOM, (GUEST,), base + 1, 10_000, 10_000), "p2")
    assert outcome.events == ()


async def test_who_has_lost_the_name_meanwhile_is_not_put_back(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await joined(store, Person("guest", "손님", "x" * 32, "t"))
    outcome = await do(store, Restore(ROOM, (GUEST,), base, 10_000, 10_000), "p2")
    assert outcome.answer.out == ("guest",)


async def test_people_put_back_into_a_room_that_was_lost_are_counted_once_for_all(store: LiveStore) -> None:
    base = (await opened(store, held=False)).seq
    outcome = await do(store, Restore(ROOM, (HOST, GUEST), 5, 10_000, 10_000), "p2")
    assert outcome.answer.epoch_seq == base
    assert [read(event)["type"] for event in outcome.events] == ["SERVER_ROOM_COUNT"]
    assert read(outcome.events[0])["participants"] == 2


async def test_a_room_brought_back_continues_above_the_seq_that_was_seen(store: LiveStore) -> None:
    far = 2**52
    assert (await opened(store, held=False, seq=far)).seq > far
    outcome = await do(store, Restore(ROOM, (HOST,), far + 1000, 10_000, 10_000), "p2")
    assert all(event.seq > far + 1000 for event in outcome.events)


async def test_a_room_brought_back_waits_for_its_host(store: LiveStore) -> None:
    entered = await opened(store, held=False, grace=0)
    assert entered.participants == 1
    assert (await swept(store)).answer == (ROOM,)


async def test_what_was_missed_is_sent_again_in_order(store: LiveStore) -> None:
    await opened(store)
    seen = (await joined(store)).events[0].seq
    await do(store, losing(grace=60_000))
    said = (await store.apply("p1", [saying(str(n), HOST, ref=str(n)) for n in range(3)]))[0:3]
    entered = (await joined(store, after=seen)).answer
    assert entered.recovered is True
    assert entered.replay == [event.text for outcome in said if isinstance(outcome, Done) for event in outcome.events]


async def test_who_missed_more_than_is_kept_is_told(store: LiveStore) -> None:
    await opened(store)
    seen = (await joined(store)).events[0].seq
    await store.apply("p1", [saying(str(n), HOST, ref=str(n)) for n in range(HISTORY + 1)])
    entered = (await joined(store, after=seen)).answer
    assert (entered.recovered, len(entered.replay)) == (False, HISTORY)


async def test_nothing_from_before_the_first_join_is_sent(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await do(store, saying("비밀", HOST))
    first = (await joined(store)).events[0]
    entered = (await joined(store, after=base)).answer
    assert (entered.state.seq, entered.recovered, entered.replay) == (first.seq, False, [])


async def test_a_stranger_is_sent_nothing_again(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await do(store, saying("비밀", HOST))
    entered = (await joined(store, after=base)).answer
    assert (entered.recovered, entered.replay) == (False, [])


async def test_who_was_lost_for_a_while_is_sent_what_they_missed(store: LiveStore) -> None:
    await opened(store)
    seen = (await joined(store)).events[0].seq
    await do(store, losing())
    await swept(store)
    entered = (await joined(store, after=seen)).answer
    assert [json.loads(text)["type"] for text in entered.replay] == ["SERVER_ROOM_EXIT", "SERVER_ROOM_JOIN"]
    assert entered.recovered is True


async def test_who_left_on_purpose_is_sent_nothing_again(store: LiveStore) -> None:
    await opened(store)
    seen = (await joined(store)).events[0].seq
    await do(store, Exit(ROOM, GUEST.key, GUEST.visitor_id))
    await do(store, saying("비밀", HOST))
    entered = (await joined(store, after=seen)).answer
    assert (entered.recovered, entered.replay) == (False, [])


async def test_a_restored_node_holds_whom_it_says_and_nobody_else(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await joined(store)
    await do(store, Restore(ROOM, (HOST,), base, 0, 60_000))
    [left] = (await swept(store)).events
    assert (read(left)["nickName"], read(left)["reason"]) == ('손"님', "lost")


async def test_comings_and_goings_cost_no_line_its_place(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await do(store, saying("첫말", HOST))
    for _ in range(HISTORY):
        await joined(store)
        await do(store, Exit(ROOM, GUEST.key, GUEST.visitor_id))
    replay = (await joined(store, HOST, after=base)).answer
    assert (replay.recovered, json.loads(replay.replay[0])["message"]) == (True, "첫말")


async def test_three_times_as_many_other_events_are_kept_as_lines(store: LiveStore) -> None:
    base = (await opened(store)).seq
    for _ in range(2 * HISTORY):
        await joined(store)
        await do(store, Exit(ROOM, GUEST.key, GUEST.visitor_id))
    assert len((await do(store, History(ROOM, base))).answer.events) == 3 * HISTORY


async def test_a_gap_of_other_events_that_are_no_longer_kept_hides_no_line(store: LiveStore) -> None:
    await opened(store)
    after = (await joined(store)).events[0].seq
    await do(store, losing(grace=60_000))
    await do(store, saying("들었나요", HOST))
    passer_by = Person("passer-by", "행인", "p" * 32, "tagpa")
    for _ in range(3 * HISTORY):
        await joined(store, passer_by)
        await do(store, Exit(ROOM, passer_by.key, passer_by.visitor_id))
    entered = (await joined(store, after=after)).answer
    seqs = [json.loads(text)["seq"] for text in entered.replay]
    assert seqs == [after + 1, *range(entered.state.seq - 3 * HISTORY + 1, entered.state.seq + 1)]
    assert entered.recovered is True


async def test_a_rooms_end_takes_along_what_was_said(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await do(store, saying("비밀", HOST))
    await do(store, BeginDelete(ROOM, "moderator"))
    await do(store, FinishDelete(ROOM))
    [end] = (await do(store, History(ROOM, base))).answer.events
    assert end.end


async def test_a_time_in_which_nobody_swept_does_not_count(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await do(store, Sweep(0, 0))
    await do(store, losing(grace=50))
    await asyncio.sleep(0.1)
    assert (await do(store, Sweep(0, 0, pause=20))).events == ()


async def test_a_deadline_that_is_set_after_such_a_time_is_not_moved_by_it(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await do(store, Sweep(0, 0, pause=20))
    await asyncio.sleep(0.15)
    await do(store, losing(grace=1))
    await asyncio.sleep(0.01)
    assert len((await do(store, Sweep(0, 0, pause=20))).events) == 1


async def test_a_lease_that_is_renewed_after_such_a_time_is_not_moved_by_it(store: LiveStore) -> None:
    await opened(store)
    await joined(store, node_id="p2")
    await do(store, Sweep(0, 0, pause=20))
    await asyncio.sleep(0.15)
    await store.beat("p2", 1)
    await asyncio.sleep(0.01)
    assert len((await do(store, Sweep(0, 0, pause=20))).events) == 1


async def test_a_node_that_has_no_lease_when_somebody_comes_in_gets_one_like_the_others(store: LiveStore) -> None:
    await opened(store)
    await store.beat("p2", 1)
    await joined(store, node_id="dead")
    await asyncio.sleep(0.01)
    assert len((await do(store, Sweep(0, 0))).events) == 1


async def test_a_node_is_told_of_rooms_in_which_it_is_thought_to_hold_nobody(store: LiveStore) -> None:
    await opened(store)
    assert ROOM in (await do(store, Positions((ROOM,), held=True))).answer
    assert ROOM not in (await do(store, Positions((ROOM,), held=True), "p2")).answer


async def test_old_events_are_forgotten(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await do(store, saying("옛말", HOST))
    await asyncio.sleep(AGE / 1000 + 0.05)
    kept = (await do(store, History(ROOM, base))).answer
    assert kept == HistoryPage([], base + 1, base)


async def test_the_lobby_lists_the_fullest_rooms_first(store: LiveStore) -> None:
    await opened(store)
    await do(store, Create(7, "작은 방", True, 1_600_000_000_000, Person("a", "가", "a" * 32, "t"), True))
    await do(store, Create(8, "숨은 방", False, 1, Person("b", "나", "b" * 32, "t"), True))
    await joined(store)
    lobby = await store.lobby(10)
    assert [(room.name, room.host, room.participants) for room in lobby.rooms] == [
        ("사랑방", "방장", 2),
        ("작은 방", "가", 1),
    ]
    assert (lobby.total, (await store.lobby(1)).total, len((await store.lobby(1)).rooms)) == (2, 2, 1)


async def test_a_closing_room_is_in_no_list(store: LiveStore) -> None:
    await opened(store)
    await do(store, BeginDelete(ROOM, "moderator"))
    assert (await store.lobby(10)).rooms == []


async def test_the_index_tells_open_rooms_from_those_left_closing(store: LiveStore) -> None:
    await opened(store)
    assert (await store.list_rooms(0)).open == {ROOM}
    await do(store, BeginDelete(ROOM, "moderator"))
    index = await store.list_rooms(0)
    assert (index.open, index.closing) == (set(), {ROOM})
    assert (await store.list_rooms(60_000)).closing == set()


async def test_a_room_can_be_described_as_it_was_made(store: LiveStore) -> None:
    await opened(store)
    assert await store.describe(ROOM) == Create(ROOM, "사랑방", True, 1_700_000_000_000, HOST, held=False)
    await do(store, BeginDelete(ROOM, "moderator"))
    assert (await store.describe(ROOM), await store.describe(7)) == (None, None)


async def test_what_is_neither_open_nor_in_deletion_is_unknown(store: LiveStore) -> None:
    await opened(store)
    assert await store.unknown([ROOM, 7]) == {7}
    await do(store, BeginDelete(ROOM, "moderator"))
    assert await store.unknown([ROOM]) == set()
    await do(store, FinishDelete(ROOM))
    assert await store.unknown([ROOM]) == {ROOM}


async def test_a_duty_is_one_nodes_until_its_time_is_up(store: LiveStore) -> None:
    assert await store.lead("census", "p1", 50)
    assert not await store.lead("census", "p2", 50)
    assert await store.lead("census", "p1", 50)
    await asyncio.sleep(0.1)
    assert await store.lead("census", "p2", 50)


async def test_a_duty_that_was_given_by_another_clock_is_taken_over(store: LiveStore) -> None:
    assert await store.lead("census", "p1", 300_000)
    assert await store.lead("census", "p2", 50)


async def test_all_rooms_are_on_the_pages_of_the_index(store: LiveStore) -> None:
    await store.apply("p1", [Create(number, f"{number}", False, 1, None, False) for number in range(1, 2001)])
    found, cursor = set(), ""
    while True:
        page = await store.list_rooms(0, cursor)
        found |= page.open
        if not (cursor := page.next):
            break
    assert found == set(range(1, 2001))


async def test_a_flush_of_everything_keeps_the_order_of_its_outcomes(store: LiveStore) -> None:
    await opened(store)
    outcomes = await store.apply("p1", [Join(ROOM, GUEST, None, 9), saying("하나"), losing(), Positions((ROOM,))])
    assert [len(outcome.events) for outcome in outcomes if isinstance(outcome, Done)] == [1, 1, 0, 0]


async def test_redis_away_is_said_as_unavailable(tmp_path_factory: pytest.TempPathFactory) -> None:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        store = RedisStore(server.url)
        await store.beat("p1", 1000)
        server.stop()
        with pytest.raises(StoreUnavailable):
            await store.apply("p1", [Positions((1,))])
        server.start()
        assert (await do(store, Positions((1,)))).answer == {}
        await store.close()


async def test_nobody_can_be_recognised_in_two_rooms_by_what_stays_when_they_have_gone(redis: RedisServer) -> None:
    redis.command("FLUSHALL")
    store = RedisStore(redis.url)
    for room in (ROOM, 7):
        await do(store, Create(room, f"{room}", True, 1, HOST, True))
        await do(store, Join(room, GUEST, None, 9))
        await do(store, Disconnect(room, GUEST.key, GUEST.visitor_id, 0, 0))
    await do(store, Sweep(0, 0))
    past = [set(redis.command("HKEYS", key).split()) for key in redis.command("KEYS", "*:windows:*").split()]
    assert len(past) == 2
    assert not past[0] & past[1]
    everything = " ".join(redis.command("HGETALL", key) for key in redis.command("KEYS", "*:members:*").split())
    assert HOST.visitor_id in everything
    assert GUEST.visitor_id not in everything
    await store.close()


@pytest.mark.parametrize("kinds", ["members", "order", "holders", "members order holders nodes"])
async def test_a_room_whose_people_were_evicted_is_made_again(redis: RedisServer, kinds: str) -> None:
    redis.command("FLUSHALL")
    store = RedisStore(redis.url)
    before = await opened(store)
    for kind in kinds.split():
        redis.command("DEL", *redis.command("KEYS", f"*:{kind}:*").split())
    # Those who come in later hide nothing.
    await joined(store)
    assert (await do(store, Positions((ROOM,)))).answer == {}
    again = await opened(store, held=False)
    assert (again.participants, again.seq > before.seq) == (1, True)
    assert (await do(store, Positions((ROOM,)))).answer == {ROOM: again.seq}
    await store.close()


async def test_a_line_grows_old_while_nothing_is_said(redis: RedisServer) -> None:
    redis.command("FLUSHALL")
    store = RedisStore(redis.url, HISTORY, AGE, AGE)
    await opened(store)
    for number in range(2):
        await do(store, saying(f"{number}", HOST, ref=f"{number}"))
        await asyncio.sleep(0.6 * AGE / 1000)
    await do(store, Sweep(0, 0))
    [lines] = redis.command("KEYS", "*:lines:*").split()
    assert redis.command("XLEN", lines) == "1"
    await store.close()


async def test_every_key_in_redis_has_a_time_to_live(redis: RedisServer) -> None:
    redis.command("FLUSHALL")
    store = RedisStore(redis.url)
    await opened(store)
    await joined(store)
    await do(store, saying("하나"))
    await do(store, losing(HOST, 60_000))
    await do(store, BeginDelete(ROOM, "moderator"))
    keys = redis.command("KEYS", "*").split()
    assert {"deadlines", "closing", "leases"} <= {key.rpartition(":")[2] for key in keys}
    assert [key for key in keys if int(redis.command("PTTL", key)) <= 0] == []
    await store.close()
