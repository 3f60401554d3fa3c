"""What an attack has at hand: its connections, its pace and its account of what it costs.

Knows wires and pages; must not know which attacks there are.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.attack.wire import Page, Wire

CPU_SHARE = 0.2
"""Of one core; the attacker who would need more waits."""


@dataclass
class Field:
    """Where an attack takes place.

    Args:
        port: of the server.
        address: the attacker's, as ``X-Forwarded-For``.
        room: where the honest people talk.
        ready: called when all is prepared; comes back when the attack may begin.
    """

    port: int
    address: str
    room: int
    ready: Callable[[], Awaitable[None]]
    sent: int = 0
    """Frames or requests since the beginning."""
    lost: int = 0
    """Connections that the server ended or did not let in since the beginning."""
    _connections: list[Wire | Page] = field(default_factory=list)
    _began: float = 0
    _cpu: float = 0
    _bytes: tuple[int, int] = (0, 0)

    async def wire(self) -> Wire:
        """A new WebSocket.

        Raises:
            OSError: the server does not let the attacker in.
        """
        wire = await Wire.open(self.port, self.address)
        self._connections.append(wire)
        return wire

    async def wires(self, count: int) -> list[Wire]:
        """So many WebSockets."""
        return [await self.wire() for _ in range(count)]

    def page(self) -> Page:
        """A new HTTP connection."""
        page = Page(self.port, self.address)
        self._connections.append(page)
        return page

    async def begin(self) -> None:
        """All is prepared: wait for the beginning, from which on everything counts."""
        await self.ready()
        self.sent = self.lost = 0
        self._bytes = self._transferred()
        self._began, self._cpu = time.monotonic(), time.process_time()

    async def breathe(self, seconds: float) -> None:
        """Wait, and longer when more CPU was used than an attacker has."""
        await asyncio.sleep(seconds)
        too_much = time.process_time() - self._cpu - CPU_SHARE * (time.monotonic() - self._began)
        if too_much > 0:
            await asyncio.sleep(too_much / CPU_SHARE)

    async def flood(self, wires: list[Wire], data: Callable[[int], bytes], count: int, pause: float) -> None:
        """Send for ever, with new connections for those that the server ends.

        Args:
            wires: the connections.
            data: what to send next on the connection of this number.
            count: how many frames that is.
            pause: seconds from one turn to the next.
        """
        while True:
            for number, wire in enumerate(wires):
                if wire.closed:
                    self.lost += 1
                    with contextlib.suppress(OSError):
                        wires[number] = await self.wire()
                elif wire.write(data(number)):
                    self.sent += count
            await self.breathe(pause)

    def account(self) -> dict[str, Any]:
        """What was done and what it cost since the beginning: a second's worth of each, and the share of a core."""
        seconds = time.monotonic() - self._began
        bytes_out, bytes_in = (now - before for now, before in zip(self._transferred(), self._bytes, strict=True))
        return {
            "sent": self.sent / seconds,
            "kib_out": bytes_out / seconds / 1024,
            "kib_in": bytes_in / seconds / 1024,
            "cpu": (time.process_time() - self._cpu) / seconds,
            "lost": self.lost,
        }

    def _transferred(self) -> tuple[int, int]:
        return sum(one.bytes_out for one in self._connections), sum(one.bytes_in for one in self._connections)
