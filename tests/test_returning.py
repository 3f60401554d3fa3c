"""Bad networks: messages are sent in the end, missed ones arrive, and a gap is reported."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.browser_support import People, Server, server
from tests.stores import free_port

pytest_plugins = ["tests.browsing"]


class Line:
    """The line between a page and the server, to be cut, mended and listened in on."""

    def __init__(self, page: Page) -> None:
        self.cut_off = False
        self.deaf = False
        self.refuse: str | None = None
        self._open: list[WebSocketRoute] = []
        page.route_web_socket("**/ws/", self._connect)

    def _connect(self, route: WebSocketRoute) -> None:
        if self.cut_off:
            route.close(code=4001)
            return
        upstream = route.connect_to_server()
        self._open.append(route)

        def outgoing(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "CLIENT_CHAT_SEND" and self.deaf:
                return
            if frame["type"] == "CLIENT_CHAT_SEND" and self.refuse:
                answer = {"type": "SERVER_CHAT_SEND", "status": False, "error": self.refuse, "ref": frame["ref"]}
                route.send(json.dumps({**answer, "roomID": frame["roomID"]}))
                return
            upstream.send(text)

        route.on_message(outgoing)

    def cut(self) -> None:
        """Nothing gets through any more."""
        self.cut_off = True
        while self._open:
            self._open.pop().close(code=4001)

    def mend(self) -> None:
        """Everything gets through again."""
        self.cut_off = False


def say(page: Page, text: str) -> None:
    page.locator("#message").fill(text)
    page.locator("#message").press("Enter")


def expect_log(page: Page, *texts: str) -> None:
    expect(page.locator(".chat .text")).to_have_text(list(texts), use_inner_text=True)


@pytest.fixture
def host(people: People, room: str) -> Page:
    return people.enter("마루", room)


@pytest.fixture
def guest(people: People, host: Page) -> Page:
    """A guest in the host's room; ``line`` is theirs."""
    return people.person()


@pytest.fixture
def line(guest: Page, people: People, room: str) -> Line:
    line = Line(guest)
    people.enter_on(guest, "하늘", room)
    return line


def now(page: Page) -> None:
    """Connect at once, unless it has happened by itself."""
    page.evaluate("document.getElementById('now').click()")


def test_a_gap_is_filled_in_order_and_silently(host: Page, guest: Page, line: Line) -> None:
    say(host, "하나")
    expect_log(guest, "하나")
    line.cut()
    expect(guest.locator("#status")).to_be_visible()
    for text in ("둘", "셋"):
        say(host, text)
    say(guest, "넷")
    expect(guest.locator(".chat.own")).to_have_attribute("data-status", "sending")
    line.mend()
    now(guest)
    expect_log(guest, "하나", "둘", "셋", "넷")
    expect_log(host, "하나", "둘", "셋", "넷")
    expect(guest.locator("#status")).to_be_hidden()
    assert guest.locator(".note.gap").count() == 0
    assert host.locator(".note").count() == 2  # one's own entry and the guest's: being away is not leaving


def test_the_button_connects_at_once_and_keeps_the_hands_where_they_were(guest: Page, line: Line) -> None:
    # Drawn a hundred times as long as the longest, so that the page cannot come back by itself during the test.
    guest.evaluate("Math.random = () => 100")
    line.cut()
    expect(guest.locator("#status-text")).to_contain_text("초 뒤에 다시 연결합니다")
    line.mend()
    guest.locator("#now").click()
    expect(guest.locator("#status")).to_be_hidden()
    expect(guest.locator("#message")).to_be_focused()


def test_a_refused_message_can_be_tried_again_or_discarded(host: Page, guest: Page, line: Line) -> None:
    line.refuse = "too_fast"
    for text in ("너무 빨라", "이건 말고"):
        say(guest, text)
    expect(guest.locator(".chat[data-status=failed]")).to_have_count(2)
    expect(guest.locator(".chat.own").first).to_contain_text("조금 빠릅니다")
    line.refuse = None
    guest.locator(".chat.own").nth(1).get_by_role("button", name="지우기").click()
    guest.locator(".chat.own").first.get_by_role("button", name="다시 보내기").click()
    expect_log(host, "너무 빨라")
    expect_log(guest, "너무 빨라")
    expect(guest.locator(".chat.own")).to_have_attribute("data-status", "said")


