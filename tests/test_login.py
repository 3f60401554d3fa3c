"""The moderators' login: guesses are refused before they cost anything, and nobody else is kept out."""

import re
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from pytest_django import Settings

from rooms import login
from rooms.login import Door
from tests.servers import Cluster, cluster

PASSWORD = "오늘도 조용한 사랑방"
LOGIN = "/admin/login/"


@pytest.fixture(autouse=True)
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    """A door that nobody has tried yet."""
    monkeypatch.setattr(login, "door", Door())
    return login.door


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The accounts for which a password was checked."""
    names: list[str] = []
    check = ModelBackend.authenticate

    def authenticate(self: ModelBackend, request: object, username: str, password: str) -> object:
        names.append(username)
        return check(self, request, username, password)  # type: ignore[arg-type]

    monkeypatch.setattr(ModelBackend, "authenticate", authenticate)
    return names


@pytest.fixture
def moderator(transactional_db: None, settings: Settings) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_user("moderator", password=PASSWORD, is_staff=True)


def guess(name: str = "moderator") -> dict[str, str]:
    return {"username": name, "password": "guess"}


async def attempt(address: str, form: dict[str, str]) -> int:
    """The status of an attempt from an address."""
    client = AsyncClient()
    response = await client.post(LOGIN, form, headers={"X-Forwarded-For": address})
    return int(response.status_code)


@pytest.fixture
def behind_a_proxy(settings: Settings) -> None:
    settings.TRUST_PROXY = True


async def test_guesses_are_refused_before_a_password_is_checked(
    moderator: User, behind_a_proxy: None, checked: list[str]
) -> None:
    assert [await attempt("203.0.113.1", guess()) for _ in range(13)] == [200] * 10 + [429] * 3
    assert len(checked) == 10


async def test_one_password_tried_on_many_accounts_is_limited_as_well(moderator: User, behind_a_proxy: None) -> None:
    assert [await attempt("203.0.113.1", guess(f"name{n}")) for n in range(11)][-1] == 429


async def test_guesses_from_elsewhere_do_not_lock_a_moderator_out(moderator: User, behind_a_proxy: None) -> None:
    while await attempt("203.0.113.1", guess()) != 429:
        pass
    assert await attempt("203.0.113.2", guess() | {"password": PASSWORD}) == 302


async def test_logging_in_counts_for_nothing(moderator: User, behind_a_proxy: None) -> None:
    right = guess() | {"password": PASSWORD}
    assert [await attempt("203.0.113.1", right) for _ in range(15)] == [302] * 15


def test_where_no_address_is_told_guesses_at_one_account_are_limited(moderator: User, checked: list[str]) -> None:
    statuses = [Client().post(LOGIN, guess(name)).status_code for name in ["moderator"] * 11 + ["other"]]
    assert statuses == [200] * 10 + [429, 200]


def test_a_refusal_says_when_to_come_back(moderator: User) -> None:
    response = [Client().post(LOGIN, guess()) for _ in range(11)][-1]
    assert 55 <= int(response["Retry-After"]) <= 61
    assert "로그인을 너무 여러 번 시도했습니다" in response.text


@pytest.mark.parametrize("name", ["ROOMS_LOGINS", "ROOMS_FLOOD_CONTROL"])
def test_the_limit_can_be_turned_off(
    name: str, moderator: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    setattr(settings, name, 0)
    monkeypatch.setattr(login, "door", Door())
    assert {Client().post(LOGIN, guess()).status_code for _ in range(15)} == {200}


def test_two_attempts_of_one_address_may_be_under_way_and_eight_in_all(door: Door) -> None:
    assert [bool(door.enter(who)) for who in "aaabbccddee"] == [False, False, True] + [False] * 6 + [True] * 2
    door.leave("a", False)
    assert not door.enter("e")


# --- on a real server -------------------------------------------------------------------------------------------------

SUPERUSER = f"""
from django.contrib.auth.models import User
User.objects.create_superuser("moderator", password="{PASSWORD}")
"""


class Visitor:
    """Somebody at an address with the login page open."""

    def __init__(self, port: int, address: str) -> None:
        self._headers = {"X-Forwarded-For": address, "Host": "127.0.0.1"}
        self._line = HTTPConnection("127.0.0.1", port, timeout=60)
        self._line.request("GET", LOGIN, headers=self._headers)
        page = self._line.getresponse()
        self._headers["Cookie"] = page.headers["Set-Cookie"].partition(";")[0]
        (self._token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def try_password(self, password: str) -> int:
        form = {"csrfmiddlewaretoken": self._token, "username": "moderator", "password": password}
        headers = self._headers | {"Content-Type": "application/x-www-form-urlencoded"}
        self._line.request("POST", LOGIN, urlencode(form), headers)
        response = self._line.getresponse()
        response.read()
        return response.status


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("login")
    environment = {"TRUST_PROXY": "1", "ROOMS_FLOOD_CONTROL": "1"}
    with cluster(folder, workers=1, environment=environment, pages=True) as running:
        running.manage("shell", "-c", SUPERUSER)
        yield running


def test_a_moderator_logs_in_while_somebody_else_floods_the_door(site: Cluster) -> None:
    port = site.workers[0].port
    statuses: list[int] = []
    ended = threading.Event()

    def flood() -> None:
        with Visitor(port, "203.0.113.1") as guesser:
            while not ended.is_set():
                statuses.append(guesser.try_password("guess"))

    threads = [threading.Thread(target=flood) for _ in range(20)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while 429 not in statuses and time.monotonic() < deadline:
        time.sleep(0.01)
    with Visitor(port, "203.0.113.2") as moderator:
        begin = time.monotonic()
        status = moderator.try_password(PASSWORD)
        took = time.monotonic() - begin
    ended.set()
    for thread in threads:
        thread.join()
    assert status == 302
    assert took < 6
    assert statuses.count(200) <= 10


def test_the_log_says_nothing_of_it(site: Cluster, tmp_path: Path) -> None:
    assert [word for word in ("moderator", "203.0.113", "guess", "Traceback") if word in site.logs()] == []
