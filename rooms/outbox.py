"""The one queue of a process to the live store.

Knows the live store's contract; must not know sockets, models or services. Operations are carried out in the order in
which they were submitted, so commands of one connection cannot overtake each other. One call to the store is under way
at a time; what comes in meanwhile goes with the next, which is under way while the outcomes of the one before are told.
Only when telling is much the longer part does it come first (docs/architecture.md, "The hub").
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from rooms.live.contract import LiveStore, Outcome, Refused, StoreUnavailable
from rooms.live.operations import AnswerT, Disconnect, Operation
from rooms.protocol import Refusal

logger = logging.getLogger(__name__)

Callback = Callable[[Outcome[Any]], None]
_Entry = tuple[Operation[Any], Callback]
_Answer = tuple[Callback, Outcome[Any]]
BATCH_MIN, BATCH_MAX = 64, 1000
"""A call takes half of what waits, but at least and at most so many: while the store works on it, the outcomes of the
call before are told, and what comes of them makes the other half."""
RETRY_SECONDS = 0.5
LARGE_AUDIENCE = 8
"""So many writes to sockets cost about as much as carrying out one operation."""
YIELDS = 10
"""Turns of the loop that people on fast lines need to say something; with two, half of them miss the call."""


class Outbox:
    """Submits operations to ``store`` in batches, in order.

    Args:
        store: the live store.
        node_id: the name of this node.
        limit: how many operations may wait; more are refused with ``unavailable``.
        audience: how many writes to sockets the outcomes told since it was asked last have led to.
    """

    def __init__(self, store: LiveStore, node_id: str, limit: int, audience: Callable[[], int] = lambda: 0) -> None:
        self._store = store
        self._node_id = node_id
        self._limit = limit
        self._audience = audience
        self._to_many = False
        """Whether the outcomes told last were written to very many sockets."""
        self._away = False
        """Whether the last call did not reach the store."""
        self._waiting: deque[_Entry] = deque()
        self._task: asyncio.Task[None] | None = None

    def submit(self, operation: Operation[AnswerT], done: Callable[[Outcome[AnswerT]], None]) -> None:
        """Queue ``operation``; ``done`` is called with its outcome, in the order of submission.

        The outcome is a refusal with ``unavailable`` when the queue is full or the store cannot be reached. A lost
        connection (``Disconnect``) is never given up: it waits until the store is back.
        """
        if len(self._waiting) >= self._limit and not isinstance(operation, Disconnect):
            done(_unavailable())
            return
        self._waiting.append((operation, done))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def drained(self) -> None:
        """Wait until nothing is queued or under way."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        answered: list[_Answer] = []
        try:
            while self._waiting or answered:
                if self._away or self._to_many or not self._waiting:
                    self._tell(answered)
                    answered = []
                    await self._pause()
                    if not self._waiting:
                        continue
                batch = self._next()
                if not answered:
                    answered = await self._ask(batch)
                    continue
                asking = asyncio.get_running_loop().create_task(self._ask(batch))
                # The call is on its way, and the store works on it while the outcomes of the last one are told.
                await asyncio.sleep(0)
                self._tell(answered)
                answered = await asking
        finally:
            self._task = None

    def _next(self) -> list[_Entry]:
        size = min(max(len(self._waiting) // 2, BATCH_MIN), BATCH_MAX, len(self._waiting))
        return [self._waiting.popleft() for _ in range(size)]

    async def _pause(self) -> None:
        if self._away:
            self._away = False
            await asyncio.sleep(RETRY_SECONDS)
        elif self._to_many:
            # The writes come first, then what those who were told say to that: all of it is one call again, and one
            # write for each of the many.
            for _ in range(YIELDS):
                await asyncio.sleep(0)

    async def _ask(self, batch: list[_Entry]) -> list[_Answer]:
        """Carry out one batch; returns the outcomes to be told, refusals if the store could not be reached."""
        try:
            outcomes = await self._store.apply(self._node_id, [operation for operation, _ in batch])
        except StoreUnavailable:
            self._away = True
            self._waiting.extendleft(reversed([entry for entry in batch if isinstance(entry[0], Disconnect)]))
            return [(done, _unavailable()) for operation, done in batch if not isinstance(operation, Disconnect)]
        except Exception:
            # A fault of ours: say so once, and let the others go on.
            logger.exception("the live store failed on a batch of %d operations", len(batch))
            outcomes = [_unavailable() for _ in batch]
        return [(done, outcome) for (_, done), outcome in zip(batch, outcomes, strict=True)]

    def _tell(self, answered: list[_Answer]) -> None:
        if not answered:
            return
        for done, outcome in answered:
            try:
                done(outcome)
            except Exception:
                # One operation's trouble must not take the others' answers with it.
                logger.exception("an outcome could not be delivered")
        self._to_many = self._audience() > LARGE_AUDIENCE * len(answered)


def _unavailable() -> Refused:
    return Refused(Refusal("unavailable", "the server cannot do this now; send it again with the same ref"))
