"""One connection, as the hub and the services see it: who it is, where it is in, and how to write to it.

Knows the protocol's encoding and visitors; must not know Channels' consumers, models or the live store's
implementations. What is written in one turn of the loop leaves in one go, in order.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rooms.flood import Visit
from rooms.visitors import Visitor

Send = Callable[[dict[str, object]], Awaitable[None]]


def frames(texts: list[str]) -> bytes:
    """Whole, unmasked text frames (RFC 6455, section 5.2), one for each text, ready for any number of sockets."""
    parts: list[bytes] = []
    for text in texts:
        payload = text.encode()
        size = len(payload)
        if size < 126:
            parts.append(bytes((0x81, size)))
        elif size < 65536:
            parts.append(b"\x81\x7e" + size.to_bytes(2, "big"))
        else:
            parts.append(b"\x81\x7f" + size.to_bytes(8, "big"))
        parts.append(payload)
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Participant:
    """One name of this connection in one room."""

    room: int
    key: str
    nick: str
    tag: str


class Link:
    """A connection.

    Args:
        send: the ASGI send function of the socket.
        visitor: who it is; may change until the connection has joined anything.
        cookie: whether the visitor came with a cookie, and so needs no token.
        visit: what this visitor's connections in this process share.
        write_frames: sends whole frames at once, where the server offers it (chatsite/server.py).
    """

    __slots__ = (
        "_draining",
        "_idle",
        "_owed",
        "_send",
        "_waiting",
        "_write_frames",
        "closed",
        "cookie",
        "joined",
        "visit",
        "visitor",
    )

    def __init__(
        self,
        send: Send,
        visitor: Visitor,
        cookie: bool,
        visit: Visit,
        write_frames: Callable[[bytes], None] | None = None,
    ) -> None:
        self._send = send
        self._write_frames = write_frames
        self._waiting: list[str] = []
        self._draining: asyncio.Task[None] | None = None
        self._owed = 0
        self._idle: asyncio.Future[None] | None = None
        self.visitor = visitor
        self.cookie = cookie
        self.visit = visit
        self.joined: dict[tuple[int, str], Participant] = {}
        self.closed = False

    def write(self, text: str) -> None:
        """Send one frame after everything written before."""
        self.write_all([text])

    def write_all(self, texts: list[str], data: bytes | None = None) -> None:
        """Send frames after everything written before.

        Args:
            texts: what to send.
            data: the same as frames, if they were made already for others.
        """
        if self.closed:
            return
        if self._write_frames is not None:
            self._write_frames(frames(texts) if data is None else data)
            return
        self._waiting.extend(texts)
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._waiting and not self.closed:
                texts, self._waiting = self._waiting, []
                for text in texts:
                    await self._send({"type": "websocket.send", "text": text})
        except Exception:
            # The socket is gone; the server tells the consumer so, which cleans up.
            self.closed = True
        finally:
            self._draining = None

    async def close(self, code: int) -> None:
        """Write what waits, then close the socket with ``code``."""
        if self.closed:
            return
        if self._draining is not None:
            await asyncio.wait([self._draining])
        self.closed = True
        # It may be closed from the other side at the same moment.
        with contextlib.suppress(Exception):
            await self._send({"type": "websocket.close", "code": code})

    # --- what is still owed to the client before anything else may be answered ---------------------------------------

    def owe(self) -> None:
        """A message is on its way, whose echo is the answer to it."""
        self._owed += 1

    def paid(self) -> None:
        """An echo, or the refusal in its place, has been written."""
        self._owed -= 1
        if self._owed <= 0 and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    async def settled(self) -> None:
        """Wait until nothing is owed, so that answers keep the order of their commands."""
        while self._owed > 0:
            if self._idle is None or self._idle.done():
                self._idle = asyncio.get_running_loop().create_future()
            await self._idle
