"""Tables of text that a person reads in a terminal.

Knows Unicode; must not know what is in them.
"""

import unicodedata
from collections.abc import Sequence

GAP = "  "


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows under their headings, in columns; numbers stand at the right of theirs.

    Args:
        headings: one for each column.
        rows: of as many cells; None is a dash.
    """
    lines = [list(headings), *([_cell(cell) for cell in row] for row in rows)]
    widths = [max(width(line[column]) for line in lines) for column in range(len(headings))]
    right = [_is_numbers([row[column] for row in rows]) for column in range(len(headings))]
    return "\n".join(GAP.join(map(_padded, line, widths, right)).rstrip() for line in lines)


def width(text: str) -> int:
    """How many columns of a terminal a text takes: two for each Korean syllable."""
    return sum(
        0 if unicodedata.category(character) in ("Mn", "Me") else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def _is_numbers(cells: Sequence[object]) -> bool:
    return any(cell is not None for cell in cells) and all(isinstance(cell, int | None) for cell in cells)


def _cell(value: object) -> str:
    # What people said may have line feeds, and marks that turn the writing direction of all that follows.
    text = "-" if value is None else str(value)
    return "".join(character if character.isprintable() else " " for character in text)


def _padded(text: str, to: int, right: bool) -> str:
    padding = " " * (to - width(text))
    return padding + text if right else text + padding
