"""The leases of nodes in the memory store, and the times that count for none.

Knows nothing but names and times (Unix time in milliseconds).
"""


class Leases:
    """Until when each node counts as alive, and which of them have to put their people back."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}
        self._length: int | None = None
        """How long a lease was that was renewed last, in ms."""
        self._unregistered: set[str] = set()
        """The nodes that were without a lease and have not confirmed since that their people are back."""

    def beat(self, node_id: str, now: int, lease: int) -> bool:
        """Renew a lease; whether the node has nobody to put back."""
        if self._until.get(node_id, 0) <= now:
            self._unregistered.add(node_id)
        self._until[node_id] = now + lease
        self._length = lease
        return node_id not in self._unregistered

    def confirm(self, node_id: str) -> None:
        """A node has put its people back."""
        self._unregistered.discard(node_id)

    def release(self, node_id: str) -> None:
        """End a lease, if there is one."""
        if node_id in self._until:
            self._until[node_id] = 0

    def give(self, node_id: str, now: int, first: int) -> None:
        """Give a lease to a node that holds someone without one, or it would never be missed; its next beat says so.

        Args:
            first: its length in ms, if no node has had any yet.
        """
        if node_id not in self._until:
            self._until[node_id] = now + (first if self._length is None else self._length)
            self._unregistered.add(node_id)

    def end_due(self, now: int) -> list[str]:
        """The nodes whose lease has run out, which is thereby forgotten; the longest ago first."""
        due = sorted((until, node_id) for node_id, until in self._until.items() if until <= now)
        for _, node_id in due:
            del self._until[node_id]
        return [node_id for _, node_id in due]

    def alive(self, now: int) -> list[str]:
        """The nodes that have a lease."""
        return [node_id for node_id, until in self._until.items() if until > now]

    def move(self, by: int) -> None:
        """Put all of them off."""
        self._until = {node_id: until + by for node_id, until in self._until.items()}


class Pauses:
    """The times in which nobody swept, or by which the clock was set: nobody could come back, so they do not count.

    Attributes:
        swept_at: when somebody swept last.
        longest: how long nobody may sweep, in ms, before it is such a time.
    """

    def __init__(self) -> None:
        self.swept_at: int | None = None
        self.longest = 0

    def missed(self, now: int) -> int:
        """By how many ms times are to be moved now, once."""
        missed = now - (self.swept_at or now)
        if 0 <= missed <= self.longest:
            return 0
        self.swept_at = now
        return missed


class Duties:
    """Which node does what one does for all, and until when."""

    def __init__(self) -> None:
        self._leaders: dict[str, tuple[str, int]] = {}

    def lead(self, duty: str, node_id: str, now: int, lease: int) -> bool:
        """Whether a duty is a node's for the next ``lease`` ms: it is nobody's, or was already.

        What is another's for longer than that was given before the clock was set back.
        """
        leader, until = self._leaders.get(duty, (node_id, now))
        if leader != node_id and now < until <= now + lease:
            return False
        self._leaders[duty] = node_id, now + lease
        return True
