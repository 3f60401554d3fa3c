"""The way of an operation: through the outbox to the live store; its outcome to whoever asked, then its events to all.

Knows the outbox, the relay and the live store's contract; must not know connections, rooms, models or services: events
are handed to ``deliver``.
"""

# The annotations of inner functions would otherwise be evaluated with each message: 2 µs of the 10 that a line takes.
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from rooms.conf import conf
from rooms.live.contract import LiveStore, Outcome, Refused
from rooms.live.operations import Event, Operation
from rooms.outbox import Outbox
from rooms.relay import Layer, Relay

AnswerT = TypeVar("AnswerT")


class Dispatch:
    """A node's way to the live store and to the other nodes.

    Args:
        store: the live store.
        layer: the channel layer.
        node_id: the name of this node.
        deliver: takes in an event for the connections here, one of this node or another.
        audience: how many writes to connections came of the events delivered since it was asked last.
        on_bans: called when another node says that a ban was made or lifted.
    """

    def __init__(
        self,
        store: LiveStore,
        layer: Layer,
        node_id: str,
        deliver: Callable[[Event], None],
        audience: Callable[[], int],
        on_bans: Callable[[], None],
    ) -> None:
        self._deliver = deliver
        self._outbox = Outbox(store, node_id, conf.outbox, audience)
        self._relay = Relay(layer, node_id, deliver, on_bans)

    def start(self) -> None:
        """Begin to listen to the other nodes."""
        self._relay.start()

    async def stop(self) -> None:
        """Listen no more, and take no more operations in. What was submitted is to be drained before."""
        self._outbox.close()
        await self._relay.stop()

    async def announce_bans(self) -> None:
        """Tell all nodes that a ban was made or lifted."""
        await self._relay.announce_bans()

    async def drained(self) -> None:
        """Wait until nothing is queued or under way."""
        await self._outbox.drained()

    def submit(self, operation: Operation[AnswerT], done: Callable[[Outcome[AnswerT]], None]) -> None:
        """Carry out an operation; ``done`` gets its outcome before its events are told to anyone.

        That order is what makes an echo the answer to a message, and what puts the answer to a join before the events
        that follow it: by the time an event is delivered, whoever waits for it is known.
        """

        def told(outcome: Outcome[AnswerT]) -> None:
            done(outcome)
            if not isinstance(outcome, Refused):
                for event in outcome.events:
                    self._deliver(event)
                    self._relay.publish(event)

        self._outbox.submit(operation, told)

    async def do(
        self, operation: Operation[AnswerT], done: Callable[[Outcome[AnswerT]], None] | None = None
    ) -> AnswerT:
        """The same, awaited; returns the operation's answer.

        Raises:
            Refusal: it was refused.
        """
        future: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()

        def resolve(outcome: Outcome[AnswerT]) -> None:
            if done is not None:
                done(outcome)
            if future.done():
                return
            if isinstance(outcome, Refused):
                future.set_exception(outcome.refusal)
            else:
                future.set_result(outcome.answer)

        self.submit(operation, resolve)
        return await future
