"""The periodic work of a node: lease, keys of the day, departures that are due, deletions half done, lost events.

Knows the hub, the services, the live store and the models; must not know consumers. Every duty may fail because the
store or the database is away: that is said once in the log when it begins and once when it is over, and the duty is
tried again at its next time.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from django.db import Error as DatabaseError

from rooms import installation, services
from rooms.bans import Bans
from rooms.census import Census
from rooms.conf import conf
from rooms.gate import Gate
from rooms.hub import Hub
from rooms.live.contract import LiveStore, StoreUnavailable, Unavailable
from rooms.live.operations import Positions, Sweep
from rooms.models import reason
from rooms.outages import Outage
from rooms.protocol import CLOSE_RESTART, Refusal
from rooms.verbs import DatabaseUnavailable

logger = logging.getLogger(__name__)

HOLD_SECONDS = 86_400
"""How often it is said in Redis that this database has the installation."""
RETRY_SECONDS = 1
"""How soon a duty that failed is tried again at the latest."""
AT_ONCE = 0.2
"""Seconds between two beats at the least."""
PIECE = 100
"""Rooms whose people are put back together."""

Duty = Callable[[], Awaitable[None]]


class Keeper:
    """Looks after the rooms for one node."""

    def __init__(self, store: LiveStore, hub: Hub, gate: Gate, bans: Bans) -> None:
        self._store = store
        self._hub = hub
        self._gate = gate
        self._bans = bans
        self._census = Census(store, hub)
        self._hold_at = 0.0
        self._beat_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._outages = {part: Outage(part) for part in ("live store", "database")}

    def start(self) -> None:
        """Begin."""
        loop = asyncio.get_running_loop()
        # The lease comes first: a node that has none counts as dead.
        duties: list[tuple[Duty, Callable[[], float]]] = [
            (self.beat, lambda: conf.beat),
            (self._gate.renew, lambda: conf.beat),
            (self.sweep, lambda: conf.sweep),
            (self._hub.recovery.check_positions, lambda: conf.position_check),
            (self.reconcile, lambda: conf.reconcile),
            (self.read_bans, lambda: conf.reconcile),
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
            works = False
            try:
                await duty()
            except (StoreUnavailable, Unavailable) as problem:
                self._outages["live store"].failed(duty, problem.reason)
            except DatabaseError as problem:
                self._outages["database"].failed(duty, reason(problem))
            except DatabaseUnavailable as problem:
                self._outages["database"].failed(duty, problem.reason)
            except Refusal as problem:
                # What the duty found is not so any longer: it is looked at anew next time.
                logger.debug("a duty was overtaken: %s", problem.error)
            except Exception:
                logger.exception("a duty of the keeper failed")
            else:
                works = True
                for outage in self._outages.values():
                    outage.works(duty)
            await self._pause(duty, period() if works else min(period(), RETRY_SECONDS))

    async def _pause(self, duty: Duty, seconds: float) -> None:
        """Wait for a duty's next time. Some come at once, or nearly, when they are known to be needed."""
        hurries = {self.beat: self._hub.recovery.state_lost, self.read_bans: self._hub.bans_changed}
        if duty not in hurries:
            await asyncio.sleep(seconds)
            return
        loop = asyncio.get_running_loop()
        next_time = loop.time() + seconds
        await asyncio.sleep(min(seconds, AT_ONCE))
        # A process that was stopped meanwhile is late already, and has to hurry.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(next_time):
                await hurries[duty].wait()

    # --- the duties --------------------------------------------------------------------------------------------------

    async def beat(self) -> None:
        """Renew this node's lease; if it was gone, or a room's state was, put back the people who are here."""
        lost = self._hub.recovery.state_lost.is_set()
        self._hub.recovery.state_lost.clear()
        try:
            alive = await self._renew()
            if not alive or lost:
                await self.restore()
        except Exception:
            if lost:
                self._hub.recovery.state_lost.set()
            raise
        if not alive:
            await self._store.confirm(self._hub.node_id)
            await self._store.purge()

    async def _renew(self) -> bool:
        self._beat_at = asyncio.get_running_loop().time() + conf.beat
        return await self._store.beat(self._hub.node_id, int(conf.lease * 1000))

    async def _renew_if_due(self) -> None:
        """Renew the lease in the middle of something that may take longer than it lasts."""
        if asyncio.get_running_loop().time() >= self._beat_at:
            await self._renew()

    async def restore(self) -> None:
        """Put back what the live store has forgotten: this node's people, and how many connections there are."""
        self._gate.restate()
        seen = list(self._hub.recovery.positions().items())
        for start in range(0, len(seen), PIECE):
            piece = dict(seen[start : start + PIECE])
            await self._renew_if_due()
            known = await self._hub.do(Positions(tuple(piece)))
            waits = (self._put_back(room_id, seq, room_id in known) for room_id, seq in piece.items())
            for problem in await asyncio.gather(*waits, return_exceptions=True):
                if problem is not None:
                    raise problem

    async def _put_back(self, room_id: int, seq: int, known: bool) -> None:
        try:
            if not known:
                # The rows of all of them are read together (``lookup``).
                await services.reopen(self._hub, room_id, seq)
            await self._hub.recovery.restore(room_id, *_graces())
        except Refusal as problem:
            if problem.error != "room_not_found":
                raise
            # It ended while this node was away. If nothing is known of it, joining anew tells its clients.
            if known:
                self._hub.recovery.read_end(room_id)
            else:
                self._hub.recovery.send_away(room_id, CLOSE_RESTART)

    async def sweep(self) -> None:
        """Carry out the departures that are due; a room whose host was lost goes."""
        closing = await self._hub.do(Sweep(*_graces(), pause=int(max(5 * conf.sweep, 5) * 1000)))
        for room_id in closing:
            await services.finish_delete(self._hub, room_id)

    async def reconcile(self) -> None:
        """Hold the live store against the database, if no other node does; once a day, hold the installation."""
        now = asyncio.get_running_loop().time()
        if now >= self._hold_at:
            await installation.hold()
            self._hold_at = now + HOLD_SECONDS
        await self._census.take()

    async def read_bans(self) -> None:
        """Learn who is banned, and put out whom a new ban names."""
        await self._bans.read()


def _graces() -> tuple[int, int]:
    """How long a member and how long a host is waited for, in milliseconds."""
    return int(conf.grace * 1000), int(conf.host_grace * 1000)
