"""A server process: a loop of its own with a real node in it, its ways to the store and the layer, and its sockets.

Knows the node and the consumer; must not know who is at the other end of a socket. A killed process is cut off first,
and then lets go of everything, so that nothing of it is left to surprise a later schedule.
"""

import asyncio
import contextvars
import logging
from random import Random
from typing import Any

from rooms import node
from rooms.consumers import ChatConsumer
from rooms.node import Node
from tests.world.faults import Faults
from tests.world.history import History
from tests.world.loop import Clock, Loop
from tests.world.store import Link, Server

LAYER_FAULTS = ("layer drops", "layer delays", "layer repeats")
STOP_SECONDS = 1.0
"""So long a process may take to end in good order."""


class Layer:
    """The channel layer of all processes: what is sent on it may be lost, late, repeated or overtaken."""

    def __init__(self, clock: Clock, faults: Faults, draw: Random) -> None:
        self._clock = clock
        self._faults = faults
        self._draw = draw
        self._slowest = draw.choice([0.005, 0.02, 0.1])
        self._queues: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._groups: dict[str, set[str]] = {}

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        times, slowest = 1, self._slowest
        match self._faults.strikes(LAYER_FAULTS):
            case "layer drops":
                return
            case "layer delays":
                slowest = 0.6
            case "layer repeats":
                times, slowest = 2, 0.2
        for _ in range(times):
            self._clock.after(self._draw.uniform(0.0005, slowest), self._deliver, channel, message)

    def _deliver(self, channel: str, message: dict[str, Any]) -> None:
        if channel in self._queues:
            self._queues[channel].put_nowait(message)

    async def receive(self, channel: str) -> dict[str, Any]:
        return await self._queues.setdefault(channel, asyncio.Queue()).get()

    async def flush(self) -> None:
        pass

    async def group_add(self, group: str, channel: str) -> None:
        self._groups.setdefault(group, set()).add(channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        for channel in sorted(self._groups.get(group, ())):
            await self.send(channel, message)

    def forget(self, channel: str) -> None:
        """Nobody listens there any more."""
        self._queues.pop(channel, None)


class Process:
    """One server process, begun anew after each end.

    Args:
        place: its number, which stays the same.
    """

    def __init__(self, place: int, clock: Clock, server: Server, layer: Layer, history: History) -> None:
        self.place = place
        self._clock = clock
        self._history = history
        self._layer = layer
        self.alive = True
        self.sockets: list[Socket] = []
        self.loop = Loop(clock)
        self.link = Link(server, place, self.loop)
        self.node = Node(self.link, layer)
        node._nodes[self.loop] = self.node
        with self.loop.running():
            contextvars.Context().run(self.node.start)
        history.trace("process", place, "begins as", self.node.hub.node_id)

    @property
    def responsive(self) -> bool:
        """Whether it is neither dead nor stopped."""
        return self.alive and self.loop.frozen_until <= self._clock.now

    def freeze(self, seconds: float) -> None:
        """Stop it for a while."""
        self.loop.frozen_until = max(self.loop.frozen_until, self._clock.now + seconds)

    def kill(self) -> None:
        """End it, in the middle of whatever it is doing."""
        if not self.alive:
            return
        self._history.trace("process", self.place, "is dead")
        self.alive = False
        self.link.cut = True
        self._layer.forget(self.node.hub.node_id)
        for socket in list(self.sockets):
            socket.server_gone()
        logging.disable(logging.CRITICAL)
        try:
            self.loop.end()
        finally:
            logging.disable(logging.NOTSET)
        del node._nodes[self.loop]

    def terminate(self) -> None:
        """Let it end in good order, or kill it when it takes too long."""
        if self.alive:
            task = self.loop.create_task(self.node.stop())
            task.add_done_callback(lambda _: self._clock.after(0, self.kill))
            self._clock.after(STOP_SECONDS, self.kill)


class Socket:
    """The server's end of a connection.

    Args:
        headers: of the handshake.
        quick: whether the server offers its quick ways in and out.
        peer: the other end.
    """

    def __init__(self, process: Process, headers: list[tuple[bytes, bytes]], quick: bool, peer: Any) -> None:
        self._process = process
        self._peer = peer
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._extension: dict[str, Any] = {"write": self._write, "receive": None}
        extensions = {"websocket.frames": self._extension} if quick else {}
        scope = {"type": "websocket", "path": "/ws/", "headers": headers, "extensions": extensions}
        self._queue.put_nowait({"type": "websocket.connect"})
        process.sockets.append(self)
        task = process.loop.create_task(ChatConsumer()(scope, self._queue.get, self._send))
        task.add_done_callback(self._ended)

    @property
    def served(self) -> bool:
        """Whether the process still serves it."""
        return self in self._process.sockets

    @property
    def responsive(self) -> bool:
        """Whether an answer can be expected."""
        return self._process.responsive

    @property
    def place(self) -> int:
        """Which process it is with."""
        return self._process.place

    def receive(self, text: str) -> None:
        """A frame has arrived."""
        if self.served and self._process.alive:
            self._process.loop.call_soon(self._take_in, text)

    def _take_in(self, text: str) -> None:
        quick = self._extension["receive"]
        if quick is None or not self._queue.empty() or not quick(text):
            self._queue.put_nowait({"type": "websocket.receive", "text": text})

    def disconnect(self) -> None:
        """The server notices that the other end is gone."""
        if self.served and self._process.alive:
            message = {"type": "websocket.disconnect", "code": 1006}
            self._process.loop.call_soon(self._queue.put_nowait, message)

    def server_gone(self) -> None:
        """The process is dead."""
        self._process.sockets.remove(self)
        self._peer.closed(1006)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self.served:
            self._process.sockets.remove(self)
            self._peer.closed(1006)
        if not task.cancelled() and task.exception() is not None:
            self._process._history.violation(f"a consumer ended with {task.exception()!r}")

    async def _send(self, message: dict[str, Any]) -> None:
        if not self.served:
            return
        match message["type"]:
            case "websocket.accept":
                self._peer.accepted()
            case "websocket.send":
                self._peer.frame(message["text"])
            case "websocket.close":
                self._peer.closed(message.get("code", 1000))
                self.disconnect()

    def _write(self, data: bytes) -> None:
        for text in texts(data) if self.served else ():
            self._peer.frame(text)


def texts(data: bytes) -> list[str]:
    """The texts of whole, unmasked frames."""
    found: list[str] = []
    start = 0
    while start < len(data):
        size, start = data[start + 1], start + 2
        if size > 125:
            width = 2 if size == 126 else 8
            size, start = int.from_bytes(data[start : start + width], "big"), start + width
        found.append(data[start : start + size].decode())
        start += size
    return found
