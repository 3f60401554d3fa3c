"""Pictures of every page: ``python -m tests.screenshots OUTDIR [--readme]``, for looking at and for the README.

Each page and state at 360 and 1280 pixels, light and dark, in every language of the site. With ``--readme`` two of
them are put into docs/images.
"""

import argparse
import itertools
import shutil
import tempfile
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, expect, sync_playwright

from chatsite.settings import LANGUAGES
from tests.browser_support import People, launch, server
from tests.pages import PAGES
from tests.servers import ROOT

SIZES = {"360": {"width": 360, "height": 720}, "1280": {"width": 1280, "height": 800}}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
IMAGES = ROOT / "docs" / "images"

TALK = {
    "ko": ("사랑방 이야기", [
        ("마루", "안녕하세요, 사랑방에 오신 것을 환영합니다!"),
        ("하늘", "안녕하세요! 링크 받고 들어왔어요."),
        ("하늘", "여기는 가입 없이 바로 이야기할 수 있네요?"),
        ("마루", "네, 닉네임만 있으면 돼요. 대화는 방이 닫히면 모두 사라집니다."),
        ("구름", "오늘 날씨가 정말 좋네요. 다들 점심은 드셨나요?"),
    ]),
    "en": ("Evening tea", [
        ("Maru", "Hello, and welcome!"),
        ("Haneul", "Hi! I came in by the link."),
        ("Haneul", "So there is no account at all?"),
        ("Maru", "None: a nickname is enough. What is said goes when the room closes."),
        ("Cloud", "What lovely weather today. Has everybody had lunch?"),
    ]),
}  # fmt: skip
TOPICS = {"ko": "점심 메뉴 정하기", "en": "What to have for lunch"}
MORE_ROOMS = {"ko": ["고양이 사진 모음", "밤샘 코딩", "서울 맛집"], "en": ["Cats", "Night coders", "Book club"]}
BUSY = {
    "ko": [
        "저는 아직이요 ㅎㅎ", "근처에 새로 생긴 국숫집 가 보셨어요?", "https://example.com/noodles?menu=1 여기예요",
        "오 사진만 봐도 배고프네요",
        "이번 주말에 가 보려고요. 혹시 같이 가실 분 있으면 말씀해 주세요, 자리는 넉넉하다고 들었어요!",
    ],
    "en": [
        "Not yet, sadly", "Has anyone tried the new noodle place?", "It's https://example.com/noodles?menu=1 .",
        "The pictures alone make me hungry",
        "I am going there at the weekend. Tell me if you want to come, they say there is plenty of room!",
    ],
}  # fmt: skip
PASSERS = {"ko": ["바람", "별", "나무", "강물", "노을"], "en": ["Wind", "Star", "Tree", "River", "Dusk"]}
# People who come in, and partly go again, over a connection of their own.
PASS_BY = """([names, room, leave]) => new Promise((done) => {
    const socket = new WebSocket(`ws://${location.host}/ws/`);
    const say = (type, userName) => socket.send(JSON.stringify({ type, userName, roomID: room, ref: type + userName }));
    socket.onopen = () => names.forEach((name) => say("CLIENT_ROOM_JOIN", name));
    let left = names.length + leave;
    socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (!message.ref) return;
        if ("members" in message && names.indexOf(message.nickName) < leave) say("CLIENT_ROOM_EXIT", message.nickName);
        if ((left -= 1) === 0) done();
    };
})"""
ROOM_ID = """() => {
    const key = Object.keys(sessionStorage).find((name) => name.includes("kept"));
    return JSON.parse(sessionStorage.getItem(key)).roomID;
}"""


class Camera:
    """Takes pictures of pages, each in every colour scheme."""

    def __init__(self, out: Path, language: str, size: str) -> None:
        self._out = out
        self._language = language
        self._size = size

    def take(self, page: Page, what: str) -> None:
        """Photograph what the page shows now."""
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=self._out / f"{what}-{self._size}-{scheme}-{self._language}.png")


def say(page: Page, text: str, status: str = "said") -> None:
    """Say something, and photograph how the page shows it."""
    page.locator("#message").fill(text)
    page.locator("#message").press("Enter")
    expect(page.locator(".chat.own").last).to_have_attribute("data-status", status)


def empty_lobby(people: People, camera: Camera, look: dict[str, Any]) -> Page:
    """The lobby without rooms; the page stays open."""
    looker = people.person(**look)
    looker.goto("/")
    expect(looker.locator("body")).to_have_attribute("data-connection", "connected")
    camera.take(looker, "lobby-empty")
    return looker


