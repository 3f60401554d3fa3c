"""The periodic work of a process: its lease, departures that are due, deletions left half done, lost last events.

Knows the hub, the services, the live store and the models; must not know consumers. Every duty may fail because the
store or the database is away: that is said once in the log when it begins and once when it is over, and the duty is
tried again at its next time.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from django.db import Error as DatabaseError
from django.utils import timezone

from rooms import services
from rooms.conf import conf
from rooms.hub import Hub
from rooms.live.contract import Close, Heads, LiveStore, Return, StoreUnavailable, Sweep, Swept
from rooms.models import Room, database
from rooms.protocol import CLOSE_RESTART, Refusal

logger = logging.getLogger(__name__)

AT_ONCE = 0.2
"""Seconds between two beats at the least."""

Duty = Callable[[], Awaitable[None]]


class Keeper:
    """Looks after the rooms for one process."""

    def __init__(self, store: LiveStore, hub: Hub) -> None:
        self._store = store
        self._hub = hub
        self._tasks: list[asyncio.Task[None]] = []
        self._away: set[str] = set()

    def start(self) -> None:
        """Begin."""
        loop = asyncio.get_running_loop()
        # The lease comes first: a process that has none counts as dead.
        duties: list[tuple[Duty, Callable[[], float]]] = [
            (self.beat, lambda: conf.beat),
            (self.sweep, lambda: conf.sweep),
            (self._hub.check_heads, lambda: conf.heads),
            (self.reconcile, lambda: conf.reconcile),
        ]
        self._tasks = [loop.create_task(self._repeat(duty, period)) for duty, period in duties]

    async def stop(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def release(self) -> None:
        """Give up the lease, so that others need not wait for it to run out."""
        try:
            await self._store.release(self._hub.process)
        except StoreUnavailable:
            logger.debug("the lease could not be given up")

    async def _repeat(self, duty: Duty, period: Callable[[], float]) -> None:
        while True:
            try:
                await duty()
            except (StoreUnavailable, Refusal):
                self._note("live store", True)
            except DatabaseError:
                self._note("database", True)
            except Exception:
                logger.exception("a duty of the keeper failed")
            else:
                self._note("database" if duty == self.reconcile else "live store", False)
            await self._pause(duty, period())

    async def _pause(self, duty: Duty, seconds: float) -> None:
        """Wait for a duty's next time. The beat comes at once, or nearly, when a room's state was found lost."""
        if duty != self.beat:
            await asyncio.sleep(seconds)
            return
        await asyncio.sleep(min(seconds, AT_ONCE))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hub.state_lost.wait(), seconds)

    def _note(self, part: str, away: bool) -> None:
        """Log a change of state, once."""
        if away and part not in self._away:
            self._away.add(part)
            logger.warning("the %s cannot be reached; connections stay open, and it is tried again", part)
        elif not away and part in self._away:
            self._away.discard(part)
            logger.warning("the %s is back", part)

    # --- the duties --------------------------------------------------------------------------------------------------

    async def beat(self) -> None:
        """Renew this process's lease; if it was gone, or a room's state was, put back the people who are here."""
        lost = self._hub.state_lost.is_set()
        self._hub.state_lost.clear()
        alive = await self._store.beat(self._hub.process, int(conf.lease * 1000))
        if not alive or lost:
            await self.put_back()

    async def put_back(self) -> None:
        """Put this process's people back into the live store, which has forgotten them."""
        present = self._hub.present()
        heads = await self._hub.do(Heads(tuple(present)))
        for room_id, (seq, people) in present.items():
            try:
                if not isinstance(heads, dict) or room_id not in heads:
                    await services.open_from_row(self._hub, room_id, seq)
                await self._hub.put_back(Return(room_id, people, seq))
            except Refusal as problem:
                if problem.error != "room_not_found":
                    self._hub.state_lost.set()
                    raise
                # It ended while this process was away: its clients are told when they join anew.
                self._hub.send_away(room_id, CLOSE_RESTART)

    async def sweep(self) -> None:
        """Carry out the departures that are due; a room whose host was lost goes."""
        swept = await self._hub.do(Sweep(int(conf.grace * 1000), int(conf.host_grace * 1000)))
        if isinstance(swept, Swept):
            for room in swept.closing:
                await services.end(self._hub, room)

    async def reconcile(self) -> None:
        """Hold the live store against the database.

        Deletions left half done are finished; a room whose row is gone ends; a row the store does not know is opened
        again, its host having the grace to come back.
        """
        # The store first: a room is in the database before it is live, so one that has no row now has lost it.
        census = await self._store.census(int(conf.reconcile * 1000))
        async with database():
            rows = {room async for room in Room.objects.values_list("id", flat=True)}
        for room_id in census.closing:
            await services.end(self._hub, room_id)
        for room_id in census.open - rows:
            await self._hub.do(Close(room_id, "moderator"))
            await services.end(self._hub, room_id)
        unknown = rows - census.open - census.closing
        if unknown:
            await self._open_again(unknown)

    async def _open_again(self, unknown: set[int]) -> None:
        settled = timezone.now() - timedelta(seconds=conf.reconcile)
        async with database():
            found = Room.objects.select_related("host").filter(id__in=unknown, created_at__lt=settled)
            rooms = [room async for room in found]
        for room in rooms:
            try:
                await self._hub.do(services.open_operation(room, held=False))
            except Refusal as problem:
                if problem.error != "room_not_found":
                    raise
                # It was deleted live, and its row was left behind.
                async with database():
                    await Room.objects.filter(id=room.id).adelete()
