"""The queue to the live store: what goes together in one call."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from rooms.live.contract import Leave, Operation, Outcome
from rooms.outbox import Outbox


class Store:
    """Remembers how many operations came with each call."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    async def apply(self, process: str, operations: Sequence[Operation]) -> list[Outcome]:
        self.calls.append(len(operations))
        await asyncio.sleep(0.01)
        return [Outcome() for _ in operations]


def outbox(store: Any, audience: Callable[[], int] = lambda: 0) -> Outbox:
    return Outbox(store, "process", 100, audience)


def submit(box: Outbox, count: int = 1, done: Callable[[Outcome], None] = lambda _: None) -> None:
    for n in range(count):
        box.submit(Leave(1, f"k{n}", "v"), done)


async def say_one_by_one(box: Outbox, people: int) -> None:
    """As people do who hear the same: each a turn of the loop after the one before."""
    for _ in range(people):
        submit(box)
        await asyncio.sleep(0)


async def test_what_comes_in_during_a_call_goes_with_the_next() -> None:
    store = Store()
    box = outbox(store)
    submit(box)
    await asyncio.sleep(0)
    submit(box, 5)
    await box.drained()
    assert store.calls == [1, 5]


async def test_what_a_large_audience_says_to_what_it_heard_goes_with_one_call() -> None:
    store = Store()
    box = outbox(store, audience=lambda: 1000)
    submit(box)
    await box.drained()
    await say_one_by_one(box, 6)
    await box.drained()
    assert store.calls == [1, 6]


async def test_a_small_audience_is_not_waited_for() -> None:
    store = Store()
    box = outbox(store, audience=lambda: 2)
    submit(box)
    await box.drained()
    await say_one_by_one(box, 6)
    await box.drained()
    assert store.calls[1] < 6
