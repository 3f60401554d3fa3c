"""The admin: finding, adding and deleting rooms as a moderator."""

import uuid
from unicodedata import normalize

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from rooms.models import Host, Room
from rooms.names import key

pytestmark = pytest.mark.django_db

LIST = "admin:rooms_room_changelist"
ADD = "admin:rooms_room_add"
CHANGE = "admin:rooms_room_change"
DELETE = "admin:rooms_room_delete"


@pytest.fixture(autouse=True)
def english(settings: Settings) -> None:
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def room() -> Room:
    """An open room with a host."""
    room = Room.objects.create(name="사랑방 이야기")
    Host.objects.create(room=room, visitor=uuid.UUID(int=7).hex, nickname="주인", tag="abcde")
    return room


@pytest.fixture
def official() -> Room:
    """An official room."""
    return Room.objects.create(name="광장")


@pytest.fixture
def moderator() -> Client:
    """A member of the staff who may do everything with rooms and nothing else."""
    user = User.objects.create_user("moderator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="rooms"))
    client = Client()
    client.force_login(user)
    return client


def listed(client: Client, **query: str) -> set[Room]:
    """The rooms that the list shows."""
    response = client.get(reverse(LIST), query)
    assert response.status_code == 200
    return set(response.context["cl"].queryset)


def form(name: str, listed: bool = True) -> dict[str, str]:
    """What a moderator sends to add a room."""
    return {"name": name, "host-TOTAL_FORMS": "0", "host-INITIAL_FORMS": "0"} | ({"listed": "on"} if listed else {})


def add(client: Client, name: str, listed: bool = True) -> None:
    assert client.post(reverse(ADD), form(name, listed)).status_code == 302


def errors(client: Client, name: str) -> str:
    """What is wrong with a room that is not added."""
    response = client.post(reverse(ADD), form(name))
    assert response.status_code == 200
    return str(response.context["adminform"].form.errors)


@pytest.mark.parametrize("page", [CHANGE, DELETE, "admin:rooms_room_history"])
def test_the_pages_of_a_room_render(page: str, moderator: Client, room: Room) -> None:
    response = moderator.get(reverse(page, args=[room.pk]))
    assert response.status_code == 200
    assert "사랑방 이야기" in response.text


@pytest.mark.parametrize("page", ["admin:index", LIST, ADD])
def test_the_pages_without_a_room_render(page: str, moderator: Client) -> None:
    assert moderator.get(reverse(page)).status_code == 200


def test_nobody_else_gets_in(client: Client, room: Room) -> None:
    response = client.get(reverse(LIST))
    assert response.status_code == 302
    assert "/login/" in response.headers["Location"]


def test_the_list_shows_a_room_with_its_host(moderator: Client, room: Room) -> None:
    page = moderator.get(reverse(LIST)).text
    assert "사랑방 이야기" in page
    assert "주인" in page


def test_the_list_shows_an_official_room_with_a_dash(moderator: Client, official: Room) -> None:
    assert '<td class="field-host_name">—</td>' in moderator.get(reverse(LIST)).text


def test_no_page_shows_who_the_visitor_is(moderator: Client, room: Room) -> None:
    pages = [moderator.get(reverse(LIST)), moderator.get(reverse(CHANGE, args=[room.pk]))]
    assert not [page for page in pages if room.host.visitor in page.text]


@pytest.mark.parametrize("words", ["사랑방", "이야기 사랑방", "주인"])
def test_a_room_is_found_by_its_name_and_by_its_host(words: str, moderator: Client, room: Room, official: Room) -> None:
    assert listed(moderator, q=words) == {room}


def test_a_search_for_something_else_finds_nothing(moderator: Client, room: Room) -> None:
    assert listed(moderator, q="없는 방") == set()


def test_the_filter_shows_official_rooms_only(moderator: Client, room: Room, official: Room) -> None:
    assert listed(moderator, official="yes") == {official}


def test_the_filter_shows_rooms_with_a_host_only(moderator: Client, room: Room, official: Room) -> None:
    assert listed(moderator, official="no") == {room}


def test_the_filter_shows_unlisted_rooms_only(moderator: Client, room: Room) -> None:
    hidden = Room.objects.create(name="숨은 방", listed=False)
    assert listed(moderator, listed__exact="0") == {hidden}


def test_a_room_added_here_is_official(moderator: Client) -> None:
    add(moderator, "광장")
    assert Room.objects.get(host=None).name == "광장"


def test_a_room_added_here_has_the_key_of_its_name(moderator: Client) -> None:
    add(moderator, " Ｐlaza ")
    room = Room.objects.get()
    assert (room.name, room.name_key) == ("Ｐlaza", key("plaza"))


@pytest.mark.parametrize("name", ["사랑방 이야기", "사랑방\u3000이야기", normalize("NFD", "사랑방 이야기")])
def test_a_room_with_the_name_of_an_open_one_is_refused_on_the_form(name: str, moderator: Client, room: Room) -> None:
    assert "An open room has this name" in errors(moderator, name)
    assert Room.objects.get() == room


def test_a_room_that_looks_like_an_open_one_is_refused_on_the_form(moderator: Client) -> None:
    Room.objects.create(name="admin")
    assert "An open room has this name" in errors(moderator, "аdmіn")


def test_an_unlisted_room_may_have_the_name_of_an_open_one(moderator: Client, room: Room) -> None:
    add(moderator, room.name, listed=False)
    assert Room.objects.filter(name=room.name).count() == 2


@pytest.mark.parametrize("name", ["", " ", "\u3164", "a\u202eb", "a\u200db", "방" * 31, "a\tb"])
def test_a_name_that_is_not_allowed_is_refused_on_the_form(name: str, moderator: Client) -> None:
    assert "name" in errors(moderator, name)
    assert not Room.objects.exists()


def test_a_room_in_use_keeps_its_name(moderator: Client, room: Room) -> None:
    form = {"name": "다른 이름", "host-TOTAL_FORMS": "1", "host-INITIAL_FORMS": "1", "host-0-room": str(room.pk)}
    moderator.post(reverse(CHANGE, args=[room.pk]), form)
    room.refresh_from_db()
    assert (room.name, room.listed, room.host.nickname) == ("사랑방 이야기", True, "주인")


def test_deleting_a_room_takes_its_host_along(moderator: Client, room: Room) -> None:
    response = moderator.post(reverse(DELETE, args=[room.pk]), {"post": "yes"})
    assert response.status_code == 302
    assert (Room.objects.count(), Host.objects.count()) == (0, 0)


def test_rooms_are_deleted_together_from_the_list(moderator: Client, room: Room, official: Room) -> None:
    chosen = {"action": "delete_selected", "_selected_action": [room.pk, official.pk], "post": "yes"}
    moderator.post(reverse(LIST), chosen)
    assert not Room.objects.exists()


def test_the_log_of_the_admin_has_numbers_and_no_names(moderator: Client) -> None:
    numbers = []
    for name in ("비밀 하나", "비밀 둘", "비밀 셋"):
        add(moderator, name)
        numbers.append(Room.objects.get(name=name).id)
    moderator.post(reverse(CHANGE, args=[numbers[0]]), form("비밀 하나"))
    moderator.post(reverse(DELETE, args=[numbers[0]]), {"post": "yes"})
    several = {"action": "delete_selected", "_selected_action": numbers[1:], "post": "yes"}
    moderator.post(reverse(LIST), several)
    assert not Room.objects.exists()
    entries = list(LogEntry.objects.values_list("object_repr", "object_id", "change_message"))
    assert len(entries) == 7
    assert {entry[0] for entry in entries} == {str(number) for number in numbers}
    assert "비밀" not in str(entries)


def test_a_moderator_who_deletes_a_room_is_shown_its_name(moderator: Client, room: Room) -> None:
    assert room.name in moderator.get(reverse(DELETE, args=[room.id])).content.decode()
    answer = moderator.post(reverse(DELETE, args=[room.id]), {"post": "yes"}, follow=True)
    assert room.name in answer.content.decode()
