"""One WebSocket connection: what it reads, what it writes, how much of either may wait, its pings and its end.

Knows autobahn and Twisted; must not know what is said on a connection, nor who makes connections.

The ASGI extension ``websocket.frames``: a scope that has ``extensions["websocket.frames"]`` finds two things there.
``write(data)`` sends whole text frames as they are, at once where nothing waits. ``receive`` may be set, before the
connection is accepted, to a function that is offered each text message as it comes in, before it is queued, and returns
whether it has dealt with it. Everything else (handshake, other frames, closing) is autobahn's, as in plain daphne.

When a connection is accepted its scope has served its purpose and is emptied, the client's address with it: what an
application still needs of it, it has taken by then.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.tcp import Connection
from twisted.protocols.policies import ProtocolWrapper

from chatsite.limits import FRAME_MAX, QUICK_FRAMES, WAITING_MAX
from chatsite.server.frames import feed_texts
from chatsite.server.lean import LeanProtocol

logger = logging.getLogger(__name__)

PING_SECONDS = 10
INCOMING_MAX = 64
"""Messages of one client that wait to be dealt with; the client is not read from until they are fewer."""
STEP_BURST, STEP_RATE = 200, 100
"""Frames that are no small whole text (pings, pongs, pieces of messages) are dealt with in steps, two for most: so many
at once and so many a second from one client, which is not read from meanwhile. What is said is counted elsewhere."""
CLOSE_SLOW = 4002


class Incoming:
    """The messages of one client that wait for its consumer: a queue for one reader, an eighth of asyncio's size.

    Args:
        asked: called when the consumer asks for a message, so when it is done with the one before.
    """

    __slots__ = ("_asked", "_messages", "_reader")

    def __init__(self, asked: Callable[[], None]) -> None:
        self._asked = asked
        self._messages: list[dict[str, Any]] = []
        self._reader: asyncio.Future[None] | None = None

    def put_nowait(self, message: dict[str, Any]) -> None:
        """Add a message."""
        self._messages.append(message)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> dict[str, Any]:
        """Wait for the next message and take it."""
        self._asked()
        while not self._messages:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
            self._reader = None
        return self._messages.pop(0)

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._messages

    def qsize(self) -> int:
        """How many messages wait; few, as the client is not read from meanwhile."""
        return len(self._messages)


class ChatProtocol(LeanProtocol):
    """One WebSocket connection; its factory makes it, and gives its class the server as ``server``."""

    slow_readers = 0
    """How many connections of this process were closed because they did not read."""
    server: Any
    scope: dict[str, Any]
    """The application's, until the connection is open."""
    _receive: Callable[[str], bool] | None = None
    _paused = False
    _throttled = False
    _steps: tuple[float, float] = (STEP_BURST, 0.0)
    """How many steps the client may take, and when that was so."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.extension: dict[str, Any] = {"write": self.write_frames, "receive": None}
        self._pinged_at = time.monotonic()

    # --- the way out --------------------------------------------------------------------------------------------------

    def write_frames(self, data: bytes) -> None:
        """Send whole frames: straight to the socket when nothing waits, else after what does."""
        if self.state != self.STATE_OPEN:
            return
        transport: Any = self.transport
        if not isinstance(transport, Connection) or transport.TLS or transport.dataBuffer or transport._tempDataBuffer:
            if not self._close_if_slow(len(data)):
                transport.write(data)
        elif transport.connected and not transport.disconnecting:
            try:
                sent = transport.socket.send(data)
            except OSError:
                # Full, or reset from the other side: the reactor finds out when it writes.
                sent = 0
            if sent < len(data):
                # However much it is: a frame that was begun must be ended.
                transport.write(data[sent:])  # type: ignore[no-untyped-call]

    def serverSend(self, content: Any, binary: bool = False) -> None:  # noqa: N802 - daphne's name
        """Send a message, for ``websocket.send``."""
        if self.state != self.STATE_OPEN or not self._close_if_slow(len(content)):
            super().serverSend(content, binary)

    def onPing(self, payload: bytes) -> None:  # noqa: N802 - autobahn's name
        """Answer a ping, unless answers pile up as well."""
        if self.state == self.STATE_OPEN and not self._close_if_slow(len(payload)):
            super().onPing(payload)

    def _close_if_slow(self, size: int) -> bool:
        """Close the connection if too much would wait with ``size`` bytes more; returns whether it did."""
        transport = self.transport
        while isinstance(transport, ProtocolWrapper):
            # TLS; what it has encrypted waits in the transport below.
            transport = transport.transport
        if not isinstance(transport, Connection):
            return False
        waiting = len(transport.dataBuffer) - transport.offset + transport._tempDataLen
        if not waiting or waiting + size <= WAITING_MAX:
            return False
        ChatProtocol.slow_readers += 1
        logger.info("a client that does not read was closed (%d so far)", ChatProtocol.slow_readers)
        # What waits is of no use to a client that does not read it: the close comes next, and there is room for it.
        self.sendClose(code=CLOSE_SLOW)
        return True

    # --- the way in ---------------------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take in what has arrived; small whole text frames here, everything else by autobahn."""
        if QUICK_FRAMES and self._is_between_messages():
            data = feed_texts(data, FRAME_MAX, self._feed_text)
            if not data:
                return
        super().dataReceived(data)

    def _is_between_messages(self) -> bool:
        """Whether what arrives next begins a frame, of a new message, and is wanted now."""
        return (
            self.state == self.STATE_OPEN
            and not self._paused
            and not self.data
            and self.current_frame is None
            and not self.inside_message
            and self._perMessageCompress is None
        )

    def _feed_text(self, text: str) -> bool:
        """Give a message to the application, at once or by its queue; returns whether the next may come."""
        if self.state != self.STATE_OPEN:
            # It was closed from here, and nobody deals with what the client had sent until it heard of that.
            return True
        try:
            received = self._receive is not None and self.application_queue.empty() and self._receive(text)
        except Exception:
            # As daphne does when an application fails; what may have happened half must not be tried again.
            logger.exception("a message could not be dealt with")
            self.sendCloseFrame(code=1011)
            return False
        if not received:
            self.application_queue.put_nowait({"type": "websocket.receive", "text": text})
            self._hold_back()
        return self.state == self.STATE_OPEN and not self._paused

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803 - autobahn's names
        """A whole message, from autobahn; the two steps that one in one piece takes are counted elsewhere."""
        if self.state != self.STATE_OPEN:
            return
        left, since = self._steps
        self._steps = left + 2, since
        if isBinary:
            super().onMessage(payload, isBinary)
            self._hold_back()
        else:
            self._feed_text(payload.decode())

    def _hold_back(self) -> None:
        """Read no more from a client that sends faster than it is dealt with."""
        if not self._paused and self.application_queue.qsize() >= INCOMING_MAX:
            self._paused = True
            self.transport.pauseProducing()

    def processData(self) -> bool:  # noqa: N802 - autobahn's name
        """Deal with the next frame; autobahn stops here too when enough messages wait, and keeps the rest as it is."""
        if self._paused or not super().processData():
            return False
        self._count_step()
        return not self._paused

    def _count_step(self) -> None:
        """Read no more for a while from a client that sends many frames in which nothing is said.

        After a close, that is all but the client's answer to it: a flood goes on until the client hears of its end.
        """
        now = time.monotonic()
        left, since = self._steps
        left = min(STEP_BURST, left + (now - since) * STEP_RATE) - 1
        self._steps = left, now
        if left < 0 and self.state in (self.STATE_OPEN, self.STATE_CLOSING):
            self._throttled = True
            if not self._paused:
                self._paused = True
                self.transport.pauseProducing()
            asyncio.get_running_loop().call_later(-left / STEP_RATE, self._end_throttle)

    def _end_throttle(self) -> None:
        self._throttled = False
        self.go_on_reading()

    def go_on_reading(self) -> None:
        """Read again from a client that was held back, when enough has been dealt with."""
        if self._paused and not self._throttled and self.application_queue.qsize() < INCOMING_MAX // 2:
            self._paused = False
            data, self.data = self.data, b""
            if data:
                self.dataReceived(data)
            if not self._paused:
                self.transport.resumeProducing()

    # --- its life -----------------------------------------------------------------------------------------------------

    def onOpen(self) -> None:  # noqa: N802 - autobahn's name
        """The application has accepted the connection, so it has taken from the scope what it needs of it."""
        self._receive = self.extension["receive"]
        self.scope.clear()
        del self.scope, self.extension
        super().onOpen()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: N802, N803 - autobahn's names
        """Tell the application, if there is one: what autobahn refused never came as far as daphne."""
        if self in self.server.connections:
            super().onClose(wasClean, code, reason)

    def check_timeouts(self) -> None:
        """Ping every so often, also a client that keeps sending: that says nothing about whether it reads."""
        if self.state == self.STATE_CONNECTING:
            super().check_timeouts()
        elif self.state == self.STATE_OPEN and time.monotonic() - self._pinged_at > PING_SECONDS:
            self._pinged_at = time.monotonic()
            if self.autoPingTimeoutCall is None:
                self._sendAutoPing()
