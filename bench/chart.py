"""Draws a picture of lines over two logarithmic scales, as SVG, with nothing but text.

Knows drawing; must not know what is drawn.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 500
LEFT, RIGHT, TOP, BOTTOM = 84, 250, 56, 56
BETWEEN_LABELS = 17


@dataclass(frozen=True)
class Line:
    """One line of the picture.

    Args:
        title: what is written at its end.
        points: y by x, both above 0.
        color: of SVG.
        dashes: SVG's stroke-dasharray; empty for a line drawn through.
        width: in pixels.
    """

    title: str
    points: Mapping[float, float]
    color: str
    dashes: str = ""
    width: float = 2


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


class _Scale:
    """Where a value is, between two pixels."""

    def __init__(self, values: Sequence[float], first: float, last: float, whole: bool) -> None:
        low, high = math.log10(min(values)), math.log10(max(values))
        self._low: float = math.floor(low) if whole else low
        self._high: float = max(math.ceil(high) if whole else high, self._low + 0.1)
        self._first, self._last = first, last

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._first + share * (self._last - self._first)

    def powers(self) -> list[float]:
        return [10.0**power for power in range(math.ceil(self._low), math.floor(self._high) + 1)]


def draw(title: str, x_title: str, y_title: str, lines: Sequence[Line]) -> str:
    """The whole picture."""
    lines = [line for line in lines if line.points]
    xs = sorted({x for line in lines for x in line.points})
    across = _Scale(xs, LEFT, WIDTH - RIGHT, whole=False)
    up = _Scale([y for line in lines for y in line.points.values()], HEIGHT - BOTTOM, TOP, whole=True)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="13" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="28" font-size="16" font-weight="600" fill="#1a1a1a">{escape(title)}</text>',
    ]
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for y in up.powers():
        parts.append(
            f'<line x1="{LEFT}" x2="{right}" y1="{up.at(y):.1f}" y2="{up.at(y):.1f}" stroke="#dddddd"/>'
            f'<text x="{LEFT - 8}" y="{up.at(y) + 4:.1f}" text-anchor="end" fill="#555555">{_short(y)}</text>'
        )
    for x in xs:
        at = f"{across.at(x):.1f}"
        parts.append(
            f'<line x1="{at}" x2="{at}" y1="{TOP}" y2="{bottom}" stroke="#eeeeee"/>'
            f'<text x="{at}" y="{bottom + 20}" text-anchor="middle" fill="#555555">{_short(x)}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle" fill="#333333">{escape(x_title)}</text>'
        f'<text transform="translate(20 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle" '
        f'fill="#333333">{escape(y_title)}</text>'
    )
    ends = _apart({line.title: up.at(line.points[max(line.points)]) for line in lines})
    for line in lines:
        points = " ".join(f"{across.at(x):.1f},{up.at(line.points[x]):.1f}" for x in sorted(line.points))
        dashes = f' stroke-dasharray="{line.dashes}"' if line.dashes else ""
        last = max(line.points)
        end = ends[line.title]
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{line.color}" stroke-width="{line.width}"'
            f' stroke-linejoin="round"{dashes}/>'
        )
        parts += [
            f'<circle cx="{across.at(x):.1f}" cy="{up.at(y):.1f}" r="{line.width + 0.5}" fill="{line.color}"/>'
            for x, y in sorted(line.points.items())
        ]
        parts.append(
            f'<line x1="{across.at(last) + 5:.1f}" y1="{up.at(line.points[last]):.1f}" x2="{WIDTH - RIGHT + 16}" '
            f'y2="{end:.1f}" stroke="{line.color}" stroke-width="0.7"/>'
            f'<text x="{WIDTH - RIGHT + 20}" y="{end + 4:.1f}" fill="{line.color}">{escape(line.title)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _apart(ends: dict[str, float]) -> dict[str, float]:
    """The same heights, moved so that no two labels lie on each other, and none below the picture."""
    placed: dict[str, float] = {}
    least = -math.inf
    for title, y in sorted(ends.items(), key=lambda item: item[1]):
        placed[title] = least = max(y, least + BETWEEN_LABELS)
    over = max(0.0, max(placed.values()) - (HEIGHT - BOTTOM))
    most = math.inf
    for title, y in sorted(placed.items(), key=lambda item: -item[1]):
        placed[title] = most = min(y, most - BETWEEN_LABELS, HEIGHT - BOTTOM) if over else y
    return placed