def talk(people: People, camera: Camera, look: dict[str, Any], language: str) -> tuple[Page, Page, Page]:
    """A room while people talk in it; returns the host's page and two guests'."""
    name, lines = TALK[language]
    nicknames = list(dict.fromkeys(nickname for nickname, _ in lines))
    host, guest, other = pages = [people.enter(nickname, name, **look) for nickname in nicknames]
    camera.take(host, "room-new")
    for nickname, text in lines:
        say(pages[nicknames.index(nickname)], text)
    for page in pages:
        expect(page.locator(".chat")).to_have_count(len(lines))
    camera.take(guest, "room")
    camera.take(host, "room-host")
    guest.evaluate(PASS_BY, [PASSERS[language], guest.evaluate(ROOM_ID), 2])
    for page, text in zip((guest, other, host, guest, host), BUSY[language], strict=True):
        say(page, text)
    expect(guest.locator(".chat")).to_have_count(len(lines) + len(BUSY[language]))
    camera.take(guest, "room-busy")
    return host, guest, other


def opened(camera: Camera, host: Page, guest: Page, language: str) -> None:
    """The dialogs of a room, and the view of someone who has scrolled up."""
    guest.locator("#people-details summary").click()
    camera.take(guest, "room-people")
    guest.keyboard.press("Escape")
    guest.locator("#options").click()
    camera.take(guest, "dialog-options")
    guest.keyboard.press("Escape")
    guest.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    guest.locator("#share").click()
    expect(guest.locator("#share-dialog")).to_be_visible()
    camera.take(guest, "dialog-share")
    guest.keyboard.press("Escape")
    host.locator("#to-lobby").click()
    camera.take(host, "dialog-leave")
    host.keyboard.press("Escape")
    guest.locator("#log").evaluate("(log) => log.scrollTo(0, 0)")
    expect(guest.locator("#pill")).to_be_visible()
    say(host, TALK[language][1][0][1])
    expect(guest.locator("#pill")).to_contain_text("1")
    guest.locator("#message").fill("가나다라" * 33)
    camera.take(guest, "room-pill")
    guest.locator("#pill").click()
    guest.locator("#message").fill("")


def hosting(camera: Camera, host: Page, guest: Page, language: str) -> None:
    """What one may do about a person, a line and the room, and what those see whom it concerns."""
    nickname, line = TALK[language][1][1]
    guest.locator(".chat", has_text=line).locator(".menu").click()
    camera.take(guest, "sheet-line")
    guest.locator("#line-reply").click()
    say(guest, BUSY[language][3])
    for page, each in ((guest, 0), (guest, 1), (host, 1)):
        page.locator(".chat", has_text=line).locator(".menu").first.click()
        page.locator("#line-reactions button").nth(each).click()
    expect(host.locator(".chip").last).to_contain_text("2")
    say(guest, PASSERS[language][0])
    guest.locator(".chat.own").last.locator(".menu").click()
    guest.locator("#line-remove").click()
    guest.locator(".chat", has_text=line).locator(".menu").first.click()
    guest.locator("#line-reply").click()
    camera.take(guest, "room-reply")
    guest.locator("#reply-cancel").click()
    host.locator("#people-details summary").click()
    host.locator("#people-list").get_by_role("button", name=nickname).click()
    camera.take(host, "sheet-person")
    host.locator("#person-report").click()
    camera.take(host, "sheet-report")
    host.locator("#report-form [value=spam]").check()
    host.locator("#report-send").click()
    expect(host.locator("#report-thanks")).to_be_visible()
    camera.take(host, "sheet-report-thanks")
    host.keyboard.press("Escape")
    host.locator("#people-list").get_by_role("button", name=nickname).click()
    host.locator("#person-kick").click()
    camera.take(host, "dialog-kick")
    host.keyboard.press("Escape")
    host.locator("#people-list").get_by_role("button", name=nickname).click()
    host.locator("#person-mute button").nth(1).click()
    host.locator("#talk").click(position={"x": 5, "y": 5})
    guest.locator("#message").fill(BUSY[language][0])
    expect(guest.locator("#hint")).to_be_visible()
    camera.take(guest, "room-muted")
    host.locator("#host-menu").click()
    host.locator("#host-topic").fill(TOPICS[language])
    host.locator("#host-topic-form button").click()
    host.locator("#host-lock").check()
    host.locator("#host-slow").select_option("30")
    expect(guest.locator("#room-locked")).to_be_visible()
    expect(guest.locator(".note.slow")).to_be_visible()
    camera.take(host, "sheet-host")
    host.keyboard.press("Escape")
    camera.take(guest, "room-locked")
    host.locator("#people-details summary").click()
    host.locator("#people-list").get_by_role("button", name=nickname).click()
    host.locator("#person-mute button").nth(3).click()
    host.locator("#talk").click(position={"x": 5, "y": 5})
    guest.locator("#message").fill("")
    for text in BUSY[language][:2]:
        guest.locator("#message").fill(text)
        guest.locator("#message").press("Enter")
    expect(guest.locator("#hint")).to_contain_text("30")
    camera.take(guest, "room-slow")


