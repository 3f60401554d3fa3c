"""What a live store counts by address, held against both implementations (docs/architecture.md, "Addresses")."""

import asyncio
from typing import Any

import pytest

from rooms.live.addresses import Address, Charge
from rooms.live.arrivals import Arrive, Depart
from rooms.live.contract import Done, LiveStore, Outcome, Refused
from rooms.live.memory_addresses import DAY
from rooms.live.operations import Cancel, Create, Exit, Join, Operation, Person, Reserve
from tests.conftest import Forget
from tests.stores import RedisServer

HOST, GUEST = Person("host", "방장", "h" * 32, "tagho"), Person("guest", "손님", "g" * 32, "taggu")
FAR = 600_000
NODES = ("p1", "p2")


@pytest.fixture
async def today(store: LiveStore) -> int:
    """The day by the store's clock; the nodes are alive."""
    for node_id in NODES:
        await store.beat(node_id, 60_000)
    return (await store.day_keys("k" * 64)).day


async def outcome(store: LiveStore, operation: Operation[Any], node_id: str = "p1") -> Outcome[Any]:
    [found] = await store.apply(node_id, [operation])
    return found


async def is_done(store: LiveStore, operation: Operation[Any], node_id: str = "p1") -> bool:
    return isinstance(await outcome(store, operation, node_id), Done)


async def wait_of(store: LiveStore, operation: Operation[Any]) -> int:
    """How many ms a refused operation is to wait."""
    found = await outcome(store, operation)
    assert isinstance(found, Refused)
    assert found.refusal.error == "too_fast"
    return int(found.refusal.extra.get("retryAfter", 0))


def arriving(address: Address, held: int, open: int = 0, most: int = 0, window: int = FAR) -> Arrive:
    return Arrive(Charge(address, most, window), held, open)


def joining(address: Address, most: int, person: Person = GUEST) -> Join:
    return Join(7, person, None, 10, Charge(address, most, FAR))


async def a_room(store: LiveStore) -> None:
    await outcome(store, Create(7, "방", True, 1, HOST, True))


async def test_connections_are_counted_over_all_nodes(store: LiveStore, today: int) -> None:
    here = Address(today, "a")
    assert await is_done(store, arriving(here, 1, open=2), "p1")
    assert await is_done(store, arriving(here, 1, open=2), "p2")
    assert not await is_done(store, arriving(here, 2, open=2), "p1")


async def test_another_address_has_a_count_of_its_own(store: LiveStore, today: int) -> None:
    await outcome(store, arriving(Address(today, "a"), 1, open=1))
    assert await is_done(store, arriving(Address(today, "b"), 1, open=1))


async def test_what_was_counted_yesterday_counts_today(store: LiveStore, today: int) -> None:
    await outcome(store, arriving(Address(today - 1, "old"), 1, open=1))
    assert not await is_done(store, arriving(Address(today, "new", "old"), 1, open=1))


async def test_a_connection_that_has_gone_makes_room(store: LiveStore, today: int) -> None:
    here = Address(today, "a")
    await outcome(store, arriving(here, 1, open=1))
    await outcome(store, Depart(here, 0))
    assert await is_done(store, arriving(here, 1, open=1))


async def test_the_connections_of_a_dead_node_do_not_count(store: LiveStore, today: int) -> None:
    here = Address(today, "a")
    await outcome(store, arriving(here, 2, open=2), "p2")
    await store.release("p2")
    assert await is_done(store, arriving(here, 1, open=2), "p1")


async def test_a_node_that_was_only_late_is_counted_again(store: LiveStore, today: int) -> None:
    here = Address(today, "a")
    await outcome(store, arriving(here, 2, open=2), "p2")
    await store.release("p2")
    await store.beat("p2", 60_000)
    assert not await is_done(store, arriving(here, 1, open=2), "p1")


async def test_a_repeated_arrival_counts_once(store: LiveStore, today: int) -> None:
    here = Address(today, "a")
    assert [await is_done(store, arriving(here, 1, most=1)) for _ in range(3)] == [True] * 3
    assert not await is_done(store, arriving(here, 2, most=1))


async def test_a_refused_arrival_costs_nothing(store: LiveStore, today: int) -> None:
    here = Address(today, "a")
    await outcome(store, arriving(here, 1, open=1, most=2))
    for _ in range(5):
        assert not await is_done(store, arriving(here, 2, open=1, most=2))
    assert await is_done(store, arriving(here, 2, open=2, most=2))


async def test_after_the_time_that_a_refusal_tells_there_may_be_one_more(store: LiveStore, today: int) -> None:
    here = Address(today, "a")
    await outcome(store, arriving(here, 1, most=1, window=200))
    again = arriving(here, 2, most=1, window=200)
    wait = await wait_of(store, again)
    assert 180 <= wait <= 220
    await asyncio.sleep(wait / 1000 + 0.01)
    assert await is_done(store, again)


async def test_whatever_falls_out_of_the_window_counts_no_more(store: LiveStore, today: int) -> None:
    here = Address(today, "a")
    taken = []
    for held in range(1, 60):
        taken.append(await is_done(store, arriving(here, held, most=5, window=100)))
        await asyncio.sleep(0.004)
    assert 10 <= sum(taken) <= 20


async def test_so_many_rooms_are_reserved_from_one_address(store: LiveStore, today: int) -> None:
    charge = Charge(Address(today, "a"), 2, FAR)
    reserved = [await is_done(store, Reserve(f"v{room}", "r", room, charge)) for room in (1, 2, 3)]
    assert reserved == [True, True, False]