def test_what_got_no_answer_is_sent_after_loading_the_page_again(host: Page, guest: Page, line: Line) -> None:
    line.deaf = True
    say(guest, "들리나요")
    expect(guest.locator(".chat.own")).to_have_attribute("data-status", "sending")
    line.deaf = False
    guest.reload()
    expect_log(host, "들리나요")
    expect_log(guest, "들리나요")
    expect(guest.locator(".chat.own")).to_have_attribute("data-status", "said")


def test_loading_the_page_again_brings_the_talk_back(host: Page, guest: Page, line: Line) -> None:
    say(host, "하나")
    expect_log(guest, "하나")
    say(guest, "둘")
    expect_log(host, "하나", "둘")
    guest.reload()
    expect_log(guest, "하나", "둘")
    guest.get_by_role("button", name="English").click()
    expect(guest.locator("html")).to_have_attribute("lang", "en")
    expect_log(guest, "하나", "둘")
    assert guest.locator(".note.earlier").count() == 0


def test_without_a_network_the_page_says_so_and_comes_back(host: Page, guest: Page, line: Line) -> None:
    guest.context.set_offline(True)
    line.cut()
    expect(guest.locator("#status-text")).to_contain_text("오프라인입니다")
    say(guest, "터널 안이에요")
    line.mend()
    guest.context.set_offline(False)
    expect_log(host, "터널 안이에요")
    expect(guest.locator("#status")).to_be_hidden()


def test_two_tabs_are_one_person(people: People, host: Page, room: str) -> None:
    first = people.enter("하늘", room)
    second = first.context.new_page()
    people.watch(second)
    second.goto(first.url)
    expect(second.locator("#nickname")).to_have_value("하늘")
    second.locator("#nickname").press("Enter")
    expect(second.locator("#people-count")).to_have_text("2명")
    say(second, "둘째 창에서")
    for page in (first, second):
        expect(page.locator(".chat.own .text")).to_have_text("둘째 창에서")
    second.locator("#to-lobby").click()
    expect(second.locator("#enter-form")).to_be_visible()
    say(first, "첫째 창은 그대로")
    expect_log(host, "둘째 창에서", "첫째 창은 그대로")
    expect(host.locator("#people-count")).to_have_text("2명")


def test_a_killed_server_is_come_back_to_and_what_is_gone_is_told(
    browser: Browser, site: Server, tmp_path: Path, people: People
) -> None:
    settings = {"STATIC_ROOT": site.static, "ROOMS_HOST_GRACE": "60", "ROOMS_GRACE": "60"}
    port = free_port()
    with server(tmp_path, port, **settings) as first:
        group = People(browser, first.url)
        host, guest = group.enter("마루", "다시 만난 방"), group.enter("하늘", "다시 만난 방")
        say(host, "그 전에")
        expect_log(guest, "그 전에")
        host.locator("#message").fill("쓰다 만 글")
        first.kill()
        for page in (host, guest):
            expect(page.locator("#status")).to_be_visible()
        say(guest, "기다릴게요")
        with server(tmp_path, port, **settings):
            for page in (host, guest):
                now(page)
            expect_log(host, "그 전에", "기다릴게요")
            expect_log(guest, "그 전에", "기다릴게요")
            for page in (host, guest):
                expect(page.locator("#people-count")).to_have_text("2명")
                expect(page.locator(".note.gap")).to_have_count(1)
                expect(page.locator("#status")).to_be_hidden()
            expect(host.locator("#message")).to_have_value("쓰다 만 글")
            group.leave()
            assert group.problems == []


def test_a_room_that_is_gone_offers_the_lobby_and_to_open_it_again(
    people: People, enter: Callable[..., Page], host: Page, room: str
) -> None:
    guest = enter("하늘", room)
    host.locator("#host-menu").click()
    host.locator("#close-room").click()
    host.locator("#close-dialog button[value=yes]").click()
    expect(guest.locator("#closed")).to_contain_text("방장이 방을 닫았습니다.")
    guest.get_by_role("link", name="같은 이름으로 다시 열기").click()
    expect(guest.locator("#message")).to_be_enabled()
    expect(guest.locator("#host-menu")).to_be_visible()
    host.get_by_role("link", name="로비로 가기").click()
    expect(host.locator("#enter-form")).to_be_visible()
