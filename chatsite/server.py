"""daphne's server, with what it lacks for a chat: speed, bounds, a good-bye, and no log of who its clients are.

Knows daphne, autobahn and Twisted; must not know rooms, except that there is something to stop before the process ends.

The ASGI extension ``websocket.frames``: a scope that has ``extensions["websocket.frames"]`` finds two things there.
``write(data)`` sends whole text frames as they are, at once where nothing waits. ``receive`` may be set to a function
that is offered each text message as it comes in, before it is queued, and returns whether it has dealt with it.
Everything else (handshake, other frames, closing) is autobahn's, as in plain daphne.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from daphne.server import Server as DaphneServer
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.defer import Deferred
from twisted.internet.tcp import Connection
from twisted.protocols.policies import ProtocolWrapper

from chatsite.limits import FRAME_MAX, QUICK_FRAMES, WAITING_MAX

logger = logging.getLogger(__name__)

PING_SECONDS = 10
GOODBYE_SECONDS = 7
"""How long the good-bye may take before what is left is cut. A process manager waits for 10 s."""
INCOMING_MAX = 64
"""Messages of one client that wait to be dealt with; the client is not read from until they are fewer."""
CLOSE_SLOW = 4002

_TEXT = 0x81
"""The first byte of a whole, uncompressed text frame."""


_HANDSHAKE = (
    "http_headers",
    "http_request_data",
    "http_request_params",
    "http_response_data",
    "clean_headers",
    "_wskey",
)
"""What autobahn and daphne keep of a handshake and need no more."""


class _Incoming:
    """The messages of one client that wait for its consumer: a queue for one reader, an eighth of asyncio's size."""

    __slots__ = ("_messages", "_reader")

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._reader: asyncio.Future[None] | None = None

    def put_nowait(self, message: dict[str, Any]) -> None:
        """Add a message."""
        self._messages.append(message)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> dict[str, Any]:
        """Wait for the next message and take it."""
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


class ChatProtocol(WebSocketProtocol):  # type: ignore[misc]
    """One WebSocket connection."""

    slow_readers = 0
    """How many connections of this process were closed because they did not read."""
    data: bytes
    """What autobahn has not dealt with yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.extension: dict[str, Any] = {"write": self.write_frames, "receive": None}
        self._pinged_at = time.monotonic()
        self._paused = False

    # --- the way out --------------------------------------------------------------------------------------------------

    def write_frames(self, data: bytes) -> None:
        """Send whole frames: straight to the socket when nothing waits, else after what does."""
        if self.state != self.STATE_OPEN:
            return
        transport: Any = self.transport
        if not isinstance(transport, Connection) or transport.TLS or transport.dataBuffer or transport._tempDataBuffer:
            if not self._is_slow(len(data)):
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
        if self.state != self.STATE_OPEN or not self._is_slow(len(content)):
            super().serverSend(content, binary)

    def onPing(self, payload: bytes) -> None:  # noqa: N802 - autobahn's name
        """Answer a ping, unless answers pile up as well."""
        if self.state == self.STATE_OPEN and not self._is_slow(len(payload)):
            super().onPing(payload)

    def _is_slow(self, size: int) -> bool:
        """Whether too much would wait with ``size`` bytes more; then the connection is closed."""
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
        # What waits is of no use to one who does not read it: the close comes next, and there is room for it.
        self.sendClose(code=CLOSE_SLOW)
        return True

    # --- the way in ---------------------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take in what has arrived; small whole text frames here, everything else by autobahn."""
        if QUICK_FRAMES and self.state == self.STATE_OPEN and not self.data and self.current_frame is None:
            if self.inside_message or self._perMessageCompress is not None:
                super().dataReceived(data)
                return
            data = self._take_text_frames(data)
            if not data:
                return
        super().dataReceived(data)

    def _take_text_frames(self, data: bytes) -> bytes:
        """Deal with the small whole text frames at the beginning of ``data``; returns what is left."""
        length, at = len(data), 0
        while length - at >= 8 and data[at] == _TEXT and self.state == self.STATE_OPEN and not self._paused:
            size, start = data[at + 1] - 128, at + 6
            if size == 126:
                size, start = data[at + 2] << 8 | data[at + 3], at + 8
                if not 126 <= size <= FRAME_MAX:
                    break
            elif not 0 <= size < 126:
                # Unmasked, or larger still: autobahn knows what to do.
                break
            if start + size > length:
                break
            mask = data[start - 4 : start]
            masked = int.from_bytes(data[start : start + size], "little")
            key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
            try:
                text = (masked ^ key).to_bytes(size, "little").decode()
            except UnicodeDecodeError:
                break
            at = start + size
            self._take_text(text)
        return data[at:] if at else data

    def _take_text(self, text: str) -> None:
        if self.muted:
            return
        receive = self.extension["receive"]
        try:
            if receive is not None and self.application_queue.empty() and receive(text):
                return
        except Exception:
            # As daphne does when an application fails; what may have happened half must not be tried again.
            logger.exception("a message could not be dealt with")
            self.sendCloseFrame(code=1011)
            return
        self.application_queue.put_nowait({"type": "websocket.receive", "text": text})
        self._hold_back()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803 - autobahn's names
        """A whole message, from autobahn."""
        if isBinary or self.muted:
            super().onMessage(payload, isBinary)
            self._hold_back()
        else:
            self._take_text(payload.decode())

    def _hold_back(self) -> None:
        """Read no more from a client that sends faster than it is dealt with."""
        if not self._paused and self.application_queue.qsize() >= INCOMING_MAX:
            self._paused = True
            self.transport.pauseProducing()

    def processData(self) -> bool:  # noqa: N802 - autobahn's name
        """Deal with the next frame; autobahn stops here too when enough messages wait, and keeps the rest as it is."""
        return not self._paused and bool(super().processData())

    def go_on_reading(self) -> None:
        """Called when the application asks for a message, so when it is done with the one before."""
        if self._paused and self.application_queue.qsize() < INCOMING_MAX // 2:
            self._paused = False
            data, self.data = self.data, b""
            if data:
                self.dataReceived(data)
            if not self._paused:
                self.transport.resumeProducing()

    def onOpen(self) -> None:  # noqa: N802 - autobahn's name
        """The handshake is over: what it left behind would stay as long as the connection."""
        super().onOpen()
        # The HTTP channel that the connection came through is still its producer, and so kept with its request.
        self.transport.unregisterProducer()
        for name in _HANDSHAKE:
            self.__dict__.pop(name, None)

    # --- its life -----------------------------------------------------------------------------------------------------

    def check_timeouts(self) -> None:
        """Ping every so often, also one who keeps sending: that says nothing about whether they read."""
        if self.state == self.STATE_OPEN and time.monotonic() - self._pinged_at > PING_SECONDS:
            self._pinged_at = time.monotonic()
            if self.autoPingTimeoutCall is None:
                self._sendAutoPing()
        # daphne's own ping would come on top.
        self.last_ping = time.time()
        super().check_timeouts()


