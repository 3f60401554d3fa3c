"""The moderators' pages in a browser: on a small phone, in both languages, and within the pages' own policy.

With ``ADMIN_PICTURES`` naming a folder, every page looked at is photographed there.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from websockets.sync.client import ClientConnection, connect

from tests.browser_support import People, collect, server
from tests.test_accessibility import WIDE, audit
from tests.test_admin_servers import PASSWORD, superuser

pytest_plugins = ["tests.browsing"]
SIZES = {"phone": {"width": 360, "height": 720}, "desktop": {"width": 1280, "height": 800}}
NAME = "사랑방에서 함께 이야기하는 아주 긴 이름의 방입니다"
# Where the text of an element is on the screen, line by line.
LINES = """const lines = (one) => {
    const range = document.createRange();
    range.selectNodeContents(one);
    let [count, end] = [0, -Infinity];
    for (const { top, bottom } of [...range.getClientRects()].sort((a, b) => a.top - b.top)) {
        if (top >= end - 3) count += 1;
        end = Math.max(end, bottom);
    }
    return count;
};"""
# A name that is cut into single letters has a line for each.
BROKEN = f"""() => {{ {LINES}
    return [...document.querySelectorAll("#result_list tbody :is(td, th), bdi, dd")]
        .filter((one) => one.checkVisibility() && !one.querySelector("ul, form") && lines(one) > 2)
        .filter((one) => lines(one) > one.textContent.trim().length / 3).map((one) => one.outerHTML.slice(0, 90)); }}"""
DATES = f"""() => {{ {LINES}
    return [...document.querySelectorAll(".when, .field-at, .field-until, .field-age")]
        .filter((one) => lines(one) > 1).map((one) => one.outerHTML); }}"""


def ask(socket: ClientConnection, **command: object) -> dict[str, object]:
    socket.send(json.dumps({**command, "ref": "r" + os.urandom(4).hex()}))
    while True:
        message: dict[str, object] = json.loads(socket.recv())
        if "ref" in message:
            return message


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A server with a room in which somebody was reported, and somebody else put out; its address, and the room."""
    folder = tmp_path_factory.mktemp("admin")
    with server(folder, STATIC_ROOT=collect(folder)) as running, ExitStack() as open_sockets:
        superuser(running.environment)
        socket_url = running.url.replace("http", "ws") + "/ws/"
        host, guest, other = (open_sockets.enter_context(connect(socket_url)) for _ in range(3))
        room = ask(host, type="CLIENT_ROOM_CREATE", roomName=NAME, userName="가나다라마바사아자차")["roomID"]
        for socket, name in ((guest, "광고하는사람"), (other, "나가는사람")):
            ask(socket, type="CLIENT_ROOM_JOIN", roomID=room, userName=name)
        by = {"roomID": room, "userName": "가나다라마바사아자차"}
        text = "https://example.com/" + "아주긴주소" * 20
        line = ask(guest, type="CLIENT_CHAT_SEND", roomID=room, userName="광고하는사람", message=text)["seq"]
        ask(host, type="CLIENT_CHAT_REPORT", **by, line=line, reason="spam", note="광고를 계속 올립니다.")
        ask(host, type="CLIENT_MEMBER_KICK", **by, target="나가는사람")
        ask(host, type="CLIENT_ROOM_TOPIC", **by, topic="오늘 저녁에 함께 먹을 것을 정하는 이야기")
        assert isinstance(room, int)
        yield running.url, room


PAGES = {
    "index": "/admin/",
    "rooms": "/admin/rooms/room/",
    "add": "/admin/rooms/room/add/",
    "room": "/admin/rooms/room/{room}/change/",
    "history": "/admin/rooms/room/{room}/history/",
    "reports": "/admin/rooms/report/",
    "report": "/admin/rooms/report/1/change/",
    "bans": "/admin/rooms/ban/",
}


@pytest.fixture
def moderators_page(browser: Browser, talk: tuple[str, int]) -> Iterator[People]:
    people = People(browser, talk[0])
    yield people
    people.leave()
    assert people.problems == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_page_of_the_admin_suits_the_screen(
    size: str, language: str, talk: tuple[str, int], moderators_page: People
) -> None:
    page = moderators_page.person(locale=language, viewport=SIZES[size])
    page.goto("/admin/login/?next=/admin/")
    page.locator("#id_username").fill("moderator")
    page.locator("#id_password").fill(PASSWORD)
    page.locator("[type=submit]").click()
    for name, path in PAGES.items():
        page.goto(path.format(room=talk[1]))
        for details in page.locator(".desk details").all():
            details.locator("summary").click()
        photograph(page, f"{name}-{size}-{language}")
        assert not page.evaluate(WIDE), name
        assert page.evaluate(BROKEN) == [], name
        assert page.evaluate(DATES) == [], name
    page.goto(PAGES["room"].format(room=talk[1]))
    assert audit(page) == []


def photograph(page: Page, name: str) -> None:
    if folder := os.environ.get("ADMIN_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
