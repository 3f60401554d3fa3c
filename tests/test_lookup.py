"""The rows of rooms, read together: how often the database is asked, and that everyone gets their own answer."""

import asyncio
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from rooms import lookup, services
from rooms.lookup import PAUSE_SECONDS, Lookup
from rooms.models import Room, RoomQuerySet
from rooms.node import Node
from tests.conftest import Connect

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queries() -> Iterator[mock.MagicMock]:
    """Counts what the database is asked."""
    with mock.patch.object(RoomQuerySet, "ain_bulk", autospec=True, side_effect=RoomQuerySet.ain_bulk) as queries:
        yield queries


async def test_whoever_asks_while_a_query_is_under_way_is_answered_by_the_next_one(queries: mock.MagicMock) -> None:
    room = await Room.objects.acreate(name="사랑방")
    rows = Lookup()
    first = asyncio.create_task(rows.room(1))
    while not queries.call_count:
        await asyncio.sleep(0)
    found = await asyncio.gather(*(rows.room(number) for number in (2, room.id, 3, room.id)))
    assert (await first, found, queries.call_count) == (None, [None, room, None, room], 2)


async def test_between_two_queries_there_is_a_pause(queries: mock.MagicMock) -> None:
    rows, begin = Lookup(), asyncio.get_running_loop().time()
    for number in range(3):
        await rows.room(number)
    assert asyncio.get_running_loop().time() - begin >= 2 * PAUSE_SECONDS - 0.01


async def test_one_who_gives_up_takes_nobody_elses_answer_away() -> None:
    room = await Room.objects.acreate(name="사랑방")
    rows = Lookup()
    gone, staying = asyncio.create_task(rows.room(room.id)), asyncio.create_task(rows.room(room.id))
    await asyncio.sleep(0)
    gone.cancel()
    assert await staying == room


async def test_after_an_error_the_database_is_asked_again(queries: mock.MagicMock) -> None:
    rows = Lookup()
    usual, queries.side_effect = queries.side_effect, OperationalError("gone")
    with pytest.raises(OperationalError):
        await rows.room(1)
    queries.side_effect = usual
    assert await rows.room(1) is None


async def test_nobody_waits_longer_than_for_one_query(queries: mock.MagicMock, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stands_still(*_: Any) -> None:
        await asyncio.sleep(5)

    monkeypatch.setattr(lookup, "DATABASE_SECONDS", 0.2)
    queries.side_effect = stands_still
    rows, begin = Lookup(), asyncio.get_running_loop().time()
    first = asyncio.create_task(rows.room(1))
    await asyncio.sleep(0.1)
    with pytest.raises(OperationalError):
        await rows.room(2)
    assert asyncio.get_running_loop().time() - begin < 1
    with pytest.raises(OperationalError):
        await first


async def test_a_join_of_a_room_that_does_not_exist_costs_eight_tokens_more(
    connect: Connect, settings: Settings
) -> None:
    settings.ROOMS_COMMAND_BURST, settings.ROOMS_COMMAND_RATE, settings.ROOMS_FLOOD_CONTROL = 12, 0.01, True
    client = await connect()
    errors = [(await client.join(1, "손님"))["error"] for _ in range(3)]
    assert errors == ["room_not_found", "room_not_found", "too_fast"]


async def test_rooms_that_the_live_store_has_lost_are_opened_again_with_one_query(
    server: Node, queries: mock.MagicMock
) -> None:
    rooms = [await Room.objects.acreate(name=f"방 {number}") for number in range(10)]
    await asyncio.gather(*(services.reopen(server.hub, room.id) for room in rooms))
    assert queries.call_count == 1
