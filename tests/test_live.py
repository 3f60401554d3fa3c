"""The live store's contract, held against both implementations: memory, and a real Redis."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from rooms.live.contract import (
    Close,
    Entered,
    Event,
    Finish,
    Heads,
    History,
    Join,
    Kept,
    Leave,
    Left,
    LiveStore,
    Lose,
    Open,
    Operation,
    Outcome,
    Person,
    Repeat,
    Reserve,
    Return,
    Returned,
    RoomUnknown,
    Say,
    StoreUnavailable,
    Sweep,
    Swept,
)
from rooms.live.memory import MemoryStore
from rooms.live.redis import RedisStore
from rooms.protocol import Said, event_body
from tests.servers import RedisServer, redis_server

ROOM = 2**53 - 1
HOST = Person("host", "방장", "h" * 32, "tagho")
GUEST = Person("guest", '손"님', "g" * 32, "taggu")
HISTORY = 5
AGE = 400


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[LiveStore]:
    if request.param == "memory":
        yield MemoryStore(HISTORY, AGE, AGE)
        return
    server: RedisServer = request.getfixturevalue("redis")
    server.command("FLUSHALL")
    redis_store = RedisStore(server.url, HISTORY, AGE, AGE)
    yield redis_store
    await redis_store.close()


async def do(store: LiveStore, operation: Operation, process: str = "p1") -> Outcome:
    [outcome] = await store.apply(process, [operation])
    return outcome


async def opened(store: LiveStore, held: bool = True, grace: int = 10_000, seq: int = 0) -> Entered:
    for process in ("p1", "p2"):
        await store.beat(process, 60_000)
    outcome = await do(store, Open(ROOM, "사랑방", True, 1_700_000_000_000, HOST, held, grace, seq))
    assert isinstance(outcome.value, Entered)
    return outcome.value


async def joined(store: LiveStore, person: Person = GUEST, process: str = "p1", after: int | None = None) -> Outcome:
    return await do(store, Join(ROOM, person, after, 10), process)


def saying(text: str, person: Person = GUEST, ref: str = "r", wait: int = 0) -> Say:
    body = event_body(Said(ROOM, person.nick, text, person.tag))
    return Say(ROOM, person.key, person.visitor, ref, body, wait)


def losing(person: Person = GUEST, grace: int = 0) -> Lose:
    return Lose(ROOM, person.key, person.visitor, grace, grace)


def read(event: Event) -> dict[str, Any]:
    return json.loads(event.text)


def code(outcome: Outcome) -> str:
    return outcome.refused.error if outcome.refused else ""


async def swept(store: LiveStore, process: str = "p1", grace: int = 0) -> Outcome:
    """Sweep until something happens."""
    while not (outcome := await do(store, Sweep(grace, grace), process)).events:
        await asyncio.sleep(0.01)
    return outcome


async def test_the_opener_is_in_the_room_as_its_host(store: LiveStore) -> None:
    entered = await opened(store)
    assert (entered.name, entered.host, entered.participants) == ("사랑방", "방장", 1)
    assert entered.members == [("방장", "tagho")]


async def test_opening_again_finds_the_room_as_it_is(store: LiveStore) -> None:
    first = await opened(store)
    assert (await opened(store)).seq == first.seq


async def test_a_room_can_be_official(store: LiveStore) -> None:
    outcome = await do(store, Open(ROOM, "공식", True, 1, None, False))
    assert isinstance(outcome.value, Entered)
    assert (outcome.value.host, outcome.value.participants) == ("", 0)


async def test_a_reserved_ref_keeps_its_first_room(store: LiveStore) -> None:
    assert (await do(store, Reserve("v", "ref", 1))).value == 1
    assert (await do(store, Reserve("v", "ref", 2))).value == 1
    assert (await do(store, Reserve("w", "ref", 3))).value == 3


async def test_a_join_is_an_event_with_the_next_seq_and_the_new_count(store: LiveStore) -> None:
    base = (await opened(store)).seq
    [event] = (await joined(store)).events
    assert event.seq == base + 1
    assert event.tell == ("p1",)
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
    again = await joined(store, process="p2")
    assert again.events == ()
    assert isinstance(again.value, Entered)
    assert again.value.participants == 2


async def test_anothers_name_is_taken(store: LiveStore) -> None:
    await opened(store)
    assert code(await joined(store, Person("host", "방장", "x" * 32, "t"))) == "name_taken"


async def test_a_full_room_lets_only_those_in_who_are_in(store: LiveStore) -> None:
    await opened(store)
    assert code(await do(store, Join(ROOM, GUEST, None, 1))) == "room_full"
    assert code(await do(store, Join(ROOM, HOST, None, 1))) == ""


@pytest.mark.parametrize("operation", [Join(ROOM, GUEST, None, 9), saying("x"), Return(ROOM, (GUEST,), 0)])
async def test_a_room_it_never_heard_of_is_unknown(store: LiveStore, operation: Operation) -> None:
    assert isinstance((await do(store, operation)).refused, RoomUnknown)


async def test_a_message_is_told_to_every_process_with_people_in_the_room(store: LiveStore) -> None:
    await opened(store)
    await joined(store, process="p2")
    [event] = (await do(store, saying('안녕 "친구" \\ /'), "p2")).events
    assert sorted(event.tell) == ["p1", "p2"]
    assert (read(event)["message"], read(event)["participants"]) == ('안녕 "친구" \\ /', 2)


async def test_messages_of_one_flush_keep_their_order(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    outcomes = await store.apply("p1", [saying(str(n), ref=str(n)) for n in range(20)])
    events = [event for outcome in outcomes for event in outcome.events]
    assert [read(event)["message"] for event in events] == [str(n) for n in range(20)]
    assert [event.seq - events[0].seq for event in events] == list(range(20))


async def test_a_ref_is_said_once(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    [event] = (await do(store, saying("하나"))).events
    again = await do(store, saying("하나"))
    assert again.events == ()
    assert again.value == Repeat(event.seq, event.text)


async def test_a_repeated_ref_is_recognised_before_flood_control(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await do(store, saying("하나"))
    assert isinstance((await do(store, saying("하나", wait=500))).value, Repeat)
    refused = (await do(store, saying("둘", ref="other", wait=500))).refused
    assert refused is not None
    assert (refused.error, refused.extra) == ("too_fast", {"retryAfter": 500})


async def test_nobody_speaks_under_anothers_name(store: LiveStore) -> None:
    await opened(store)
    assert code(await do(store, saying("x", Person("host", "방장", "x" * 32, "t")))) == "not_in_room"


async def test_leaving_is_an_event_and_frees_the_name(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    outcome = await do(store, Leave(ROOM, GUEST.key, GUEST.visitor))
    assert outcome.value == Left(False)
    assert (read(outcome.events[0])["reason"], read(outcome.events[0])["participants"]) == ("left", 1)
    assert code(await joined(store, Person("guest", "손님", "x" * 32, "t"))) == ""


async def test_who_is_held_by_another_process_has_not_left(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await joined(store, process="p2")
    assert (await do(store, Leave(ROOM, GUEST.key, GUEST.visitor))).events == ()
    assert len((await do(store, Leave(ROOM, GUEST.key, GUEST.visitor), "p2")).events) == 1


async def test_leaving_twice_is_one_event(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await do(store, Leave(ROOM, GUEST.key, GUEST.visitor))
    assert (await do(store, Leave(ROOM, GUEST.key, GUEST.visitor))).events == ()


async def test_the_hosts_leaving_closes_the_room(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    assert (await do(store, Leave(ROOM, HOST.key, HOST.visitor))).value == Left(True)
    assert code(await joined(store, Person("late", "늦은", "l" * 32, "t"))) == "room_not_found"
    assert (await do(store, Leave(ROOM, HOST.key, HOST.visitor))).value == Left(True)
    [event] = (await do(store, Finish(ROOM))).events
    assert (read(event)["reason"], read(event)["participants"], event.end) == ("host_left", 0, True)


async def test_only_the_host_closes_a_room(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    assert code(await do(store, Close(ROOM, "deleted", GUEST.key, GUEST.visitor))) == "not_host"
    assert code(await do(store, Close(ROOM, "deleted", HOST.key, GUEST.visitor))) == "not_host"
    assert code(await do(store, Close(ROOM, "deleted", HOST.key, HOST.visitor, "ref"))) == ""
    assert read((await do(store, Finish(ROOM))).events[0])["ref"] == "ref"


async def test_a_deletion_is_finished_once(store: LiveStore) -> None:
    await opened(store)
    assert (await do(store, Finish(ROOM))).events == ()
    await do(store, Close(ROOM, "moderator"))
    assert len((await do(store, Finish(ROOM))).events) == 1
    assert (await do(store, Finish(ROOM))).events == ()


async def test_a_deleted_room_is_remembered_for_those_who_missed_its_end(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await do(store, Close(ROOM, "moderator"))
    await do(store, Finish(ROOM))
    assert (await do(store, Heads((ROOM,)))).value == {ROOM: base + 1}
    kept = (await do(store, History(ROOM, base))).value
    assert isinstance(kept, Kept)
    assert [event.end for event in kept.events] == [True]
    assert code(await joined(store)) == "room_not_found"
    assert code(await do(store, Open(ROOM, "사랑방", True, 1, HOST, False))) == "room_not_found"


async def test_a_lost_person_keeps_name_and_place_until_the_grace_is_over(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    assert (await do(store, losing(grace=60_000))).events == ()
    assert (await do(store, Sweep(0, 0))).events == ()
    assert code(await joined(store, Person("guest", "손님", "x" * 32, "t"))) == "name_taken"
    back = await joined(store)
    assert isinstance(back.value, Entered)
    assert (back.events, back.value.participants) == ((), 2)


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


async def test_a_host_who_is_lost_takes_the_room_along(store: LiveStore) -> None:
    await opened(store)
    await joined(store)
    await do(store, losing(HOST))
    outcome = await swept(store)
    assert outcome.value == Swept([ROOM])
    assert read(outcome.events[-1])["reason"] == "lost"
    assert read((await do(store, Finish(ROOM))).events[0])["reason"] == "host_lost"


async def test_the_members_of_a_dead_process_are_lost(store: LiveStore) -> None:
    await opened(store)
    await joined(store, process="p2")
    await store.release("p2")
    [event] = (await swept(store)).events
    assert read(event)["reason"] == "lost"
    assert event.tell == ("p1",)


async def test_a_member_another_process_holds_too_survives_a_dead_process(store: LiveStore) -> None:
    await opened(store)
    await joined(store, process="p1")
    await joined(store, process="p2")
    await store.release("p2")
    assert (await do(store, Sweep(0, 0))).events == ()
    [event] = (await do(store, saying("여기 있어요"))).events
    assert event.tell == ("p1",)


async def test_a_lease_that_ran_out_is_told_at_the_next_beat(store: LiveStore) -> None:
    assert await store.beat("p3", 1) is False
    await asyncio.sleep(0.01)
    assert await store.beat("p3", 60_000) is False
    assert await store.beat("p3", 60_000) is True


async def test_who_was_lost_with_a_process_is_put_back_with_an_event(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await joined(store, process="p2")
    await store.release("p2")
    await swept(store)
    outcome = await do(store, Return(ROOM, (GUEST,), base + 1), "p2")
    assert isinstance(outcome.value, Returned)
    assert [read(event)["type"] for event in outcome.events] == ["SERVER_ROOM_JOIN"]
    assert read(outcome.events[0])["participants"] == 2


async def test_who_is_still_in_is_put_back_without_an_event(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await joined(store, process="p2")
    outcome = await do(store, Return(ROOM, (GUEST,), base + 1), "p2")
    assert outcome.events == ()


async def test_who_has_lost_the_name_meanwhile_is_not_put_back(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await joined(store, Person("guest", "손님", "x" * 32, "t"))
    outcome = await do(store, Return(ROOM, (GUEST,), base), "p2")
    assert isinstance(outcome.value, Returned)
    assert outcome.value.out == ("guest",)


async def test_people_put_back_into_a_room_that_was_lost_are_counted_once_for_all(store: LiveStore) -> None:
    base = (await opened(store, held=False)).seq
    outcome = await do(store, Return(ROOM, (HOST, GUEST), 5), "p2")
    assert isinstance(outcome.value, Returned)
    assert outcome.value.base == base
    assert [read(event)["type"] for event in outcome.events] == ["SERVER_ROOM_COUNT"]
    assert read(outcome.events[0])["participants"] == 2


async def test_a_room_brought_back_continues_above_the_seq_that_was_seen(store: LiveStore) -> None:
    far = 2**52
    assert (await opened(store, held=False, seq=far)).seq > far
    outcome = await do(store, Return(ROOM, (HOST,), far + 1000), "p2")
    assert all(event.seq > far + 1000 for event in outcome.events)


async def test_a_room_brought_back_waits_for_its_host(store: LiveStore) -> None:
    entered = await opened(store, held=False, grace=0)
    assert entered.participants == 1
    assert (await swept(store)).value == Swept([ROOM])


async def test_what_was_missed_is_sent_again_in_order(store: LiveStore) -> None:
    await opened(store)
    seen = (await joined(store)).events[0].seq
    await do(store, losing(grace=60_000))
    said = (await store.apply("p1", [saying(str(n), HOST, ref=str(n)) for n in range(3)]))[0:3]
    entered = (await joined(store, after=seen)).value
    assert isinstance(entered, Entered)
    assert entered.recovered is True
    assert entered.replay == [event.text for outcome in said for event in outcome.events]


async def test_who_missed_more_than_is_kept_is_told(store: LiveStore) -> None:
    await opened(store)
    seen = (await joined(store)).events[0].seq
    await store.apply("p1", [saying(str(n), HOST, ref=str(n)) for n in range(HISTORY + 1)])
    entered = (await joined(store, after=seen)).value
    assert isinstance(entered, Entered)
    assert (entered.recovered, len(entered.replay)) == (False, HISTORY)


async def test_nothing_from_before_the_first_join_is_sent(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await do(store, saying("비밀", HOST))
    first = (await joined(store)).events[0]
    entered = (await joined(store, after=base)).value
    assert isinstance(entered, Entered)
    assert (entered.seq, entered.replay) == (first.seq, [])


async def test_a_stranger_is_sent_nothing_again(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await do(store, saying("비밀", HOST))
    entered = (await joined(store, after=base)).value
    assert isinstance(entered, Entered)
    assert (entered.recovered, entered.replay) == (False, [])


async def test_who_was_out_for_a_while_is_sent_what_they_missed(store: LiveStore) -> None:
    await opened(store)
    seen = (await joined(store)).events[0].seq
    await do(store, Leave(ROOM, GUEST.key, GUEST.visitor))
    entered = (await joined(store, after=seen)).value
    assert isinstance(entered, Entered)
    assert [json.loads(text)["type"] for text in entered.replay] == ["SERVER_ROOM_EXIT", "SERVER_ROOM_JOIN"]
    assert entered.recovered is True


async def test_old_events_are_forgotten(store: LiveStore) -> None:
    base = (await opened(store)).seq
    await do(store, saying("옛말", HOST))
    await asyncio.sleep(AGE / 1000 + 0.05)
    kept = (await do(store, History(ROOM, base))).value
    assert kept == Kept([], base + 1, base)


async def test_the_lobby_lists_the_fullest_rooms_first(store: LiveStore) -> None:
    await opened(store)
    await do(store, Open(7, "작은 방", True, 1_600_000_000_000, Person("a", "가", "a" * 32, "t"), True))
    await do(store, Open(8, "숨은 방", False, 1, Person("b", "나", "b" * 32, "t"), True))
    await joined(store)
    lobby = await store.lobby(10)
    assert [(room.name, room.host, room.participants) for room in lobby.rooms] == [
        ("사랑방", "방장", 2),
        ("작은 방", "가", 1),
    ]
    assert (lobby.total, (await store.lobby(1)).total, len((await store.lobby(1)).rooms)) == (2, 2, 1)


async def test_a_closing_room_is_in_no_list(store: LiveStore) -> None:
    await opened(store)
    await do(store, Close(ROOM, "moderator"))
    assert (await store.lobby(10)).rooms == []


async def test_the_census_tells_open_rooms_from_those_left_closing(store: LiveStore) -> None:
    await opened(store)
    assert (await store.census(0)).open == {ROOM}
    await do(store, Close(ROOM, "moderator"))
    census = await store.census(0)
    assert (census.open, census.closing) == (set(), {ROOM})
    assert (await store.census(60_000)).closing == set()


async def test_a_flush_of_everything_keeps_the_order_of_its_outcomes(store: LiveStore) -> None:
    await opened(store)
    outcomes = await store.apply("p1", [Join(ROOM, GUEST, None, 9), saying("하나"), losing(), Heads((ROOM,))])
    assert [len(outcome.events) for outcome in outcomes] == [1, 1, 0, 0]
    assert isinstance(outcomes[3].value, dict)


async def test_redis_away_is_said_as_unavailable(tmp_path_factory: pytest.TempPathFactory) -> None:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        store = RedisStore(server.url)
        await store.beat("p1", 1000)
        server.stop()
        with pytest.raises(StoreUnavailable):
            await store.apply("p1", [Heads((1,))])
        server.start()
        assert (await do(store, Heads((1,)))).value == {}
        await store.close()


async def test_every_key_in_redis_has_a_time_to_live(redis: RedisServer) -> None:
    redis.command("FLUSHALL")
    store = RedisStore(redis.url)
    await opened(store)
    await joined(store)
    await do(store, saying("하나"))
    await do(store, losing(HOST, 60_000))
    await do(store, Close(ROOM, "moderator"))
    keys = redis.command("KEYS", "*").split()
    assert {"sarangbang:deadlines", "sarangbang:closing", "sarangbang:leases"} <= set(keys)
    assert [key for key in keys if int(redis.command("PTTL", key)) <= 0] == []
    await store.close()
