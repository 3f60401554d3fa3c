"""The store in memory and the one on Redis cannot be told apart, whatever is asked of them (tests/differential.py)."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from rooms.live.contract import Done
from rooms.live.operations import Create, Disconnect, Exit, Join, Operation, Person, Send, Sweep
from rooms.live.redis import LIFE
from tests.differential import SEEDS, Both, Failure, both_stores, first_failure, without
from tests.steps import CREATED, NODES, ROOMS, START, VISITORS, Apply, Beat, Release, Step, Steps

SHOULD_HAPPEN = """
    Arrive: NoneType, Arrive: too_fast, Depart: NoneType
    Reserve: int, Reserve: too_fast, Cancel: NoneType
    Create: Entered, Create: room_not_found, Create: name_taken
    Join: Entered, Join: unavailable, Join: room_not_found, Join: name_taken, Join: room_full, Join: too_fast
    Restore: Restored, Restore: unavailable, Restore: room_not_found
    Exit: True, Exit: False
    Disconnect: NoneType
    Send: NoneType, Send: Duplicate, Send: unavailable, Send: room_not_found, Send: not_in_room, Send: too_fast
    Join: banned, Join: room_locked
    Examine: Examined, Examine: unavailable, Examine: room_not_found, Examine: not_in_room, Examine: not_host
    Examine: bad_field, Kick: Kicked, Kick: not_in_room, Kick: not_host, Kick: bad_field
    Lift: NoneType, Lift: not_host, Mute: NoneType, Mute: Duplicate, Mute: not_host, Mute: bad_field
    Change: NoneType, Change: Duplicate, Change: not_host, Transfer: NoneType, Transfer: Duplicate, Transfer: bad_field
    Notice: NoneType, Inspect: tuple, Overview: dict
    Send: bad_field, Send: muted, React: NoneType, React: muted, React: bad_field, React: not_in_room
    Remove: NoneType, Remove: Duplicate, Remove: bad_field, Remove: not_host, Quote: Quoted, Quote: bad_field
    BeginDelete: NoneType, BeginDelete: room_not_found, BeginDelete: not_host
    FinishDelete: str, FinishDelete: NoneType
    Sweep: tuple
    Positions: dict
    History: HistoryPage
    recovered: True, recovered: False, a room stands later
    SERVER_ROOM_JOIN, SERVER_ROOM_EXIT left, SERVER_ROOM_EXIT lost, SERVER_CHAT_SEND, SERVER_ROOM_COUNT
    SERVER_HOST_AWAY, SERVER_HOST_BACK, SERVER_ROOM_EXIT kicked, SERVER_MEMBER_MUTE, SERVER_ROOM_LOCK
    SERVER_ROOM_SLOW, SERVER_ROOM_TOPIC, SERVER_HOST_TRANSFER, SERVER_CHAT_REMOVE, SERVER_CHAT_REACT, SERVER_ROOM_NOTICE
    SERVER_ROOM_DELETE deleted, SERVER_ROOM_DELETE moderator, SERVER_ROOM_DELETE host_left, SERVER_ROOM_DELETE host_lost
