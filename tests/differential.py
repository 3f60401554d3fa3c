"""The same random steps for the store in memory and for the one on Redis, which must not be told apart.

``python -m tests.differential --seed 17`` plays one sequence again. When the stores differ, the sequence is made as
short as it can be and printed as code. Both see one time, which stands still within a step (tests/clock.py).
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from msgspec import Struct, structs

from rooms.live.contract import Done, LiveStore, Lobby, Outcome, Refused
from rooms.live.memory import MemoryStore
from rooms.live.memory_addresses import DAY
from rooms.live.operations import Entered, Event, Operation
from rooms.live.redis import LIFE, RedisStore
from tests.clock import Clock
from tests.steps import (
    HISTORY,
    HISTORY_AGE,
    REF_AGE,
    ROOMS,
    START,
    Apply,
    Beat,
    Empty,
    Release,
    Step,
    Steps,
    delete_all,
    positions,
)
from tests.stores import redis_server

SEEDS, OPERATIONS = 250, 60
PLACES = 2, 1
"""Of two first places in the list, one address may have one: there are only three rooms."""
LASTING = {"room", "others", "made", "leases", "unregistered", "deadlines", "aging", "times"}
LASTING |= {"open", "arrivals", "creates", "joins", "day"}
"""The keys that may be left in Redis when all rooms have been deleted."""


class Disagreement(Exception):
    """What the one store says and the other does not."""

    def __init__(self, after: str, memory: object, on_redis: object) -> None:
        super().__init__(f"after {after}\n  memory: {memory!r}\n  redis:  {on_redis!r}")


class Both:
    """Both stores, asked the same.

    Args:
        url: a Redis that has ``clock`` for its clock.

    Attributes:
        happened: how often each kind of outcome and of event was seen.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self.happened: Counter[str] = Counter()
        self._url = url
        self.clock = clock
        self._raw = redis.Redis.from_url(url, decode_responses=True)

    async def play(
        self, steps: Iterable[Step], saw: Callable[[dict[int, int], list[Event]], None] = lambda *_: None
    ) -> None:
        """Take ``steps``, beginning with nothing.

        Args:
            saw: is told every room's latest ``seq`` after each step, and the events that it made.

        Raises:
            Disagreement: the stores differ, or a key in Redis is not as it must be.
        """
        self._redis = self.begin()
        try:
            for number, step in enumerate(steps):
                self.clock.set(self.clock.now() + step.after)
                saw(*await self._take(step))
                if number % 10 == 9:
                    self._every_key_runs_out()
            await self._nothing_is_left()
        finally:
            await self._redis.close()

    def begin(self) -> RedisStore:
        """A new day in an empty Redis."""
        self.clock.set(START)
        self._empty()
        store = RedisStore(self._url, HISTORY, HISTORY_AGE, REF_AGE)
        store.places = PLACES
        return store

    def _empty(self) -> None:
        self._memory = MemoryStore(HISTORY, HISTORY_AGE, REF_AGE, self.clock.now)
        self._memory.places = PLACES
        self._raw.flushall()

    async def _take(self, step: Step) -> tuple[dict[int, int], list[Event]]:
        if isinstance(step.ask, Empty):
            self._empty()
        in_memory = await answers(self._memory, step)
        on_redis = await answers(self._redis, step)
        if apart := difference(plain(in_memory), plain(on_redis)):
            raise Disagreement(repr(step), *apart)
        *outcomes, last = in_memory[0]
        self.happened["a room stands later"] += any(room.later for room in in_memory[2].rooms)
        if isinstance(step.ask, Apply):
            for operation, outcome in zip(step.ask.operations, outcomes, strict=True):
                self.happened.update(labels(operation, outcome))
        assert isinstance(last, Done)
        events = [event for outcome in outcomes if isinstance(outcome, Done) for event in outcome.events]
        return dict(last.answer), events

    def _keys(self) -> list[str]:
        return [str(key) for key in self._raw.keys("*")]

    def _every_key_runs_out(self) -> None:
        pipeline = self._raw.pipeline(transaction=False)
        keys = self._keys()
        for key in keys:
            pipeline.pttl(key)
        lives = zip(keys, pipeline.execute(), strict=True)
        if wrong := {key: life for key, life in lives if not 0 <= life <= (2 * DAY if ":day:" in key else LIFE)}:
            raise Disagreement("each step: the time to live of every key", f"0 to {LIFE}", wrong)

    async def _nothing_is_left(self) -> None:
        """Delete all rooms: they are in no list any more; after the longest time to live, nothing is there."""
        self._every_key_runs_out()
        await self._take(delete_all())
        kinds = {key.split(":")[3] for key in self._keys()}
        if not kinds <= LASTING:
            raise Disagreement("deleting all rooms", LASTING, kinds)
        self._every_key_runs_out()
        self.clock.set(self.clock.now() + LIFE + 1)
        if {key.split(":")[3] for key in self._keys()} - {"day"}:
            raise Disagreement("the time to live of a room", ["day"], self._keys())
        self.clock.set(self.clock.now() + 2 * DAY)
        if left := self._keys():
            raise Disagreement("the longest time to live", [], left)


async def answers(store: LiveStore, step: Step) -> tuple[list[Outcome[Any]], object, Lobby, object]:
    """Everything a store says to a step: the outcomes, where the rooms are last; beat; lobby; list of rooms."""
    ask = step.ask
    beat = await store.beat(step.node, ask.lease) if isinstance(ask, Beat) else None
    if isinstance(ask, Beat) and not beat and ask.confirm:
        await store.confirm(step.node)
    if isinstance(ask, Release):
        await store.release(step.node)
    operations = ask.operations if isinstance(ask, Apply) else ()
    outcomes = await store.apply(step.node, [*operations, positions()])
    rooms = await store.list_rooms(step.closing_for), await store.unknown(ROOMS), await store.describe(ROOMS[0])
    return outcomes, beat, await store.lobby(step.most), (*rooms, await store.day_keys(f"{step.after} {step.node}"))


