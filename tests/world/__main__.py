"""Plays the schedules of seeds: ``python -m tests.world --seeds 1-300``, or one of them: ``--seed 17 --trace``.

A schedule in which something promised is broken is made as short as it can be, and printed.
"""

import argparse
import os
import sys
import time

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()

from django.db import connection  # noqa: E402

from tests.world.schedule import KINDS, Schedule, drawn  # noqa: E402
from tests.world.shrink import shrunk  # noqa: E402
from tests.world.world import play  # noqa: E402


def violations(schedule: Schedule) -> list[str]:
    return play(schedule).violations


def report(seed: int, schedule: Schedule, found: list[str]) -> None:
    """Print what is broken, and the shortest schedule that breaks it."""
    print(f"seed {seed}:", *found[:5], sep="\n  ", flush=True)
    short = shrunk(schedule, violations)
    print("made as short as it can be:", short, *violations(short)[:5], sep="\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="this one only")
    parser.add_argument("--seeds", default="1-300", help="a range")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of faults, with commas; all of them if left out")
    parser.add_argument("--whole", action="store_true", help="do not make failing schedules shorter")
    parser.add_argument("--stop", action="store_true", help="at the first failing schedule")
    parser.add_argument("--trace", action="store_true", help="print everything that happens")
    asked = parser.parse_args()
    first, _, last = asked.seeds.partition("-")
    seeds = [asked.seed] if asked.seed is not None else range(int(first), int(last or first) + 1)
    connection.creation.create_test_db(verbosity=0)
    begin, broken, played = time.perf_counter(), [], 0
    for seed in seeds:
        schedule = drawn(seed, tuple(asked.kinds.split(",")))
        history = play(schedule, print if asked.trace else None)
        played += 1
        if history.violations:
            broken.append(seed)
            if asked.whole:
                print(f"seed {seed}:", *history.violations[:5], sep="\n  ", flush=True)
            else:
                report(seed, schedule, history.violations)
            if asked.stop:
                break
    spent = time.perf_counter() - begin
    print(f"{played} schedules, {spent / played * 1000:.0f} ms each, {len(broken)} with violations: {broken}")
    if asked.seed is not None:
        print(f"everything that happened, as a hash: {history.digest()}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
