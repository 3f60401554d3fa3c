"""What each attack does to honest people: ``python -m tests.attack`` prints a table, and ends with 1 where it is much.

One real server without nginx, five people in a room of their own, attackers in a process of their own from another
address. First nothing happens, then one attack after the other. Nobody may notice much: the 95th percentile of the
honest lines stays below 20 ms, or 5 times what it is without an attack, whichever is more.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.attack.attacks import ATTACKS
from tests.attack.stage import Row, Stage, stage

RATE = 9
"""Honest lines a second: 1.8 from each of the five, who may say 2."""
COLUMNS = [
    *("attack", "connections", "sent/s", "KiB/s out", "KiB/s in", "attacker's CPU", "server's CPU", "Redis's CPU"),
    *(
        "closed",
        "lines",
        "lost",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "max ms",
        "newcomer ms",
        "open ms",
        "page ms",
        "verdict",
    ),
]


def text(row: Row, quiet: Row) -> str:
    """A line of the table; newcomer, open and page are the longest that each took."""
    cells = [row.attack, row.connections, f"{row.sent:,.0f}", f"{row.kib_out:,.0f}", f"{row.kib_in:,.0f}"]
    cells += [f"{share:.0%}" for share in (row.attacker_cpu, row.server_cpu, row.redis_cpu)]
    cells += [row.closed, row.said, row.lost]
    cells += [f"{time:.1f}" for time in (row.p50, row.p95, row.p99, row.max)]
    cells += [f"{time:.0f}" for time in (row.newcomer, row.open, row.page)]
    verdict = row.error or ("ok" if row.is_ok(quiet) else f"FAIL (≥ {row.allowed(quiet):.0f})")
    return "| " + " | ".join(map(str, [*cells, verdict if row is not quiet else ""])) + " |"


def rows(running: Stage, names: list[str], seconds: float) -> Iterator[Row]:
    """Measure without an attack, then each of the named ones, from another address each time."""
    yield asyncio.run(running.measure(None, seconds, RATE))
    for number, name in enumerate(names):
        yield asyncio.run(running.measure(ATTACKS[name], seconds, RATE, f"203.0.113.{100 + number}"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME,…", help=f"out of: {', '.join(ATTACKS)}")
    parser.add_argument("--seconds", type=float, default=24, help="how long each takes (24: more than 200 lines)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    arguments = parser.parse_args()
    names = arguments.only.split(",") if arguments.only else list(ATTACKS)
    if unknown := set(names) - set(ATTACKS):
        parser.error(f"no such attack: {', '.join(sorted(unknown))}")
    if not arguments.json:
        print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder)) as running:
        for row in rows(running, names, arguments.seconds):
            found.append(row)
            if not arguments.json:
                print(text(row, found[0]), flush=True)
    quiet, *attacked = found
    if arguments.json:
        print(json.dumps([row.as_dict() | {"ok": row.is_ok(quiet)} for row in found], indent=2))
    sys.exit(not all(row.is_ok(quiet) for row in attacked))


if __name__ == "__main__":
    main()
