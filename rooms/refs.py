"""Which lines this process has just had appended for its own connections, by who said them and their ref.

Knows the limits; must not know the live store. That recognises a repeated ref as long as it remembers it; when it has
lost its memory, this is what keeps a line from being said twice. It goes with the process. How much of it is one
visitor's, flood control bounds, and ``MOST`` bounds all of it.
"""

import time

from rooms.conf import conf

MOST = 20_000
"""Lines in each of the two halves; if there are more in the time that refs are remembered, the oldest go earlier."""


class Refs:
    """Lines remembered for ``ROOMS_REF_AGE``, and until twice that time.

    Nothing of what was said is here, nor of who said it: by the hash of room, visitor and ref, which is another one in
    each process, the end of the event's text, which the store made. The garbage collector has nothing to look through.
    """

    def __init__(self) -> None:
        self._new: dict[int, str] = {}
        self._old: dict[int, str] = {}
        self._turn_at = 0.0
        """When the new ones become the old ones."""

    def remember(self, room_id: int, visitor_id: str, ref: str, end: str) -> None:
        """A visitor's line with a ref was appended to a room; ``end`` are its number, time and participants."""
        if time.monotonic() >= self._turn_at or len(self._new) >= MOST:
            self._turn()
        self._new[hash((room_id, visitor_id, ref))] = end

    def end_of(self, room_id: int, visitor_id: str, ref: str) -> str:
        """The end of the line that a visitor's ref has made in a room; empty if none is remembered."""
        if time.monotonic() >= self._turn_at:
            self._turn()
        mark = hash((room_id, visitor_id, ref))
        return self._new.get(mark) or self._old.get(mark, "")

    def forget(self, room_id: int, visitor_id: str, ref: str) -> None:
        """A visitor's line has not been told here, and may be lost with the store's memory."""
        mark = hash((room_id, visitor_id, ref))
        self._new.pop(mark, None)
        self._old.pop(mark, None)

    def _turn(self) -> None:
        now, age = time.monotonic(), conf.ref_age
        self._old = self._new if now < self._turn_at + age else {}
        self._new = {}
        self._turn_at = now + age
