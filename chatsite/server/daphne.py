"""daphne's server with our connections: what it is told to bound, whom it starts for a connection, how it shuts down.

Knows daphne and Twisted; must not know the rooms, except that there is something to wait for before the process ends.
Logs nothing of who its clients are.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from daphne.server import Server as DaphneServer
from daphne.ws_protocol import WebSocketFactory
from twisted.internet.defer import Deferred

from chatsite.limits import FRAME_MAX
from chatsite.server.connection import PING_SECONDS, ChatProtocol, Incoming
from chatsite.server.lean import shared_attributes
from chatsite.server.pages import PageRequest

logger = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 7
"""How long a shutdown may take before what is left is cut. A process manager waits for 10 s."""
ASGI = {"version": "3.0"}
GARBAGE_THRESHOLDS = (10_000, 20, 10)
"""A flush of a busy process makes thousands of objects that are gone a moment later without a collector's help."""


class ChatFactory(WebSocketFactory):  # type: ignore[misc]
    """Makes our connections where daphne would make its own, with the same options but for those that are explained.

    Its connections have a class of their own, which holds what all of them share.
    """

    def __init__(self, server: "Server") -> None:
        super().__init__(server, server=server.server_name)
        self.setProtocolOptions(
            autoPingTimeout=server.ping_timeout,
            # Only the answer to a ping shows that a client reads.
            autoPingRestartOnAnyTraffic=False,
            # A client is told what is wrong (1002, 1007, 1009) before its connection ends.
            failByDrop=False,
            # Seconds for a client on a slow line to hear why it is closed, and to agree.
            closeHandshakeTimeout=3,
            allowNullOrigin=True,
            openHandshakeTimeout=server.websocket_handshake_timeout,
            maxMessagePayloadSize=server.websocket_max_message_size,
            maxFramePayloadSize=server.websocket_max_frame_size,
        )
        self.protocol = type(ChatProtocol.__name__, (ChatProtocol,), shared_attributes(self))


class Server(DaphneServer):  # type: ignore[misc]
    """Serves ``application`` until SIGTERM; then it listens no more, closes its connections and ends.

    Args:
        application: the ASGI application.
        endpoints: Twisted's descriptions of what to listen on.
        close_connections: awaited when the server has stopped to listen; connections that are still there after it,
            or after ``SHUTDOWN_SECONDS``, are cut.
    """

    connections: dict[Any, dict[str, Any]]

    def __init__(
        self, application: Any, endpoints: list[str], close_connections: Callable[[], Awaitable[None]], **options: Any
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
            ready_callable=self._use_ours,
            **options,
        )
        self._close_connections = close_connections

    def run(self) -> None:
        """Serve. What is loaded by now stays for good, so the garbage collector need not look through it again."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        super().run()

    def _use_ours(self) -> None:
        self._use_our_factory()
        self._use_our_requests()

    def _use_our_factory(self) -> None:
        """Put our factory in the place of daphne's."""
        self.ws_factory = ChatFactory(self)

    def _use_our_requests(self) -> None:
        """Put our requests in the place of daphne's, whose factory names its own."""
        build = self.http_factory.buildProtocol

        def build_ours(address: Any) -> Any:
            protocol = build(address)
            protocol.requestFactory = PageRequest
            return protocol

        self.http_factory.buildProtocol = build_ours

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Start the application for a connection; our WebSockets offer their extension."""
        if not isinstance(protocol, ChatProtocol):
            return super().create_application(protocol, scope)
        scope["asgi"] = ASGI
        scope["extensions"] = {"websocket.frames": protocol.extension}
        protocol.scope = scope
        queue = Incoming(protocol.go_on_reading)
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
            await asyncio.wait_for(self._close_connections(), SHUTDOWN_SECONDS)
        except Exception as problem:
            logger.warning("the shutdown was cut short: %s", type(problem).__name__)

    def _cut_the_rest(self) -> Any:
        # daphne's own way stumbles over connections whose application has ended already.
        for connection in [key for key, value in self.connections.items() if "application_instance" not in value]:
            del self.connections[connection]
        return super().kill_all_applications()
