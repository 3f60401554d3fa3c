"""What the figures say: tables, the ratios with their bars, and the model of what a line costs.

Knows the figures' names; must not know how they are measured, nor the document they end up in.
"""

import json
import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from bench.client import Shape
from bench.measure import Figures, said, trouble
from bench.systems import CLIENT_CORE, PEERS, SERVER_CORES, SYSTEMS

SHAPES = [Shape.read(text) for text in ("1x1000:20", "1x1000:1", "20x10", "100x2", "100x10")]
TALKERS = 20
"""How many talk at most in rooms of every size."""
Results = dict[str, Any]


@dataclass(frozen=True)
class Bar:
    """A promise: what ours has to reach, as a multiple of another's.

    Args:
        words: what is compared.
        shape: of the people, or nothing for what is measured with silent connections.
        ours: the name of our system.
        other: the name of the other.
        bar: the multiple to be reached.
        figure: which figure.
        most: whether ``bar`` is the most and not the least.
    """

    words: str
    shape: str
    ours: str
    other: str
    bar: float
    figure: str = "deliveries"
    most: bool = False


BARS = [
    Bar("1000 in one room, 20 talking", "1x1000:20", "ours-redis", "ws", 4),
    Bar("1000 in one room, 20 talking", "1x1000:20", "ours-redis", "socketio-redis", 8),
    Bar("20 rooms of 10", "20x10", "ours-redis", "socketio-redis", 1.2),
    Bar("100 rooms of 2", "100x2", "ours-redis", "socketio-redis", 1.2),
    Bar("1000 in 100 rooms", "100x10", "ours-redis", "socketio-redis", 2),
    Bar("20 rooms of 10", "20x10", "ours-memory", "ws", 0.45),
    Bar("1000 in one room, 20 talking", "1x1000:20", "ours-redis", "tutorial-pubsub", 10),
    Bar("1000 in one room, one talking", "1x1000:1", "ours-redis", "tutorial-pubsub", 10),
    Bar("20 rooms of 10", "20x10", "ours-redis", "tutorial-pubsub", 10),
    Bar("100 rooms of 2", "100x2", "ours-redis", "tutorial-pubsub", 10),
    Bar("1000 in 100 rooms", "100x10", "ours-redis", "tutorial-pubsub", 10),
    Bar("KiB per idle connection", "", "ours-redis", "socketio", 1, "kib", most=True),
    Bar("KiB per idle connection", "", "ours-redis", "socketio-redis", 1, "kib", most=True),
    Bar("connections per second", "", "ours-redis", "socketio", 0.5, "connect_rate"),
    Bar("connections per second", "", "ours-redis", "socketio-redis", 0.5, "connect_rate"),
]


