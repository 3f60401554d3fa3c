"""Hosts and people as they use the page: what one does about a person, a message or the room, and who is told what."""

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser_support import People

pytest_plugins = ["tests.browsing"]
Enter = Callable[..., Page]


def say(page: Page, text: str) -> None:
    page.locator("#message").fill(text)
    page.locator("#message").press("Enter")


def open_person(page: Page, nickname: str) -> None:
    """The person's sheet, from the list of people."""
    page.locator("#people-details").evaluate("(details) => { details.open = true; }")
    page.locator("#people-list").get_by_role("button", name=nickname).click()
    expect(page.locator("#person-dialog")).to_be_visible()


def open_line(page: Page, text: str) -> None:
    """The message's sheet."""
    page.locator(".chat", has_text=text).locator(".menu").click()
    expect(page.locator("#line-dialog")).to_be_visible()


@pytest.fixture
def pair(enter: Enter, room: str) -> tuple[Page, Page]:
    """The host 마루 and the guest 하늘, who know of each other."""
    host, guest = enter("마루", room), enter("하늘", room)
    expect(host.locator("#people-count")).to_have_text("2명")
    return host, guest


def test_whoever_is_removed_is_told_so_and_does_not_come_back_until_that_is_lifted(
    pair: tuple[Page, Page], people: People, room: str
) -> None:
    host, guest = pair
    open_person(host, "하늘")
    host.locator("#person-kick").click()
    # Whoever presses Enter without reading removes nobody.
    expect(host.get_by_role("button", name="취소")).to_be_focused()
    host.locator("#confirm-yes").click()
    expect(guest.locator("#closed")).to_contain_text("방장이 나를 방에서 내보냈습니다.")
    expect(guest.get_by_role("link", name="로비로 가기")).to_be_visible()
    expect(host.locator("#log")).to_contain_text("방장이 하늘 님을 내보냈습니다.")
    expect(host.locator("#people-count")).to_have_text("1명")
    guest.goto(f"/chat/?room={quote(room)}")
    guest.locator("#nickname").fill("딴이름")
    guest.locator("#nickname").press("Enter")
    expect(guest.locator("#closed")).to_contain_text("이 방에서 내보내져 다시 들어갈 수 없습니다.")
    host.locator("#host-menu").click()
    host.locator("#host-blocked").click()
    host.get_by_role("button", name="하늘 님 내보내기 해제").click()
    expect(host.locator("#host-nobody")).to_have_text("내보낸 사람이 없습니다.")
    people.enter_on(guest, "하늘", room)