def plain(value: Any) -> Any:
    """A value in a form that can be compared and printed.

    Of the events of an outcome, the recipients are compared as a set, and events of different rooms have no order.
    Kept events have no recipients.
    """
    if isinstance(value, Done):
        events = sorted(value.events, key=lambda event: event.room_id)
        return plain(value.answer), [(plain(event), sorted(event.recipients)) for event in events]
    if isinstance(value, Refused):
        problem = value.refusal
        return type(problem).__name__, problem.error, problem.detail, problem.extra
    if isinstance(value, Event):
        return value.room_id, value.seq, value.text, value.end, value.out
    if isinstance(value, Struct):
        return type(value).__name__, {name: plain(part) for name, part in structs.asdict(value).items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def difference(first: Any, second: Any) -> tuple[Any, Any] | None:
    """The innermost parts that make two plain values differ."""
    if first == second:
        return None
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        return next(filter(None, (difference(first[key], second[key]) for key in first)))
    if isinstance(first, list | tuple) and isinstance(second, list | tuple) and len(first) == len(second):
        return next(filter(None, map(difference, first, second)))
    return first, second


def labels(operation: Operation[Any], outcome: Outcome[Any]) -> Iterator[str]:
    """What an outcome is an example of."""
    name = type(operation).__name__
    if isinstance(outcome, Refused):
        yield f"{name}: {outcome.refusal.error}"
        return
    answer = outcome.answer
    yield f"{name}: {answer if isinstance(answer, bool) else type(answer).__name__}"
    for event in outcome.events:
        message = json.loads(event.text)
        yield f"{message['type']} {message.get('reason', '')}".strip()
    if isinstance(answer, Entered) and answer.recovered is not None:
        yield f"recovered: {answer.recovered}"


class Failure(Struct):
    """A sequence over which the stores differ."""

    seed: int
    steps: list[Step]
    problem: Exception

    def __str__(self) -> str:
        steps = "".join(f"\n    {step!r}," for step in self.steps)
        return f"seed {self.seed}, made as short as it can be:\n[{steps}\n]\n{self.problem}"


async def failure(both: Both, seed: int, operations: int = OPERATIONS) -> Failure | None:
    """Play the sequence of a seed; what differs, made short."""
    steps = Steps(seed)
    try:
        await both.play((steps.draw() for _ in range(operations)), steps.saw)
    except Exception as problem:
        return await shortened(both, Failure(seed, steps.drawn, problem))
    return None


async def shortened(both: Both, found: Failure, tries: int = 400) -> Failure:
    """Leave out whatever can be left out, larger parts first, then single operations."""
    size = len(found.steps)
    while size and tries:
        start = 0
        while start < len(found.steps) and tries:
            tries -= 1
            shorter = without(found.steps, start, size)
            problem = await problem_of(both, shorter)
            if problem is None:
                start += size
            else:
                found = Failure(found.seed, shorter, problem)
        size //= 2
    for number, step in enumerate(found.steps):
        found = await with_fewer_operations(both, found, number, step)
    return found


async def with_fewer_operations(both: Both, found: Failure, number: int, step: Step) -> Failure:
    if not isinstance(step.ask, Apply):
        return found
    for operation in step.ask.operations:
        ask = found.steps[number].ask
        assert isinstance(ask, Apply)
        fewer = Apply(tuple(other for other in ask.operations if other is not operation))
        shorter = found.steps.copy()
        shorter[number] = structs.replace(step, ask=fewer)
        if problem := await problem_of(both, shorter):
            found = Failure(found.seed, shorter, problem)
    return found


async def problem_of(both: Both, steps: list[Step]) -> Exception | None:
    try:
        await both.play(steps)
    except Exception as problem:
        return problem
    return None


def without(steps: list[Step], start: int, size: int) -> list[Step]:
    """``steps`` without some; what comes after them still comes at its time."""
    gone, rest = steps[start : start + size], steps[start + size :]
    if rest:
        rest = [structs.replace(rest[0], after=rest[0].after + sum(step.after for step in gone)), *rest[1:]]
    return steps[:start] + rest


@contextmanager
def both_stores(folder: Path) -> Iterator[Both]:
    """Both stores, for as long as they are needed."""
    clock = Clock(folder)
    clock.set(START)
    with redis_server(folder, clock.environment) as server:
        yield Both(server.url, clock)


async def first_failure(both: Both, seeds: Iterable[int], operations: int = OPERATIONS) -> Failure | None:
    """The first of ``seeds`` over which the stores differ."""
    for seed in seeds:
        if found := await failure(both, seed, operations):
            return found
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, from 1 on")
    parser.add_argument("--operations", type=int, default=OPERATIONS, help="steps in each sequence")
    asked = parser.parse_args()
    seeds = [asked.seed] if asked.seed is not None else range(1, asked.seeds + 1)
    with tempfile.TemporaryDirectory() as folder, both_stores(Path(folder)) as both:
        found = asyncio.run(first_failure(both, seeds, asked.operations))
        for label, number in sorted(both.happened.items()):
            print(f"{number:8} {label}")
    sys.exit(str(found) if found else 0)


if __name__ == "__main__":
    main()
