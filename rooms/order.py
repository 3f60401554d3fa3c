"""The order of one room's events in this node: each once, by ``seq``, whatever way and whenever it came.

Knows events; must not know connections, the store or the layer. It does nothing but compute: who reads what is missing,
and when, is the hub's business (docs/architecture.md, "The hub").
"""

from collections.abc import Sequence

from rooms.live.operations import Event


class Order:
    """What has come in for a room, in order.

    Until ``start`` is called nothing is in order: a first join is under way, and what comes is held for its answer.
    """

    __slots__ = ("held", "position")

    def __init__(self) -> None:
        self.position: int | None = None
        """The ``seq`` of the last event that was in order; None before ``start``."""
        self.held: dict[int, Event] = {}
        """The events that came before one that is missing."""

    def offer(self, event: Event) -> Sequence[Event]:
        """Take in an event; returns those that are in order now, none if it was seen before or one is missing."""
        seq, position = event.seq, self.position
        if position is None or seq > position + 1:
            self.held[seq] = event
            return ()
        if seq <= position:
            return ()
        self.position = seq
        return [event, *self._following()] if self.held else (event,)

    def start(self, seq: int) -> None:
        """Begin after ``seq``, unless it has begun; ``offer`` or ``resume`` gives what is in order then."""
        if self.position is None:
            self.position = seq
            self._forget_until(seq)

    def rebase(self, epoch_seq: int) -> None:
        """Go on after ``epoch_seq``, where the room's live state began anew, if that is later."""
        if self.position is not None and self.position < epoch_seq:
            self.position = epoch_seq
            self._forget_until(epoch_seq)

    def resume(self) -> list[Event]:
        """The held events that are in order now."""
        return self._following()

    def clear(self) -> None:
        """Forget what is held."""
        self.held.clear()

    def _following(self) -> list[Event]:
        events: list[Event] = []
        while self.position is not None and (event := self.held.pop(self.position + 1, None)) is not None:
            self.position = event.seq
            events.append(event)
        return events

    def _forget_until(self, seq: int) -> None:
        self.held = {number: event for number, event in self.held.items() if number > seq}
