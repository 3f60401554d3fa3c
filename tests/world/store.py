"""The live store as a server that processes reach over a network: calls take time, and may go wrong on the way.

Behind it is the memory store. What it says to every operation is noted in ``History``, from which the checker knows
what has really happened.
"""

import asyncio
import copy
from random import Random
from typing import Any

from rooms.live.contract import Done, StoreUnavailable
from rooms.live.memory import MemoryStore
from tests.world.faults import Faults
from tests.world.history import History
from tests.world.loop import Clock, Loop

CALL_SECONDS = 1.0
"""After so long a process gives a call up."""
FAULTS = ("lose call", "lose answer", "twice", "late", "stale")
CONSTANT = {"_limits", "_now", "_steps"}
"""What of the memory store is no state."""


class Server:
    """The store's own end.

    Args:
        limits: what the memory store is to keep: events, and for how many ms events and refs.
    """

    def __init__(self, clock: Clock, faults: Faults, history: History, draw: Random, limits: tuple[int, int, int]):
        self._clock = clock
        self._faults = faults
        self._history = history
        self._draw = draw
        self._limits = limits
        self._slowest = draw.choice([0.003, 0.02, 0.06])
        """How long a way may take; on long ways, more is asked for at the same time."""
        self._snapshot: dict[str, Any] = {}
        self.memory = self._new()

    def _new(self) -> MemoryStore:
        return MemoryStore(*self._limits, self._history.now_ms)

    def empty(self) -> None:
        """Forget everything."""
        self.memory = self._new()
        self._history.forgotten()

    def take_snapshot(self) -> None:
        """Keep the state as it is now."""
        state = {name: value for name, value in vars(self.memory).items() if name not in CONSTANT}
        self._snapshot = copy.deepcopy(state)

    def roll_back(self) -> None:
        """Be as at the snapshot, and forget what has happened since."""
        vars(self.memory).update(copy.deepcopy(self._snapshot))
        self._history.forgotten()

    def carry_out(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """Do what a call asks for, now."""
        try:
            getattr(self.memory, name)(*arguments).send(None)
        except StopIteration as done:
            if name == "beat":
                self._history.trace(name, *arguments, done.value)
            if name == "apply":
                for operation, outcome in zip(arguments[1], done.value, strict=True):
                    self._history.note(operation, outcome.events if isinstance(outcome, Done) else ())
                self._history.note_epochs(self.memory)
            return done.value
        raise AssertionError("the memory store waited for something")

    def call(self, place: int, name: str, arguments: tuple[Any, ...], answer: "Answer") -> None:
        """Take in a call of the process ``place``."""
        fault = self._faults.strikes(FAULTS, place)
        there, back = (self._draw.uniform(0.0002, self._slowest) for _ in range(2))
        match fault:
            case "lose call":
                self._clock.after(there, answer.fail)
            case "lose answer":
                self._arrive(there, name, arguments, None, 0)
                self._clock.after(there + back, answer.fail)
            case "stale":
                self._arrive(self._draw.uniform(0.1, 2.5), name, arguments, None, 0)
                self._clock.after(there, answer.fail)
            case "twice":
                self._arrive(there, name, arguments, None, 0)
                self._arrive(there + self._draw.uniform(0, 0.3), name, arguments, answer, back)
            case "late":
                self._arrive(self._draw.uniform(0.05, 0.8), name, arguments, answer, back)
            case _:
                self._arrive(there, name, arguments, answer, back)

    def _arrive(
        self, there: float, name: str, arguments: tuple[Any, ...], answer: "Answer | None", back: float
    ) -> None:
        self._clock.after(there, self._serve, name, arguments, answer, back)

    def _serve(self, name: str, arguments: tuple[Any, ...], answer: "Answer | None", back: float) -> None:
        still = self._faults.until("hang") - self._clock.now
        if still > 1e-6:  # less is a rounding error
            # Whoever waits gives up; the call is carried out all the same when the store goes on.
            if answer is not None:
                self._clock.after(CALL_SECONDS, answer.fail)
            self._arrive(still, name, arguments, answer, back)
            return
        outcome = self.carry_out(name, arguments)
        if answer is not None:
            self._clock.after(back, answer.succeed, outcome)


class Answer:
    """What a process waits for."""

    def __init__(self, loop: Loop) -> None:
        self.future: asyncio.Future[Any] = loop.create_future()

    def succeed(self, value: Any) -> None:
        if not self.future.done():
            self.future.set_result(value)

    def fail(self) -> None:
        if not self.future.done():
            self.future.set_exception(StoreUnavailable("does not answer"))


class Link:
    """The live store as one process sees it; implements ``contract.LiveStore``."""

    def __init__(self, server: Server, place: int, loop: Loop) -> None:
        self._server = server
        self._place = place
        self._loop = loop
        self.cut = False
        """Whether the process is dead."""

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any) -> Any:
            if self.cut:
                raise StoreUnavailable("is not reached by the dead")
            answer = Answer(self._loop)
            self._server.call(self._place, name, arguments, answer)
            return await answer.future

        return call

    async def close(self) -> None:
        pass
