"""The one queue of a process to the live store.

Knows the live store's contract; must not know sockets, models or services. Operations are carried out in the order in
which they were submitted, except that visitors take turns with their messages, so that nobody's flood keeps others
waiting. A connection waits for the answers to its messages before it asks for anything else, so its commands cannot
overtake each other. One call to the store is under way at a time; what comes in meanwhile goes with the next, which is
under way while the outcomes of the one before are told. Only when telling is much the longer part does it come first
(docs/architecture.md, "The hub").
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from rooms.live.arrivals import Depart
from rooms.live.contract import LiveStore, Outcome, Refused, StoreSilent, StoreUnavailable, Unavailable
from rooms.live.operations import AnswerT, Disconnect, Operation, Positions, Send

logger = logging.getLogger(__name__)

Callback = Callable[[Outcome[Any]], None]
LOSSES = (Disconnect, Depart)
"""What is never given up: the store would count for ever what has gone."""
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
        self._silent = False
        """Whether the store did not answer the last call in time: nothing is taken in then until it answers again."""
        self._draining = False
        """Whether somebody waits for the end of what is queued."""
        self._first: deque[_Entry] = deque()
        """Everything but messages, in order."""
        self._talk: dict[str, deque[_Entry]] = {}
        """The messages of each visitor, in order. The visitors take turns."""
        self._size = 0
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    def submit(self, operation: Operation[AnswerT], done: Callable[[Outcome[AnswerT]], None]) -> None:
        """Queue ``operation``; ``done`` is called with its outcome, in the order of submission.

        The outcome is a refusal with ``unavailable`` when the queue is full or the store cannot be reached; at once
        while it does not answer, which is looked at every ``RETRY_SECONDS``. A lost
        connection (``LOSSES``) is never given up: it waits until the store is back.
        """
        if self._closed and not isinstance(operation, LOSSES):
            done(Refused(Unavailable("is not asked any more by a process that stops")))
            return
        if self._silent and not isinstance(operation, LOSSES):
            # Commands that follow each other would wait for it one after the other.
            done(Refused(Unavailable(StoreSilent().reason)))
            return
        queue = self._first
        if isinstance(operation, Send):
            queue = self._talk.get(operation.visitor_id) or self._talk.setdefault(operation.visitor_id, deque())
        if self._size >= self._limit and self._is_unfair(operation, len(queue)):
            done(Refused(Unavailable("is slower than what is asked of it")))
            return
        self._enqueue(queue, operation, done)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def _enqueue(self, queue: deque[_Entry], operation: Operation[Any], done: Callback) -> None:
        queue.append((operation, done))
        self._size += 1

    def _is_unfair(self, operation: Operation[Any], waiting: int) -> bool:
        """Whether an operation may not wait with so many in its queue: others have their share of the room there is."""
        if isinstance(operation, Send):
            return waiting * len(self._talk) >= self._limit
        return not isinstance(operation, LOSSES)

    def close(self) -> None:
        """Take nothing in any more but losses: what would be carried out after the lease's end would stay for long."""
        self._closed = True

    async def drained(self) -> None:
        """Wait until nothing is queued or under way."""
        self._draining = True
        while self._task is not None:
            await asyncio.wait([self._task])
        self._draining = False

    async def _run(self) -> None:
        answered: list[_Answer] = []
        try:
            while self._size or answered or (self._silent and not self._draining):
                if self._away or self._to_many or not self._size:
                    self._tell(answered)
                    answered = []
                    await self._pause()
                    if self._silent and not self._size and not self._draining:
                        self._enqueue(self._first, Positions(()), lambda _: None)
                    if not self._size:
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
        size = min(max(self._size // 2, BATCH_MIN), BATCH_MAX, self._size)
        first = min(len(self._first), max(size // 2, size - (self._size - len(self._first))))
        batch = [self._first.popleft() for _ in range(first)]
        while len(batch) < size and self._talk:
            # The visitor whose turn it is says one thing, and is last then.
            visitor_id = next(iter(self._talk))
            queue = self._talk.pop(visitor_id)
            if queue:
                batch.append(queue.popleft())
            if queue:
                self._talk[visitor_id] = queue
        self._size -= len(batch)
        return batch

    def _take_all(self) -> list[_Entry]:
        """Everything that waits."""
        entries = [*self._first, *(entry for queue in self._talk.values() for entry in queue)]
        self._first.clear()
        self._talk.clear()
        self._size = 0
        return entries

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
        except StoreUnavailable as problem:
            self._away = True
            self._silent = isinstance(problem, StoreSilent)
            # Those who wait for this call fail with it: each by itself would wait as long again.
            batch.extend(self._take_all())
            self._first.extend(entry for entry in batch if isinstance(entry[0], LOSSES))
            self._size = len(self._first)
            refused = Refused(Unavailable(problem.reason))
            return [(done, refused) for operation, done in batch if not isinstance(operation, LOSSES)]
        except Exception:
            # A fault of ours: say so once, and let the others go on.
            logger.exception("the live store failed on a batch of %d operations", len(batch))
            outcomes = [Refused(Unavailable("failed")) for _ in batch]
        self._silent = False
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
