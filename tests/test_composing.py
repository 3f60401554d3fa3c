"""Korean input by the browser's own input method, jamo by jamo. Other browsers' orders are in composer.test.mjs."""

from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, Page, expect

pytest_plugins = ["tests.browsing"]

# What a two-set keyboard composes for 안녕하세요: the steps of each syllable, the last of which stands.
HELLO = [["ㅇ", "아", "안"], ["ㄴ", "녀", "녕"], ["ㅎ", "하", "핫", "하"], ["세", "셍", "세"], ["요"]]
ENTER = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}


class Keyboard:
    """A keyboard with an input method, on one page's message box."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.client: CDPSession = page.context.new_cdp_session(page)

    def compose(self, *steps: str) -> None:
        """Show these, one after the other, as what is being made."""
        for step in steps:
            caret = len(step)
            self.client.send("Input.imeSetComposition", {"text": step, "selectionStart": caret, "selectionEnd": caret})

    def commit(self, text: str) -> None:
        """End the composition with this text."""
        self.client.send("Input.insertText", {"text": text})

    def type(self, syllables: list[list[str]], finish: bool = True) -> None:
        """Type syllables; with ``finish`` the last is no longer being made afterwards."""
        for index, steps in enumerate(syllables):
            self.compose(*steps)
            if finish or index < len(syllables) - 1:
                self.commit(steps[-1])

    def enter_taken(self, text: str) -> None:
        """Enter, taken by the input method, which then ends the composition."""
        self.client.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **ENTER, "windowsVirtualKeyCode": 229})
        self.commit(text)
        self.client.send("Input.dispatchKeyEvent", {"type": "keyUp", **ENTER})

    def enter(self) -> None:
        """Enter, as the text box gets it."""
        self.client.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": "\r", **ENTER})
        self.client.send("Input.dispatchKeyEvent", {"type": "keyUp", **ENTER})


@pytest.fixture
def page(enter: Callable[..., Page], room: str) -> Page:
    page = enter("마루", room)
    # Writes down every time the page itself puts something into the box while something is being made.
    page.evaluate("""() => {
        const box = document.getElementById("message");
        const { get, set } = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
        globalThis.rewritten = [];
        let composing = false;
        box.addEventListener("compositionstart", () => { composing = true; }, true);
        box.addEventListener("compositionend", () => { composing = false; }, true);
        Object.defineProperty(box, "value", {
            get() { return get.call(this); },
            set(text) { if (composing) rewritten.push(text); set.call(this, text); },
        });
    }""")
    return page


@pytest.fixture
def keyboard(page: Page) -> Keyboard:
    return Keyboard(page)


def expect_said(page: Page, *texts: str) -> None:
    """All this was said and has settled, and the box is empty."""
    expect(page.locator(".chat .text")).to_have_text(list(texts), use_inner_text=True)
    expect(page.locator(".chat[data-status=said]")).to_have_count(len(texts))
    expect(page.locator("#message")).to_have_value("")
    assert page.evaluate("rewritten") == []


def test_korean_is_written_jamo_by_jamo_and_sent_by_enter(page: Page, keyboard: Keyboard) -> None:
    keyboard.type(HELLO)
    expect(page.locator("#message")).to_have_value("안녕하세요")
    keyboard.enter()
    expect_said(page, "안녕하세요")


def test_one_enter_while_the_last_syllable_is_being_made_sends_all_of_it_once(page: Page, keyboard: Keyboard) -> None:
    keyboard.type(HELLO, finish=False)
    keyboard.enter_taken("요")
    expect_said(page, "안녕하세요")


def test_an_enter_that_reaches_the_box_as_well_sends_nothing_more(page: Page, keyboard: Keyboard) -> None:
    keyboard.type(HELLO, finish=False)
    keyboard.enter_taken("요")
    keyboard.enter()
    expect_said(page, "안녕하세요")


def test_fast_double_enter_sends_once_and_leaves_nothing_in_the_box(page: Page, keyboard: Keyboard) -> None:
    keyboard.type(HELLO, finish=False)
    keyboard.enter_taken("요")
    keyboard.enter()
    keyboard.enter()
    keyboard.type([["ㄴ", "네"]], finish=False)
    keyboard.enter_taken("네")
    keyboard.enter()
    expect_said(page, "안녕하세요", "네")


def test_the_send_button_sends_the_syllable_that_is_being_made(page: Page, keyboard: Keyboard) -> None:
    keyboard.type(HELLO, finish=False)
    page.locator("#send").click()
    expect_said(page, "안녕하세요")
    expect(page.locator("#message")).to_be_focused()
    keyboard.type(HELLO)
    keyboard.enter()
    expect_said(page, "안녕하세요", "안녕하세요")


def test_no_syllable_is_cut_at_the_limit(page: Page, keyboard: Keyboard) -> None:
    page.locator("#message").fill("가" * 126)
    page.locator("#message").press("End")
    keyboard.type([["ㄴ", "나", "난"], ["ㄷ", "다"]], finish=False)
    keyboard.enter_taken("다")
    expect_said(page, "가" * 126 + "난다")


def test_what_is_too_long_stays_as_it_is_and_is_counted(page: Page, keyboard: Keyboard) -> None:
    page.locator("#message").fill("가" * 127)
    page.locator("#message").press("End")
    keyboard.type([["ㄴ", "나"], ["ㄷ", "다"]], finish=False)
    expect(page.locator("#count")).to_have_text("129/128")
    keyboard.enter_taken("다")
    expect(page.locator("#message")).to_have_value("가" * 127 + "나다")
    page.locator("#message").press("Backspace")
    keyboard.enter()
    expect_said(page, "가" * 127 + "나")


@pytest.mark.parametrize(
    ("steps", "word"), [(["に", "にほん", "日本"], "日本"), (["ni", "ni hao", "你好"], "你好"), (["한", "韓"], "韓")]
)
def test_enter_that_chooses_a_candidate_only_chooses(
    page: Page, keyboard: Keyboard, steps: list[str], word: str
) -> None:
    keyboard.compose(*steps)
    keyboard.enter_taken(word)
    expect(page.locator("#message")).to_have_value(word)
    assert page.locator(".chat").count() == 0
    keyboard.enter()
    expect_said(page, word)


def test_a_half_made_syllable_survives_loading_the_page_again(page: Page, keyboard: Keyboard) -> None:
    keyboard.type(HELLO[:3], finish=False)
    page.reload()
    expect(page.locator("#message")).to_have_value("안녕하")
