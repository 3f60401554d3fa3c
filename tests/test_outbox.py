"""The queue to the live store: what goes together in one call."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rooms import outbox as module
from rooms.live.contract import Done, Outcome, Refused, StoreSilent, StoreUnavailable
from rooms.live.operations import Disconnect, Exit, Operation, Send
from rooms.outbox import Outbox


class Store:
    """Remembers how many operations came with each call; away, it carries out none."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.away = self.silent = False

    async def apply(self, node_id: str, operations: Sequence[Operation[Any]]) -> list[Outcome[Any]]:
        self.calls.append(len(operations))
        if self.away:
            raise StoreUnavailable
        if self.silent:
            raise StoreSilent
        await asyncio.sleep(0.01)
        return [Done(None) for _ in operations]


def outbox(store: Any, audience: Callable[[], int] = lambda: 0) -> Outbox:
    return Outbox(store, "node", 1000, audience)


def submit(box: Outbox, count: int = 1, done: Callable[[Outcome[Any]], None] = lambda _: None) -> None:
    for n in range(count):
        box.submit(Exit(1, f"k{n}", "v"), done)


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


async def test_the_next_call_is_under_way_while_outcomes_are_told() -> None:
    store = Store()
    box = outbox(store)
    calls: list[int] = []
    submit(box, 200, lambda _: calls.append(len(store.calls)))
    await box.drained()
    assert store.calls == [100, 64, 36]
    assert calls == [2] * 100 + [3] * 100


async def test_outcomes_are_told_in_the_order_of_submission() -> None:
    box = outbox(Store())
    told: list[int] = []

    def tell(n: int) -> Callable[[Outcome[Any]], None]:
        return lambda _: told.append(n)

    for n in range(300):
        submit(box, done=tell(n))
        if n % 50 == 0:
            await asyncio.sleep(0.005)
    await box.drained()
    assert told == list(range(300))


async def test_while_the_store_is_away_all_is_refused_in_order_but_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    store = Store()
    box = outbox(store)
    told: list[str] = []
    store.away = True
    submit(box, 150, lambda outcome: told.append(outcome.refusal.error if isinstance(outcome, Refused) else "done"))
    box.submit(
        Disconnect(1, "lost", "v", 1, 1),
        lambda outcome: told.append("lost" if not isinstance(outcome, Refused) else "!"),
    )
    while len(told) < 150:
        await asyncio.sleep(0)
    store.away = False
    await box.drained()
    assert told == ["unavailable"] * 150 + ["lost"]


async def test_while_the_store_is_silent_everything_is_refused_at_once_until_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    store = Store()
    store.silent = True
    box = outbox(store)
    told: list[str] = []

    def tell(outcome: Outcome[Any]) -> None:
        told.append("refused" if isinstance(outcome, Refused) else "done")

    submit(box, done=tell)
    while not told:
        await asyncio.sleep(0)
    submit(box, done=tell)
    assert told == ["refused", "refused"]
    store.silent = False
    while told[-1] == "refused":
        await asyncio.sleep(0.001)
        submit(box, done=tell)
        await asyncio.sleep(0.001)
    await box.drained()


async def test_a_store_that_is_away_is_not_asked_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 1000)
    store = Store()
    store.away = True
    box = outbox(store)
    box.submit(Disconnect(1, "lost", "v", 1, 1), lambda _: None)
    for _ in range(100):
        await asyncio.sleep(0)
    assert store.calls == [1]
    assert box._task is not None
    box._task.cancel()


async def test_a_closed_outbox_takes_in_losses_only() -> None:
    store = Store()
    box = outbox(store)
    refused: list[Outcome[Any]] = []
    box.close()
    submit(box, 1, refused.append)
    box.submit(Disconnect(1, "k", "v", 0, 0), lambda _: None)
    await box.drained()
    assert [type(outcome) for outcome in refused] == [Refused]
    assert store.calls == [1]


async def test_a_message_that_is_refused_leaves_nothing_behind() -> None:
    box = outbox(Store())
    box.close()
    box.submit(Send(1, "k", "v", "ref", "{"), lambda _: None)
    assert box._talk == {}


async def test_messages_that_were_carried_out_leave_nothing_behind() -> None:
    box = outbox(Store())
    for n in range(200):
        box.submit(Send(1, "k", f"v{n % 7}", f"ref{n}", "{"), lambda _: None)
    await box.drained()
    assert box._talk == {}