"""
ROOM = ROOMS[0]
HOST, GUEST = Person("host", "Host", VISITORS[0], "tag0"), Person("guest", "Guest", VISITORS[1], "tag1")
OPEN = Create(ROOM, "사랑방", True, CREATED[ROOM], HOST, True)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with both_stores(tmp_path_factory.mktemp("both")) as both:
        yield both


@pytest.fixture(scope="module")
def played(both: Both) -> tuple[Failure | None, Counter[str]]:
    """The first sequence over which the stores differ, and what happened until then."""
    return asyncio.run(first_failure(both, range(1, SEEDS + 1))), both.happened.copy()


def test_the_stores_cannot_be_told_apart(played: tuple[Failure | None, Counter[str]]) -> None:
    failure, _ = played
    assert failure is None, str(failure)


def test_the_sequences_reach_everything_that_can_happen(played: tuple[Failure | None, Counter[str]]) -> None:
    kinds = [kind.strip() for kind in SHOULD_HAPPEN.strip().replace("\n", ",").split(",")]
    assert {kind: played[1][kind] for kind in kinds if played[1][kind] < 5} == {}


def test_a_seed_makes_the_same_steps_always() -> None:
    first, second = ([Steps(seed).draw() for _ in range(20)] for seed in (7, 7))
    assert first == second


def test_what_comes_after_a_step_that_is_left_out_still_comes_at_its_time() -> None:
    steps = [Step(after, NODES[0], Release()) for after in (1, 20, 300, 4000)]
    assert [step.after for step in without(steps, 1, 2)] == [1, 4320]


async def test_a_room_lives_as_long_as_the_nodes_beat_that_hold_its_people(both: Both) -> None:
    joins, exits = Join(ROOM, GUEST, None, 10), Exit(ROOM, GUEST.key, GUEST.visitor_id)
    talk = Send(ROOM, GUEST.key, GUEST.visitor_id, "r", '{"type":"SERVER_CHAT_SEND"')
    lost = Disconnect(ROOM, HOST.key, HOST.visitor_id, 5, 5)
    # By turns, so that each node has some of the beats with which a store touches its rooms.
    beats = [Step(20_000, NODES[number % 7 % 2], Beat(60_000)) for number in range(3 * LIFE // 20_000)]
    await both.play(
        [
            asking(OPEN, joins),
            asking(joins, node=1),
            *beats,
            asking(talk, Join(ROOM, GUEST, 0, 10), exits, lost, talk),
            Step(0, NODES[1], Release()),
            *(asking(Sweep(5, 5), after=10) for _ in range(3)),
        ]
    )


def asking(*operations: Operation[Any], node: int = 0, after: int = 0) -> Step:
    return Step(after, NODES[node], Apply(operations))


async def test_a_room_whose_keys_ran_out_is_in_no_list(both: Both) -> None:
    store = both.begin()
    await store.apply(NODES[0], [OPEN])
    for _ in range(3):
        both.clock.set(both.clock.now() + LIFE // 2)
        await store.beat(NODES[1], 60_000)
    await store.apply(NODES[1], [Sweep(0, 0)])
    assert ((await store.list_rooms(0)).open, (await store.lobby(10)).total) == (set(), 0)
    await store.close()


async def test_a_node_that_dies_when_the_clock_is_set_is_not_thought_alive_for_long(both: Both) -> None:
    on_redis = both.begin()
    sweep = Sweep(0, 0)
    for store in (on_redis, both._memory):
        both.clock.set(START)
        await store.beat(NODES[0], 60_000)
        await store.apply(NODES[0], [OPEN, sweep])
        both.clock.set(START + 300_000)
        # Between the jump and the next sweep.
        await store.beat(NODES[1], 2000)
        await store.apply(NODES[1], [Join(ROOM, GUEST, None, 10), sweep])
        both.clock.set(START)
        await store.apply(NODES[0], [sweep])
        both.clock.set(START + 2001)
        await store.beat(NODES[0], 2000)
        [lost] = await store.apply(NODES[0], [sweep])
        assert isinstance(lost, Done), lost
        assert [json.loads(event.text)["nickName"] for event in lost.events] == [GUEST.nick], store
    await on_redis.close()


async def test_a_newcomer_is_shown_the_same_two_hundred_of_a_crowd(both: Both) -> None:
    crowd = [Person(f"key{number * 7 % 211}", f"Nick {number}", f"{number:032}", "tag") for number in range(211)]
    joins = tuple(Join(ROOM, person, None, 300) for person in crowd)
    leaves = tuple(Exit(ROOM, person.key, person.visitor_id) for person in crowd[:40:3])
    await both.play([asking(OPEN), asking(*joins), asking(*leaves), asking(*joins[:2])])