def kicked(camera: Camera, host: Page, other: Page, language: str) -> None:
    """A person whom the host removed."""
    host.locator("#people-details").evaluate("(details) => { details.open = true; }")
    host.locator("#people-list").get_by_role("button", name=TALK[language][1][4][0]).click()
    host.locator("#person-kick").click()
    host.locator("#confirm-yes").click()
    expect(other.locator("#closed")).to_be_visible()
    camera.take(other, "room-removed")
    camera.take(host, "room-remover")
    host.locator("#host-menu").click()
    host.locator("#host-blocked").click()
    expect(host.locator("#host-blocks li")).to_have_count(1)
    camera.take(host, "sheet-host-removed")
    host.keyboard.press("Escape")


def ends(camera: Camera, host: Page, guest: Page) -> None:
    """A room whose host is away, and one that is closed."""
    host.goto("about:blank")
    expect(guest.locator("#away")).not_to_be_empty()
    camera.take(guest, "room-host-away")
    host.go_back()
    expect(guest.locator("#away")).to_be_empty()
    host.locator("#host-menu").click()
    host.locator("#close-room").click()
    camera.take(host, "dialog-close")
    host.locator("#close-dialog button[value=yes]").click()
    expect(guest.locator("#closed")).to_be_visible()
    camera.take(guest, "room-deleted")


def take(browser: Browser, folder: Path, out: Path, language: str, size: str, static: str) -> None:
    """All pictures of one language and size."""
    with server(folder, STATIC_ROOT=static, ROOMS_HOST_GRACE="30") as site:
        people = People(browser, site.url)
        camera = Camera(out, language, size)
        look = {"locale": language, "viewport": SIZES[size], "has_touch": size == "360"}
        # Colours that are on their way to others would be in the picture half-way.
        look["reduced_motion"] = "reduce"
        looker = empty_lobby(people, camera, look)
        host, guest, other = talk(people, camera, look, language)
        for room in MORE_ROOMS[language]:
            people.enter(PASSERS[language][0], room, **look)
        expect(looker.locator("#rooms li")).to_have_count(4)
        expect(looker.locator("#rooms li").first).to_contain_text("6")
        camera.take(looker, "lobby")
        opened(camera, host, guest, language)
        hosting(camera, host, guest, language)
        kicked(camera, host, other, language)
        camera.take(looker, "lobby-topic")
        ends(camera, host, guest)
        looker.goto(f"/chat/?room={MORE_ROOMS[language][0]}")
        camera.take(looker, "room-asking")
        for name in PAGES.keys() - {"lobby", "chat"}:
            looker.goto(PAGES[name][0])
            camera.take(looker, name)
        last = people.enter(PASSERS[language][1], MORE_ROOMS[language][1], **look)
        # A longer wait than there ever is, so that there is time to look.
        last.evaluate("Math.random = () => 20")
        site.kill()
        expect(last.locator("#now")).to_be_visible()
        say(last, TALK[language][1][0][1], "sending")
        camera.take(last, "room-reconnecting")
        people.leave()


def main(out: Path, readme: bool) -> None:
    """Take everything; with ``readme``, put the README's two pictures in their place."""
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        with tempfile.TemporaryDirectory() as static:
            for language, size in itertools.product(dict(LANGUAGES), SIZES):
                with tempfile.TemporaryDirectory() as folder:
                    take(browser, Path(folder), out, language, size, static)
        browser.close()
    if readme:
        for name in ("room", "lobby"):
            shutil.copyfile(out / f"{name}-1280-light-ko.png", IMAGES / f"{name}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, help="the folder for the pictures")
    parser.add_argument("--readme", action="store_true", help="renew docs/images too")
    arguments = parser.parse_args()
    main(arguments.out, arguments.readme)
