"""The keeper: deletions left half done, rows and live rooms that do not match, people to be put back."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from django.db import DatabaseError
from django.utils import timezone
from pytest_django import Settings

from rooms import census, services
from rooms.bans import Bans
from rooms.gate import Gate
from rooms.hub import Hub
from rooms.keeper import Keeper
from rooms.live.contract import LiveStore, Lobby, RoomIndex, StoreUnavailable
from rooms.live.operations import BeginDelete, FinishDelete
from rooms.models import Ended, Report, Room
from rooms.node import Node
from tests.conftest import Connect, Forget

ID = 4711


@pytest.fixture
async def keeper(transactional_db: None, settings: Settings, store: LiveStore) -> Keeper:
    settings.ROOMS_RECONCILE = 0
    hub = Hub(store, InMemoryChannelLayer(), "rooms.hub.test")
    await store.beat(hub.node_id, 60_000)
    return Keeper(store, hub, Gate(store, hub), Bans(hub))


async def row(name: str = "방") -> Room:
    room = await Room.objects.create_with_host(ID, name, True, "v" * 32, "방장", "tag")
    return await Room.objects.select_related("host").aget(id=room.id)


async def live(keeper: Keeper, room: Room) -> None:
    await keeper._hub.do(services.create_operation(room, held=True))


async def listed(keeper: Keeper) -> Lobby:
    return await keeper._store.lobby(9)


async def test_a_deletion_that_stopped_before_the_row_went_is_finished(keeper: Keeper) -> None:
    await live(keeper, await row())
    await keeper._hub.do(BeginDelete(ID, "deleted"))
    await keeper.reconcile()
    assert not await Room.objects.aexists()
    assert (await keeper._store.list_rooms(0)).closing == set()


async def test_a_deletion_that_stopped_after_the_row_went_is_finished(keeper: Keeper) -> None:
    room = await row()
    await live(keeper, room)
    await keeper._hub.do(BeginDelete(ID, "deleted"))
    await room.adelete()
    await keeper.reconcile()
    assert (await keeper._store.list_rooms(0)).closing == set()


async def test_a_deletion_that_is_under_way_is_left_to_who_does_it(keeper: Keeper, settings: Settings) -> None:
    settings.ROOMS_RECONCILE = 60
    await live(keeper, await row())
    await keeper._hub.do(BeginDelete(ID, "deleted"))
    await keeper.reconcile()
    assert await Room.objects.aexists()


async def test_a_room_without_a_row_ends(keeper: Keeper) -> None:
    room = await row()
    await live(keeper, room)
    await room.adelete()
    await keeper.reconcile()
    assert (await listed(keeper)).rooms == []


async def test_a_room_whose_row_nobody_deleted_gets_it_back(keeper: Keeper, caplog: pytest.LogCaptureFixture) -> None:
    room = await row()
    await live(keeper, room)
    await Room.objects.filter(id=ID).adelete()
    await Ended.objects.all().adelete()
    await keeper.reconcile()
    again = await Room.objects.select_related("host").aget()
    assert (again.id, again.name, again.host.visitor, again.host.tag) == (ID, "방", "v" * 32, "tag")
    assert abs(again.created_at - room.created_at).total_seconds() < 0.01
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert len((await listed(keeper)).rooms) == 1


async def test_a_room_that_lost_its_row_and_its_name_ends(keeper: Keeper) -> None:
    await live(keeper, await row())
    await Room.objects.filter(id=ID).adelete()
    await Ended.objects.all().adelete()
    await Room.objects.create_with_host(ID + 1, "방", True, "w" * 32, "다른 방장", "tag2")
    await keeper.reconcile()
    assert ID not in (await keeper._store.list_rooms(0)).open


async def test_one_node_compares_for_all(keeper: Keeper) -> None:
    await row()
    assert await keeper._store.lead("census", "rooms.hub.other", 500)
    await keeper.reconcile()
    assert (await listed(keeper)).rooms == []


async def test_that_a_row_was_deleted_is_known_for_a_day(keeper: Keeper) -> None:
    await (await row()).adelete()
    await Ended.objects.aupdate(at=timezone.now() - timedelta(days=1, seconds=1))
    await keeper.reconcile()
    assert not await Ended.objects.aexists()


async def test_a_report_goes_when_its_days_are_over(keeper: Keeper, settings: Settings) -> None:
    settings.ROOMS_REPORT_DAYS = 2
    about = {"room_name": "방", "reason": "spam", "line": 1, "nickname": "손님", "tag": "abcde", "person": "ab" * 10}
    for days in (1, 3):
        await Report.objects.acreate(room_id=ID, **about, at=timezone.now() - timedelta(days=days))
    await keeper.reconcile()
    assert await Report.objects.acount() == 1


async def test_a_row_the_store_does_not_know_is_opened_again(keeper: Keeper) -> None:
    await row()
    await keeper.reconcile()
    [room] = (await listed(keeper)).rooms
    assert (room.room_id, room.host, room.participants) == (ID, "방장", 1)


async def test_a_room_brought_back_goes_when_its_host_does_not_come(keeper: Keeper, settings: Settings) -> None:
    settings.ROOMS_HOST_GRACE = 0
    await row()
    await keeper.reconcile()
    await asyncio.sleep(0.01)
    await keeper.sweep()
    assert not await Room.objects.aexists()
    assert (await listed(keeper)).rooms == []


async def test_a_room_that_is_just_being_made_is_left_alone(keeper: Keeper, settings: Settings) -> None:
    settings.ROOMS_RECONCILE = 60
    await row()
    await keeper.reconcile()
    assert (await listed(keeper)).rooms == []


async def test_a_row_left_behind_by_a_deleted_room_goes(keeper: Keeper) -> None:
    await live(keeper, await row())
    await keeper._hub.do(BeginDelete(ID, "deleted"))
    await keeper._hub.do(FinishDelete(ID))
    await keeper.reconcile()
    assert not await Room.objects.aexists()


async def test_an_official_room_is_opened_and_stays(keeper: Keeper) -> None:
    await Room.objects.acreate(id=ID, name="공식")
    for _ in range(2):
        await keeper.reconcile()
        await keeper.sweep()
    [room] = (await listed(keeper)).rooms
    assert (room.host, room.participants) == ("", 0)


async def test_the_store_being_away_is_said_once(
    keeper: Keeper, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    times = 0

    async def away(*_: Any) -> bool:
        nonlocal times
        times += 1
        raise StoreUnavailable

    settings.ROOMS_BEAT = settings.ROOMS_SWEEP = settings.ROOMS_POSITION_CHECK = 0.001
    monkeypatch.setattr(keeper._store, "beat", away)
    task = asyncio.create_task(keeper._repeat(keeper.beat, lambda: 0.001))
    while times < 3:
        await asyncio.sleep(0.001)
    task.cancel()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_the_database_being_away_stops_nothing_else(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise DatabaseError

    await live(keeper, await row())
    monkeypatch.setattr(Room.objects, "filter", away)
    with pytest.raises(DatabaseError):
        await keeper.reconcile()
    assert len((await listed(keeper)).rooms) == 1


async def test_a_room_deleted_in_a_shell_ends_for_its_people(connect: Connect, settings: Settings) -> None:
    settings.ROOMS_RECONCILE = 0.05
    host = await connect()
    room = (await host.create())["roomID"]
    await Room.objects.filter(id=room).adelete()
    assert (await host.until("SERVER_ROOM_DELETE"))["reason"] == "moderator"


async def test_people_of_a_room_that_is_gone_are_sent_away_when_put_back(
    connect: Connect, server: Node, forget: Forget
) -> None:
    host = await connect()
    room = (await host.create())["roomID"]
    await Room.objects.filter(id=room).adelete()
    forget(server.store)
    await server.keeper.beat()
    assert await host.closed_with() == 4001


async def test_those_whose_room_ended_while_their_process_was_away_are_told_so(connect: Connect, server: Node) -> None:
    host = await connect()
    room = (await host.create())["roomID"]
    other = Hub(server.store, InMemoryChannelLayer(), "rooms.hub.other")
    await other.do(BeginDelete(room, "moderator"))
    await server.store.release(server.hub.node_id)
    await other.do(FinishDelete(room))
    await server.keeper.beat()
    assert (await host.receive())["reason"] == "moderator"


async def test_a_host_is_put_back_into_a_room_that_the_store_forgot(
    settings: Settings, connect: Connect, server: Node, forget: Forget
) -> None:
    settings.ROOMS_HOST_GRACE = 0
    host = await connect()
    room = (await host.create())["roomID"]
    forget(server.store)
    await server.keeper.beat()
    await server.keeper.sweep()
    assert (await host.say(room, "주인", "아직 있어요"))["status"] is True


@pytest.mark.parametrize("live_store", ["redis"], indirect=True)
async def test_no_call_is_about_more_rooms_where_there_are_many(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "PAUSE_SECONDS", 0.01)
    rooms = [Room(id=n, name=f"{n}", name_key=f"{n}") for n in range(1, 2501)]
    await Room.objects.abulk_create(rooms)
    await keeper.reconcile()
    sizes: list[int] = []
    list_rooms, unknown = keeper._store.list_rooms, keeper._store.unknown

    async def list_some(closing_for: int, after: str = "") -> RoomIndex:
        page = await list_rooms(closing_for, after)
        sizes.append(len(page.open))
        return page

    async def unknown_of_some(room_ids: Sequence[int]) -> set[int]:
        sizes.append(len(room_ids))
        return await unknown(room_ids)

    monkeypatch.setattr(keeper._store, "list_rooms", list_some)
    monkeypatch.setattr(keeper._store, "unknown", unknown_of_some)
    await keeper.reconcile()
    assert sum(sizes) >= 2 * len(rooms)
    assert max(sizes) < 2 * census.PIECE
