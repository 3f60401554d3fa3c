"""Names that nobody may have, and the operator's words: in names, topics and lines."""

import random
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from rooms import checks_words, names, words
from rooms.words import Words
from tests.conftest import Connect

Lists = Callable[..., None]


@pytest.fixture
def have(settings: Settings, tmp_path: Path) -> Iterator[Lists]:
    """Set the lists; at the end nobody has any."""

    def set_lists(reserved: str = "", in_names: str | bytes = "", in_lines: str | bytes = "") -> None:
        settings.ROOMS_RESERVED_NAMES = reserved
        for variable, content in (("ROOMS_WORDS_FILE", in_names), ("ROOMS_LINE_WORDS_FILE", in_lines)):
            path = tmp_path / variable
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            setattr(settings, variable, str(path) if content else "")
        words.lists.cache_clear()

    yield set_lists
    words.lists.cache_clear()


def problem() -> str:
    """What the start-up check says, with its advice, or nothing."""
    return " ".join(f"{found.msg} {found.hint}" for found in checks_words.words_can_be_read())


# --- how words are found ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "바보",
        "이 바보야",
        "바 보",
        "바\n보",
        "바\u1107\u1169",
        "FOOL",
        "ｆｏｏｌ",
        "f o o l",
        "fооl",
        "f00l",
        "foolish",
    ],
)
def test_a_word_is_found_in_whatever_looks_like_it(text: str) -> None:
    assert Words(["바보", "fool"]).occurs_in(text)


@pytest.mark.parametrize("text", ["", "바", "보바", "바아보", "fo", "food", "안녕하세요", "🙂"])
def test_other_texts_have_none(text: str) -> None:
    assert not Words(["바보", "fool"]).occurs_in(text)


def test_a_syllable_is_not_found_in_one_that_only_begins_like_it() -> None:
    assert not Words(["시"]).occurs_in("십")
    assert Words(["시"]).occurs_in("시")


def test_lone_letters_are_words_like_others() -> None:
    assert Words(["ㅅㅂ"]).occurs_in("아 ㅅ ㅂ!")
    assert not Words(["ㅅㅂ"]).occurs_in("수박")


def test_words_that_begin_alike_are_all_found() -> None:
    unwanted = Words(["ab", "abc", "abd", "a b e"])
    assert [unwanted.occurs_in(text) for text in ("xab", "abe", "b", "ba")] == [True, True, False, False]
    assert [Words(["abc", "abd"]).occurs_in(text) for text in ("abd", "aabc", "abe")] == [True, True, False]


def test_comments_and_empty_lines_are_no_words() -> None:
    unwanted = Words(["# fool", "", "  ", "  바보  "])
    assert [unwanted.occurs_in(text) for text in ("# fool", "a b", "바보")] == [False, False, True]


def test_a_word_is_found_in_the_longest_line_however_it_is_written() -> None:
    assert Words(["바보"]).occurs_in("가" * 126 + "바보")
    assert Words(["바보"]).occurs_in("\ufdfa" * 126 + "바보")


def long_list() -> list[str]:
    chance = random.Random(1)
    hangul, latin = [chr(code) for code in range(0xAC00, 0xAC00 + 2000)], "etaoinshrdlu"
    return ["".join(chance.choices(chance.choice([hangul, latin]), k=chance.randint(3, 10))) for _ in range(10_000)]


LINES = [
    "오늘 저녁에 다들 뭐 드셨어요? 저는 김치찌개 먹었어요 ㅎㅎ",
    "the rest of the lot is heard on the other line at nine",
]


@pytest.mark.parametrize("line", LINES, ids=["Korean", "English"])
def test_ten_thousand_words_cost_a_line_less_than_a_message_does_anyway(line: str) -> None:
    unwanted = Words(long_list())
    assert min(timeit.repeat(lambda: unwanted.occurs_in(line), number=100, repeat=5)) / 100 < 200e-6


def test_ten_thousand_words_are_read_in_no_time_that_a_start_takes() -> None:
    assert min(timeit.repeat(lambda: Words(long_list()), number=1, repeat=3)) < 1


# --- the settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*words.RESERVED, "Admin", "ＡＤＭＩＮ", "аdmin", "H0st", "시스템 "])
def test_a_reserved_name_is_refused_in_whatever_way_it_is_written(name: str) -> None:
    with pytest.raises(names.NameNotAllowed, match="reserved"):
        words.check_name(name, is_person=True)


@pytest.mark.parametrize("name", ["방장님", "ghost", "host2", "새 관리자", "adm in"])
def test_a_name_that_only_contains_a_reserved_one_is_no_matter(name: str) -> None:
    words.check_name(name, is_person=True)


def test_a_setting_reserves_more_names(have: Lists) -> None:
    have(reserved=" 사랑방지기 , Keeper,")
    for name in ("사랑방지기", "keeper", "방장"):
        with pytest.raises(names.NameNotAllowed):
            words.check_name(name, is_person=True)
    words.check_name("Keeper", is_person=False)


