"""How many pages one address may ask for, and that whoever asks as people do never notices."""

import asyncio
from typing import Any

import pytest
from pytest_django import Settings

from rooms import buckets, page_limit
from rooms.buckets import Buckets
from rooms.page_limit import PageLimit

CLASS = 30
PAGE, FILE = "/chat/", "/static/rooms/main.js"
Clock = list[float]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time, which only a test moves on; refusals are not waited for."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(page_limit, "REFUSAL_SECONDS", 0)
    return now


async def pages(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def request(address: str, path: str = PAGE, method: str = "GET") -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "client": [address, 50000], "headers": []}


async def asked(limit: PageLimit, address: str, path: str = PAGE, times: int = 1, method: str = "GET") -> list[int]:
    """The statuses of so many requests."""
    statuses = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    for _ in range(times):
        await limit(request(address, path, method), None, send)  # type: ignore[arg-type]
    return statuses


async def test_a_class_opens_the_same_link_at_once_behind_one_address() -> None:
    limit = PageLimit(pages)
    brought = [PAGE, "/manifest.webmanifest", "/jsi18n/", *[FILE] * 22]
    statuses = [await asked(limit, "203.0.113.1", path, CLASS) for path in brought]
    assert {status for some in statuses for status in some} == {200}


async def test_a_page_can_be_reloaded_ten_times() -> None:
    limit = PageLimit(pages)
    assert await asked(limit, "203.0.113.1", PAGE, 10) == [200] * 10


async def test_a_crowd_of_three_hundred_comes_within_two_minutes(clock: Clock) -> None:
    limit = PageLimit(pages)
    found = set()
    for _ in range(300):
        clock[0] += 120 / 300
        found |= {*await asked(limit, "203.0.113.1", PAGE, 3), *await asked(limit, "203.0.113.1", FILE, 22)}
    assert found == {200}


async def test_a_flood_gets_as_many_pages_a_second_as_are_allowed(clock: Clock) -> None:
    limit = PageLimit(pages)
    await asked(limit, "203.0.113.1", PAGE, 200)
    clock[0] += 1
    assert (await asked(limit, "203.0.113.1", PAGE, 50)).count(200) == 20


async def test_files_are_limited_too() -> None:
    statuses = await asked(PageLimit(pages), "203.0.113.1", FILE, 2100)
    assert 1990 <= statuses.count(200) <= 2000


async def test_forms_are_limited_more() -> None:
    assert (await asked(PageLimit(pages), "203.0.113.1", "/admin/login/", 60, "POST")).count(200) == 40


class Slow:
    """Pages that take a while; it counts how many are being made."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.may_end = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await self.may_end.wait()
        self.now -= 1
        await pages(scope, receive, send)


async def several(limit: PageLimit, addresses: list[str], slow: Slow) -> list[list[int]]:
    """The statuses of requests that come at the same time."""
    waiting = [asyncio.create_task(asked(limit, address)) for address in addresses]
    for _ in range(10):
        await asyncio.sleep(0)
    slow.may_end.set()
    return await asyncio.gather(*waiting)


async def test_pages_of_one_address_are_made_one_after_the_other() -> None:
    slow = Slow()
    assert await several(PageLimit(slow), ["203.0.113.1"] * 5, slow) == [[200]] * 5
    assert slow.most == 1


async def test_pages_of_several_addresses_are_made_at_the_same_time() -> None:
    slow = Slow()
    await several(PageLimit(slow), ["203.0.113.1", "203.0.113.2"], slow)
    assert slow.most == 2


async def test_a_page_that_hangs_does_not_stop_the_others_of_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_limit, "TURN_SECONDS", 0)
    slow = Slow()
    await several(PageLimit(slow), ["203.0.113.1"] * 5, slow)
    assert slow.most == 5


async def test_no_address_stays_when_its_page_is_there() -> None:
    limit = PageLimit(pages)
    await asked(limit, "203.0.113.1")
    assert not limit._turns


async def test_a_flood_is_nobody_else_s_loss() -> None:
    limit = PageLimit(pages)
    assert 429 in await asked(limit, "203.0.113.1", PAGE, 300)
    assert await asked(limit, "203.0.113.2") == [200]


async def test_where_no_address_is_told_nothing_is_limited() -> None:
    assert set(await asked(PageLimit(pages), "127.0.0.1", PAGE, 300)) == {200}


@pytest.mark.parametrize("name", ["ROOMS_PAGES_PER_SECOND", "ROOMS_FLOOD_CONTROL"])
async def test_the_limit_can_be_turned_off(name: str, settings: Settings) -> None:
    setattr(settings, name, 0)
    assert set(await asked(PageLimit(pages), "203.0.113.1", PAGE, 300)) == {200}


async def test_a_refusal_says_when_to_come_back(clock: Clock) -> None:
    limit = PageLimit(pages)
    await asked(limit, "203.0.113.1", PAGE, 200)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await limit(request("203.0.113.1"), None, send)  # type: ignore[arg-type]
    start, body = sent
    assert dict(start["headers"])[b"retry-after"] == b"1"
    assert "잠시 뒤에" in body["body"].decode()


async def test_an_address_is_forgotten_when_its_bucket_is_full_again(clock: Clock) -> None:
    some = Buckets(10, 1)
    some.retry_after_ms("203.0.113.1")
    for _ in range(2):
        clock[0] += 11
        some.retry_after_ms("203.0.113.2")
    assert len(some._used) + len(some._used_before) == 1


async def test_an_empty_bucket_is_not_forgotten_early(clock: Clock) -> None:
    some = Buckets(10, 1)
    clock[0] += 9
    assert not some.retry_after_ms("203.0.113.1", 10)
    clock[0] += 2
    assert some.retry_after_ms("203.0.113.1", 10)


async def test_no_number_of_addresses_takes_all_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "NAMES_MAX", 10)
    some = Buckets(10, 1)
    for number in range(100):
        some.retry_after_ms(f"203.0.113.{number}")
    assert len(some._used) + len(some._used_before) <= 20


async def test_no_address_is_kept() -> None:
    some = Buckets(10, 1)
    some.retry_after_ms("203.0.113.1")
    assert b"203.0.113.1" not in repr(vars(some)).encode()
