"""The command line: ``python -m bench`` measures everything; see ``--help`` for less.

``QUICK=1`` measures a part, shortly. Without either ``--systems`` or ``--shapes`` all parts are measured; a whole
measurement is kept, and docs/performance.md is written from it.
"""

import argparse
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from pathlib import Path

from bench import document, measure, report
from bench.client import Shape, build
from bench.measure import Figures, Lengths, Progress
from bench.report import BARS, SHAPES, TALKERS
from bench.systems import ROOT, SYSTEMS, Missing, System, check_programs, ours, raise_limits, tidy

KEPT = ROOT / ".make" / "bench.json"
PARTS = ("talk", "idle", "sizes", "rooms", "commands")
ROUNDS = 5
SIZES = (2, 10, 50, 200, 1000, 5000)
ROOMS = (1, 10, 100, 1000, 10_000)
SPARE_FILES = 500
WORKERS = (1, 2, 3, 4, 5, 6, 7, 8)


class Which(Enum):
    """The systems and shapes measured in a round, besides those that the bars need."""

    BARS = auto()
    """Nothing."""
    ONCE = auto()
    """Everything, but in the first round only."""
    ALL = auto()
    """Everything."""

    def wants(self, number: int) -> bool:
        """Whether round ``number`` is to have everything."""
        return self is Which.ALL or (self is Which.ONCE and number == 0)


def main() -> int:
    """Measure, print, write."""
    quick = os.environ.get("QUICK", "") not in ("", "0")
    options = _options()
    if options.report:
        kept = json.loads(Path(options.report).read_text())
        print(report.table(kept))
        document.write(kept)
        return 0
    some = options.systems or options.shapes or options.pairs
    parts = options.parts or (["talk", "idle"] if options.bars else ["talk"] if some else list(PARTS))
    systems = [SYSTEMS[name] for name in options.systems or SYSTEMS]
    shapes = options.shapes or SHAPES
    lengths = Lengths(0.3, 1.0, 1.5, 2.0, 1000) if quick else Lengths()
    whole = not (quick or some or options.parts or options.bars)
    # In the first round everything is measured, then what is compared; when only some is asked for, all of that.
    which = Which.BARS if options.bars else Which.ALL if options.pairs else Which.ONCE
    try:
        check_programs(systems)
        build()
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    raise_limits()
    # What was started is stopped, however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    results: dict[str, object] = {"about": report.about()}
    plan: Plan = []
    rounds = options.pairs or (1 if quick else ROUNDS)
    if "talk" in parts:
        plan += _plan_talk(systems, shapes, rounds, lengths, which)
    if "idle" in parts:
        plan += _plan_idle(systems, rounds, lengths, which)
    if "sizes" in parts:
        plan += _plan_sizes(systems, SIZES[:4] if quick else SIZES, lengths)
    if "rooms" in parts:
        plan += _plan_rooms([s for s in systems if s.is_ours and s.redis], ROOMS[:3] if quick else ROOMS, lengths)
    if "commands" in parts:
        plan += _plan_commands(WORKERS[:2] if quick else WORKERS, lengths)
    sound = False
    try:
        sound = _carry_out(plan, results)
    except KeyboardInterrupt:
        print("Interrupted; this is what there is.")
    finally:
        tidy()
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(results, indent=1))
    print(report.table(results))
    if whole and sound:
        document.write(results)
        print("\nWritten to docs/performance.md")
    return 0 if sound else 1


def _options() -> argparse.Namespace:
    def shapes(text: str) -> list[Shape]:
        return [Shape.read(part) for part in text.split(",")]

    def names(known: list[str]) -> Callable[[str], list[str]]:
        def read(text: str) -> list[str]:
            if unknown := set(text.split(",")) - set(known):
                raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: there are {', '.join(known)}")
            return text.split(",")

        return read

    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--systems", type=names(list(SYSTEMS)), help=", ".join(SYSTEMS))
    parser.add_argument("--shapes", type=shapes, help="such as 20x10 (all talk) or 1x1000:20, with commas between")
    parser.add_argument("--parts", type=names(list(PARTS)), help=", ".join(PARTS))
    parser.add_argument("--pairs", type=int, help="how many interleaved rounds")
    parser.add_argument("--bars", action="store_true", help="just what the promised ratios need")
    parser.add_argument("--report", metavar="FILE", help=f"measure nothing, write from {KEPT.relative_to(ROOT)}")
    return parser.parse_args()


Plan = list[tuple[str, System, Callable[[], Figures]]]
"""The measurements to make, in order: the part, the system, and the function that measures it."""


def _plan_talk(systems: list[System], shapes: list[Shape], rounds: int, lengths: Lengths, which: Which) -> Plan:
    """Round by round, shape by shape: what is compared is measured shortly after each other."""
    needed = {(bar.shape, name) for bar in BARS if bar.shape for name in (bar.ours, bar.other)}
    return [
        ("talk", system, partial(_in_round, number, partial(measure.talk, system, shape, lengths, half=number == 0)))
        for number in range(rounds)
        for shape in shapes
        for system in systems
        if which.wants(number) or (str(shape), system.name) in needed
    ]


def _plan_idle(systems: list[System], rounds: int, lengths: Lengths, which: Which) -> Plan:
    needed = {name for bar in BARS if not bar.shape for name in (bar.ours, bar.other)}
    return [
        ("idle", system, partial(_in_round, number, partial(measure.idle, system, lengths, whole=number == 0)))
        for number in range(rounds)
        for system in systems
        if which.wants(number) or system.name in needed
    ]


def _in_round(number: int, measured: Callable[[], Figures]) -> Figures:
    return {**measured(), "round": number}


def _plan_sizes(systems: list[System], sizes: tuple[int, ...], lengths: Lengths) -> Plan:
    """One room of every size; ours also with one person talking, which tells what a line costs that is alone."""
    plan: Plan = []
    for size in sizes:
        for system in systems:
            plan.append(("sizes", system, partial(measure.talk, system, Shape(1, size, min(size, TALKERS)), lengths)))
            if system.is_ours and system.redis:
                plan.append(("sizes", system, partial(measure.talk, system, Shape(1, size, 1), lengths)))
    return plan


def _plan_rooms(systems: list[System], rooms: tuple[int, ...], lengths: Lengths) -> Plan:
    """As many rooms as a process may have connections for."""
    most = (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES) // 2
    rooms = tuple(min(number, most) for number in rooms)
    return [
        ("rooms", system, partial(measure.talk, system, Shape(number, 2, 1), lengths))
        for number in rooms
        for system in systems
    ]


def _plan_commands(workers: tuple[int, ...], lengths: Lengths) -> Plan:
    systems = [ours(number) for number in workers]
    return [("commands", system, partial(measure.count_commands, system, lengths)) for system in systems]


def _carry_out(plan: Plan, results: dict[str, object]) -> bool:
    """Measure; False when something of ours could not be measured."""
    progress = Progress(len(plan))
    failed: list[str] = []
    sound = True
    for part, system, step in plan:
        kept = results.setdefault(part, [])
        assert isinstance(kept, list)
        try:
            figures = step()
        except RuntimeError as problem:
            # One system's failure must not cost the figures of the others.
            progress.say(f"{part}: {system.title} could not be measured: {problem}")
            failed.append(f"{part}: {system.title}")
            # How large it can get is up to the machine.
            sound = sound and (part in ("sizes", "rooms") or not system.is_ours)
        else:
            kept.append(figures)
            progress.say(report.line(part, figures))
    results["failed"] = sorted(set(failed))
    return sound


if __name__ == "__main__":
    sys.exit(main())
