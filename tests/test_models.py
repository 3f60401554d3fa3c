"""The models: what the database itself refuses, and what is written together."""

import uuid

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.models import ID_LIMIT, KEY_MAX, NICKNAME_MAX, ROOM_NAME_MAX, Host, Room, random_id
from rooms.names import key
from rooms.protocol import ROOM_NAME_MAX as ROOM_NAME_MAX_ON_THE_WIRE
from rooms.protocol import USER_NAME_MAX as USER_NAME_MAX_ON_THE_WIRE

pytestmark = pytest.mark.django_db

# What is awaited runs in a thread of its own, which sees only what is committed.
in_threads = pytest.mark.django_db(transaction=True)

VISITOR = uuid.UUID(int=7).hex


def host(room: Room, **fields: str) -> Host:
    return Host.objects.create(room=room, **{"visitor": VISITOR, "nickname": "주인", "tag": "abcde"} | fields)


async def open_room(name: str = "사랑방", listed: bool = True, visitor: str = VISITOR, nickname: str = "주인") -> Room:
    return await Room.objects.create_with_host(random_id(), name, listed, visitor, nickname, "abcde")


def refused_by_the_database(constraint: str) -> "pytest.RaisesExc[IntegrityError]":
    """SQLite names the column of a unique index, and the constraint of a check."""
    return pytest.raises(IntegrityError, match=constraint)


def test_a_room_is_saved_with_the_key_of_its_name() -> None:
    room = Room.objects.create(name="Ｓarang  Bang")
    assert Room.objects.get(pk=room.pk).name_key == key("sarang bang")


def test_a_room_saved_with_a_new_name_has_the_new_key() -> None:
    room = Room.objects.create(name="old")
    room.name = "new"
    room.save(update_fields=["name"])
    assert Room.objects.get(pk=room.pk).name_key == key("new")


def test_two_listed_rooms_cannot_have_one_name() -> None:
    Room.objects.create(name="사랑방")
    with refused_by_the_database("name_key|one_open_listed_room_per_name"):
        Room.objects.create(name="사랑방")


def test_two_listed_rooms_cannot_have_names_that_look_alike() -> None:
    Room.objects.create(name="admin")
    with refused_by_the_database("name_key|one_open_listed_room_per_name"):
        Room.objects.create(name="аdmіn")


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (False, False)])
def test_an_unlisted_room_takes_no_name_from_anyone(first: bool, second: bool) -> None:
    Room.objects.create(name="사랑방", listed=first)
    Room.objects.create(name="사랑방", listed=second)
    assert Room.objects.filter(name="사랑방").count() == 2


def test_a_name_is_free_when_its_room_is_gone() -> None:
    first = Room.objects.create(name="사랑방")
    first_id = first.pk
    first.delete()
    assert Room.objects.create(name="사랑방").pk != first_id


@pytest.mark.parametrize("name", ["방", "방" * ROOM_NAME_MAX, "😀" * ROOM_NAME_MAX])
def test_a_name_may_have_as_many_code_points_as_the_limit(name: str) -> None:
    assert Room.objects.create(name=name).pk


# PostgreSQL has the column's length as well, and refuses with a DataError of its own.
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the column of other databases is short already")
@pytest.mark.parametrize("name", ["", "방" * (ROOM_NAME_MAX + 1)])
def test_a_name_of_the_wrong_length_is_refused_by_the_database(name: str) -> None:
    with refused_by_the_database("room_name_length"):
        Room.objects.create(name=name)


@pytest.mark.parametrize("room_id", [1, ID_LIMIT - 1])
def test_an_id_may_be_any_positive_integer_below_two_to_the_53(room_id: int) -> None:
    assert Room.objects.create(id=room_id, name="방").pk == room_id


@pytest.mark.parametrize("room_id", [0, -1, ID_LIMIT])
def test_an_id_that_a_page_could_not_read_is_refused_by_the_database(room_id: int) -> None:
    with refused_by_the_database("room_id_fits_in_javascript"):
        Room.objects.create(id=room_id, name="방")