def test_a_muted_person_types_on_and_sends_when_it_is_over(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    guest.clock.install()
    open_person(host, "하늘")
    host.locator("#person-mute").get_by_role("button", name="1분").click()
    expect(guest.locator("#hint")).to_contain_text("채팅이 정지되었습니다.")
    expect(guest.locator("#told")).to_have_text("채팅이 정지되었습니다.")
    expect(host.locator("#log")).to_contain_text("방장이 하늘 님의 채팅을 1분 동안 정지했습니다.")
    say(guest, "이건 나중에")
    expect(guest.locator("#message")).to_have_value("이건 나중에")
    expect(guest.locator("#send")).to_be_disabled()
    before = guest.locator("#hint").inner_text()
    guest.clock.run_for(2000)
    expect(guest.locator("#hint")).not_to_have_text(before)
    open_person(host, "하늘")
    host.locator("#person-mute").get_by_role("button", name="해제").click()
    expect(guest.locator("#hint")).to_be_hidden()
    guest.locator("#send").click()
    expect(host.locator(".chat .text")).to_have_text("이건 나중에")


def test_a_locked_room_says_so_to_everyone_and_lets_nobody_new_in(
    pair: tuple[Page, Page], people: People, room: str
) -> None:
    host, guest = pair
    host.locator("#host-menu").click()
    host.locator("#host-lock").check()
    expect(host.locator("#host-told")).to_have_text("저장했습니다.")
    for page in pair:
        expect(page.locator("#log")).to_contain_text("방장이 방을 잠갔습니다.")
        expect(page.locator("#room-locked")).to_be_visible()
    newcomer = people.person()
    newcomer.goto("/")
    expect(newcomer.get_by_role("link", name=room)).to_contain_text("잠김")
    newcomer.goto(f"/chat/?room={quote(room)}")
    newcomer.locator("#nickname").fill("바람")
    newcomer.locator("#nickname").press("Enter")
    expect(newcomer.locator("#asking-problem")).to_contain_text("잠시 후 다시 시도하거나 다른 방을 골라 주세요.")
    guest.reload()
    expect(guest.locator("#message")).to_be_enabled()
    expect(guest.locator("#room-locked")).to_be_visible()
    host.locator("#host-lock").uncheck()
    expect(guest.locator("#room-locked")).to_be_hidden()
    newcomer.get_by_role("button", name="들어가기").click()
    expect(newcomer.locator("#message")).to_be_enabled()


def test_in_slow_mode_the_next_message_waits_and_is_counted_down(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    host.locator("#host-menu").click()
    host.locator("#host-slow").select_option("5")
    expect(guest.locator("#hint")).to_have_text("슬로 모드: 5초에 한 번 보낼 수 있습니다.")
    host.keyboard.press("Escape")
    for text in ("하나", "둘", "셋"):
        say(guest, text)
    expect(guest.locator("#hint")).to_contain_text("초 뒤에 전송됩니다.")
    expect(guest.locator(".chat[data-status=sending]")).to_have_count(2)
    for text in ("방장은", "기다리지 않음"):
        say(host, text)
    expect(host.locator(".chat .text")).to_have_text(["하나", "방장은", "기다리지 않음"])
    expect(host.locator(".chat:not(.own) .text")).to_have_text(["하나", "둘", "셋"])
    expect(guest.locator(".chat[data-status=failed]")).to_have_count(0)


def test_a_topic_stands_under_the_name_and_in_the_lobby(pair: tuple[Page, Page], people: People, room: str) -> None:
    host, guest = pair
    looker = people.person()
    looker.goto("/")
    host.locator("#host-menu").click()
    host.get_by_label("주제").fill("오늘은 <b>고양이</b> 이야기")
    host.get_by_role("button", name="저장").click()
    for page in pair:
        expect(page.locator("#room-topic")).to_have_text("오늘은 <b>고양이</b> 이야기")
    expect(guest.locator("#log")).to_contain_text("방장이 주제를 정했습니다: 오늘은 <b>고양이</b> 이야기")
    expect(looker.get_by_role("link", name=room)).to_contain_text("오늘은 <b>고양이</b> 이야기")
    looker.route("**/*.js", lambda route: route.abort())
    looker.reload()
    expect(looker.get_by_role("link", name=room)).to_contain_text("오늘은 <b>고양이</b> 이야기")


def test_another_person_becomes_the_host(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    open_person(host, "하늘")
    host.locator("#person-transfer").click()
    host.locator("#confirm-yes").click()
    for page in pair:
        expect(page.locator("#log")).to_contain_text("이제 하늘 님이 방장입니다.")
    expect(guest.locator("#host-menu")).to_be_visible()
    expect(host.locator("#host-menu")).to_be_hidden()
    host.locator("#to-lobby").click()
    expect(host.locator("#enter-form")).to_be_visible()
    expect(guest.locator("#people-count")).to_have_text("1명")


def test_a_reply_quotes_its_line_and_leads_to_it(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    say(host, "점심 뭐 먹을까요?")
    for count in range(30):
        say(host, f"다른 말 {count}")
    expect(guest.locator(".chat")).to_have_count(31)
    open_line(guest, "점심 뭐")
    guest.locator("#line-reply").click()
    expect(guest.locator("#message")).to_be_focused()
    expect(guest.locator("#replying")).to_contain_text("마루 님에게 답장")
    say(guest, "국수요!")
    expect(guest.locator("#replying")).to_be_hidden()
    quoted = host.locator(".chat", has_text="국수요!").locator(".quote")
    expect(quoted).to_contain_text("점심 뭐 먹을까요?")
    expect(host.locator(".chat .text", has_text=re.compile("^점심"))).not_to_be_in_viewport()
    quoted.click()
    expect(host.locator(".chat .text", has_text=re.compile("^점심"))).to_be_in_viewport()


def test_escape_takes_a_reply_back_and_leaves_what_was_typed(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    say(host, "안녕하세요")
    guest.locator(".chat").hover()
    guest.locator(".chat .back").click()
    guest.keyboard.type("반가")
    guest.keyboard.press("Escape")
    expect(guest.locator("#replying")).to_be_hidden()
    expect(guest.locator("#message")).to_have_value("반가")


def test_reactions_are_counted_for_all_and_toggled_by_keyboard(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    say(host, "오늘 생일이에요")
    expect(guest.locator(".chat")).to_have_count(1)
    guest.locator(".chat .menu").focus()
    guest.keyboard.press("Enter")
    expect(guest.get_by_role("button", name="좋아요")).to_be_focused()
    guest.keyboard.press("Tab")
    guest.keyboard.press("Enter")
    expect(guest.locator(".chat .menu")).to_be_focused()
    expect(guest.locator(".chip")).to_have_attribute("aria-pressed", "true")
    expect(host.locator(".chip")).to_have_attribute("aria-pressed", "false")
    host.locator(".chip").click()
    for page in pair:
        expect(page.locator(".chip")).to_have_attribute("aria-label", "하트 2명")
    guest.reload()
    expect(guest.locator(".chip")).to_have_attribute("aria-pressed", "true")
    guest.locator(".chip").click()
    expect(host.locator(".chip")).to_have_attribute("aria-label", "하트 1명")


def test_a_removed_line_keeps_its_place_for_all_also_after_loading_again(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    for text in ("앗 실수", "다음 말"):
        say(guest, text)
    expect(host.locator(".chat")).to_have_count(2)
    open_line(guest, "앗 실수")
    guest.get_by_role("button", name="메시지 삭제").click()
    for page in pair:
        expect(page.locator(".chat .text")).to_have_text(["삭제된 메시지입니다", "다음 말"])
    host.reload()
    expect(host.locator(".chat .text")).to_have_text(["삭제된 메시지입니다", "다음 말"])
    open_line(host, "다음 말")
    host.get_by_role("button", name="메시지 삭제").click()
    expect(guest.locator(".chat .text")).to_have_text(["삭제된 메시지입니다", "삭제된 메시지입니다"])


def test_a_guest_removes_only_their_own_lines(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    say(host, "방장의 말")
    expect(guest.locator(".chat")).to_have_count(1)
    open_line(guest, "방장의 말")
    expect(guest.get_by_role("button", name="메시지 삭제")).to_be_hidden()


def test_a_report_needs_a_reason_and_is_thanked_for(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    say(guest, "욕설")
    expect(host.locator(".chat")).to_have_count(1)
    host.locator(".chat .who").click()
    host.get_by_role("button", name="최근 메시지 신고").click()
    host.locator("#report-send").click()
    expect(host.locator("#report-done")).to_be_hidden()
    host.locator("#report-form [value=abuse]").check()
    host.get_by_label("덧붙일 말").fill("계속 이래요")
    host.locator("#report-send").click()
    expect(host.locator("#report-thanks")).to_have_text("신고해 주셔서 감사합니다. 운영자가 확인하겠습니다.")
    host.get_by_role("button", name="이 사람 숨기기").click()
    expect(host.locator(".chat")).to_have_count(0)
    expect(guest.locator("#log")).not_to_contain_text("신고")


def test_a_report_that_is_refused_says_why_and_keeps_what_was_written(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    say(guest, "또 이 말")
    expect(host.locator(".chat")).to_have_count(1)
    open_line(host, "또 이 말")
    host.get_by_role("button", name="신고", exact=True).click()
    host.locator("#report-form [value=other]").check()
    host.get_by_label("덧붙일 말").fill("가" * 201)
    host.locator("#report-send").click()
    expect(host.locator("#report-problem")).to_have_text("덧붙일 말은 200자까지 쓸 수 있습니다.")
    expect(host.get_by_label("덧붙일 말")).to_have_value("가" * 201)


def test_a_guest_s_sheet_has_nothing_of_a_host_s(pair: tuple[Page, Page]) -> None:
    _, guest = pair
    open_person(guest, "마루")
    expect(guest.locator("#person-host")).to_be_hidden()
    expect(guest.locator("#person-hide")).to_be_visible()


def test_the_focus_stays_in_a_sheet_and_goes_back_where_it_was(pair: tuple[Page, Page]) -> None:
    host, _ = pair
    host.locator("#host-menu").click()
    for _ in range(12):
        host.keyboard.press("Tab")
        # The browser's own controls may have it for a moment, the page behind never.
        assert host.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('#host-dialog')"
        )
    host.keyboard.press("Escape")
    expect(host.locator("#host-menu")).to_be_focused()


def test_the_arrows_go_from_message_to_message(pair: tuple[Page, Page]) -> None:
    host, guest = pair
    for text in ("하나", "둘", "셋"):
        say(host, text)
    expect(guest.locator(".chat")).to_have_count(3)
    guest.locator("#log").focus()
    guest.keyboard.press("Tab")
    expect(guest.locator(".menu").nth(2)).to_be_focused()
    guest.keyboard.press("ArrowUp")
    guest.keyboard.press("ArrowUp")
    expect(guest.locator(".menu").nth(0)).to_be_focused()
    guest.keyboard.press("Tab")
    assert guest.evaluate("!document.getElementById('log').contains(document.activeElement)")
