"""The periodic work of a node: its lease, departures that are due, deletions left half done, lost last events.

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
from rooms.live.contract import LiveStore, StoreUnavailable
from rooms.live.operations import BeginDelete, Positions, Restore, Sweep
from rooms.models import Room, database
from rooms.protocol import CLOSE_RESTART, Refusal

logger = logging.getLogger(__name__)

AT_ONCE = 0.2
"""Seconds between two beats at the least."""

Duty = Callable[[], Awaitable[None]]


class Keeper:
    """Looks after the rooms for one node."""

    def __init__(self, store: LiveStore, hub: Hub) -> None:
        self._store = store
        self._hub = hub
        self._tasks: list[asyncio.Task[None]] = []
        self._away: set[str] = set()

    def start(self) -> None:
        """Begin."""
        loop = asyncio.get_running_loop()
        # The lease comes first: a node that has none counts as dead.
        duties: list[tuple[Duty, Callable[[], float]]] = [
            (self.beat, lambda: conf.beat),
            (self.sweep, lambda: conf.sweep),
            (self._hub.check_positions, lambda: conf.position_check),
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
            await self._store.release(self._hub.node_id)
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
            async with asyncio.timeout(seconds):
                await self._hub.state_lost.wait()

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
        """Renew this node's lease; if it was gone, or a room's state was, put back the people who are here."""
        lost = self._hub.state_lost.is_set()
        self._hub.state_lost.clear()
        alive = await self._store.beat(self._hub.node_id, int(conf.lease * 1000))
        if not alive or lost:
            await self.restore()

    async def restore(self) -> None:
        """Put this node's people back into the live store, which has forgotten them."""
        present = self._hub.present()
        positions = await self._hub.do(Positions(tuple(present)))
        for room_id, (seq, people) in present.items():
            try:
                if room_id not in positions:
                    await services.reopen(self._hub, room_id, seq)
                await self._hub.restore(Restore(room_id, people, seq))
            except Refusal as problem:
                if problem.error != "room_not_found":
                    self._hub.state_lost.set()
                    raise
                # It ended while this node was away: its clients are told when they join anew.
                self._hub.send_away(room_id, CLOSE_RESTART)

    async def sweep(self) -> None:
        """Carry out the departures that are due; a room whose host was lost goes."""
        closing = await self._hub.do(Sweep(int(conf.grace * 1000), int(conf.host_grace * 1000)))
        for room_id in closing:
            await services.finish_delete(self._hub, room_id)

    async def reconcile(self) -> None:
        """Hold the live store against the database.

        Deletions left half done are finished; a room whose row is gone ends; a row the store does not know is opened
        again, its host having the grace to come back.
        """
        # The store first: a room is in the database before it is live, so one that has no row now has lost it.
        list_rooms = await self._store.list_rooms(int(conf.reconcile * 1000))
        async with database():
            rows = {room async for room in Room.objects.values_list("id", flat=True)}
        for room_id in list_rooms.closing:
            await services.finish_delete(self._hub, room_id)
        for room_id in list_rooms.open - rows:
            await self._hub.do(BeginDelete(room_id, "moderator"))
            await services.finish_delete(self._hub, room_id)
        unknown = rows - list_rooms.open - list_rooms.closing
        if unknown:
            await self._open_again(unknown)

    async def _open_again(self, unknown: set[int]) -> None:
        cutoff = timezone.now() - timedelta(seconds=conf.reconcile)
        async with database():
            found = Room.objects.select_related("host").filter(id__in=unknown, created_at__lt=cutoff)
            rooms = [room async for room in found]
        for room in rooms:
            try:
                await self._hub.do(services.create_operation(room, held=False))
            except Refusal as problem:
                if problem.error != "room_not_found":
                    raise
                # It was deleted live, and its row was left behind.
                async with database():
                    await Room.objects.filter(id=room.id).adelete()
