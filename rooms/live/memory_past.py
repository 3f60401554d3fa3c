"""What happened in a room of the memory store a moment ago: the kept events, and what each ref made.

Knows the operations' events; must not know who is in the room. Times are the store's clock, Unix time in milliseconds.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from rooms.live.operations import Duplicate, Event

OTHERS = 3
"""So many times as many other events are kept as lines."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the past is kept: lines of a room, how long an event and how long a ref (ms)."""

    history: int
    history_age: int
    ref_age: int


class Kept(NamedTuple):
    """A kept event, since when it is there, and for a line the person who said it."""

    at: int
    event: Event
    by: str = ""


class Past:
    """The kept events of one room. Lines of talk and all others are apart: comings and goings cost no line its place.

    Args:
        limits: how much is kept.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.lost_seq = 0
        """The last line that is no longer kept."""
        self.reactions: dict[int, dict[str, set[str]]] = {}
        """By line and reaction, the persons."""
        self._lines: deque[Kept] = deque()
        self._others: deque[Kept] = deque()
        self._lasting: deque[Kept] = deque()
        self._removed: dict[int, Kept] = {}
        """By ``seq``, what stands in the place of lines that were taken back."""
        self._refs: dict[int, dict[tuple[str, str], int]] = {}
        """By time, in steps of ``ref_age``, and by visitor and ref: the seq of what was made."""

    def keep_line(self, event: Event, by: str, now: int) -> Event:
        """Keep a line of talk; returns it."""
        self._lines.append(Kept(now, event, by))
        self.forget_old(now)
        return event

    def keep_other(self, event: Event, now: int, lasting: bool = False) -> Event:
        """Keep any other event, one that lasts longer than those that do not; returns it."""
        (self._lasting if lasting else self._others).append(Kept(now, event))
        self.forget_old(now)
        return event

    def keep_removed(self, line: Kept, event: Event, now: int) -> None:
        """Put an event with its ``seq`` in the place of a line."""
        self._lines.remove(line)
        self.reactions.pop(event.seq, None)
        self._removed[event.seq] = Kept(line.at, event)
        self.forget_old(now)

    def forget_old(self, now: int) -> None:
        """Let go of what may not be kept any longer."""
        limits = self.limits
        late = now - limits.history_age
        for line in _over(self._lines, limits.history, late):
            self.reactions.pop(line.event.seq, None)
            self.lost_seq = max(self.lost_seq, line.event.seq)
        for number, seq in enumerate(sorted(self._removed, reverse=True)):
            # Where it is no longer said that a line was there, a line is missing.
            if number >= limits.history or self._removed[seq].at <= late:
                del self._removed[seq]
                self.lost_seq = max(self.lost_seq, seq)
        _over(self._lasting, OTHERS * limits.history, late)
        _over(self._others, OTHERS * limits.history - len(self._lasting), late)
        for step in [step for step in self._refs if step < now // limits.ref_age - 1]:
            del self._refs[step]

    def forget_all(self) -> None:
        """The room has ended."""
        for kept in (self._lines, self._others, self._lasting, self._removed, self._refs, self.reactions):
            kept.clear()

    def _all(self) -> list[Kept]:
        return [*self._lines, *self._removed.values(), *self._others, *self._lasting]

    def kept_after(self, seq: int, now: int) -> list[Event]:
        """The kept events after ``seq``, oldest first."""
        self.forget_old(now)
        return sorted((kept.event for kept in self._all() if kept.event.seq > seq), key=lambda event: event.seq)

    def lines(self, now: int) -> list[Kept]:
        """The kept lines, oldest first, without those that were taken back."""
        self.forget_old(now)
        return list(self._lines)

    def line(self, seq: int, now: int) -> Kept | None:
        """A kept line by its ``seq``."""
        return next((line for line in self.lines(now) if line.event.seq == seq), None)

    def note(self, visitor_id: str, ref: str, seq: int, now: int) -> None:
        """Remember what a visitor's ref made."""
        if ref:
            self._refs.setdefault(now // self.limits.ref_age, {})[visitor_id, ref] = seq

    def made_by(self, visitor_id: str, ref: str, now: int) -> Duplicate | None:
        """What a visitor's ref made, if that is not too long ago."""
        step = now // self.limits.ref_age
        for each in (step - 1, step):
            seq = self._refs.get(each, {}).get((visitor_id, ref))
            if seq is not None:
                texts = [kept.event.text for kept in self._all() if kept.event.seq == seq]
                return Duplicate(seq, texts[0] if texts else "")
        return None


def _over(kept: deque[Kept], most: int, late: int) -> list[Kept]:
    """Take out what is more than ``most`` or not after ``late``; returns it."""
    out = []
    while kept and (len(kept) > most or kept[0].at <= late):
        out.append(kept.popleft())
    return out