def test_random_ids_are_in_range_and_not_twice_the_same() -> None:
    ids = {random_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(0 < room_id < ID_LIMIT for room_id in ids)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the column of other databases is short already")
@pytest.mark.parametrize("nickname", ["", "방" * (NICKNAME_MAX + 1)])
def test_a_host_s_name_of_the_wrong_length_is_refused_by_the_database(nickname: str) -> None:
    room = Room.objects.create(name="방")
    with refused_by_the_database("host_nickname_length"):
        host(room, nickname=nickname)


@pytest.mark.parametrize("visitor", ["", VISITOR[:-1]])
def test_a_host_whose_visitor_is_no_hash_is_refused_by_the_database(visitor: str) -> None:
    room = Room.objects.create(name="방")
    with refused_by_the_database("host_visitor_is_a_hash"):
        host(room, visitor=visitor)


def test_a_room_has_one_host_at_most() -> None:
    room = Room.objects.create(name="방")
    host(room)
    with refused_by_the_database("host"):
        host(room, nickname="다른 주인")


def test_a_host_goes_with_the_room() -> None:
    room = Room.objects.create(name="방")
    host(room)
    room.delete()
    assert not Host.objects.exists()


@in_threads
async def test_opening_a_room_writes_the_room_and_its_host() -> None:
    room = await open_room()
    written = await Room.objects.select_related("host").aget(pk=room.pk)
    assert (written.name, written.listed) == ("사랑방", True)
    assert (written.host.visitor, written.host.nickname, written.host.tag) == (VISITOR, "주인", "abcde")


@in_threads
async def test_opening_a_room_whose_host_is_refused_writes_neither() -> None:
    with pytest.raises(IntegrityError):
        await open_room(visitor="no hash")
    assert not await Room.objects.aexists()


@in_threads
async def test_opening_a_room_whose_name_is_taken_writes_neither() -> None:
    await open_room("사랑방")
    with pytest.raises(IntegrityError):
        await open_room("사랑방", visitor=uuid.UUID(int=8).hex)
    assert (await Room.objects.acount(), await Host.objects.acount()) == (1, 1)


@in_threads
async def test_opening_a_room_again_finds_it() -> None:
    room = await open_room()
    same = await Room.objects.create_with_host(room.id, room.name, True, VISITOR, "주인", "abcde")
    assert (same, same.host.visitor, same.created_at) == (room, VISITOR, room.created_at)


@in_threads
async def test_a_room_s_number_is_not_opened_by_another_visitor() -> None:
    room = await open_room()
    with pytest.raises(IntegrityError):
        await Room.objects.create_with_host(room.id, "다른 방", True, uuid.UUID(int=8).hex, "손님", "abcde")
    assert (await Host.objects.aget()).visitor == VISITOR


@in_threads
async def test_an_open_room_is_found_by_a_name_that_looks_like_its_own() -> None:
    room = await open_room("Sarang")
    assert await Room.objects.open_with_name(" ЅＡＲАNG ") == room


@in_threads
async def test_an_unlisted_room_is_not_found_by_its_name() -> None:
    await open_room("사랑방", listed=False)
    assert await Room.objects.open_with_name("사랑방") is None


def test_rooms_and_hosts_are_written_as_their_names() -> None:
    room = Room.objects.create(name="사랑방")
    assert (str(room), str(host(room))) == ("사랑방", "주인")


def test_the_columns_are_as_long_as_the_wire_allows() -> None:
    assert (ROOM_NAME_MAX, NICKNAME_MAX) == (ROOM_NAME_MAX_ON_THE_WIRE, USER_NAME_MAX_ON_THE_WIRE)


def test_the_longest_key_fits_its_column() -> None:
    assert len(key("ﷺ" * ROOM_NAME_MAX)) <= KEY_MAX


@settings(deadline=None, max_examples=30)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=ROOM_NAME_MAX))
def test_the_database_gives_back_any_name_as_it_was_given(name: str) -> None:
    with transaction.atomic():
        room = Room.objects.create(name=name, listed=False)
        assert Room.objects.get(pk=room.pk).name == name
        room.delete()
