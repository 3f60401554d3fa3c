"""Which fault strikes now: windows of time in which calls, messages or queries go wrong.

Knows nothing of what goes wrong. Whoever carries something asks ``strikes`` each time; half of what falls into a window
is struck, drawn from the seed.
"""

from collections.abc import Iterable
from random import Random

from tests.world.loop import Clock

EVERYWHERE = -1


class Faults:
    """The windows that are open."""

    def __init__(self, clock: Clock, draw: Random) -> None:
        self._clock = clock
        self._draw = draw
        self._open: dict[tuple[str, int], float] = {}
        self.over = False
        """Once the faults have ended, nothing goes wrong any more."""

    def open(self, kind: str, seconds: float, place: int = EVERYWHERE) -> None:
        """Let ``kind`` strike for a while, in one process or everywhere."""
        until = self._clock.now + seconds
        self._open[kind, place] = max(until, self._open.get((kind, place), 0.0))

    def until(self, kind: str, place: int = EVERYWHERE) -> float:
        """When the window of a kind closes; a time gone by when it is not open."""
        return 0.0 if self.over else self._open.get((kind, place), 0.0)

    def strikes(self, kinds: Iterable[str], place: int = EVERYWHERE) -> str | None:
        """The fault, if any, that befalls one call or message now."""
        if self.over or not self._open:
            return None
        for kind in kinds:
            for where in (place, EVERYWHERE):
                if self._open.get((kind, where), 0.0) > self._clock.now and self._draw.random() < 0.5:
                    return kind
        return None
