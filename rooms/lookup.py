"""The rows of rooms, read together for everyone who asks at the same time.

Knows the models; must not know the live store, connections or why a row is asked for. A join of a room that the live
store does not know asks the database, and anyone can send such joins without end: however many ask, it is one query at
a time, and a pause after each.
"""

import asyncio
import contextvars
import weakref

from django.db import OperationalError

from rooms.models import DATABASE_SECONDS, Room, database

PAUSE_SECONDS = 0.05
"""Between two queries."""


class Lookup:
    """Reads rows in one event loop."""

    def __init__(self) -> None:
        self._asked: set[int] = set()
        self._next: asyncio.Task[dict[int, Room]] | None = None
        """What answers those who asked since the last query began."""
        self._turn = asyncio.Lock()
        self._next_at = 0.0

    async def room(self, room_id: int) -> Room | None:
        """A room's row with all that opens it, as it is after the call; None when there is none.

        Raises:
            DatabaseError: the database cannot be used.
        """
        self._asked.add(room_id)
        if self._next is None:
            # Not in the context of whoever asks first, who may be gone before the others are answered.
            self._next = asyncio.get_running_loop().create_task(self._ask(), context=contextvars.Context())
            self._next.add_done_callback(_look_at)
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                return (await asyncio.shield(self._next)).get(room_id)
        except TimeoutError:
            raise OperationalError("the database did not answer in time") from None

    async def _ask(self) -> dict[int, Room]:
        async with self._turn:
            pause = self._next_at - asyncio.get_running_loop().time()
            if pause > 0:
                await asyncio.sleep(pause)
            # Who asks from here on is answered by the next query: this one may miss what they have just written.
            asked, self._asked, self._next = self._asked, set(), None
            try:
                async with database():
                    return await Room.objects.whole().ain_bulk(asked)
            finally:
                self._next_at = asyncio.get_running_loop().time() + PAUSE_SECONDS


_lookups: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Lookup]" = weakref.WeakKeyDictionary()


def current() -> Lookup:
    """The one of the running event loop."""
    return _lookups.setdefault(asyncio.get_running_loop(), Lookup())


def _look_at(task: asyncio.Task[dict[int, Room]]) -> None:
    """Take an error that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
