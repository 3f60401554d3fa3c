"""Makes a schedule with a violation as short as it can be, so that a person can see why.

Knows schedules; what is tried still has to show a violation of the same kind.
"""

import re
from collections.abc import Callable

from msgspec import structs

from tests.world.schedule import CLIENT_FAULTS, Schedule, without

Play = Callable[[Schedule], list[str]]


def kinds(violations: list[str]) -> set[str]:
    """What is wrong, without who and how much."""
    return {re.sub(r"\b(c\d|\d+)\b", "…", re.sub(r"\{.*?\}|'.*?'", "…", text)) for text in violations}


def shrunk(schedule: Schedule, play: Play, tries: int = 300) -> Schedule:
    """Leave out whatever can be left out: clients, large parts of the steps, single steps.

    Args:
        play: plays a schedule; returns its violations.
        tries: how many schedules may be played at most.
    """
    wanted = kinds(play(schedule))

    def fails(shorter: Schedule) -> bool:
        nonlocal tries
        tries -= 1
        return tries >= 0 and bool(wanted & kinds(play(shorter)))

    size = len(schedule.steps)
    while size:
        start = 0
        while start < len(schedule.steps):
            shorter = without(schedule, start, size)
            if fails(shorter):
                schedule = shorter
            else:
                start += size
        size //= 2
    while schedule.clients > 2 and fails(fewer := _with_one_client_less(schedule)):
        schedule = fewer
    return schedule


def _with_one_client_less(schedule: Schedule) -> Schedule:
    last = schedule.clients - 1
    steps = tuple(
        step for step in schedule.steps if step.what not in (*CLIENT_FAULTS, "say", "leave") or step.who < last
    )
    return structs.replace(schedule, clients=last, steps=steps)
