"""Names and texts: how they are normalised, which are refused, and which names are the same."""

import unicodedata

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rooms.models import KEY_MAX, ROOM_NAME_MAX
from rooms.names import BadText, NameNotAllowed, TooLong, clean, clean_message, key

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

FAMILY = "👨‍👩‍👧‍👦"
# Letters that have other forms, and every kind of character that a rule is about, more often than chance would have it.
TRICKY = st.sampled_from("ﷺΰİſßͅΣςΪ́̇ı각ㄱㅏ각\u200d\ufe0f👨🏽↔❤\ufeff\u00a0\u3000\u3164\u115f\u202e\ud800\n\t 1lI|0")
TEXTS = st.text(TRICKY | st.characters(), max_size=12)


def is_name(text: str, limit: int = ROOM_NAME_MAX) -> bool:
    try:
        return bool(clean(text, limit))
    except ValueError:
        return False


def test_a_name_that_macos_sends_in_three_jamo_a_syllable_is_the_name_typed_elsewhere() -> None:
    apart = unicodedata.normalize("NFD", "사랑방 이야기")
    assert apart != "사랑방 이야기"
    assert clean(apart, 30) == "사랑방 이야기"


def test_a_syllable_counts_as_one_code_point_however_it_is_sent() -> None:
    assert clean(unicodedata.normalize("NFD", "각" * 10), 10) == "각" * 10


def test_the_white_space_around_a_name_goes() -> None:
    assert clean("\ufeff\u3000 방\u00a0\n", 1) == "방"


@pytest.mark.parametrize("name", ["a" * 10, "방" * 10, "𝒜" * 10])
def test_a_name_may_have_as_many_code_points_as_the_limit(name: str) -> None:
    assert clean(name, 10) == name


@pytest.mark.parametrize("name", ["a" * 11, "방" * 11, "𝒜" * 11])
def test_a_name_one_code_point_over_the_limit_is_refused(name: str) -> None:
    with pytest.raises(TooLong, match="10"):
        clean(name, 10)


def test_a_family_with_its_joiners_fits_just_at_the_limit() -> None:
    assert clean(FAMILY + "가족들", 10) == FAMILY + "가족들"


def test_a_family_with_its_joiners_does_not_fit_one_over_the_limit() -> None:
    with pytest.raises(TooLong):
        clean(FAMILY + "우리가족", 10)


@pytest.mark.parametrize("name", ["👩🏽‍💻", "🏳️‍🌈", "❤️‍🔥", "🙂‍↔️", "👩‍❤️‍💋‍👨", "1️⃣", "🇰🇷", "\U0001fae8"])
def test_an_emoji_is_a_name(name: str) -> None:
    assert clean(name, 10) == name


@pytest.mark.parametrize("name", ["a‍b", "방‍장", "👨‍", "‍👨", "👨‍a", "a‍👨", "👨‍‍👩", "👨‍\ufe0f"])
def test_a_joiner_anywhere_but_between_emoji_is_refused(name: str) -> None:
    with pytest.raises(NameNotAllowed, match=r"U\+200D"):
        clean(name, 10)


@pytest.mark.parametrize(
    "character",
    "\u3164\u115f\u1160\uffa0\u2800\u00ad\u034f\u180b\u180e\u200b\u200c\u2060\u2064\u206f\ufe00\ufe0e\ufeff\ufffc\ufff9"
    "\u17b4\U0001d159\U00016fe4\U0001bca0\U0001d173\U000e0020\U000e0100\u202a\u202e\u2066\u2069\u200e\u200f\u061c"
    "\ud800\udfff\x00\t\n\x1b\x7f\x85\u2028\u2029\ue000\ufdd0\uffff\U0001fffe\U0010ffff",
    ids=lambda character: f"U+{ord(character):04X}",
)
def test_a_name_with_a_character_that_cannot_be_seen_is_refused(character: str) -> None:
    with pytest.raises(NameNotAllowed, match=f"U\\+{ord(character):04X}"):
        clean(f"a{character}b", 10)


@pytest.mark.parametrize("name", ["", " ", "\u3000", "\ufeff", "\u3164", "\u2800", "\u115f\u1160", "\ufe0f", "\u200d"])
def test_a_name_of_which_nothing_can_be_seen_is_refused(name: str) -> None:
    with pytest.raises(NameNotAllowed):
        clean(name, 10)


