"""Names and texts: how they are normalised, which ones are refused, and when two names look alike.

Knows Unicode; must not know Django, Channels or the rest of ``rooms``. The rules are those of docs/protocol.md,
"Common fields"; the page's ``protocol.js`` counts and trims in the same way.
"""

import re
import unicodedata
from functools import lru_cache

# The characters that ECMAScript's String.prototype.trim removes, so that page and server agree.
_TRIMMED = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
COMPOSED_OF = 4
"""One code point in NFC is composed of so many at the most."""
NAME_MAX = 30
"""No name of any kind has more code points."""
_ZWJ = "\u200d"
_EMOJI_STYLE = "\ufe0f"

# Unicode's Default_Ignorable_Code_Point and other characters that leave no mark: fillers, joiners, blanks.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ufdd0-\ufdef\ufe00-\ufe0e\ufeff\uffa0\ufff0-\uffff\U00013441\U00013442\U00016fe4"
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# A name needs at least one character that stands for itself: marks and spaces alone show nothing.
_VISIBLE_INITIALS = frozenset("LNPS")

# Letters and signs of one shape. Each is folded by its own before the case is: Greek Ν looks like N, but ν like v.
# Small L, capital I, one and the bar are all i here, and so is capital L, which is small L's other case.
_SHAPES = {
    "a": "АаΑαɑᴀᎪꓮ",
    "b": "ВвЬьΒβʙᏴꓐ",
    "c": "СсϹϲᴄᏟꓚⲤⲥ",
    "d": "ԀԁᴅᎠꓓ",
    "e": "ЕеΕεᴇᎬꓰ",
    "f": "ꜰꓝ",
    "g": "ԌԍɡɢᏀꓖ",
    "h": "НнҺһΗηʜᎻꓧհ",
    "i": "lI1|ІіӀӏΙιıɪʟǀ∣ᎢᏞꓡꓲ",
    "j": "ЈјȷᴊᎫꓙ",
    "k": "КкΚκᴋᏦꓗ",
    "m": "МмΜμᴍᎷꓟ",
    "n": "Νɴꓠո",
    "o": "0ОоΟοօՕᴏꓳⲞⲟ",
    "p": "РрΡρᴘᏢꓑⲢⲣ",
    "q": "Ԛԛ",
    "r": "ГгʀᏒꓣ",
    "s": "ЅѕՏꜱᏚꓢ",
    "t": "ТтΤτᴛꓔ",
    "u": "υսՍᴜꓴ",
    "v": "ѴѵνᴠᏙꓦ",
    "w": "ԜԝωᴡᎳꓪ",
    "x": "ХхΧχꓫ",
    "y": "УуҮүΥγʏꓬ",
    "z": "ΖζᴢᏃꓜ",
    "3": "ЗзӠӡ",
    "'": "ꞌ‘’ʹʻʼ`´",
    "-": "‐‑‒–—―−─ㅡー一",
    "·": "‧•∙⋅・ㆍ",
    "力": "カ",
    "口": "ロㅁ□",
    "二": "ニ",
    "八": "ハ",
    "夕": "タ",
    "工": "エ",
    "卜": "ト",
    "へ": "ヘ",
    "り": "リ",
}
_LOOK_ALIKE = str.maketrans({alike: shape for shape, letters in _SHAPES.items() for alike in letters})
# Jamo that are part of no syllable: the vowels and circle that look like other letters, and final consonants, which
# look like initial ones.
_LONE_JAMO = str.maketrans(
    "\u1175\u1173\u110b\u1106\u11a8\u11a9\u11ab\u11ae\u11af\u11b7\u11b8\u11ba\u11bb\u11bc\u11bd\u11be\u11bf\u11c0\u11c1\u11c2",
    "i-o口\u1100\u1101\u1102\u1103\u1105口\u1107\u1109\u110ao\u110c\u110e\u110f\u1110\u1111\u1112",
)
# Characters without a visible effect: a second dot on i and j, an emoji's style, a joiner (it may have none).
_UNSEEN = re.compile(f"(?<=[ij])\u0307|[{_EMOJI_STYLE}{_ZWJ}]")
_SPACES = re.compile(r"\s+")


class NameNotAllowed(ValueError):
    """The name is empty, cannot be seen, or holds a character that names may not have."""


