"""Everyone: axe on every page and state, the keyboard alone, large text, little motion, few colours, big fingers."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser_support import People
from tests.pages import ADDRESSES

pytest_plugins = ["tests.browsing"]

AXE = Axe().axe_script
# Colours that are on their way to others would be measured half-way.
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 640}, "reduced_motion": "reduce"}
# What can be pressed and lies outside of running text (an address in a message is as high as its line).
TARGETS = """() => [...document.querySelectorAll("a, button, summary, input, textarea")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest(".text"))
    .map((one) => ({ one, box: (one.closest("label") ?? one).getBoundingClientRect() }))
    .filter(({ box }) => box.height < 43.5 || box.width < 43.5)
    .map(({ one, box }) => `${one.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)"""
SMALL_FIELDS = """() => [...document.querySelectorAll("input:not([type=checkbox]), textarea")]
    .filter((one) => parseFloat(getComputedStyle(one).fontSize) < 16).map((one) => one.id)"""
WIDE = "document.documentElement.scrollWidth > innerWidth"


def audit(page: Page) -> list[str]:
    """The violations that axe calls serious or critical."""
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{violation['id']}: {violation['help']} {[node['html'][:120] for node in violation['nodes']]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def look_at(page: Page) -> None:
    """The page as it is now has no violation, in light and dark, and nothing overflows it."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert audit(page) == []
    assert page.evaluate(TARGETS) == []
    assert page.evaluate(SMALL_FIELDS) == []
    assert not page.evaluate(WIDE)


def say(page: Page, text: str) -> None:
    page.locator("#message").fill(text)
    page.locator("#message").press("Enter")
    expect(page.locator(".chat.own").last).to_have_attribute("data-status", "said")


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_suits_everyone(people: People, address: str) -> None:
    page = people.person(**PHONE)
    page.goto(address)
    look_at(page)


@pytest.fixture
def pair(enter: Callable[..., Page], room: str) -> tuple[Page, Page]:
    """A host and a guest on their phones, who have talked."""
    host, guest = (enter(name, room, **PHONE) for name in ("마루", "하늘"))
    for text in ("안녕하세요, https://example.com 보셨어요?", "띄어쓰기없이이어지는긴글" * 8):
        say(host, text)
        say(guest, text)
    expect(host.locator(".chat")).to_have_count(4)
    return host, guest


def test_a_room_suits_everyone_in_every_state(pair: tuple[Page, Page], people: People, room: str) -> None:
    host, guest = pair
    look_at(guest)
    guest.locator("#people-details summary").click()
    guest.get_by_role("button", name="마루").click()
    guest.get_by_role("button", name="이 사람의 메시지 숨기기").click()
    look_at(guest)
    guest.get_by_role("button", name="마루").click()
    guest.get_by_role("button", name="숨김 해제").click()
    guest.keyboard.press("Escape")
    guest.locator("#log").evaluate("(log) => log.scrollTo(0, 0)")
    say(host, "새 소식")
    expect(guest.locator("#pill")).to_be_visible()
    guest.locator("#message").fill("가" * 129)
    look_at(guest)
    guest.locator("#message").fill("")
    visitor = people.person(**PHONE)
    visitor.goto("/")
    expect(visitor.get_by_role("link", name=room)).to_be_visible()
    look_at(visitor)
    visitor.goto(guest.url)
    visitor.locator("#nickname").fill("마루")
    visitor.locator("#nickname").press("Enter")
    expect(visitor.locator("#asking-problem")).not_to_be_empty()
    look_at(visitor)


def test_dialogs_and_the_end_of_a_room_suit_everyone(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    guest.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    for page, opener, dialog in (
        (guest, "#options", "#options-dialog"),
        (guest, "#share", "#share-dialog"),
        (host, "#to-lobby", "#leave-dialog"),
        (host, "#host-menu", "#host-dialog"),
    ):
        page.locator(opener).click()
        expect(page.locator(dialog)).to_be_visible()
        look_at(page)
        page.keyboard.press("Escape")
        expect(page.locator(dialog)).to_be_hidden()
        expect(page.locator(opener)).to_be_focused()
    host.goto("about:blank")
    expect(guest.locator("#away")).not_to_be_empty()
    look_at(guest)
    host.go_back()
    expect(guest.locator("#away")).to_be_empty()
    host.locator("#host-menu").click()
    host.locator("#close-room").click()
    look_at(host)
    host.locator("#close-dialog button[value=yes]").click()
    expect(guest.locator("#closed")).to_be_visible()
    look_at(guest)


def test_sheets_suit_everyone(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    say(guest, "신고할 말")
    for page in pair:
        page.locator(".chat:not(.own) .menu").last.click()
        look_at(page)
        page.locator("#line-reactions button").first.click()
    expect(host.locator(".chip")).to_have_count(2)
    host.locator(".chat:not(.own) .menu").last.click()
    host.locator("#line-person").click()
    look_at(host)
    host.locator("#person-kick").click()
    look_at(host)
    host.keyboard.press("Enter")
    expect(host.locator("#confirm-dialog")).to_be_hidden()
    host.locator(".chat:not(.own) .menu").last.click()
    host.locator("#line-report").click()
    look_at(host)
    host.locator("#report-form [value=other]").check()
    host.locator("#report-send").click()
    expect(host.locator("#report-thanks")).to_be_focused()
    look_at(host)


def test_a_muted_person_s_page_suits_everyone(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    guest.locator(".chat:not(.own) .menu").last.click()
    guest.locator("#line-reply").click()
    host.locator(".chat:not(.own) .who").first.click()
    host.locator("#person-mute button").first.click()
    expect(guest.locator("#hint")).to_be_visible()
    look_at(guest)
    guest.locator(".chat.own .menu").first.click()
    guest.locator("#line-remove").click()
    expect(guest.locator(".chat.removed")).to_have_count(1)
    look_at(guest)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until this has the focus, which can then be seen."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement?.matches(selector)", selector):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", selector
            return
    raise AssertionError(f"{selector} cannot be reached by Tab")


def test_a_room_is_made_joined_talked_in_and_left_by_keyboard_alone(people: People, room: str) -> None:
    host, guest = people.person(), people.person()
    host.goto("/")
    tab_to(host, "#room")
    host.keyboard.type(room)
    tab_to(host, "#nickname")
    host.keyboard.type("마루")
    host.keyboard.press("Enter")
    expect(host.locator("#message")).to_be_focused()

    guest.goto("/")
    expect(guest.get_by_role("link", name=room)).to_be_visible()
    tab_to(guest, f'a[href*="{room.split()[1]}"]')
    guest.keyboard.press("Enter")
    expect(guest.locator("#nickname")).to_be_focused()
    guest.keyboard.type("하늘")
    guest.keyboard.press("Enter")
    expect(guest.locator("#message")).to_be_focused()

    guest.keyboard.type("안녕하세요")
    guest.keyboard.press("Enter")
    host.keyboard.type("어서 오세요")
    host.keyboard.press("Enter")
    expect(guest.locator(".chat .text")).to_have_text(["안녕하세요", "어서 오세요"])

    guest.keyboard.press("Shift+Tab")
    tab_to(guest, "#to-lobby")
    guest.keyboard.press("Enter")
    expect(guest.locator("#enter-form")).to_be_visible()
    expect(host.locator("#people-count")).to_have_text("1명")
    tab_to(host, "#host-menu")
    host.keyboard.press("Enter")
    tab_to(host, "#close-room")
    host.keyboard.press("Enter")
    tab_to(host, "#close-dialog button[value=yes]")
    host.keyboard.press("Enter")
    expect(host.locator("#closed")).to_be_focused()
    host.keyboard.press("Tab")
    expect(host.locator("#closed-lobby")).to_be_focused()
    host.keyboard.press("Enter")
    expect(host.locator("#enter-form")).to_be_visible()


def test_text_of_twice_the_size_is_all_there(enter: Callable[..., Page], people: People, room: str) -> None:
    page = enter("마루", room, viewport={"width": 640, "height": 400}, device_scale_factor=2)
    say(page, "두 배로 키운 화면")
    for selector in ("#message", "#send", "#to-lobby", "#share", ".chat .text"):
        expect(page.locator(selector)).to_be_in_viewport(ratio=1)
    assert not page.evaluate(WIDE)
    for address in ADDRESSES:
        page.goto(address)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert not page.evaluate(WIDE)


def test_large_letters_leave_the_room_usable(enter: Callable[..., Page], room: str) -> None:
    page = enter("마루", room, **PHONE)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    say(page, "큰 글씨")
    for selector in ("#message", "#send", "#to-lobby", ".chat .text"):
        expect(page.locator(selector)).to_be_in_viewport(ratio=1)
    assert not page.evaluate(WIDE)


def test_nothing_moves_for_those_who_asked_for_little_motion(people: People) -> None:
    page = people.person(reduced_motion="reduce")
    page.goto("/")
    moving = """[...document.querySelectorAll("*")].filter((one) => {
        const { transitionDuration, animationName } = getComputedStyle(one);
        return transitionDuration.split(", ").some((time) => parseFloat(time) > 0) || animationName !== "none";
    }).length"""
    assert page.evaluate(moving) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moving) > 0


def test_few_colours_still_tell_things_apart(enter: Callable[..., Page], room: str) -> None:
    page = enter("마루", room, forced_colors="active")
    say(page, "색을 정해 쓰는 화면")
    border = "(one) => getComputedStyle(one).borderTopWidth"
    assert page.locator(".chat.own .text").evaluate(border) == "2px"
    assert page.locator("#send").evaluate(border) == "2px"
    assert audit(page) == []


def test_what_comes_is_read_out_and_what_is_filled_in_is_not(
    browser: Browser, enter: Callable[..., Page], room: str
) -> None:
    host, guest = enter("마루", room), enter("하늘", room)
    say(host, "하나")
    expect(guest.locator(".chat")).to_have_count(1)
    assert guest.locator("#log").get_attribute("aria-live") == "polite"
    # Taken down as the page draws: what was replayed after loading again, and what came after it.
    guest.add_init_script("""globalThis.told = [];
        addEventListener("DOMContentLoaded", () => new MutationObserver((changes) => {
            const live = document.getElementById("log").getAttribute("aria-live");
            for (const { addedNodes } of changes) for (const node of addedNodes) told.push(`${live} ${node.className}`);
        }).observe(document.getElementById("log"), { childList: true }));""")
    guest.reload()
    expect(guest.locator(".chat")).to_have_count(1)
    say(host, "둘")
    expect(guest.locator(".chat")).to_have_count(2)
    assert [told for told in guest.evaluate("told") if "chat" in told] == ["off chat", "polite chat follows"]


def test_every_colour_of_a_name_can_be_read(enter: Callable[..., Page], room: str) -> None:
    page = enter("마루", room, **PHONE)
    page.evaluate("""() => {
        for (let index = 0; index < 12; index += 1) {
            const name = document.createElement("p");
            name.className = `name colour-${index}`;
            name.textContent = "이름";
            document.getElementById("log").append(name);
        }
    }""")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert audit(page) == []
