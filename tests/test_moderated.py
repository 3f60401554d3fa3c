"""What moderators do to people, as those see it: notices, removal, and being barred from the site."""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser_support import People

pytest_plugins = ["tests.browsing"]


class Line:
    """A person's connection to the real server, on which the test can say something in its place."""

    def __init__(self, page: Page) -> None:
        self._routes: list[WebSocketRoute] = []
        self.room: dict[str, Any] = {}
        page.route_web_socket("**/ws/", self._connect)

    def _connect(self, route: WebSocketRoute) -> None:
        self._routes.append(route)
        server = route.connect_to_server()
        route.on_message(server.send)
        server.on_message(lambda text: self._pass(route, text))

    def _pass(self, route: WebSocketRoute, text: str | bytes) -> None:
        message = json.loads(text)
        if "members" in message:
            self.room = message
        route.send(text)

    def tell(self, kind: str, **more: Any) -> None:
        """Something happens in the room."""
        room = {key: self.room[key] for key in ("roomID", "at", "participants")}
        self._routes[-1].send(json.dumps({"type": kind, "status": True, **room, "seq": self.room["seq"] + 100, **more}))

    def bar(self) -> None:
        """The server does not want this visitor any more."""
        self._routes[-1].close(code=4500)


def test_a_notice_is_set_apart(people: People, room: str) -> None:
    page = people.person()
    line = Line(page)
    people.enter_on(page, "하늘", room)
    line.tell("SERVER_ROOM_NOTICE", message="<b>5분</b> 뒤에 점검합니다.")
    expect(page.locator(".note.notice b")).to_have_text("운영자 알림")
    expect(page.locator(".note.notice")).to_contain_text("<b>5분</b> 뒤에 점검합니다.")


def test_whoever_a_moderator_removed_is_told_so(people: People, room: str) -> None:
    page = people.person()
    line = Line(page)
    people.enter_on(page, "하늘", room)
    line.tell("SERVER_ROOM_EXIT", nickName="하늘", tag=line.room["tag"], reason="kicked", by="moderator")
    expect(page.locator("#closed")).to_contain_text("운영자가 나를 방에서 내보냈습니다.")
    expect(page.locator("#closed")).to_be_focused()


def test_whoever_is_barred_is_told_in_the_room_and_in_the_lobby_and_does_not_come_back(
    people: People, enter: Callable[..., Page], room: str
) -> None:
    host, page = enter("마루", room), people.person()
    line = Line(page)
    people.enter_on(page, "하늘", room)
    page.locator("#message").fill("쓰다 만 글")
    line.bar()
    expect(page.locator("#closed")).to_contain_text("운영자가 이 사이트의 이용을 제한했습니다.")
    expect(page.locator("#closed-help")).not_to_be_empty()
    page.get_by_role("link", name="로비로 가기").click()
    expect(page.locator("body")).to_have_attribute("data-connection", "connected")
    expect(page.locator("#barred")).to_be_hidden()
    line.bar()
    expect(page.locator("#barred")).to_be_visible()
    expect(host.locator("#message")).to_be_enabled()
