"""The live store as a server that processes reach over a network: calls take time, and may go wrong on the way.

Behind it is the memory store, one for each of the server's lives, as Redis has other keys in each. A connection that
broke is no more once the one after it is there (``redis_connection``). What the store says to every operation is noted
in ``History``, from which the checker knows what has really happened.
"""

import asyncio
import copy
from random import Random
from typing import Any

from rooms.live.contract import Done, StoreSilent, StoreUnavailable
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
        self.life = 0
        self._lives = {self.life: self._new()}
        self._snapshot: dict[int, dict[str, Any]] = {}

    def _new(self) -> MemoryStore:
        return MemoryStore(*self._limits, self._history.now_ms)

    @property
    def memory(self) -> MemoryStore:
        """What is found in the life that the server is in."""
        return self._lives.setdefault(self.life, self._new())

    def empty(self) -> None:
        """Forget everything."""
        self._lives[self.life] = self._new()
        self._history.forgotten()

    def take_snapshot(self) -> None:
        """Keep all lives as they are now."""
        self._snapshot = {
            life: copy.deepcopy({name: value for name, value in vars(memory).items() if name not in CONSTANT})
            for life, memory in self._lives.items()
        }

    def roll_back(self) -> None:
        """Start anew with what there was at the snapshot, which is of another life; all connections are broken."""
        for life, state in self._snapshot.items():
            vars(self._lives[life]).update(copy.deepcopy(state))
        self.life += 1
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

    def call(self, place: int, call: "Call") -> None:
        """Take in a call of the process ``place``."""
        fault = self._faults.strikes(FAULTS, place)
        there, back = (self._draw.uniform(0.0002, self._slowest) for _ in range(2))
        match fault:
            case "lose call":
                self._clock.after(there, call.fail)
            case "lose answer":
                self._arrive(there, call, None)
                self._clock.after(there + back, call.fail)
            case "stale":
                self._arrive(self._draw.uniform(0.1, 2.5), call, None)
                self._clock.after(there, call.fail)
            case "twice":
                self._arrive(there, call, None)
                self._arrive(there + self._draw.uniform(0, 0.3), call, back)
            case "late":
                self._arrive(self._draw.uniform(0.05, 0.8), call, back)
            case _:
                self._arrive(there, call, back)

    def _arrive(self, there: float, call: "Call", back: float | None) -> None:
        self._clock.after(there, self._serve, call, back)

    def _serve(self, call: "Call", back: float | None) -> None:
        """Carry out what has arrived; ``back`` is how long the answer takes, None if it is lost."""
        still = self._faults.until("hang") - self._clock.now
        if still > 1e-6:  # less is a rounding error
            # Whoever waits gives up; the call is carried out all the same when the store goes on.
            if back is not None:
                self._clock.after(CALL_SECONDS, call.fail, StoreSilent())
            self._arrive(still, call, back)
        elif call.wire.is_served_in(self.life):
            outcome = self.carry_out(call.name, call.arguments)
            if back is not None:
                self._clock.after(back, call.succeed, outcome)
        else:
            call.fail()


class Wire:
    """One connection between a process and the server.

    Args:
        life: that of the server it was made to.
        before: the one before, which is ended by the first call that arrives over this one.
    """

    def __init__(self, life: int, before: "Wire | None" = None) -> None:
        self._life = life
        self._before = before
        self._ended = False
        self.broken = False
        """Whether the process has given it up."""

    def is_served_in(self, life: int) -> bool:
        """Whether what arrives over it is carried out."""
        if self._before is not None:
            self._before._ended = True
            self._before = None
        return self._life == life and not self._ended


class Call:
    """What a process asks for and waits for."""

    def __init__(self, wire: Wire, name: str, arguments: tuple[Any, ...], loop: Loop) -> None:
        self.wire = wire
        self.name = name
        self.arguments = arguments
        self.answer: asyncio.Future[Any] = loop.create_future()

    def succeed(self, value: Any) -> None:
        """The answer is there."""
        if not self.answer.done():
            self.answer.set_result(value)

    def fail(self, problem: StoreUnavailable | None = None) -> None:
        """No answer will come: nobody knows whether it was carried out."""
        self.wire.broken = True
        if not self.answer.done():
            self.answer.set_exception(problem or StoreUnavailable())


class Link:
    """The live store as one process sees it; implements ``contract.LiveStore``."""

    def __init__(self, server: Server, place: int, loop: Loop) -> None:
        self._server = server
        self._place = place
        self._loop = loop
        self._wire = Wire(server.life)
        self.cut = False
        """Whether the process is dead."""

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any) -> Any:
            if self.cut:
                raise StoreUnavailable("is not reached by the dead")
            if self._wire.broken:
                self._wire = Wire(self._server.life, self._wire)
            asked = Call(self._wire, name, arguments, self._loop)
            self._server.call(self._place, asked)
            return await asked.answer

        return call

    async def close(self) -> None:
        pass