@pytest.mark.parametrize("name", ["\u0301bob", "\u20dd", " \u0308 "])
def test_a_name_does_not_begin_with_a_mark_that_would_change_what_stands_before_it(name: str) -> None:
    with pytest.raises(NameNotAllowed):
        clean(name, 10)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bob", "bOB"),
        ("Straße", "STRASSE"),
        ("ｂｏｂ", "bob"),
        ("ｱ", "ア"),
        ("𝓫𝓸𝓫", "bob"),
        ("사랑방", unicodedata.normalize("NFD", "사랑방")),
        ("사랑방  이야기", "사랑방\u3000이야기"),
        ("а", "a"),
        ("МОСКВА", "MOCKBA"),
        ("Ёva", "Ëva"),
        ("Үuri", "yuri"),
        ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
        ("νictor", "victor"),
        ("ΓΩ", "γω"),
        ("ϲat", "cat"),
        ("аdmіn", "admin"),
        ("аԁⅿіɴ", "ADMIN"),
        ("ʙᴏʙ", "bob"),
        ("ᎪᏴ", "ab"),
        ("ꓐꓳꓐ", "bob"),
        ("Il1|", "lI|1"),
        ("Lisa", "Iisa"),
        ("Ali", "Alі̇"),
        ("ıan", "Ian"),
        ("R00t", "root"),
        ("a–b", "a-b"),
        ("O’Neil", "O'Neil"),
        ("ㄱ", "\u11a8"),
        ("ㅇㅇ", "oo"),
        ("ロ", "口"),
        ("ヘ", "へ"),
        ("❤️", "❤"),
        ("🍎‍🍎", "🍎🍎"),
    ],
)
def test_two_names_that_look_alike_have_one_key(one: str, other: str) -> None:
    assert is_name(one)
    assert is_name(other)
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("사랑", "사람"), ("bob", "rob"), ("a b", "ab"), ("👨", "👩"), ("é", "e"), ("가", "각"), ("방1", "방2")],
)
def test_two_names_that_look_different_have_two_keys(one: str, other: str) -> None:
    assert key(one) != key(other)


def test_every_character_that_is_a_name_has_a_key_that_fits_its_column() -> None:
    # All but Chinese characters and Korean syllables, which are many and all alike.
    codes = [*range(0x3400), *range(0xA000, 0xAC00), *range(0xD7A4, 0x20000), *range(0x2F800, 0x2FA20)]
    keys = [key(chr(code)) for code in codes if is_name(chr(code))]
    assert len(keys) > 30_000
    assert {len(found) for found in keys} <= set(range(1, KEY_MAX // ROOM_NAME_MAX + 1))


@relaxed
@given(TEXTS.filter(is_name))
@example("\ufeffa\ufe0f\u0301")
def test_cleaning_a_clean_name_changes_nothing(text: str) -> None:
    name = clean(text, ROOM_NAME_MAX)
    assert clean(name, ROOM_NAME_MAX) == name


@relaxed
@given(TEXTS.filter(is_name))
@example("\ufeffbob")
def test_a_name_has_the_same_key_before_and_after_cleaning(text: str) -> None:
    assert key(clean(text, ROOM_NAME_MAX)) == key(text)


@relaxed
@given(TEXTS.filter(is_name))
def test_a_name_in_any_form_of_unicode_is_one_name(text: str) -> None:
    name = clean(text, ROOM_NAME_MAX)
    assert key(unicodedata.normalize("NFD", name)) == key(name)


@relaxed
@given(TEXTS, st.integers(1, 12))
def test_a_name_is_never_longer_than_its_limit(text: str, limit: int) -> None:
    if is_name(text, limit):
        assert 1 <= len(clean(text, limit)) <= limit
    else:
        with pytest.raises((NameNotAllowed, TooLong)):
            clean(text, limit)


@relaxed
@given(TEXTS.filter(is_name))
def test_the_key_of_a_name_is_never_empty(text: str) -> None:
    assert key(text)


def test_a_message_may_have_several_lines() -> None:
    assert clean_message("한 줄\n두 줄\n", 128) == "한 줄\n두 줄"


@pytest.mark.parametrize("character", "\t\r\x00\x1b\x7f\x85\ud800", ids=lambda character: f"U+{ord(character):04X}")
def test_a_message_with_another_control_character_is_refused(character: str) -> None:
    with pytest.raises(BadText, match=f"U\\+{ord(character):04X}"):
        clean_message(f"a{character}b", 128)


@pytest.mark.parametrize("message", ["", " \n\t ", "\ufeff"])
def test_an_empty_message_is_refused(message: str) -> None:
    with pytest.raises(BadText, match="empty"):
        clean_message(message, 128)


def test_a_message_may_have_what_a_name_may_not() -> None:
    assert clean_message("‮a\u3164b", 128) == "‮a\u3164b"


def test_a_message_is_counted_in_code_points_after_normalising() -> None:
    assert clean_message(unicodedata.normalize("NFD", "방" * 128), 128) == "방" * 128


def test_a_message_one_code_point_too_long_is_refused() -> None:
    with pytest.raises(TooLong):
        clean_message("😀" * 129, 128)