async def test_the_same_ref_is_counted_once(store: LiveStore, today: int) -> None:
    charge = Charge(Address(today, "a"), 1, FAR)
    found = [await outcome(store, Reserve("v", "r", room, charge)) for room in (1, 2, 3)]
    assert found == [Done(1)] * 3


async def test_a_room_that_was_not_made_is_not_counted(store: LiveStore, today: int) -> None:
    charge = Charge(Address(today, "a"), 1, FAR)
    await outcome(store, Reserve("v", "r", 1, charge))
    for _ in range(2):
        await outcome(store, Cancel("v", "r", 1, charge))
    assert await is_done(store, Reserve("v", "s", 2, charge))
    assert not await is_done(store, Reserve("v", "t", 3, charge))


async def test_so_many_people_join_from_one_address(store: LiveStore, today: int) -> None:
    await a_room(store)
    here = Address(today, "a")
    people = [Person(name, name, name * 32, name) for name in "xyz"]
    assert [await is_done(store, joining(here, 2, person)) for person in people] == [True, True, False]


async def test_joining_where_one_is_costs_nothing(store: LiveStore, today: int) -> None:
    await a_room(store)
    here = Address(today, "a")
    assert [await is_done(store, joining(here, 1)) for _ in range(5)] == [True] * 5


async def test_joining_anew_after_an_exit_counts(store: LiveStore, today: int) -> None:
    await a_room(store)
    here = Address(today, "a")
    await outcome(store, joining(here, 1))
    await outcome(store, Exit(7, GUEST.key, GUEST.visitor_id))
    assert not await is_done(store, joining(here, 1))


async def test_a_join_that_is_refused_costs_nothing(store: LiveStore, today: int) -> None:
    await a_room(store)
    here = Address(today, "a")
    taken = Person(HOST.key, HOST.nick, "x" * 32, "tagxx")
    assert not await is_done(store, joining(here, 1, taken))
    assert await is_done(store, joining(here, 1))


def opening(number: int, opener: Address | None, created_at: int = 0) -> Create:
    host = Person("host", "방장", f"{number:032}", "tagho")
    return Create(number, f"방 {number}", True, created_at or number, host, True, opener=opener)


async def order(store: LiveStore) -> list[tuple[int, bool]]:
    return [(room.room_id, room.later) for room in (await store.lobby(200)).rooms]


async def test_three_of_the_first_ten_rooms_are_from_one_address(store: LiveStore, today: int) -> None:
    await store.apply("p1", [opening(number, Address(today, "a")) for number in range(1, 251)])
    await store.apply("p1", [opening(number, Address(today, f"b{number}")) for number in range(301, 321)])
    shown = await order(store)
    assert shown[:10] == [(number, False) for number in (1, 2, 3, *range(301, 308))]
    assert shown[10:13] == [(4, True), (5, True), (6, True)]
    assert len(shown) == 200
    assert (await store.lobby(200)).total == 270


async def test_an_address_is_one_at_midnight_too(store: LiveStore, today: int) -> None:
    old, new = Address(today - 1, "old"), Address(today, "new", "old")
    await store.apply("p1", [opening(number, old if number % 2 else new) for number in range(1, 6)])
    await store.apply("p1", [opening(9, None)])
    assert await order(store) == [(1, False), (2, False), (3, False), (9, False), (4, True), (5, True)]


async def test_rooms_of_unknown_openers_are_not_held_back(store: LiveStore) -> None:
    await store.apply("p1", [opening(number, None) for number in range(1, 13)])
    assert await order(store) == [(number, False) for number in range(1, 13)]


async def test_where_nobody_else_has_a_room_all_are_shown(store: LiveStore, today: int) -> None:
    await store.apply("p1", [opening(number, Address(today, "a")) for number in range(1, 6)])
    assert [room for room, _ in await order(store)] == [1, 2, 3, 4, 5]


async def test_the_first_key_that_is_offered_is_everyone_s(store: LiveStore) -> None:
    first, second = await store.day_keys("1" * 64), await store.day_keys("2" * 64)
    assert (first, first.today, first.yesterday) == (second, "1" * 64, "")


async def test_after_a_loss_of_memory_there_is_another_key(store: LiveStore, forget: Forget) -> None:
    await store.day_keys("1" * 64)
    forget(store)
    assert (await store.day_keys("2" * 64)).today == "2" * 64


async def test_what_was_counted_is_told_again_after_a_loss(store: LiveStore, today: int, forget: Forget) -> None:
    here = Address(today, "a")
    await outcome(store, arriving(here, 2, open=2), "p1")
    forget(store)
    for node_id in NODES:
        await store.beat(node_id, 60_000)
    await outcome(store, Depart(here, 2), "p1")
    assert not await is_done(store, arriving(here, 1, open=2), "p2")


@pytest.mark.parametrize("live_store", ["redis"], indirect=True)
async def test_nothing_of_an_address_lives_longer_than_its_key(
    store: LiveStore, today: int, redis: RedisServer
) -> None:
    for day in (today - 2, today - 1, today):
        await outcome(store, arriving(Address(day, "a"), 1, most=9))
    keys = [key for kind in ("day", "open", "arrivals") for key in redis.command("KEYS", f"*:{kind}:*").split()]
    lives = {key: int(redis.command("PTTL", key)) for key in keys}
    assert len(keys) == 4
    assert all(0 < life <= 2 * DAY for life in lives.values()), lives
