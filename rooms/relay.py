"""The way between nodes: events go to the nodes that have people in a room, and come in from theirs.

Knows the channel layer; must not know rooms, connections or the store: what comes in is handed to ``deliver``. The
layer may lose messages, delay them and change their order; whoever takes the events in notices (``order``).
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from rooms.live.operations import Event

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1
"""How long the relay waits before it listens again after the layer failed."""
PING_SECONDS = 5
"""How often the relay sends a message to itself; a subscription may be dead without a word."""
SILENCE_SECONDS = 12
"""After how long without any message the subscription counts as dead."""
FLUSH_SECONDS = 6
"""How long a dead subscription may take to be given up."""
BANS = {"type": "hub.bans"}
ALL_NODES = "rooms.nodes"
"""The layer's group of all nodes."""
CANCEL_SECONDS = 0.1
"""After how long a task that does not end is cancelled again."""


class Layer(Protocol):
    """What is needed of a channel layer."""

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Send to one channel."""

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for the next message of a channel."""

    async def flush(self) -> None:
        """Forget subscriptions and connections."""

    async def group_add(self, group: str, channel: str) -> None:
        """Have a channel get what is sent to a group."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send to all channels of a group."""


async def announce_bans(layer: Layer) -> None:
    """Tell all nodes that a ban was made or lifted; if that is lost, they find out when they read the bans again."""
    try:
        await layer.group_send(ALL_NODES, BANS)
    except Exception as problem:
        logger.debug("a layer message was not sent: %s", type(problem).__name__)


class Relay:
    """This node's end of the way.

    Args:
        layer: the channel layer.
        node_id: the name of this node, which is its channel.
        deliver: takes in an event that another node has sent.
        on_bans: called when one says that a ban was made or lifted.
    """

    def __init__(
        self, layer: Layer, node_id: str, deliver: Callable[[Event], None], on_bans: Callable[[], None]
    ) -> None:
        self._layer = layer
        self._node_id = node_id
        self._deliver = deliver
        self._on_bans = on_bans
        self._remote: dict[str, list[list[Any]]] = {}
        """By node, the events to be sent: room, seq, text, end of each, and who is put out if anyone is."""
        self._heard_at = 0.0
        self._failing = False
        """Whether the last attempt to hear something failed."""
        self._sent = False
        """Whether the last message to this node itself could be sent."""
        self._sending: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        self._listening = loop.create_task(self._listen())
        self._watching = loop.create_task(self._watch())

    async def stop(self) -> None:
        """Listen and send no more."""
        for task in (self._watching, self._listening, self._sending):
            await _cancel(task)

    def publish(self, event: Event) -> None:
        """Send an event to the other nodes among its recipients; all that is published in one turn goes together."""
        out = [event.out] if event.out else []
        for node_id in event.recipients:
            if node_id != self._node_id:
                self._remote.setdefault(node_id, []).append([event.room_id, event.seq, event.text, event.end, *out])
        if self._remote and self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send())

    async def announce_bans(self) -> None:
        """Tell all nodes that a ban was made or lifted."""
        await announce_bans(self._layer)

    async def _send(self) -> None:
        try:
            while self._remote:
                remote, self._remote = self._remote, {}
                for node_id, events in remote.items():
                    try:
                        await self._layer.send(node_id, {"type": "hub.events", "events": events})
                    except Exception as problem:
                        # The layer may lose messages: the others notice the gap and read the store.
                        logger.debug("a layer message was not sent: %s", type(problem).__name__)
        finally:
            self._sending = None

    async def _listen(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._node_id)
            except Exception as problem:
                level = logging.DEBUG if self._failing else logging.WARNING
                logger.log(level, "the subscription to the other processes' messages broke; subscribing anew")
                logger.debug("the layer cannot be heard: %s", type(problem).__name__)
                self._failing = True
                await self._resubscribe()
                continue
            self._heard_at = asyncio.get_running_loop().time()
            self._failing = False
            if message["type"] == "hub.events":
                self._take_in(message)
            elif message["type"] == "hub.bans":
                self._on_bans()

    def _take_in(self, message: dict[str, Any]) -> None:
        try:
            events = [
                Event(room_id, seq, text, end=end, out=out[0] if out else "")
                for room_id, seq, text, end, *out in message["events"]
            ]
        except (KeyError, TypeError, ValueError):
            # A node of another version: its events are missing here, which is noticed like a lost message.
            logger.warning("a message of another server process was not understood; do all run the same version?")
            return
        for event in events:
            self._deliver(event)

    async def _watch(self) -> None:
        """See that what is sent to this node arrives; if not, subscribe anew."""
        loop = asyncio.get_running_loop()
        while True:
            await self._be_in_group()
            await asyncio.sleep(PING_SECONDS)
            if loop.time() - self._heard_at > SILENCE_SECONDS:
                # Where nothing can be sent either the whole layer is away, of which others speak.
                level = logging.WARNING if self._sent else logging.DEBUG
                logger.log(level, "the subscription to the other processes' messages is dead; subscribing anew")
                await self._start_over()
                self._heard_at = loop.time()
            self._sent = False
            try:
                await self._layer.send(self._node_id, {"type": "hub.ping"})
                self._sent = True
            except Exception as problem:
                # With the layer away there is nothing to be heard, and ``_listen`` tries again by itself.
                logger.debug("the layer cannot be asked: %s", type(problem).__name__)

    async def _be_in_group(self) -> None:
        try:
            await self._layer.group_add(ALL_NODES, self._node_id)
        except Exception as problem:
            # The layer is away, or does not know this node's channel yet: it is tried again.
            logger.debug("the group of all nodes cannot be joined: %s", type(problem).__name__)

    async def _start_over(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await _cancel(self._listening)
                await self._layer.flush()
        except Exception as problem:
            logger.debug("a subscription could not be given up: %s", type(problem).__name__)
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def _resubscribe(self) -> None:
        """Let the layer forget a subscription that failed, which only a cancelled ``receive`` makes it do."""
        receiving = asyncio.ensure_future(self._layer.receive(self._node_id))
        await asyncio.sleep(0)
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        await asyncio.sleep(RETRY_SECONDS)


async def _cancel(task: asyncio.Task[None] | None) -> None:
    # More than once: redis-py writes in a ``wait_for``, which can lose a cancellation before Python 3.12.
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_SECONDS)