def about() -> Figures:
    """Where and with what it is measured."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release().split('-')[0]}",
        "server_cores": SERVER_CORES,
        "client_core": CLIENT_CORE,
        "versions": _versions(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _versions() -> dict[str, str]:
    packages = ("Django", "channels", "channels_redis", "daphne", "Twisted", "autobahn", "redis")
    found = {"Python": platform.python_version(), **{name: version(name) for name in packages}}
    for name, command in (("Redis", ["redis-server", "--version"]), ("Node", ["node", "--version"])):
        try:
            text = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - asked for their version
        except (OSError, subprocess.CalledProcessError):
            continue
        found[name] = next((word[2:] for word in text.split() if word.startswith("v=")), text.strip().lstrip("v"))
    for name in ("ws", "socket.io", "@socket.io/redis-adapter"):
        path = PEERS / "node_modules" / name / "package.json"
        if path.exists():
            found[name] = json.loads(path.read_text())["version"]
    return found


# --- while it runs ---------------------------------------------------------------------------------------------------


def line(part: str, figures: Figures) -> str:
    """What one measurement gave."""
    if part == "commands":
        return (
            f"{figures['workers']} workers: {figures['quiet_scripts']:.2f} scripts, "
            f"{figures['quiet_messages']:.2f} layer messages a line"
        )
    if part == "idle":
        joins = f", {figures['join_rate']:,.0f} joins/s" if "join_rate" in figures else ""
        return (
            f"{figures['system']:16} {figures['connect_rate']:,.0f} connections/s{joins}, "
            f"{figures['kib']:.1f} KiB a connection"
        )
    return said(figures)


# --- tables ----------------------------------------------------------------------------------------------------------


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that is also readable as text."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def one(cells: Sequence[str]) -> str:
        padded = [
            f"{cell:<{width}}" if i == 0 else f"{cell:>{width}}"
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [("-" * width) if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return "\n".join([one(head), f"| {' | '.join(rule)} |", *map(one, rows)])


def of(results: Results, part: str, system: str, shape: str | None = None) -> list[Figures]:
    """The measurements of one system, in one shape."""
    return [
        figures
        for figures in results.get(part, ())
        if figures["system"] == system and (shape is None or figures["shape"] == shape)
    ]


def _middle(many: list[Figures], name: str, show: Callable[[float], str]) -> str:
    values = [figures[name] for figures in many if name in figures]
    return show(median(values)) if values else "–"


def _whole(value: float) -> str:
    """Three digits are all that can be told apart."""
    if value >= 1000:
        size = 10 ** (len(str(int(value))) - 3)
        return f"{round(value / size) * size:,}"
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _cost(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def _ms(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _share(value: float) -> str:
    return f"{value:.0%}"


def present(results: Results, part: str) -> list[str]:
    """The systems that a part was measured with."""
    measured = {figures["system"] for figures in results.get(part, ())}
    return [name for name in SYSTEMS if name in measured]


def talk_table(results: Results, shape: str) -> str:
    """What came of people talking in one shape."""
    head = [
        *("System", "Deliveries/s", "per core", "µs each", "p50", "p99", "half: p50", "p99"),
        *("Server", "Redis", "Client", "Not delivered"),
    ]
    rows = []
    for name in present(results, "talk"):
        many = of(results, "talk", name, shape)
        if not many:
            continue
        half = [figures["open"] for figures in many if "open" in figures]
        rows.append(
            [
                SYSTEMS[name].title,
                *(_middle(many, figure, _whole) for figure in ("deliveries", "per_core")),
                _middle(many, "cost", _cost),
                *(_middle(many, figure, _ms) for figure in ("p50", "p99")),
                *(_middle(half, figure, _ms) for figure in ("p50", "p99")),
                *(_middle(many, figure, _share) for figure in ("server", "redis", "client")),
                trouble([*many, *half]).strip(" ()") or "none",
            ]
        )
    return _markdown(head, rows)


def idle_table(results: Results) -> str:
    """What silent connections cost."""
    head = [
        *("System", "Connections/s", "Joins/s", "KiB each", "KiB in a room", "Redis KiB", "CPU, all idle"),
    ]
    rows = []
    for name in present(results, "idle"):
        many = of(results, "idle", name)
        rows.append(
            [
                SYSTEMS[name].title,
                *(_middle(many, figure, _whole) for figure in ("connect_rate", "join_rate")),
                *(_middle(many, figure, lambda kib: f"{kib:.1f}") for figure in ("kib", "kib_in_room", "redis_kib")),
                _middle(many, "idle_cpu", lambda share: f"{share:.1%}"),
            ]
        )
    return _markdown(head, rows)


def ratios(results: Results, bar: Bar, figure: str) -> list[float]:
    """Ours over theirs, round by round."""
    part = "talk" if bar.shape else "idle"
    ours = {one["round"]: one for one in of(results, part, bar.ours, bar.shape or None)}
    other = {one["round"]: one for one in of(results, part, bar.other, bar.shape or None)}
    return [
        ours[number][figure] / other[number][figure]
        for number in sorted(ours.keys() & other.keys())
        if ours[number].get(figure) and other[number].get(figure)
    ]


def bars_table(results: Results) -> str:
    """Every promise, and how it is kept."""
    head = ["What", "Sarangbang", "against", "Bar", "Ratio", "lowest–highest", "per CPU", "Pairs", ""]
    rows = []
    for bar in BARS:
        found = ratios(results, bar, bar.figure)
        if not found:
            continue
        middle = median(found)
        reached = middle <= bar.bar if bar.most else middle >= bar.bar
        by_cpu = ratios(results, bar, "per_core") if bar.shape else []
        rows.append(
            [
                bar.words,
                bar.ours.removeprefix("ours-"),
                SYSTEMS[bar.other].title,
                f"{'≤' if bar.most else '≥'} {bar.bar:g}",
                f"{middle:.2f}",
                f"{min(found):.2f}–{max(found):.2f}",
                f"{median(by_cpu):.2f}" if by_cpu else "–",
                str(len(found)),
                "reached" if reached else "missed",
            ]
        )
    return _markdown(head, rows) if rows else ""


def _grid(results: Results, part: str, rows_of: Callable[[Shape], int], first: str, names: Sequence[str]) -> str:
    """A row for each size, a column of deliveries for each system."""
    found: dict[int, dict[str, Figures]] = {}
    for figures in sized(results) if part == "sizes" else results.get(part, ()):
        found.setdefault(rows_of(Shape.read(figures["shape"])), {})[figures["system"]] = figures
    head = [first, *(SYSTEMS[name].title for name in names)]
    rows = [[f"{size:,}", *(_grid_cell(found[size].get(name)) for name in names)] for size in sorted(found)]
    return _markdown(head, rows)


def _grid_cell(figures: Figures | None) -> str:
    if figures is None:
        return "–"
    return _whole(figures["deliveries"]) + (" *" if trouble([figures]) else "")


def commands_table(results: Results) -> str:
    """What a line asks of Redis."""
    head = [
        *("Workers", "Scripts", "commands inside", "layer messages"),
        *("expected scripts", "messages", "busy: scripts", "inside", "messages", "Not delivered"),
    ]
    rows = [
        [
            str(one["workers"]),
            *(f"{one[f'quiet_{kind}']:.2f}" for kind in ("scripts", "inside", "messages")),
            *("1", str(one["workers"] - 1)),
            *(f"{one[f'busy_{kind}']:.2f}" for kind in ("scripts", "inside", "messages")),
            str(one["quiet_lost"] + one["busy_lost"]) if one["quiet_lost"] + one["busy_lost"] else "none",
        ]
        for one in results.get("commands", ())
    ]
    return _markdown(head, rows)


def table(results: Results) -> str:
    """Everything that was measured, for a terminal."""
    parts = []
    shapes = dict.fromkeys(figures["shape"] for figures in results.get("talk", ()))
    parts += [f"{Shape.read(shape).words}\n{talk_table(results, shape)}" for shape in shapes]
    if results.get("idle"):
        parts.append(f"{results['idle'][0]['connections']:,} silent connections\n{idle_table(results)}")
    if results.get("sizes"):
        parts.append(f"Deliveries/s by people in one room\n{sizes_table(results)}")
    if results.get("rooms"):
        parts.append(f"Deliveries/s by rooms of 2, one talking in each\n{rooms_table(results)}")
    if results.get("commands"):
        parts.append(f"Redis, for each line\n{commands_table(results)}")
    if model := fit(results):
        parts.append(f"The model\n{model_table(results, model)}")
    if bars := bars_table(results):
        parts.append(f"The bars\n{bars}")
    if results.get("failed"):
        parts.append(f"Could not be measured: {', '.join(results['failed'])}")
    return "\n\n".join(["", *parts])


def sizes_table(results: Results) -> str:
    """Deliveries by people in one room."""
    return _grid(results, "sizes", lambda shape: shape.people, "People", present(results, "sizes"))


def sized(results: Results) -> list[Figures]:
    """Those rooms of every size in which as many talk as may."""
    return [
        figures
        for figures in results.get("sizes", ())
        if (shape := Shape.read(figures["shape"])).talkers == min(shape.people, TALKERS)
    ]


def rooms_table(results: Results) -> str:
    """Deliveries by number of rooms."""
    return _grid(results, "rooms", lambda shape: shape.rooms, "Rooms", present(results, "rooms"))


# --- the model --------------------------------------------------------------------------------------------------------

TERMS = ("line", "flush", "person", "write", "worker")


@dataclass(frozen=True)
class Case:
    """One measurement, as the model sees it. ``terms`` are how often a line needs each of ``TERMS``."""

    words: str
    workers: int
    terms: tuple[float, ...]
    cost: float
    """µs of all server processes together for a line."""


@dataclass(frozen=True)
class Model:
    """What each of ``TERMS`` costs, in µs."""

    costs: tuple[float, ...]

    def of(self, case: Case) -> float:
        """What a line should cost."""
        return sum(cost * times for cost, times in zip(self.costs, case.terms, strict=True))


def cases(results: Results, part: str) -> list[Case]:
    """The measurements of ours with Redis.

    A line is one ``line``. The script calls that it shares with others are its ``flush``. It is handed to each
    ``person``, and each gets a ``write``, which lines of the same room share that were in the same call. Each other
    process gets a message, that is ``worker``; lines of the same call share it.
    """
    found = []
    for figures in results.get(part, ()):
        system, shape = SYSTEMS[figures["system"]], Shape.read(figures["shape"])
        if not (system.is_ours and system.redis and figures["deliveries"]):
            continue
        # Where one person talks in each room, no two lines of a room are under way together.
        together = 1.0 if shape.talkers == 1 else min(1.0, figures["scripts"])
        terms = (1.0, figures["scripts"], float(shape.people), shape.people * together, figures["messages"])
        found.append(Case(shape.words, system.workers, terms, figures["cost"] * shape.people))
    return found


def fit(results: Results) -> Model | None:
    """The costs, none below 0, that fit the rooms of every size best, each counting by its relative error."""
    known = cases(results, "sizes")
    if len(known) < len(TERMS):
        return None
    rows = [[times / case.cost for times in case.terms] for case in known]
    costs = [0.0] * len(TERMS)
    # One term after the other is set to what is best while the others stay: slow, sure, and without a library.
    for _ in range(5000):
        for i in range(len(TERMS)):
            rest = [1 - sum(row[j] * costs[j] for j in range(len(TERMS)) if j != i) for row in rows]
            square = sum(row[i] ** 2 for row in rows)
            best = sum(row[i] * left for row, left in zip(rows, rest, strict=True))
            costs[i] = max(0.0, best / square) if square else 0.0
    return Model(tuple(costs))


def model_table(results: Results, model: Model) -> str:
    """What the model says beside what was measured."""
    head = ["Rooms", "Workers", "calls a line", "messages", "model, µs a line", "measured", "measured/model"]
    rows = [
        [
            case.words,
            str(case.workers),
            *(f"{case.terms[TERMS.index(term)]:.2f}" for term in ("flush", "worker")),
            *(_whole(model.of(case)), _whole(case.cost), f"{case.cost / model.of(case):.2f}"),
        ]
        for part in ("sizes", "rooms")
        for case in cases(results, part)
    ]
    return _markdown(head, rows)
