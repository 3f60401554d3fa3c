"""Visitors: cookies and tokens that cannot be forged, and public values that do not lead back to the secret."""

import logging
import time
from collections.abc import Callable
from http.cookies import Morsel

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from rooms import visitors
from rooms.visitors import COOKIE, SECURE_COOKIE, TAG_LENGTH, Visitor, ensure_cookie, from_cookies, from_token


def first_page(cookie: str = "", secure: bool = False) -> HttpResponse:
    """The response to a browser's request, with the cookie it is given."""
    request = RequestFactory().get("/", secure=secure)
    if cookie:
        request.COOKIES[COOKIE] = cookie
    response = HttpResponse()
    ensure_cookie(request, response)
    return response


def given_cookie(secure: bool = False) -> "Morsel[str]":
    return first_page(secure=secure).cookies[COOKIE]


def test_the_cookie_of_the_first_page_is_a_visitor() -> None:
    visitor = from_cookies({COOKIE: given_cookie().value}, False)
    assert visitor is not None
    assert len(visitor.secret) == 32


def test_a_browser_with_a_cookie_stays_the_same_visitor() -> None:
    assert COOKIE not in first_page(cookie=given_cookie().value).cookies


def test_a_browser_with_a_forged_cookie_is_given_a_genuine_one() -> None:
    assert from_cookies({COOKIE: first_page(cookie="forged").cookies[COOKIE].value}, False) is not None


def test_two_browsers_are_two_visitors() -> None:
    assert from_cookies({COOKIE: given_cookie().value}, False) != from_cookies({COOKIE: given_cookie().value}, False)


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites_and_ends_with_the_session() -> None:
    cookie = given_cookie()
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert (cookie["max-age"], cookie["expires"]) == ("", "")


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookie_is_for_https_only_when_the_page_came_over_https(secure: bool) -> None:
    assert bool(given_cookie(secure=secure)["secure"]) is secure


def behind_tls(cookies: dict[str, str]) -> HttpResponse:
    """The response to a browser whose request a web server in front has taken over TLS."""
    request = RequestFactory().get("/", headers={"X-Forwarded-Proto": "https"})
    request.COOKIES |= cookies
    response = HttpResponse()
    ensure_cookie(request, response)
    return response


@pytest.fixture
def trusted(settings: Settings) -> None:
    settings.TRUST_PROXY, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.mark.usefixtures("trusted")
def test_behind_tls_the_cookie_is_one_that_only_this_host_can_set() -> None:
    (cookie,) = behind_tls({}).cookies.values()
    assert (cookie.key, cookie["secure"], cookie["path"], cookie["domain"]) == (SECURE_COOKIE, True, "/", "")
    assert from_cookies({cookie.key: cookie.value}, True) is not None


@pytest.mark.usefixtures("trusted")
def test_behind_tls_a_cookie_that_anyone_can_plant_is_not_believed() -> None:
    planted = {COOKIE: given_cookie().value}
    assert from_cookies(planted, True) is None
    assert SECURE_COOKIE in behind_tls(planted).cookies


@pytest.mark.usefixtures("trusted")
def test_behind_tls_a_browser_with_a_cookie_stays_the_same_visitor() -> None:
    assert not behind_tls({SECURE_COOKIE: behind_tls({}).cookies[SECURE_COOKIE].value}).cookies


def test_what_a_client_says_of_tls_is_not_believed_unless_the_proxy_is_trusted() -> None:
    (cookie,) = behind_tls({}).cookies.values()
    assert (cookie.key, cookie["secure"]) == (COOKIE, "")


def test_without_a_cookie_there_is_no_visitor() -> None:
    assert from_cookies({}, False) is None


@pytest.mark.parametrize("forge", [str.upper, lambda cookie: cookie + "x", lambda cookie: "x" + cookie])
def test_a_forged_cookie_is_nobody(forge: Callable[[str], str]) -> None:
    assert from_cookies({COOKIE: forge(given_cookie().value)}, False) is None


def test_a_cookie_signed_with_another_key_is_nobody(settings: Settings) -> None:
    cookie = given_cookie().value
    settings.SECRET_KEY = "another key"
    assert from_cookies({COOKIE: cookie}, False) is None


def test_a_token_is_no_cookie() -> None:
    assert from_cookies({COOKIE: Visitor.new().token()}, False) is None


def test_a_cookie_is_no_token() -> None:
    assert from_token(given_cookie().value) is None


def test_a_token_makes_a_program_the_visitor_again() -> None:
    visitor = Visitor.new()
    assert from_token(visitor.token()) == visitor


def test_a_forged_token_is_nobody() -> None:
    token = Visitor.new().token()
    assert from_token(token[:-1] + ("a" if token[-1] != "a" else "b")) is None


@pytest.mark.parametrize(("age", "good"), [(86_399, True), (86_401, False)])
def test_a_token_is_good_for_a_day(age: int, good: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    token = Visitor.new().token()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + age)
    assert (from_token(token) is not None) is good


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_any_text_that_is_no_token_is_nobody(text: str) -> None:
    assert from_token(text) is None
    assert from_cookies({COOKIE: text}, False) is None


def test_a_visitor_s_id_is_the_same_every_time_and_of_32_hexadecimal_digits() -> None:
    visitor = Visitor.new()
    assert visitor.id == Visitor(visitor.secret).id
    assert len(bytes.fromhex(visitor.id)) == 16


def test_a_visitor_s_id_depends_on_the_installation_s_key(monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = Visitor.new()
    before = visitor.id
    monkeypatch.setattr(visitors, "_key", b"another key")
    assert Visitor(visitor.secret).id != before


def test_a_new_secret_key_makes_nobody_a_stranger(settings: Settings) -> None:
    visitor = Visitor.new()
    before = visitor.id, visitor.tag(7)
    settings.SECRET_KEY = "another key"
    again = Visitor(visitor.secret)
    assert (again.id, again.tag(7)) == before


@pytest.mark.parametrize("length", range(4, 8))
def test_neither_id_nor_tag_has_a_part_of_the_secret(length: int) -> None:
    visitor = Visitor("abcdefghijklmnopqrstuvwx")
    parts = {visitor.secret[start : start + length] for start in range(len(visitor.secret) - length + 1)}
    assert not [part for part in parts if part in visitor.id or part in visitor.tag(1)]


def test_a_tag_is_the_same_for_one_visitor_within_one_room() -> None:
    visitor = Visitor.new()
    assert visitor.tag(7) == Visitor(visitor.secret).tag(7)


def test_a_tag_has_the_length_of_the_contract() -> None:
    assert {len(Visitor.new().tag(room)) for room in range(1, 50)} == {TAG_LENGTH}
    assert 4 <= TAG_LENGTH <= 6


def test_the_tags_of_one_visitor_in_different_rooms_are_unrelated() -> None:
    visitor = Visitor.new()
    tags = [visitor.tag(room) for room in range(1, 201)]
    assert len(set(tags)) > 195
    assert all(len({tag[place] for tag in tags}) > 16 for place in range(TAG_LENGTH))


def test_two_visitors_in_one_room_have_two_tags() -> None:
    assert len({Visitor.new().tag(7) for _ in range(200)}) > 195


def test_no_way_of_writing_a_visitor_shows_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    visitor = Visitor.new()
    logging.getLogger("rooms").warning("%s %r %s", visitor, visitor, [visitor])
    assert visitor.secret not in caplog.text
    assert "Visitor(…)" in caplog.text
