"""What has really happened in the live store, whatever anyone was told of it.

Knows operations and events; must not know processes or clients.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from rooms.live.memory import MemoryStore
from rooms.live.operations import Event, Operation
from tests.world.loop import Clock

START = 1_800_000_000
"""Unix time at the beginning of the world, in seconds."""

Message = dict[str, Any]


class History:
    """Every event that was ever made, by room and ``seq``; and everything that happened, as one hash.

    Attributes:
        violations: what was promised and not kept, in words, each once.
        epochs: by room, where its live state began anew.
        ended: by room, why and when it was deleted.
    """

    def __init__(self, clock: Clock, show: Callable[[str], None] | None = None) -> None:
        self._clock = clock
        self._hash = hashlib.blake2b(digest_size=16)
        self._show = show
        self.violations: list[str] = []
        self.events: dict[int, dict[int, Message]] = {}
        self.epochs: dict[int, set[int]] = {}
        self.ended: dict[int, tuple[str, float]] = {}
        self.forgets = 0
        self._refs: dict[tuple[int, str], tuple[int, int]] = {}

    def now_ms(self) -> int:
        return START * 1000 + int(self._clock.now * 1000)

    def trace(self, *what: Any) -> None:
        """Something happened."""
        line = f"{self._clock.now:.6f} {what}"
        self._hash.update(line.encode())
        if self._show is not None:
            self._show(line)

    def digest(self) -> str:
        """A hash of everything that happened."""
        return self._hash.hexdigest()

    def violation(self, text: str) -> None:
        """Something promised was not kept."""
        self.trace("VIOLATION", text)
        if text not in self.violations:
            self.violations.append(text)

    def forgotten(self) -> None:
        """The store has lost memory."""
        self.forgets += 1
        self.trace("the store forgot")

    def note(self, operation: Operation[Any], events: Sequence[Event]) -> None:
        """The store has carried out an operation."""
        self.trace(type(operation).__name__, operation.room_id if hasattr(operation, "room_id") else "", events)
        for event in events:
            self._note_event(event)

    def _note_event(self, event: Event) -> None:
        message = json.loads(event.text)
        known = self.events.setdefault(event.room_id, {})
        if event.seq in known:
            self.violation(f"{event.seq} was given twice, to {known[event.seq]} and to {message}")
        known[event.seq] = message
        ref = message.get("ref")
        if ref is not None:
            seq, forgets = self._refs.setdefault((event.room_id, ref), (event.seq, self.forgets))
            if seq != event.seq and forgets == self.forgets:
                self.violation(f"{ref} was said twice, as {seq} and {event.seq}")
        if message["participants"] < 0:
            self.violation(f"{event.seq} counts {message['participants']} people")
        if event.end:
            self.ended[event.room_id] = message["reason"], self._clock.now

    def note_epochs(self, memory: MemoryStore) -> None:
        """See where the rooms of the store begin."""
        for room in memory._rooms.values():
            self.epochs.setdefault(room.id, set()).add(room.epoch_seq)

    def between(self, room_id: int, after: int, until: int) -> list[int]:
        """The numbers of the events after ``after`` that were made, up to ``until``."""
        return sorted(seq for seq in self.events.get(room_id, {}) if after < seq <= until)
