"""The gate: who comes in is counted by address, and an address that has too many is sent away.

Knows addresses, the limits and what the live store counts; must not know sockets, rooms or messages. While the store is
away everyone is let in: limits are there for the others' sake, and nobody is served by a closed door.
"""

import asyncio
import contextlib
import secrets
from collections import Counter
from typing import Protocol

from rooms.addresses import hashed
from rooms.conf import conf
from rooms.live.addresses import MINUTE, Address, Charge, DayKeys
from rooms.live.arrivals import Arrive, Depart
from rooms.live.contract import LiveStore, StoreUnavailable
from rooms.live.operations import AnswerT, Operation
from rooms.protocol import Refusal


class HubPort(Protocol):
    """What the gate needs of the hub."""

    async def do(self, operation: Operation[AnswerT]) -> AnswerT:
        """Carry out an operation."""

    def tell(self, operation: Operation[None]) -> None:
        """Carry out an operation that nobody waits for."""


class Gate:
    """The gate of one node.

    Args:
        store: the live store, which has the keys of the days.
        hub: the way of operations.
    """

    def __init__(self, store: LiveStore, hub: HubPort) -> None:
        self._store = store
        self._hub = hub
        self._keys: DayKeys | None = None
        self._here: Counter[Address] = Counter()
        """How many connections each address has with this node, those included that are just coming in."""
        self._first: asyncio.Task[None] | None = None
        self._stopped = False

    def start(self) -> None:
        """Ask for the keys, in the running event loop."""
        self._first = asyncio.get_running_loop().create_task(self._begin())

    async def _begin(self) -> None:
        with contextlib.suppress(StoreUnavailable):
            await self.renew()

    async def stop(self) -> None:
        """Tell the store nothing more: the node's lease is given up, and all that it has counts no longer."""
        self._stopped = True
        if self._first is not None:
            self._first.cancel()
            await asyncio.gather(self._first, return_exceptions=True)

    async def renew(self) -> None:
        """Learn the keys of today and yesterday; to be called every few seconds.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        self._keys = await self._store.day_keys(secrets.token_hex(32))

    async def enter(self, address: str) -> Address | None:
        """Count a connection that comes in; ``leave`` is to be called when it has gone.

        Args:
            address: where it comes from (``addresses.address_of``), "" when that is not known.

        Returns:
            What it counts for; None when nothing is counted.

        Raises:
            Refusal: ``too_fast``, too many have come from there; it is not counted.
        """
        if not address or not conf.flood_control:
            return None
        if self._first is not None and not self._first.done():
            await asyncio.wait([self._first])
        if self._keys is None:
            return None
        known = hashed(address, self._keys)
        self._here[known] += 1
        charge = Charge(known, conf.arrivals_per_address, MINUTE)
        try:
            await self._hub.do(Arrive(charge, self._here[known], conf.connections_per_address))
        except BaseException as problem:
            if isinstance(problem, Refusal) and problem.error == "unavailable":
                # It is counted here, and the store hears of it with the next one that comes or goes.
                return known
            self.leave(known)
            raise
        return known

    def leave(self, address: Address) -> None:
        """A connection that was let in has gone."""
        self._here[address] -= 1
        held = self._here[address]
        if not held:
            del self._here[address]
        if not self._stopped:
            self._hub.tell(Depart(address, held))

    def restate(self) -> None:
        """Tell the store, which has lost count, how many there are."""
        for address, held in self._here.items():
            self._hub.tell(Depart(address, held))
