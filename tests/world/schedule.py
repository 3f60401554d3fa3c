"""Schedules: what people do and what goes wrong, and when, drawn from a seed.

Knows the names of things that may happen; must not know how they are done. A schedule is data: it can be printed,
made shorter, and played again.
"""

from random import Random

from msgspec import Struct, structs

from tests.world.acts import ACTS, BY_HOSTS

TROUBLE_SECONDS = 6.0
"""Everything goes wrong within this time."""
PROCESSES = 3

CLIENT_FAULTS = ("drop", "silent", "away")
PROCESS_FAULTS = ("freeze", "kill", "terminate", "slow")
CALL_FAULTS = ("lose call", "lose answer", "twice", "late", "stale")
STORE_FAULTS = ("empty", "roll back", "hang")
LAYER_FAULTS = ("layer drops", "layer delays", "layer repeats")
DATABASE_FAULTS = ("database lost", "database hangs")
KINDS = (*CLIENT_FAULTS, *PROCESS_FAULTS, *CALL_FAULTS, *STORE_FAULTS, *LAYER_FAULTS, *DATABASE_FAULTS)
"""Every kind of fault."""
RARE = {"empty": 0.3, "roll back": 0.3, "hang": 0.5}


class Step(Struct, frozen=True):
    """One thing that happens.

    Args:
        at: seconds from the beginning.
        what: what a client does ("say", "leave", an act) or a kind of fault.
        who: the number of the client, or the process.
        lasts: seconds; with "roll back", how old the state is.
    """

    at: float
    what: str
    who: int = 0
    lasts: float = 0.0

    def __repr__(self) -> str:
        lasts = f", {self.lasts}" if self.lasts else ""
        return f"Step({self.at}, {self.what!r}, {self.who}{lasts})"


class Schedule(Struct, frozen=True):
    """A world from beginning to end.

    Args:
        seed: from which latencies, and what exactly a fault hits, are drawn.
        clients: how many there are; the first two host a room each.
    """

    seed: int
    clients: int
    steps: tuple[Step, ...]

    @property
    def heals_at(self) -> float:
        """When all trouble is over."""
        return max([TROUBLE_SECONDS + 0.5, *(step.at + step.lasts + 0.1 for step in self.steps if step.what == "hang")])

    def __str__(self) -> str:
        steps = "".join(f"\n    {step!r}," for step in self.steps)
        return f"Schedule({self.seed}, {self.clients}, ({steps}\n))"


def drawn(seed: int, kinds: tuple[str, ...] = KINDS) -> Schedule:
    """The schedule of a seed, with faults of some kinds."""
    draw = Random(seed)
    clients = draw.randint(6, 8)
    steps = [step for _ in range(draw.randint(8, 25)) for step in _talk(clients, draw)]
    if draw.random() < 0.5:
        steps.append(Step(_moment(draw), "leave", draw.randrange(1, clients)))
    if draw.random() < 0.5:
        steps += [_act(clients, draw) for _ in range(draw.randint(1, 8))]
    # A few kinds at a time get in each other's way more than all of them do.
    chosen = draw.sample(kinds, min(draw.randint(1, 4), len(kinds)))
    weights = [RARE.get(kind, 1.0) for kind in chosen]
    for kind in draw.choices(chosen, weights, k=draw.randint(2, 9)):
        steps.append(_fault(kind, clients, draw))
    return Schedule(seed, clients, tuple(sorted(steps, key=lambda step: step.at)))


def _moment(draw: Random) -> float:
    return round(draw.uniform(0.3, TROUBLE_SECONDS), 3)


def _talk(clients: int, draw: Random) -> list[Step]:
    """Some people say something at nearly the same moment."""
    at = _moment(draw)
    speakers = draw.sample(range(clients), draw.choice([1, 1, 2, 4]))
    return [Step(round(at + draw.uniform(0, 0.01), 3), "say", who) for who in speakers]


def _act(clients: int, draw: Random) -> Step:
    """A host does something to the room or its people, or anyone to a line."""
    what = draw.choices(ACTS, [3, 1, 2, 1, 3, 3])[0]
    return Step(_moment(draw), what, draw.randrange(2) if what in BY_HOSTS else draw.randrange(clients))


def _fault(kind: str, clients: int, draw: Random) -> Step:
    at = _moment(draw)
    who = draw.randrange(clients) if kind in CLIENT_FAULTS else draw.randrange(PROCESSES)
    lasts = draw.uniform(0.1, 1.0)
    if kind == "hang" and draw.random() < 0.3:
        lasts = draw.uniform(5.5, 8.0)
    elif kind in ("freeze", "kill", "hang", "silent", "database hangs"):
        lasts = draw.uniform(0.1, 2.5)
    elif kind == "away":
        lasts = draw.choice([draw.uniform(0.1, 2.0), draw.uniform(2.0, 5.0)])
    elif kind == "roll back":
        lasts = min(draw.uniform(0.2, 3.0), at - 0.1)
    return Step(at, kind, who, round(lasts, 3))


def without(schedule: Schedule, start: int, size: int) -> Schedule:
    """A schedule that lacks some of its steps."""
    return structs.replace(schedule, steps=schedule.steps[:start] + schedule.steps[start + size :])
