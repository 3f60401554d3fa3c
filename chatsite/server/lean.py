"""A WebSocket connection that keeps nothing of its handshake, and holds nothing that all connections have in common.

Many connections are open at a time and most are silent: what each of them holds decides how many fit into a process.
What the handshake left behind, the client's address and headers among it, goes when the handshake is over.

Knows what daphne, autobahn and Twisted keep in their objects, by their private names too (tests/test_lean.py fails when
one of them is renamed); changes no behaviour, so it must not know what a connection is for.
"""

from collections.abc import Iterable
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from autobahn.websocket.protocol import TrafficStats
from autobahn.websocket.utf8validator import Utf8Validator
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.protocol import connectionDone
from twisted.internet.tcp import Connection

HANDSHAKE = frozenset(
    (
        "_raw_query_string",
        "_transport_details",
        "_wskey",
        "application_deferred",
        "clean_headers",
        "client_addr",
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
"""What daphne and autobahn keep of a handshake and need no more. Where they still look at one, the class has one."""
UNUSED = ("is_open", "is_closed", "_results", "_valid_events")
"""What autobahn makes for those who listen to a connection's events: here, nobody does."""
INITIAL: tuple[tuple[object, tuple[str, ...]], ...] = (
    (
        None,
        (
            "_perMessageCompress",
            "autoPingPending",
            "autoPingPendingCall",
            "autoPingPendingSent",
            "autoPingTimeoutCall",
            "closeHandshakeTimeoutCall",
            "current_frame",
            "localCloseCode",
            "localCloseReason",
            "openHandshakeTimeoutCall",
            "protocol_to_accept",
            "remoteCloseCode",
            "remoteCloseReason",
            "trackedTimings",
            "wasNotCleanReason",
            "websocket_protocol_in_use",
        ),
    ),
    (
        False,
        (
            "closedByMe",
            "droppedByMe",
            "failedByMe",
            "inside_message",
            "triggered",
            "wasClean",
            "wasCloseHandshakeTimeout",
            "wasMaxFramePayloadSizeExceeded",
            "wasMaxMessagePayloadSizeExceeded",
            "wasOpenHandshakeTimeout",
            "wasServerConnectionDropTimeout",
            "wasServingFlashSocketPolicyFile",
        ),
    ),
    (0, ("autoPingPendingSeq", "send_state")),
)
"""What an open connection begins with: autobahn's many switches, which only few connections ever change."""
ACCEPTED = frozenset(("hostname", "server", "sessionno"))
"""What Twisted needs no more of a connection that was accepted."""
ANONYMOUS = {"client": ("", 0), "logstr": "WebSocket", "repstr": "WebSocket"}
"""What takes the place of the client's address, and of Twisted's name of the connection, which has it for the logs."""

_NOTHING = object()


def shared_attributes(factory: Any) -> dict[str, Any]:
    """What all connections of one factory have in common, to be put into their class once, before the first of them.

    Args:
        factory: daphne's, with its options set. One that is set later has no effect.
    """
    options = {name: getattr(factory, name) for name in WebSocketProtocol.CONFIG_ATTRS}
    # A plain function in a class would become a method.
    shared = {name: staticmethod(value) if callable(value) else value for name, value in options.items()}
    shared |= {name: value for value, names in INITIAL for name in names}
    # With no names here, autobahn does not describe all options for a log when a connection is made.
    return shared | {"CONFIG_ATTRS": [], "factory": factory, "server": factory.server_class}


def drop_attributes(thing: Any, unneeded: Iterable[str]) -> None:
    """Let go of an object's attributes that nobody needs any more, and of those that its class has with the same value.

    Its ``__dict__`` is made anew: one that has shrunk would keep its size.
    """
    kind = type(thing)
    thing.__dict__ = {
        name: value
        for name, value in vars(thing).items()
        if name not in unneeded and getattr(kind, name, _NOTHING) is not value
    }


class _SendQueue(list[Any]):
    """What autobahn sends piece by piece, which our server never does: an empty deque has ten times the size."""

    __slots__ = ()

    def popleft(self) -> Any:
        """Take the first piece."""
        return self.pop(0)


class _NullDeferred:
    """Stands for the Deferreds that tell of a connection's opening and closing: nobody listens."""

    def callback(self, result: Any) -> None:
        """Tell nobody."""


class LeanProtocol(WebSocketProtocol):  # type: ignore[misc]
    """daphne's connection, in less memory; its factory gives it ``shared_attributes`` too."""

    is_open = is_closed = _NullDeferred()
    data = b""
    """What autobahn has not dealt with yet."""
    state = WebSocketProtocol.STATE_CLOSED
    request = SimpleNamespace(path="")
    client_addr = None
    path = b""
    trafficStats = TrafficStats()  # type: ignore[no-untyped-call]  # noqa: N815 - autobahn's name
    """autobahn counts here what nobody reads."""
    websocket_version = 13

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in UNUSED:
            del self.__dict__[name]

    @cached_property
    def utf8validator(self) -> Any:
        """Checks text that comes in pieces; made again for the first one after the handshake."""
        return Utf8Validator()  # type: ignore[no-untyped-call]

    def onOpen(self) -> None:  # noqa: N802 - autobahn's name
        """The handshake is over: what it left behind would stay as long as the connection."""
        super().onOpen()
        self._release_channel()
        self.send_queue = _SendQueue()
        drop_attributes(self, HANDSHAKE)
        self._make_anonymous()

    def _release_channel(self) -> None:
        """Let go of the HTTP channel that the connection came through, which is still its transport's producer."""
        channel = getattr(self.transport, "producer", None)
        self.transport.unregisterProducer()
        # The channel and its request keep each other.
        getattr(channel, "requests", []).clear()

    def _make_anonymous(self) -> None:
        """Take the client's address, and what else is of no use any more, from Twisted's part of the connection."""
        if isinstance(self.transport, Connection):
            self.transport.streamingProducer = False
            vars(self.transport).update(ANONYMOUS)
            drop_attributes(self.transport, ACCEPTED)

    def connectionLost(self, reason: Any = connectionDone) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone; so that it goes without the garbage collector, it lets go of everything."""
        super().connectionLost(reason)
        self.__dict__ = {}
