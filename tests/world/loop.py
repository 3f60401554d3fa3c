"""Virtual time: a clock that jumps to whatever happens next, and event loops that live by it.

Each simulated process has an event loop of its own, as a real one has. A loop that is not run for a while is a process
that was stopped; one that is never run again was killed. Nothing here knows what runs in the loops.
"""

import asyncio
import heapq
import math
from asyncio import events
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

TURNS_AT_ONCE = 20_000
"""So many turns without time going on are a circle."""


class Clock:
    """The time, what is to happen at what time, and the loops that go by it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.loops: list[Loop] = []
        self._agenda: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0

    def after(self, seconds: float, action: Callable[..., None], *arguments: Any) -> None:
        """Have ``action`` happen; what is asked for the same moment happens in the order it was asked for."""
        self._number += 1
        heapq.heappush(self._agenda, (self.now + seconds, self._number, action, arguments))

    def run(self, until: float) -> None:
        """Let everything happen until a moment."""
        agenda = self._agenda
        turns, moment = 0, self.now
        while True:
            due, turn = agenda[0][0] if agenda else math.inf, None
            for loop in self.loops:
                wakes = loop.wakes()
                if wakes < due:
                    due, turn = wakes, loop.turn
            if due > until:
                self.now = until
                return
            self.now = max(self.now, due)
            turns = turns + 1 if self.now == moment else 0
            moment = self.now
            if turns > TURNS_AT_ONCE:
                raise RuntimeError("time does not go on")
            if turn is None:
                _, _, action, arguments = heapq.heappop(agenda)
                action(*arguments)
            else:
                turn()


class Loop(asyncio.BaseEventLoop):
    """An event loop without input or output, which ``Clock.run`` gives its turns."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _run_once: Callable[[], None]

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._selector = self  # asked by ``_run_once`` what has come in: nothing, at once
        self.frozen_until = 0.0
        self.seconds_per_turn = 0.0
        """How long a turn takes: a slow process."""
        self.set_exception_handler(lambda loop, context: None)
        clock.loops.append(self)

    def time(self) -> float:
        return self._clock.now

    def select(self, timeout: float | None) -> list[Any]:
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def wakes(self) -> float:
        """When it has something to do."""
        if self._ready:
            return max(self._clock.now, self.frozen_until)
        return max(self._scheduled[0].when(), self.frozen_until) if self._scheduled else math.inf

    def turn(self) -> None:
        """Run once what is ready."""
        events._set_running_loop(self)
        try:
            self._run_once()
        finally:
            events._set_running_loop(None)
        if self.seconds_per_turn:
            self.frozen_until = max(self.frozen_until, self._clock.now + self.seconds_per_turn)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be the running event loop."""
        events._set_running_loop(self)
        try:
            yield
        finally:
            events._set_running_loop(None)

    def end(self) -> None:
        """Cancel everything, and let it clean up, within no time."""
        while tasks := sorted(asyncio.all_tasks(self), key=lambda task: (len(task.get_name()), task.get_name())):
            for task in tasks:
                task.cancel()
            for _ in range(20):
                self.turn()
        self._clock.loops.remove(self)
        self._ready.clear()
        self._scheduled.clear()
        self.close()
