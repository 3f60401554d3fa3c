"""The line between a client and a process: it takes time, keeps the order, and can break on either side.

Knows sockets; must not know what is said over it.
"""

from random import Random
from typing import Any

from django.core import signing

from rooms.visitors import COOKIE
from tests.world.loop import Clock
from tests.world.process import Process, Socket


class Line:
    """One connection.

    Args:
        peer: the client, with ``opened``, ``heard`` and ``broken``, which are given this line.
        headers: of the handshake.
        quick: whether the server offers its quick ways.
    """

    def __init__(
        self, clock: Clock, draw: Random, process: Process, peer: Any, headers: list[tuple[bytes, bytes]], quick: bool
    ) -> None:
        self._clock = clock
        self._draw = draw
        self._peer = peer
        self._up = self._down = clock.now
        self.process = process
        self.socket: Socket | None = None
        self._gone = False
        """Whether the client is there no longer."""
        self._travel_up(self._arrive, headers, quick)

    def _arrive(self, headers: list[tuple[bytes, bytes]], quick: bool) -> None:
        if not self.process.alive:
            self.closed(1006)
        elif not self._gone:
            self.socket = Socket(self.process, headers, quick, self)

    def _travel_up(self, action: Any, *arguments: Any) -> None:
        self._up = max(self._up, self._clock.now + self._draw.uniform(0.001, 0.02))
        self._clock.after(self._up - self._clock.now, action, *arguments)

    def _travel_down(self, action: Any, *arguments: Any) -> None:
        self._down = max(self._down, self._clock.now + self._draw.uniform(0.001, 0.02))
        self._clock.after(self._down - self._clock.now, self._reach, action, *arguments)

    def _reach(self, action: Any, *arguments: Any) -> None:
        if not self._gone:
            action(self, *arguments)

    # --- the client's end ---------------------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Send a frame."""
        self._travel_up(self._received, text)

    def _received(self, text: str) -> None:
        if self.socket is not None:
            self.socket.receive(text)

    def drop(self, noticed_after: float = 0.0) -> None:
        """Be gone without a word; the server notices at once, or after some seconds."""
        self._gone = True
        self._clock.after(noticed_after + self._draw.uniform(0.001, 0.02), self._hang_up)

    def _hang_up(self) -> None:
        if self.socket is not None:
            self.socket.disconnect()

    # --- the server's end ---------------------------------------------------------------------------------------------

    def accepted(self) -> None:
        """The handshake is done."""
        self._travel_down(self._peer.opened)

    def frame(self, text: str) -> None:
        """A frame is on its way."""
        self._travel_down(self._peer.heard, text)

    def closed(self, code: int) -> None:
        """The server has closed, or is no more."""
        self._travel_down(self._peer.broken, code)


def cookie_headers(nick: str) -> list[tuple[bytes, bytes]]:
    """What a browser on one of our pages sends, with the cookie of the visitor of that name."""
    cookie = signing.Signer(salt="rooms.visitor.cookie").sign(f"secret of {nick}")
    headers = {"host": "localhost", "origin": "http://localhost", "cookie": f"{COOKIE}={cookie}"}
    return [(name.encode(), value.encode()) for name, value in headers.items()]
