"""What happened in a room of the memory store a moment ago: the kept events, and what each ref made.

Knows the operations' events; must not know who is in the room. Times are the store's clock, Unix time in milliseconds.
"""

from collections import deque
from dataclasses import dataclass

from rooms.live.operations import Duplicate, Event

OTHERS = 3
"""So many times as many other events are kept as lines."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the past is kept: lines of a room, how long an event and how long a ref (ms)."""

    history: int
    history_age: int
    ref_age: int


class Past:
    """The kept events of one room. Lines of talk and all others are apart: comings and goings cost no line its place.

    Args:
        limits: how much is kept.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.lost_seq = 0
        """The last line that is no longer kept."""
        self._lines: deque[tuple[int, Event]] = deque()
        self._others: deque[tuple[int, Event]] = deque()
        self._refs: dict[int, dict[tuple[str, str], int]] = {}
        """By time, in steps of ``ref_age``, and by visitor and ref: the seq of what was made."""

    def keep_line(self, event: Event, visitor_id: str, ref: str, now: int) -> Event:
        """Keep a line of talk and what made it; returns it."""
        self._lines.append((now, event))
        self._refs.setdefault(now // self.limits.ref_age, {})[visitor_id, ref] = event.seq
        self.forget_old(now)
        return event

    def keep_other(self, event: Event, now: int) -> Event:
        """Keep any other event; returns it."""
        self._others.append((now, event))
        self.forget_old(now)
        return event

    def forget_old(self, now: int) -> None:
        """Let go of what may not be kept any longer."""
        limits = self.limits
        for kept, most in ((self._lines, limits.history), (self._others, OTHERS * limits.history)):
            while kept and (len(kept) > most or kept[0][0] + limits.history_age <= now):
                _, event = kept.popleft()
                if kept is self._lines:
                    self.lost_seq = event.seq
        for step in [step for step in self._refs if step < now // limits.ref_age - 1]:
            del self._refs[step]

    def forget_all(self) -> None:
        """The room has ended."""
        self._lines.clear()
        self._others.clear()
        self._refs.clear()

    def kept_after(self, seq: int, now: int) -> list[Event]:
        """The kept events after ``seq``, oldest first."""
        self.forget_old(now)
        events = [event for kept in (self._lines, self._others) for _, event in kept if event.seq > seq]
        return sorted(events, key=lambda event: event.seq)

    def made_by(self, visitor_id: str, ref: str, now: int) -> Duplicate | None:
        """What a visitor's ref made, if that is not too long ago."""
        step = now // self.limits.ref_age
        for each in (step - 1, step):
            seq = self._refs.get(each, {}).get((visitor_id, ref))
            if seq is not None:
                texts = [event.text for _, event in self._lines if event.seq == seq]
                return Duplicate(seq, texts[0] if texts else "")
        return None
