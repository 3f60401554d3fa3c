"""One connection, as the hub and the services see it: who it is, which seats it has, and how to write to it.

Knows visitors, flood control and what an address is known by; must not know the protocol's messages, Channels'
consumers, models or the live store.
What is written in one turn of the loop leaves in one go, in order.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rooms.flood import Visit
from rooms.live.addresses import Address
from rooms.visitors import Visitor

Send = Callable[[dict[str, object]], Awaitable[None]]

_closing: set[asyncio.Task[None]] = set()
"""The closings under way, which the event loop by itself would forget."""


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
class Seat:
    """One name of one connection in one room."""

    room_id: int
    key: str
    nick: str
    tag: str


class Connection:
    """A connection.

    Args:
        send: the ASGI send function of the socket.
        visitor: who it is; may change until the connection has joined anything.
        cookie: whether the visitor came with a cookie, and so needs no token.
        visit: what this visitor's connections in this process share.
        address: where it comes from, if that counts.
        write_frames: sends whole frames at once, where the server offers it (chatsite/server).
    """

    __slots__ = (
        "_acks_expected",
        "_drained",
        "_draining",
        "_send",
        "_waiting",
        "_write_frames",
        "address",
        "closed",
        "cookie",
        "seats",
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
        address: Address | None = None,
    ) -> None:
        self._send = send
        self._write_frames = write_frames
        self._waiting: list[str] = []
        self._draining: asyncio.Task[None] | None = None
        self._acks_expected = 0
        self._drained: asyncio.Future[None] | None = None
        self.address = address
        self.visitor = visitor
        self.cookie = cookie
        self.visit = visit
        self.seats: dict[tuple[int, str], Seat] = {}
        """By room and name key."""
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

    def close_soon(self, code: int) -> None:
        """The same in the background."""
        task = asyncio.get_running_loop().create_task(self.close(code))
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    # --- answers that must come before anything else may be answered -------------------------------------------------

    def expect_ack(self) -> None:
        """A message is on its way, whose echo is the answer to it."""
        self._acks_expected += 1

    def acked(self) -> None:
        """An echo, or the refusal in its place, has been written."""
        self._acks_expected -= 1
        if self._acks_expected <= 0 and self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    async def acks_drained(self) -> None:
        """Wait until every message is answered, so that answers keep the order of their commands."""
        while self._acks_expected > 0:
            if self._drained is None or self._drained.done():
                self._drained = asyncio.get_running_loop().create_future()
            await self._drained
