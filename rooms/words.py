"""Words that names, topics and lines may not have, and names that nobody may have.

Knows names and the settings; must not know rooms, people or commands. The operator's words are in files, read once in
a process: at its start, by ``checks_words``, or when somebody first asks. A word is found in whatever looks like it
(``names.folded``), also inside of other words, with or without spaces in between.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rooms import names
from rooms.conf import conf

RESERVED = (
    *("관리자", "운영자", "방장", "시스템"),
    *("admin", "administrator", "moderator", "operator", "host", "system"),
)
"""Names of people that promise more than a person has."""
LONGEST = 100
"""Code points of a word: much longer ones could be in nothing that is said."""


class NotAllowed(ValueError):
    """The text has one of the operator's words."""


class Words:
    """Words that are looked for together.

    Args:
        lines: a word each, as they are in the file; an empty one, or one that begins with ``#``, is none.

    Raises:
        ValueError: a line is no word.
    """

    def __init__(self, lines: list[str]) -> None:
        # By their first two characters, so that 10,000 words are hardly more to look for than one.
        starts: dict[str, set[str]] = {}
        for number, line in enumerate(lines, 1):
            if not (bare := line.strip()) or bare.startswith("#"):
                continue
            try:
                word = _squeezed(names.clean(bare, LONGEST))
            except ValueError as problem:
                raise ValueError(f"line {number}: {problem}") from None
            starts.setdefault(word[:2], set()).add(word)
        self._starts = {start: tuple(words) for start, words in starts.items()}

    def occurs_in(self, text: str) -> bool:
        """Whether one of the words is in a text, of 128 code points or not many more."""
        squeezed, starts = _squeezed(text), self._starts
        for position, character in enumerate(squeezed):
            if character in starts:
                return True
            found = starts.get(squeezed[position : position + 2])
            if found is not None and squeezed.startswith(found, position):
                return True
        return False


@dataclass(frozen=True)
class Lists:
    """What the operator wants.

    Args:
        reserved: the keys of names that nobody may have.
        names: the words that names and topics may not have; None where there are none.
        lines: those with which a line is not said; None where there are none.
    """

    reserved: frozenset[str]
    names: Words | None
    lines: Words | None


@cache
def lists() -> Lists:
    """The lists in force.

    Raises:
        ValueError: a setting or a file makes no sense; the sentence says which and why.
    """
    unwanted = _read(conf.words_file, "ROOMS_WORDS_FILE"), _read(conf.line_words_file, "ROOMS_LINE_WORDS_FILE")
    return Lists(_reserved(), *unwanted)


def check_name(name: str, is_person: bool) -> None:
    """See that anyone may have a name.

    Args:
        name: it, clean.
        is_person: whether it is a person's and not a room's.

    Raises:
        NameNotAllowed: nobody may.
    """
    if is_person and names.key(name) in lists().reserved:
        raise names.NameNotAllowed("this name is reserved, or looks like one that is")
    if (unwanted := lists().names) is not None and unwanted.occurs_in(name):
        raise names.NameNotAllowed("it has a word that no name may have on this server")


def check_topic(topic: str) -> None:
    """See that a room may have a topic.

    Args:
        topic: it, clean.

    Raises:
        NotAllowed: it has one of the words that names may not have either.
    """
    if (unwanted := lists().names) is not None and unwanted.occurs_in(topic):
        raise NotAllowed("the topic has a word that is not allowed on this server")


def _squeezed(text: str) -> str:
    return names.folded(text).replace(" ", "")


def _reserved() -> frozenset[str]:
    found = [name.strip() for name in conf.reserved_names.split(",")]
    for name in filter(None, found):
        try:
            names.clean(name, names.NAME_MAX)
        except ValueError as problem:
            raise ValueError(f"ROOMS_RESERVED_NAMES has {name!r}, which no one could be called: {problem}.") from None
    return frozenset(names.key(name) for name in (*RESERVED, *found) if name)


def _read(path: str, variable: str) -> Words | None:
    if not path:
        return None
    try:
        # As some editors write it, with a mark at the beginning.
        return Words(Path(path).read_text(encoding="utf-8-sig").splitlines())
    except UnicodeDecodeError:
        raise ValueError(f"{variable}: the file {path} is not in UTF-8.") from None
    except OSError as problem:
        raise ValueError(f"{variable}: the file {path} cannot be read: {problem.strerror or problem}.") from None
    except ValueError as problem:
        raise ValueError(f"{variable}: the file {path} is no list of words, {problem}.") from None