class ChatFactory(WebSocketFactory):  # type: ignore[misc]
    """Makes our connections where daphne would make its own."""

    protocol = ChatProtocol


class Server(DaphneServer):  # type: ignore[misc]
    """Serves ``application`` until SIGTERM; then it listens no more, says good-bye and ends.

    Args:
        application: the ASGI application.
        endpoints: Twisted's descriptions of what to listen on.
        say_goodbye: awaited after the server has stopped to listen and before the connections are cut.
    """

    connections: dict[Any, dict[str, Any]]

    def __init__(
        self, application: Any, endpoints: list[str], say_goodbye: Callable[[], Awaitable[None]], **options: Any
    ) -> None:
        super().__init__(
            application,
            endpoints,
            action_logger=None,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            # A connection may last as long as it is used: the client would only come back.
            websocket_timeout=-1,
            websocket_max_message_size=FRAME_MAX,
            websocket_max_frame_size=FRAME_MAX,
            verbosity=0,
            ready_callable=self._use_our_protocol,
            **options,
        )
        self._say_goodbye = say_goodbye

    def _use_our_protocol(self) -> None:
        """Put our factory in the place of daphne's, with the same options."""
        factory = ChatFactory(self, server=self.server_name)
        factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            # Only the answer to a ping shows that a client reads.
            autoPingRestartOnAnyTraffic=False,
            # What is wrong is said (1002, 1007, 1009) before the connection ends.
            failByDrop=False,
            # Seconds for a client on a slow line to hear why it is closed, and to agree.
            closeHandshakeTimeout=3,
            allowNullOrigin=True,
            openHandshakeTimeout=self.websocket_handshake_timeout,
            maxMessagePayloadSize=self.websocket_max_message_size,
            maxFramePayloadSize=self.websocket_max_frame_size,
        )
        # Options held by the class need not be copied to, and described for, every connection.
        for name in ChatProtocol.CONFIG_ATTRS:
            value = getattr(factory, name)
            setattr(ChatProtocol, name, staticmethod(value) if callable(value) else value)
        ChatProtocol.CONFIG_ATTRS = []
        self.ws_factory = factory

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Start the application for a connection; our WebSockets offer their extension."""
        if not isinstance(protocol, ChatProtocol):
            return super().create_application(protocol, scope)
        scope.setdefault("asgi", {"version": "3.0"})
        scope["extensions"] = {"websocket.frames": protocol.extension}
        queue = _Incoming()

        async def receive() -> dict[str, Any]:
            protocol.go_on_reading()
            return await queue.get()

        application = self.application(scope=scope, receive=receive, send=partial(self.handle_reply, protocol))
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(application)
        return queue

    def kill_all_applications(self) -> "Deferred[Any]":
        """End in good order; daphne calls this before its reactor stops."""
        ended: Deferred[Any] = Deferred.fromFuture(asyncio.ensure_future(self._end()))
        ended.addBoth(lambda _: self._cut_the_rest())
        return ended

    async def _end(self) -> None:
        for listening in self.listeners:
            listening.addCallback(lambda port: port.stopListening() if port is not None else None)
        try:
            await asyncio.wait_for(self._say_goodbye(), GOODBYE_SECONDS)
        except Exception as problem:
            logger.warning("the good-bye was cut short: %s", type(problem).__name__)

    def _cut_the_rest(self) -> Any:
        # daphne's own way stumbles over connections whose application has ended already.
        for connection in [key for key, value in self.connections.items() if "application_instance" not in value]:
            del self.connections[connection]
        return super().kill_all_applications()
