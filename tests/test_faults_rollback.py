"""A Redis that comes back with an older state: nobody is deaf, nobody hangs, and what clients are told is true."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rollback import LOSSES, Rollback, rollback
from tests.scene import deaf, gathered, heard, miscounted, saw, say, stop, unanswered
from tests.servers import Cluster, cluster
from tests.talk import Talker, violations

SHORT = {"ROOMS_GRACE": "2", "ROOMS_HOST_GRACE": "3", "ROOMS_LEASE": "2"}
HEAR, COUNT, ANSWER = 5, 15, 4
"""Seconds within which everyone hears everyone, counts are exact, and a connection answers."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("rollback"), environment=SHORT, lines=True) as running:
        yield running


@pytest.fixture(params=LOSSES)
def loss(system: Cluster, request: pytest.FixtureRequest) -> Iterator[Rollback]:
    with rollback(system, request.param) as prepared:
        yield prepared


async def lose(loss: Rollback) -> None:
    await asyncio.to_thread(loss.happen)


async def test_everyone_hears_everyone(system: Cluster, loss: Rollback) -> None:
    host, guests = await gathered(system, 5)
    loss.mark()
    await say([host, *guests], 40)
    await lose(loss)
    assert await deaf([host, *guests], HEAR) == []
    assert violations([host, *guests], forgotten=True) == []
    await stop(host, *guests)


async def test_no_connection_waits_without_end_for_an_echo(system: Cluster, loss: Rollback) -> None:
    host, guests = await gathered(system, 2)
    loss.mark()
    await say([host, *guests], 40)
    await lose(loss)
    await asyncio.gather(*(talker.say("들려요?") for talker in (host, *guests)))
    await asyncio.sleep(1)
    assert await unanswered([host, *guests], ANSWER) == []
    await stop(host, *guests)


async def test_whoever_came_meanwhile_is_in_the_room(system: Cluster, loss: Rollback) -> None:
    host, guests = await gathered(system, 2)
    loss.mark()
    newcomer = await Talker([system.urls[1]], host.room, "newcomer", host.draw).enter()
    await lose(loss)
    assert await deaf([host, newcomer], HEAR) == []
    assert await miscounted(system, host.room, 4, COUNT) == []
    await stop(host, newcomer, *guests)


async def test_whoever_left_meanwhile_is_not_counted(system: Cluster, loss: Rollback) -> None:
    host, guests = await gathered(system, 3)
    loss.mark()
    await guests[0].leave()
    await host.until(lambda _: host.participants == 3)
    await lose(loss)
    assert await miscounted(system, host.room, 3, COUNT) == []
    assert await deaf([host, *guests[1:]], HEAR) == []
    assert [talker.participants for talker in (host, *guests[1:])] == [3] * 3
    await stop(host, *guests[1:])


async def test_whoever_was_away_is_told_that_lines_are_gone(system: Cluster, loss: Rollback) -> None:
    host, guests = await gathered(system, 2)
    await say([host, *guests], 3)
    loss.mark()
    guests[0].drop()
    await say([host, guests[1]], 25, "사라질 말")
    await lose(loss)
    guests[0].come_back()
    await guests[0].until(lambda _: guests[0].in_room.is_set() and guests[0].joins == 2, 10)
    missing = set(host.acknowledged) - heard(guests[0])
    assert bool(missing) == (len(guests[0].stretches) == 2)
    assert await deaf([host, *guests], HEAR) == []
    assert violations([host, *guests], forgotten=True) == []
    await stop(host, *guests)


async def test_a_room_whose_host_was_away_in_that_state_stays(system: Cluster, loss: Rollback) -> None:
    host, guests = await gathered(system, 2)
    host.drop()
    await guests[0].until(lambda _: saw(guests[0], "SERVER_HOST_AWAY"), 5)
    loss.mark()
    host.come_back()
    await host.until(lambda _: host.joins == 2 and host.in_room.is_set(), 5)
    # Longer than the grace that the older state gives the host.
    await asyncio.sleep(4)
    await lose(loss)
    await asyncio.sleep(3)
    assert guests[0].deleted is None
    assert await deaf([host, *guests], HEAR) == []
    await stop(host, *guests)


async def test_all_of_it_holds_with_the_leases_of_production(tmp_path: Path) -> None:
    with cluster(tmp_path, quick=False) as system, rollback(system, "an older dump") as loss:
        host, guests = await gathered(system, 6)
        loss.mark()
        newcomer = await Talker([system.urls[2]], host.room, "newcomer", host.draw).enter()
        await guests[0].leave()
        people = [host, newcomer, *guests[1:]]
        await say(people, 40)
        await lose(loss)
        assert await deaf(people, HEAR) == []
        assert await unanswered(people, ANSWER) == []
        assert await miscounted(system, host.room, 7, COUNT) == []
        assert violations(people, forgotten=True) == []
        await stop(*people)
