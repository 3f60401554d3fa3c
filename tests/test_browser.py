"""The pages as people use them: real browsers and a real server process."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser_support import People
from tests.pages import ADDRESSES

pytest_plugins = ["tests.browsing"]
ROOM = "사랑방 이야기"


def enter_from_lobby(page: Page, nickname: str, room: str) -> None:
    page.goto("/")
    page.get_by_label("방 이름").fill(room)
    page.get_by_label("닉네임", exact=True).fill(nickname)
    page.locator("#enter").click()
    expect(page.get_by_label("메시지", exact=True)).to_be_enabled()


def say(page: Page, text: str) -> None:
    page.get_by_label("메시지", exact=True).fill(text)
    page.get_by_label("메시지", exact=True).press("Enter")


def log(page: Page) -> list[str]:
    """The lines about coming and going, without their times."""
    return [re.sub(r"\s+(오전|오후).*$", "", text) for text in page.locator("#log .note").all_inner_texts()]


def expect_count(page: Page, count: int) -> None:
    expect(page.locator("#people-count")).to_have_text(f"{count}명")


def test_two_people_talk_in_korean_and_a_third_sees_the_count_in_the_lobby(
    people: People, enter: Callable[..., Page]
) -> None:
    onlooker = people.person()
    onlooker.goto("/")
    host = people.person()
    enter_from_lobby(host, "마루", ROOM)
    listed = onlooker.get_by_role("link", name=ROOM)
    expect(listed).to_contain_text("1명")
    guest = enter("하늘", ROOM)
    expect(listed).to_contain_text("2명")
    for page in (host, guest):
        expect_count(page, 2)
    say(host, "안녕하세요, 반갑습니다!")
    expect(guest.locator(".chat .text")).to_have_text("안녕하세요, 반갑습니다!")
    say(guest, "저도 반가워요 🙂")
    expect(host.locator(".chat:not(.own) .text")).to_have_text("저도 반가워요 🙂")
    expect(host.locator(".chat.own")).to_have_attribute("data-status", "said")
    expect(guest.locator(".chat .badge")).to_have_text("방장")


def test_a_guest_who_leaves_is_gone_for_the_others_at_once(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    expect_count(host, 2)
    guest.locator("#to-lobby").click()
    expect_count(host, 1)
    expect(host.locator("#log")).to_contain_text("하늘 님이 나갔습니다.")
    expect(guest).to_have_url(re.compile(r"/$"))


def test_loading_the_page_again_is_not_leaving(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    expect_count(host, 2)
    before = log(host)
    guest.reload()
    expect_count(guest, 2)
    say(guest, "새로 고쳤어요")
    expect(host.locator(".chat .text")).to_have_text("새로 고쳤어요")
    assert log(host) == before


def test_the_host_may_load_the_page_again_without_closing_the_room(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    host.reload()
    expect_count(host, 2)
    expect(host.get_by_role("button", name="방 관리")).to_be_visible()
    say(host, "여기 있어요")
    expect(guest.locator(".chat .text")).to_have_text("여기 있어요")
    expect(guest.locator(".note:is(.exit, .away, .back)")).to_have_count(0)


def test_when_the_host_leaves_the_room_closes_for_everyone(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    expect_count(host, 2)
    host.locator("#to-lobby").click()
    host.get_by_role("dialog").get_by_role("button", name="나가기").click()
    expect(host).to_have_url(re.compile(r"/$"))
    expect(guest.locator("#closed")).to_contain_text("방장이 나가서 방이 닫혔습니다.")
    expect(guest.get_by_label("메시지", exact=True)).to_be_disabled()
    expect(host.get_by_role("link", name=room)).to_have_count(0)


def test_a_host_who_thinks_again_stays(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    expect_count(host, 2)
    host.locator("#to-lobby").click()
    host.get_by_role("dialog").get_by_role("button", name="머무르기").click()
    say(host, "안 갈래요")
    expect(guest.locator(".chat .text")).to_have_text("안 갈래요")


def test_the_host_closes_the_room_by_the_button(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    expect(guest.get_by_role("button", name="방 관리")).to_be_hidden()
    host.get_by_role("button", name="방 관리").click()
    host.get_by_role("button", name="방 닫기").click()
    # Whoever presses Enter twice closes nothing.
    expect(host.get_by_role("button", name="열어 두기")).to_be_focused()
    host.get_by_role("dialog").get_by_role("button", name="방 닫기").click()
    for page in (host, guest):
        expect(page.locator("#closed")).to_contain_text("방장이 방을 닫았습니다.")


def test_a_host_who_does_not_come_back_is_counted_down_for(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    expect_count(guest, 2)
    host.close()
    expect(guest.locator("#away")).to_contain_text("초 뒤에 방이 닫힙니다")
    expect(guest.locator("#closed")).to_contain_text("방장이 돌아오지 않아 방이 닫혔습니다.")


def test_a_shared_link_asks_a_newcomer_for_a_nickname(people: People, enter: Callable[..., Page], room: str) -> None:
    host = enter("마루", room)
    guest = people.person()
    guest.goto(f"/chat/?room={quote(room)}")
    expect(guest.get_by_role("button", name="들어가기")).to_be_visible()
    guest.get_by_label("닉네임", exact=True).fill("하늘")
    guest.get_by_label("닉네임", exact=True).press("Enter")
    expect_count(host, 2)


def test_a_nickname_in_use_is_asked_for_again(people: People, enter: Callable[..., Page], room: str) -> None:
    enter("마루", room)
    guest = people.person()
    guest.goto(f"/chat/?room={quote(room)}")
    guest.get_by_label("닉네임", exact=True).fill("마루")
    guest.get_by_role("button", name="들어가기").click()
    expect(guest.locator("#asking-problem")).to_contain_text("다른 닉네임을 골라 주세요")
    guest.get_by_label("닉네임", exact=True).fill("하늘")
    guest.get_by_role("button", name="들어가기").click()
    expect_count(guest, 2)


def test_a_room_by_invitation_is_in_no_list_and_found_by_its_link(people: People, room: str) -> None:
    host, guest = people.person(), people.person()
    host.goto("/")
    host.get_by_label("초대 링크로만").check()
    enter_from_lobby_here(host, "마루", room)
    expect(host).to_have_url(re.compile(r"/chat/\?id=\d+$"))
    guest.goto("/")
    expect(guest.locator("body")).to_have_attribute("data-connection", "connected")
    expect(guest.get_by_role("link", name=room)).to_have_count(0)
    guest.goto(host.url)
    guest.get_by_label("닉네임", exact=True).fill("하늘")
    guest.get_by_label("닉네임", exact=True).press("Enter")
    expect_count(host, 2)
    host.get_by_role("button", name="English").click()
    expect(host.locator("#people-count")).to_have_text("2 people")


def enter_from_lobby_here(page: Page, nickname: str, room: str) -> None:
    page.get_by_label("방 이름").fill(room)
    page.get_by_label("닉네임", exact=True).fill(nickname)
    page.locator("#enter").click()
    expect(page.get_by_label("메시지", exact=True)).to_be_enabled()


def test_the_button_says_whether_the_room_is_there(people: People, enter: Callable[..., Page], room: str) -> None:
    enter("마루", room)
    page = people.person()
    page.goto("/")
    expect(page.get_by_role("link", name=room)).to_be_visible()
    page.get_by_label("방 이름").fill(room)
    expect(page.locator("#enter")).to_have_text("들어가기")
    page.get_by_label("방 이름").fill(f"{room}!")
    expect(page.locator("#enter")).to_have_text("방 만들기")


def test_search_leaves_only_what_was_looked_for(people: People, enter: Callable[..., Page], room: str) -> None:
    enter("마루", room)
    page = people.person()
    page.goto("/")
    page.get_by_label("방 검색").fill("없는 이름")
    expect(page.get_by_role("link", name=room)).to_have_count(0)
    page.get_by_label("방 검색").fill(room)
    expect(page.get_by_role("link", name=room)).to_be_visible()


def test_the_random_button_leads_into_a_room(people: People, enter: Callable[..., Page], room: str) -> None:
    enter("마루", room)
    page = people.person()
    page.goto("/")
    expect(page.get_by_role("link", name=room)).to_be_visible()
    page.get_by_label("닉네임", exact=True).fill("나그네")  # no other test leaves that name in a room
    page.get_by_role("link", name="아무 방이나 가기").click()
    expect(page.get_by_label("메시지", exact=True)).to_be_enabled()


def test_the_nickname_is_remembered_for_the_next_room(enter: Callable[..., Page], room: str) -> None:
    page = enter("마루", room)
    page.locator("#to-lobby").click()
    expect(page.get_by_label("닉네임", exact=True)).to_have_value("마루")


def test_markup_in_names_and_messages_stays_text(people: People, enter: Callable[..., Page]) -> None:
    room = "</script><img src=x>"
    host = enter("<b>마루</b>", room)
    say(host, "<img src=x onerror=alert(1)>")
    expect(host.locator(".chat .text")).to_have_text("<img src=x onerror=alert(1)>")
    expect(host.locator("#room-name")).to_have_text(room)
    onlooker = people.person()
    onlooker.goto("/")
    expect(onlooker.locator("#rooms")).to_contain_text("<b>마루</b>")
    assert host.locator("main img, main b").count() == 0


def test_a_reloaded_page_still_has_what_was_typed(enter: Callable[..., Page], room: str) -> None:
    page = enter("마루", room)
    page.get_by_label("메시지", exact=True).fill("쓰다 만 글")
    page.reload()
    expect(page.get_by_label("메시지", exact=True)).to_have_value("쓰다 만 글")


def test_a_message_that_is_too_long_is_kept_and_not_sent(enter: Callable[..., Page], room: str) -> None:
    page = enter("마루", room)
    say(page, "가" * 129)
    expect(page.locator("#count")).to_have_text("129/128")
    expect(page.get_by_label("메시지", exact=True)).to_have_value("가" * 129)
    assert page.locator(".chat").count() == 0


def test_shift_enter_is_a_new_line(enter: Callable[..., Page], room: str) -> None:
    page = enter("마루", room)
    page.get_by_label("메시지", exact=True).press_sequentially("하나")
    page.get_by_label("메시지", exact=True).press("Shift+Enter")
    page.get_by_label("메시지", exact=True).press_sequentially("둘")
    page.get_by_label("메시지", exact=True).press("Enter")
    expect(page.locator(".chat .text")).to_have_text("하나\n둘", use_inner_text=True)


def test_the_page_speaks_english_after_the_switch(people: People, enter: Callable[..., Page], room: str) -> None:
    enter("마루", room)
    page = people.person()
    page.goto("/")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Come in and talk")
    expect(page.get_by_role("link", name=room)).to_contain_text("1 person")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_without_scripts_the_lobby_is_readable_and_the_room_says_why_it_is_quiet(
    people: People, enter: Callable[..., Page], room: str
) -> None:
    enter("마루", room)
    page = people.person(java_script_enabled=False)
    page.goto("/")
    expect(page.get_by_role("link", name=room)).to_contain_text("1명")
    page.get_by_role("link", name=room).click()
    expect(page.locator("noscript p")).to_be_visible()


def test_nothing_is_wider_than_a_small_phone(people: People, room: str) -> None:
    page = people.person(viewport={"width": 360, "height": 640})
    for address in ADDRESSES:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    enter_from_lobby(page, "가나다라마바사아자차", room)
    say(page, "띄어쓰기없이아주길게이어지는글자" * 4)
    expect(page.locator(".chat.own")).to_have_attribute("data-status", "said")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


# --- the lobby -------------------------------------------------------------------------------------------------------


class PretendedServer:
    """The messages that a page receives, controlled by the test."""

    def __init__(self, page: Page) -> None:
        self._route: WebSocketRoute | None = None
        self.rooms = [listed(number, 300 - number) for number in range(200)]
        page.route_web_socket("**/ws/", self._connect)

    def _connect(self, route: WebSocketRoute) -> None:
        self._route = route
        route.on_message(lambda text: self._answer(json.loads(text)))

    def _answer(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "CLIENT_ROOM_LIST":
            self.send(type="SERVER_ROOM_LIST", status=True, rooms=self.rooms, total=len(self.rooms))
        if frame["type"] == "CLIENT_ROOM_CREATE":
            me = {"nickName": frame["userName"], "tag": "me"}
            known = {"roomID": 7, "roomName": frame["roomName"], "host": frame["userName"], "locked": False}
            answer = {**me, **known, "participants": 2, "members": [me], "seq": 1, "at": 1, "ref": frame["ref"]}
            self.send(type="SERVER_ROOM_CREATE", status=True, **answer)

    def send(self, **message: Any) -> None:
        """Tell the page something."""
        assert self._route
        self._route.send(json.dumps(message))

    def say(self, seq: int) -> None:
        """Somebody says their number."""
        line = {"nickname": "하늘", "tag": "other", "message": f"{seq}", "ref": f"r{seq}", "at": seq * 1000}
        self.send(type="SERVER_CHAT_SEND", status=True, roomID=7, seq=seq, participants=2, **line)


def full_room(people: People, room: str, lines: int) -> tuple[Page, PretendedServer]:
    """A page in a room where so many have said their number, beginning with 2."""
    page = people.person()
    pretended = PretendedServer(page)
    people.enter_on(page, "마루", room)
    for seq in range(2, lines + 2):
        pretended.say(seq)
    expect(page.locator(".chat .text").last).to_have_text(f"{lines + 1}")
    return page, pretended


def listed(number: int, participants: int) -> dict[str, Any]:
    room = {"roomID": number + 1, "roomName": f"방 {number:03}", "host": "마루", "participants": participants}
    return {**room, "locked": False, "createdAt": number}


@pytest.fixture
def full_lobby(people: People) -> tuple[Page, PretendedServer]:
    """A lobby of two hundred rooms."""
    page = people.person()
    pretended = PretendedServer(page)
    page.goto("/")
    expect(page.locator("#rooms li")).to_have_count(200)
    return page, pretended


def names(page: Page) -> list[str]:
    return page.locator("#rooms .room-name").all_text_contents()


def test_nothing_moves_under_the_pointer(full_lobby: tuple[Page, PretendedServer]) -> None:
    page, server = full_lobby
    page.get_by_role("link", name="방 002").hover()
    before = names(page)
    place = page.get_by_role("link", name="방 002").bounding_box()
    server.send(type="SERVER_ROOM_UPDATE", rooms=[listed(150, 900), listed(200, 999)], removed=[1], total=200)
    expect(page.get_by_role("link", name="방 150")).to_contain_text("900명")
    assert names(page) == [*before, "방 200"]
    assert page.get_by_role("link", name="방 002").bounding_box() == place
    expect(page.get_by_role("link", name="방 000")).to_contain_text("닫힘")
    page.get_by_role("link", name="방 000").click()
    expect(page.locator("#enter-form")).to_be_visible()
    page.mouse.move(5, 5)
    page.locator("#room").focus()
    expect(page.locator("#rooms .room-name").first).to_have_text("방 200")
    assert names(page)[:3] == ["방 200", "방 150", "방 001"]
    expect(page.get_by_role("link", name="방 000")).to_have_count(0)


def test_a_room_that_has_the_focus_keeps_it_and_its_place(full_lobby: tuple[Page, PretendedServer]) -> None:
    page, server = full_lobby
    page.get_by_role("link", name="방 003").focus()
    server.send(type="SERVER_ROOM_UPDATE", rooms=[listed(3, 999)], removed=[], total=200)
    expect(page.get_by_role("link", name="방 003")).to_contain_text("999명")
    expect(page.get_by_role("link", name="방 003")).to_be_focused()
    assert names(page)[3] == "방 003"


def test_search_finds_korean_as_it_is_typed(full_lobby: tuple[Page, PretendedServer]) -> None:
    page, server = full_lobby
    server.send(type="SERVER_ROOM_UPDATE", rooms=[{**listed(300, 1), "roomName": "사랑방 손님"}], removed=[], total=201)
    for typed in ("살", "사랑", "ㅅㄹㅂ"):
        page.get_by_label("방 검색").fill(typed)
        expect(page.locator("#rooms .room-name")).to_have_text(["사랑방 손님"])
    page.get_by_label("방 검색").fill("")
    expect(page.locator("#rooms li")).to_have_count(201)


def test_the_button_does_not_pretend_to_know_rooms_that_are_not_listed(
    full_lobby: tuple[Page, PretendedServer],
) -> None:
    page, server = full_lobby
    server.send(type="SERVER_ROOM_UPDATE", rooms=[], removed=[], total=999)
    expect(page.locator("#total")).to_have_text("999개")
    page.get_by_label("방 이름").fill("모르는 방")
    expect(page.locator("#enter")).to_have_text("들어가거나 만들기")


# --- the room --------------------------------------------------------------------------------------------------------


def test_five_hundred_lines_are_kept_in_order(people: People, room: str) -> None:
    page, _ = full_room(people, room, 620)
    texts = page.locator(".chat .text").all_inner_texts()
    assert texts == [f"{seq}" for seq in range(122, 622)]
    expect(page.locator(".chat .text").last).to_be_in_viewport()


def test_what_is_being_read_stays_where_it_is(people: People, room: str) -> None:
    page, pretended = full_room(people, room, 500)
    read = page.locator(".chat .text", has_text=re.compile("^250$"))
    read.scroll_into_view_if_needed()
    expect(page.locator("#pill")).to_be_visible()
    before = read.bounding_box()
    # Lines go at the top while new ones come at the bottom.
    for seq in range(502, 512):
        pretended.say(seq)
    expect(page.locator("#pill")).to_contain_text("새 메시지 10개")
    assert read.bounding_box() == pytest.approx(before, abs=0.5)
    page.locator("#pill").click()
    expect(page.locator(".chat .text").last).to_be_in_viewport()
    expect(page.locator("#pill")).to_be_hidden()


def test_runs_of_one_speaker_are_named_once(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    for text in ("하나", "둘"):
        say(host, text)
    expect(guest.locator(".chat .text")).to_have_text(["하나", "둘"])
    expect(guest.locator(".chat.follows")).to_have_count(1)
    say(guest, "셋")
    expect(guest.locator(".chat.own .who")).not_to_be_in_viewport()


def test_many_who_come_and_go_are_counted(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    visits = """([room, names]) => new Promise((done) => {
        const socket = new WebSocket(`ws://${location.host}/ws/`);
        socket.onopen = () => names.forEach((userName) => socket.send(JSON.stringify(
            { type: "CLIENT_ROOM_JOIN", roomID: room, userName, ref: userName })));
        let left = names.length;
        socket.onmessage = ({ data }) => JSON.parse(data).ref && (left -= 1) === 0 && done();
    })"""
    number = host.evaluate(
        "JSON.parse(sessionStorage.getItem(Object.keys(sessionStorage).find((key) => key.includes('kept')))).roomID"
    )
    guest.evaluate(visits, [number, [f"손님{index}" for index in range(5)]])
    expect(host.locator(".moves summary")).to_have_text("6명이 들어옴")
    host.locator(".moves summary").click()
    expect(host.locator(".moves .note").last).to_contain_text("손님4 님이 들어왔습니다.")


def test_links_lead_away_without_telling_from_where(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    say(host, "https://example.com/a?b=1에서 봐요 javascript:alert(1) <a href=x>")
    link = guest.locator(".chat .text a")
    expect(link).to_have_count(1)
    expect(link).to_have_text("https://example.com/a?b=1")
    expect(link).to_have_attribute("href", "https://example.com/a?b=1")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")


def test_a_person_can_be_hidden_for_oneself(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    say(host, "시끄러운 말")
    expect(guest.locator(".chat")).to_have_count(1)
    guest.locator("#people-details summary").click()
    guest.get_by_role("button", name="마루").click()
    guest.get_by_role("button", name="이 사람의 메시지 숨기기").click()
    expect(guest.locator(".chat")).to_have_count(0)
    guest.reload()
    expect(guest.locator("#message")).to_be_enabled()
    say(host, "아직도 시끄러운 말")
    say(guest, "조용하네요")
    expect(host.locator(".chat")).to_have_count(3)
    expect(guest.locator(".chat .text")).to_have_text(["조용하네요"])
    guest.locator("#people-details summary").click()
    guest.get_by_role("button", name="마루").click()
    guest.get_by_role("button", name="숨김 해제").click()
    expect(guest.locator(".chat")).to_have_count(3)


HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_the_title_counts_what_came_while_one_was_looking_elsewhere(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    guest.evaluate(HIDE, True)
    for text in ("하나", "둘"):
        say(host, text)
    expect(guest).to_have_title(f"(2) {room} · 사랑방")
    guest.evaluate(HIDE, False)
    expect(guest).to_have_title(f"{room} · 사랑방")


def test_a_notification_is_asked_for_first_and_never_has_the_text(enter: Callable[..., Page], room: str) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    guest.evaluate("""() => {
        globalThis.shown = [];
        globalThis.Notification = class {
            static permission = "default";
            static requestPermission = async () => (Notification.permission = "granted");
            constructor(title, options) { shown.push([title, options.body]); }
            close() {}
        };
    }""")
    guest.locator("#options").click()
    expect(guest.get_by_label("알림 띄우기")).not_to_be_checked()
    guest.get_by_label("알림 띄우기").check()
    guest.get_by_role("button", name="확인").click()
    guest.evaluate(HIDE, True)
    say(host, "비밀 이야기")
    guest.wait_for_function("shown.length === 1")
    assert guest.evaluate("shown") == [[f"{room} · 사랑방", "새 메시지 1개"]]


def test_the_invitation_is_copied(people: People, room: str) -> None:
    page = people.person(permissions=["clipboard-read", "clipboard-write"])
    people.enter_on(page, "마루", room)
    page.locator("#invite").click()
    expect(page.locator("#shared")).to_have_text("링크를 복사했습니다.")
    link = page.evaluate("navigator.clipboard.readText()")
    assert unquote(link).endswith(f"/chat/?room={room}")
    guest = people.person()
    guest.goto(link)
    guest.locator("#nickname").fill("하늘")
    guest.locator("#nickname").press("Enter")
    expect_count(page, 2)
    expect(page.locator("#alone")).to_be_hidden()


def test_the_message_box_stays_above_a_phone_s_keyboard(enter: Callable[..., Page], room: str) -> None:
    page = enter("마루", room, viewport={"width": 360, "height": 640}, has_touch=True)
    for text in range(12):
        say(page, f"{text}")
    expect(page.locator(".chat[data-status=said]")).to_have_count(12)
    page.evaluate("""() => {
        Object.defineProperty(visualViewport, "height", { configurable: true, value: 330 });
        visualViewport.dispatchEvent(new Event("resize"));
    }""")
    expect(page.locator(".talking, body").first).to_have_css("height", "330px")
    for selector in ("#message", "#send", ".chat .text >> nth=-1"):
        box = page.locator(selector).bounding_box()
        assert box
        assert box["y"] + box["height"] <= 330
