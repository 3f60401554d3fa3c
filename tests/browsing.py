"""Fixtures for tests with browsers: one server and one browser for all of them.

Tests with a browser come last: while Playwright runs, no other event loop can, and other tests need theirs.
"""

from collections.abc import Callable, Iterator
from zlib import crc32

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser_support import People, Server, launch, server

EXPECT_MS = 15_000


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server. A traceback in its log fails the test."""
    with server(tmp_path_factory.mktemp("site")) as running:
        yield running
        assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser; each person has a profile of their own in it."""
    expect.set_options(timeout=EXPECT_MS)
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture
def people(browser: Browser, site: Server) -> Iterator[People]:
    """The visitors; an error in any of their pages fails the test."""
    group = People(browser, site.url)
    yield group
    group.leave()
    assert group.problems == []


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """A room name that no other test uses."""
    return f"방 {crc32(request.node.nodeid.encode())}"


@pytest.fixture
def enter(people: People) -> Callable[..., Page]:
    """Let a new person into a room."""
    return people.enter
