"""daphne's server, with what it lacks for a chat: speed, bounds, a good-bye, and no log of who its clients are.

Knows daphne, autobahn and Twisted; must not know rooms, except that there is something to stop before the process ends.

The ASGI extension ``websocket.frames``: a scope that has ``extensions["websocket.frames"]`` finds two things there.
``write(data)`` sends whole text frames as they are, at once where nothing waits. ``receive`` may be set, before the
connection is accepted, to a function that is offered each text message as it comes in, before it is queued, and returns
whether it has dealt with it. Everything else (handshake, other frames, closing) is autobahn's, as in plain daphne.

When a connection is accepted its scope has served its purpose and is emptied, the client's address with it: what an
application still needs of it, it has taken by then.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any

from autobahn.websocket.protocol import TrafficStats
from autobahn.websocket.utf8validator import Utf8Validator
from daphne.server import Server as DaphneServer
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
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
ASGI = {"version": "3.0"}
GARBAGE_THRESHOLDS = (10_000, 20, 10)
"""A flush of a busy process makes thousands of objects that are gone a moment later without a collector's help."""

_TEXT = 0x81
"""The first byte of a whole, uncompressed text frame."""


_HANDSHAKE = frozenset(
    (
        "_raw_query_string",
        "_transport_details",
        "_wskey",
        "application_deferred",
        "clean_headers",
        "client_addr",
        "extension",
        "http_headers",
        "http_request_data",
        "http_request_host",
        "http_request_params",
        "http_request_path",
        "http_request_uri",
        "http_response_data",
        "http_status_line",
        "last_ping",
        "path",
        "peer",
        "request",
        "root_path",
        "scope",
        "server_addr",
        "socket_opened",
        "trafficStats",
        "utf8validator",
        "websocket_extensions",
        "websocket_extensions_in_use",
        "websocket_origin",
        "websocket_protocols",
    )
)
"""What autobahn and daphne keep of a handshake and need no more, the client's address among it. Where they still look
at one, they find what the class has under that name."""
_ACCEPTED = frozenset(("hostname", "server", "sessionno"))
"""What Twisted needs no more of a connection that was accepted."""
_NOTHING = object()


def _shed(thing: Any, unneeded: frozenset[str]) -> None:
    """Let go of attributes that nobody needs any more, or that have the same value in the class."""
    kind = type(thing)
    thing.__dict__ = {
        name: value
        for name, value in vars(thing).items()
        if name not in unneeded and getattr(kind, name, _NOTHING) is not value
    }


class _Incoming:
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


class _SendQueue(list[Any]):
    """What autobahn sends piece by piece, which a server of ours never does: empty, a deque has ten times the size."""

    __slots__ = ()

    def popleft(self) -> Any:
        """Take the first piece."""
        return self.pop(0)


class _Unheard:
    """Stands for the Deferreds that tell of a connection's opening and closing: nobody listens."""

    def callback(self, result: Any) -> None:
        """Tell nobody."""


class ChatProtocol(WebSocketProtocol):  # type: ignore[misc]
    """One WebSocket connection.

    Many are open at a time and most are silent, so a connection holds what is its own and nothing else: what the
    handshake left behind goes when it is over, and what is the same in all of them is in the class.
    """

    slow_readers = 0
    """How many connections of this process were closed because they did not read."""
    data = b""
    """What autobahn has not dealt with yet."""
    state = WebSocketProtocol.STATE_CLOSED
    is_open = is_closed = _Unheard()
    request = SimpleNamespace(path="")
    client_addr = None
    path = b""
    peer = ""
    trafficStats = TrafficStats()  # type: ignore[no-untyped-call]  # noqa: N815 - autobahn's name
    """autobahn counts here what nobody reads."""
    websocket_version = 13
    scope: dict[str, Any]
    _receive: Callable[[str], bool] | None = None
    _paused = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("is_open", "is_closed", "_results", "_valid_events"):
            del self.__dict__[name]
        self.extension: dict[str, Any] = {"write": self.write_frames, "receive": None}
        self._pinged_at = time.monotonic()

    @cached_property
    def utf8validator(self) -> Any:
        """Checks text that comes in pieces; made again for the first one after the handshake."""
        return Utf8Validator()  # type: ignore[no-untyped-call]

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
        try:
            if self._receive is not None and self.application_queue.empty() and self._receive(text):
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
        """Read again from a client that was held back, when enough has been dealt with."""
        if self._paused and self.application_queue.qsize() < INCOMING_MAX // 2:
            self._paused = False
            data, self.data = self.data, b""
            if data:
                self.dataReceived(data)
            if not self._paused:
                self.transport.resumeProducing()

    # --- its life -----------------------------------------------------------------------------------------------------

    def onOpen(self) -> None:  # noqa: N802 - autobahn's name
        """The handshake is over: what it left behind would stay as long as the connection."""
        super().onOpen()
        # The HTTP channel that the connection came through is still its producer; it and its request keep each other.
        channel = getattr(self.transport, "producer", None)
        self.transport.unregisterProducer()
        getattr(channel, "requests", []).clear()
        self._receive = self.extension["receive"]
        self.scope.clear()
        self.send_queue = _SendQueue()
        kind = type(self)
        for name, value in vars(self).items():
            # The defaults of autobahn's many switches, which only few connections ever change.
            if (value is None or value is False or value == 0) and not hasattr(kind, name):
                setattr(kind, name, value)
        _shed(self, _HANDSHAKE)
        if isinstance(self.transport, Connection):
            self.transport.streamingProducer = False
            # Twisted's name of it, for logs, has the client's address in it.
            vars(self.transport).update(logstr="WebSocket", repstr="WebSocket")
            _shed(self.transport, _ACCEPTED)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: N802, N803 - autobahn's names
        """Tell the application, if there is one: what autobahn refused never came as far as daphne."""
        if self in self.server.connections:
            super().onClose(wasClean, code, reason)

    def connectionLost(self, reason: Any = connectionDone) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone; so that it goes without the garbage collector, it lets go of everything."""
        super().connectionLost(reason)
        self.__dict__ = {}

    def check_timeouts(self) -> None:
        """Ping every so often, also one who keeps sending: that says nothing about whether they read."""
        if self.state == self.STATE_CONNECTING:
            super().check_timeouts()
        elif self.state == self.STATE_OPEN and time.monotonic() - self._pinged_at > PING_SECONDS:
            self._pinged_at = time.monotonic()
            if self.autoPingTimeoutCall is None:
                self._sendAutoPing()


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

    def run(self) -> None:
        """Serve. What is loaded by now stays for good, so the garbage collector need not look through it again."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        super().run()

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
        ChatProtocol.factory = self.ws_factory = factory
        ChatProtocol.server = self

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Start the application for a connection; our WebSockets offer their extension."""
        if not isinstance(protocol, ChatProtocol):
            return super().create_application(protocol, scope)
        scope["asgi"] = ASGI
        scope["extensions"] = {"websocket.frames": protocol.extension}
        protocol.scope = scope
        queue = _Incoming(protocol.go_on_reading)
        application = self.application(scope=scope, receive=queue.get, send=partial(self.handle_reply, protocol))
        task = asyncio.get_running_loop().create_task(application, name="socket")
        self.connections[protocol]["application_instance"] = task
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