def test_a_topic_may_have_no_word_that_names_may_not_have(have: Lists) -> None:
    have(in_names="바보\n")
    words.check_topic("책 이야기")
    with pytest.raises(words.NotAllowed):
        words.check_topic("바 보 이야기")


def test_words_are_right_where_nobody_set_any(have: Lists) -> None:
    have()
    assert problem() == ""
    words.check_topic("무엇이든")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("바보".encode("cp949"), "is not in UTF-8"),
        ("바보\n\u3164\n".encode(), "line 2: character U+3164 is not allowed"),
        (b"a\n" + b"b" * 101, "line 2: at most 100 characters"),
    ],
)
@pytest.mark.parametrize("which", ["in_names", "in_lines"])
def test_a_file_that_is_no_list_of_words_is_refused_at_the_start(
    have: Lists, which: str, content: bytes, said: str
) -> None:
    have(**{which: content})
    assert said in problem()
    assert {"in_names": "ROOMS_WORDS_FILE", "in_lines": "ROOMS_LINE_WORDS_FILE"}[which] in problem()
    assert "UTF-8 with one word a line" in problem()


def test_a_file_that_is_not_there_is_named_at_the_start(have: Lists, settings: Settings) -> None:
    have()
    settings.ROOMS_WORDS_FILE = "/nowhere/words.txt"
    assert "ROOMS_WORDS_FILE: the file /nowhere/words.txt cannot be read: No such file" in problem()


def test_a_folder_is_no_file(have: Lists, settings: Settings, tmp_path: Path) -> None:
    have()
    settings.ROOMS_LINE_WORDS_FILE = str(tmp_path)
    assert "cannot be read" in problem()


@pytest.mark.parametrize("name", ["\u202eadmin", "\u3164", "x" * 31])
def test_a_reserved_name_that_nobody_could_have_is_refused_at_the_start(have: Lists, name: str) -> None:
    have(reserved=f"Keeper,{name}")
    assert "ROOMS_RESERVED_NAMES" in problem()


def test_a_list_may_begin_with_a_mark_of_its_encoding(have: Lists) -> None:
    have(in_names="\ufeff바보\r\n멍청이\r\n")
    for name in ("바보", "멍청이"):
        with pytest.raises(names.NameNotAllowed):
            words.check_name(name, is_person=False)


# --- over a socket ----------------------------------------------------------------------------------------------------


async def test_nobody_is_called_by_a_reserved_name_in_a_room(connect: Connect) -> None:
    host, guest = await connect(), await connect()
    joined = await guest.join((await host.create())["roomID"], "방장")
    created = await guest.create("둘째 방", "Ａdmin")
    assert [(answer["error"], answer["field"]) for answer in (joined, created)] == [
        ("name_not_allowed", "userName")
    ] * 2


async def test_a_room_may_have_a_reserved_name(connect: Connect) -> None:
    assert (await (await connect()).create("admin", "철수"))["status"]


async def test_no_name_has_one_of_the_operators_words(connect: Connect, have: Lists) -> None:
    have(in_names="바보")
    host, guest = await connect(), await connect()
    joined = await guest.join((await host.create())["roomID"], "왕바보")
    created = await guest.create("바 보 방", "철수")
    assert (joined["error"], joined["field"]) == ("name_not_allowed", "userName")
    assert (created["error"], created["field"]) == ("name_not_allowed", "roomName")
    assert "바보" not in joined["detail"] + created["detail"]


async def test_words_for_names_may_be_said(connect: Connect, have: Lists) -> None:
    have(in_names="바보")
    host = await connect()
    assert (await host.say((await host.create())["roomID"], "주인", "나는 바보다"))["status"]


async def test_a_line_with_one_of_the_operators_words_is_not_said(connect: Connect, have: Lists) -> None:
    have(in_lines="바보")
    host, guest = await connect(), await connect()
    room = (await host.create())["roomID"]
    await guest.join(room, "손님")
    refused = await guest.say(room, "손님", "이 바보야")
    assert (refused["error"], refused["message"], refused["nickname"]) == ("not_allowed", "이 바보야", "손님")
    assert (await guest.say(room, "손님", "안녕하세요"))["status"]
    assert (await host.until("SERVER_CHAT_SEND"))["message"] == "안녕하세요"


async def test_a_refused_line_counts_as_a_message(connect: Connect, have: Lists, settings: Settings) -> None:
    have(in_lines="바보")
    settings.ROOMS_CHAT_BURST, settings.ROOMS_CHAT_RATE = 2, 0.01
    host = await connect()
    room = (await host.create())["roomID"]
    for _ in range(3):
        await host.send("CLIENT_CHAT_SEND", roomID=room, userName="주인", message="바보")
    refused = [(await host.until("SERVER_CHAT_SEND"))["error"] for _ in range(3)]
    assert refused == ["not_allowed", "not_allowed", "too_fast"]