class TooLong(ValueError):
    """The text has more code points than the limit."""


class BadText(ValueError):
    """The message is empty or holds a control character or half a surrogate pair."""


def trim(text: str, limit: int) -> str:
    """``text`` in NFC without surrounding white space.

    Raises:
        TooLong: it cannot have ``limit`` code points or less. That is found before anything is done whose cost grows
            faster than the length: putting combining marks in order takes the square of their number.
    """
    bare = text.strip(_TRIMMED)
    if len(bare) > COMPOSED_OF * limit:
        raise TooLong(f"at most {limit} characters")
    return unicodedata.normalize("NFC", bare).strip(_TRIMMED)


def clean(text: str, limit: int) -> str:
    """A name as it is shown: NFC, trimmed.

    Args:
        text: the text that the client sent.
        limit: how many code points the result may have.

    Raises:
        NameNotAllowed: it is empty, invisible, or has control, bidi or filler characters.
        TooLong: it is longer than ``limit``.
    """
    name = trim(text, limit)
    if len(name) > limit:
        raise TooLong(f"at most {limit} characters")
    if name.isascii() and name.isprintable() and name:
        return name
    for position, character in enumerate(name):
        if character == _ZWJ and _is_emoji_before(name, position) and _is_emoji(name[position + 1 : position + 2]):
            continue
        if character == _EMOJI_STYLE and position and not name[position - 1].isspace():
            continue
        noncharacter = ord(character) & 0xFFFE == 0xFFFE
        if noncharacter or _INVISIBLE.match(character) or unicodedata.category(character) in _REFUSED_CATEGORIES:
            raise NameNotAllowed(f"character U+{ord(character):04X} is not allowed in a name")
    if unicodedata.category(name[:1] or " ")[0] == "M":
        raise NameNotAllowed("a name must not begin with a combining mark, which would change the character before it")
    if not any(unicodedata.category(character)[0] in _VISIBLE_INITIALS or _is_emoji(character) for character in name):
        raise NameNotAllowed("the name has no visible character")
    return name


def clean_message(text: str, limit: int) -> str:
    """A message as it is sent on: NFC, trimmed.

    Args:
        text: the text that the client sent.
        limit: how many code points the result may have.

    Raises:
        BadText: it is empty, or has a control character other than a line feed, or half a surrogate pair.
        TooLong: it is longer than ``limit``.
    """
    message = trim(text, limit)
    if not message:
        raise BadText("the message is empty")
    if len(message) > limit:
        raise TooLong(f"at most {limit} characters")
    if not message.isprintable():
        for character in message:
            if character != "\n" and unicodedata.category(character) in ("Cc", "Cs"):
                raise BadText(f"character U+{ord(character):04X} is not allowed in a message")
    return message


def key(name: str) -> str:
    """The key that two names share when they look alike: NFKC, case folded, letters and signs of one shape folded."""
    # Every message asks for its sender's key, of a name that was not looked at yet: one that is too long is nobody's.
    return _key(name) if len(name) <= COMPOSED_OF * NAME_MAX else ""


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    return folded(trim(name, COMPOSED_OF * NAME_MAX))


def folded(text: str) -> str:
    """``key`` of a text of any kind, which keeps its limit already: the time that it takes may grow with the square."""
    shaped = _UNSEEN.sub("", text).translate(_LOOK_ALIKE)
    # Taken apart, so that an accent does not hide the letter under it from the table.
    apart = unicodedata.normalize("NFKD", shaped).translate(_LOOK_ALIKE).casefold().translate(_LOOK_ALIKE)
    together = unicodedata.normalize("NFKC", _UNSEEN.sub("", apart)).translate(_LONE_JAMO)
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", together)).strip()


def _is_emoji(character: str) -> bool:
    # Emoji newer than this Python's tables are in the last of these ranges; ↔ is a mathematical sign to Unicode.
    return bool(character) and (
        unicodedata.category(character) == "So" or character == "↔" or "\U0001f000" <= character <= "\U0001faff"
    )


def _is_emoji_before(name: str, position: int) -> bool:
    before = name[:position].rstrip(_EMOJI_STYLE)
    return bool(before) and _is_emoji(before[-1])
