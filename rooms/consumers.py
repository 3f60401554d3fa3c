"""One socket: a frame becomes a command, the command goes to its service, a refusal becomes an answer.

Knows the protocol, the services and the node's hub; must not make ORM queries, nor read or write JSON itself.
"""

import asyncio
import logging
from typing import Any, assert_never
from urllib.parse import urlsplit

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.http.cookie import parse_cookie
from django.http.request import validate_host

from rooms import answers, hosts, lines, node, services
from rooms.addresses import address_of
from rooms.conf import conf
from rooms.connection import Connection
from rooms.costs import NOT_FOUND, REPLAYED_PER_TOKEN, cost
from rooms.flood import Bucket
from rooms.protocol import (
    CLOSE_BANNED,
    CLOSE_CROWDED,
    CLOSE_FLOODING,
    CLOSE_RESTART,
    CLOSE_TOO_MANY,
    AnyCommand,
    BadCommand,
    BadField,
    ChatSend,
    Hello,
    HostCommand,
    LineCommand,
    Refusal,
    RoomCreate,
    RoomDelete,
    RoomExit,
    RoomJoin,
    RoomList,
    decode,
    frame_error,
)
from rooms.visitors import Visitor, behind_tls, from_cookies, from_token

logger = logging.getLogger(__name__)
# Of its own, because anyone can cause its lines: the settings let few of them through.
foreign = logger.getChild("origin")

PATIENCE = 20
"""So many refusals in a row are answered at once."""
SLOW_SECONDS = 0.05
"""How long each further one takes."""


class ChatConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """The server's end of one WebSocket at ``/ws/``."""

    connection: Connection | None = None
    looked_at: tuple[AnyCommand, Refusal | None] | None = None
    """A command that the quick way in has decoded, charged and left to ``receive``, and why it is refused."""
    busy = False
    """Whether a command is being carried out, which those after it must wait for."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve the socket until it is gone, however it goes.

        The base class would make a layer channel for every socket; the hub has one for the process. Its clean-up hangs
        on a disconnect message, which a stopping server does not send: here it is in a ``finally``.
        """
        self.scope = scope
        self.base_send = send
        try:
            while await self.dispatch(await receive()):
                pass
        finally:
            if self.connection is not None:
                self.node.lobby.forget(self.connection)
                self.node.hub.disconnect(self.connection)
                self.node.visits.depart(self.connection.visitor.id)
                if self.connection.address is not None:
                    self.node.gate.leave(self.connection.address)

    async def dispatch(self, message: dict[str, Any]) -> bool:
        """Hand a message of the server to its method, without the base class's thread hop per message.

        Returns:
            Whether there may be more.
        """
        if message["type"] == "websocket.connect":
            await self.connect()
            # Who the client is was in its headers and its address; neither is looked at, or kept, any longer.
            self.scope.clear()
        elif message["type"] == "websocket.receive" and self.connection is not None and not self.connection.closed:
            self.busy = True
            await self.receive(message.get("text"), message.get("bytes"))
            self.busy = False
        return bool(message["type"] != "websocket.disconnect")

    async def connect(self) -> None:
        """Let the socket in, unless it comes from a page of another site."""
        origin = _header(self.scope, b"origin")
        if origin is not None and not _is_own(origin, _header(self.scope, b"host")):
            foreign.warning("a socket of a foreign origin was refused (see ALLOWED_HOSTS and CSRF_TRUSTED_ORIGINS)")
            await self.close()
            return
        self.node = node.current()
        if not await self.node.ready():
            # As when a process stops: the client comes back by itself.
            await self.accept()
            await self.close(CLOSE_RESTART)
            return
        try:
            address = await self.node.gate.enter(address_of(self.scope))
        except Refusal:
            await self.accept()
            await self.close(CLOSE_CROWDED)
            return
        # Without an Origin it is a program: its cookies, if any, were not sent by one of our pages.
        cookies = parse_cookie(_header(self.scope, b"cookie") or "") if origin is not None else {}
        known = from_cookies(cookies, behind_tls(_header(self.scope, b"x-forwarded-proto")))
        visitor = known or Visitor.new()
        visit = self.node.visits.arrive(visitor.id)
        extension = self.scope.get("extensions", {}).get("websocket.frames")
        self.connection = Connection(
            self.base_send, visitor, known is not None, visit, extension and extension["write"], address
        )
        self.frames = Bucket(conf.command_burst, conf.command_rate) if conf.flood_control else None
        self.refused_in_a_row = 0
        self.node.hub.connections.add(self.connection)
        if extension is not None:
            extension["receive"] = self.receive_now
        await self.accept()
        if visit.connections > conf.connections_per_visitor:
            await self.connection.close(CLOSE_TOO_MANY)
        elif origin is not None and self.node.bans.keep_out(visitor, address):
            # A program may still say who it is.
            await self.connection.close(CLOSE_BANNED)

    def receive_now(self, text: str) -> bool:
        """The quick way in: carry out a message at once, without waiting for anything.

        Returns:
            False when it is left to ``receive``: another command, or one to be refused, which must keep its place.
        """
        connection = self.connection
        if self.busy or connection is None or connection.closed:
            return False
        try:
            command = decode(text)
            problem = self._charge(command)
            if problem is None and isinstance(command, ChatSend):
                services.send(self.node.hub, connection, command)
                self.refused_in_a_row = 0
                return True
        except Refusal as refusal:
            problem = refusal
        except Exception:
            # Nothing has happened yet: ``receive`` finds the same, and answers.
            return False
        self.looked_at = command, problem
        return False

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any) -> None:
        """Answer one frame. Nothing in it can end the conversation with an error."""
        connection = self.connection
        assert connection is not None
        looked_at, self.looked_at = self.looked_at, None
        try:
            if text_data is None:
                raise frame_error("bad_frame", "a frame is text, not binary")
            if looked_at is None:
                command = decode(text_data)
                looked_at = command, self._charge(command)
        except BadCommand as bad:
            await connection.acks_drained()
            connection.write(
                answers.refuse(bad.command, bad.problem, bad.wrong) if isinstance(bad, BadField) else bad.answer
            )
            await self._count(refused=self._wait() > 0)
            return
        command, problem = looked_at
        try:
            if problem is not None:
                raise problem
            await self._carry_out(connection, command)
        except Refusal as refusal:
            await connection.acks_drained()
            connection.write(answers.refuse(command, refusal))
            if refusal.error == "room_not_found" and isinstance(command, RoomJoin):
                self._owe(NOT_FOUND)
            await self._count(refused=refusal.error == "too_fast")
        except Exception:
            # A fault of ours must not cost the client its connection (docs/protocol.md, "Refusals").
            logger.exception("a %s could not be carried out", type(command).__name__)
            connection.write(answers.refuse(command, Refusal("unavailable", "something went wrong on the server")))
        else:
            self.refused_in_a_row = 0

    async def _carry_out(self, connection: Connection, command: AnyCommand) -> None:
        hub = self.node.hub
        if isinstance(command, ChatSend):
            services.send(hub, connection, command)
            return
        # Messages sent before are answered by their echo, which may still be under way.
        await connection.acks_drained()
        if isinstance(command, Hello | RoomCreate | RoomJoin):
            self._identify(connection, command.token)
        if isinstance(command, HostCommand):
            await hosts.carry_out(hub, connection, command)
            return
        if isinstance(command, LineCommand):
            await lines.carry_out(hub, connection, command)
            return
        match command:
            case Hello():
                connection.write(answers.greeting(connection, command.ref))
            case RoomJoin():
                self._owe(await services.join(hub, connection, command) // REPLAYED_PER_TOKEN)
            case RoomCreate():
                await services.create(hub, connection, command)
            case RoomExit():
                await services.exit(hub, connection, command)
            case RoomDelete():
                await services.delete(hub, connection, command)
            case RoomList():
                await self.node.lobby.list(connection, command)
            case _:
                assert_never(command)

    def _identify(self, connection: Connection, token: str | None) -> None:
        """Make the connection the visitor of a token, as which it counts from now on.

        With a cookie, or once it has joined, a connection stays who it is.

        Raises:
            Refusal: ``bad_field``, the token is forged or too old; ``banned``.
        """
        known: Visitor | None = connection.visitor
        if token is not None and not connection.cookie and not connection.seats:
            known = from_token(token)
        if known is None:
            raise Refusal("bad_field", "the token is forged or too old", field="token")
        if self.node.bans.keep_out(known, connection.address):
            raise Refusal("banned", "this visitor is banned from the site")
        if known.id != connection.visitor.id:
            self.node.visits.depart(connection.visitor.id)
            connection.visitor, connection.visit = known, self.node.visits.arrive(known.id)
            if connection.visit.connections > conf.connections_per_visitor:
                connection.close_soon(CLOSE_TOO_MANY)

    def _charge(self, command: AnyCommand) -> Refusal | None:
        """Take what a command costs; the refusal when there is not enough."""
        wait = self._wait(cost(command))
        return Refusal("too_fast", "too many frames in a short time", retryAfter=wait) if wait else None

    def _owe(self, tokens: int) -> None:
        """Take tokens, there or not, for what turned out to be dearer."""
        if self.frames is not None:
            self.frames.owe(tokens)

    def _wait(self, tokens: int = 1) -> int:
        return self.frames.retry_after_ms(tokens) if self.frames is not None else 0

    async def _count(self, refused: bool) -> None:
        """Slow down a client that goes on sending in spite of being told to, and close its connection in the end."""
        if not refused:
            return
        self.refused_in_a_row += 1
        if self.refused_in_a_row >= conf.flood_close and self.connection is not None:
            await self.connection.close(CLOSE_FLOODING)
        elif self.refused_in_a_row > PATIENCE:
            # Nothing more is read from it meanwhile, so what it sends in vain costs the others next to nothing.
            await asyncio.sleep(SLOW_SECONDS)


def _header(scope: dict[str, Any], name: bytes) -> str | None:
    return next((value.decode("latin1") for key, value in scope["headers"] if key == name), None)


def _is_own(origin: str, host: str | None) -> bool:
    """Whether an Origin is this site's: the host that was asked for, or one that the operator trusts."""
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        netloc = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    allowed = settings.ALLOWED_HOSTS or ([".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    return host is not None and netloc == host.lower() and validate_host(_domain(netloc), allowed)


def _domain(netloc: str) -> str:
    return netloc if netloc.endswith("]") else netloc.rsplit(":", 1)[0]
