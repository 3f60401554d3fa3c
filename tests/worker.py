"""One server process for the tests: the real server on a port of its own.

``LAYER_LOSS`` (0 to 1) is the share of messages between processes that are lost on the way, from ``LAYER_SEED``.
On SIGUSR1 it prints how many objects of connections there are, dead ones that nothing has collected yet among them.
"""

import gc
import os
import random
import signal
import sys
from typing import Any

from channels.layers import DEFAULT_CHANNEL_LAYER, channel_layers, get_channel_layer

from chatsite.asgi import application
from chatsite.server import Server
from rooms.node import stop_current
from rooms.relay import Layer


class LossyLayer:
    """A channel layer that loses a share of what is sent."""

    def __init__(self, layer: Layer, share: float, seed: int) -> None:
        self._layer = layer
        self._share = share
        self._draw = random.Random(seed)

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Send, or lose it."""
        if self._draw.random() >= self._share:
            await self._layer.send(channel, message)

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for the next message."""
        return await self._layer.receive(channel)

    async def flush(self) -> None:
        """Forget subscriptions and connections."""
        await self._layer.flush()


def count_connections(*_: object) -> None:
    """Print how much is left of connections."""
    kinds = ("ChatProtocol", "ChatConsumer", "Connection", "HTTPChannel", "PageRequest")
    print("left", sum(type(thing).__name__ in kinds for thing in gc.get_objects()), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, count_connections)
    if loss := float(os.environ.get("LAYER_LOSS", "0")):
        lossy = LossyLayer(get_channel_layer(), loss, int(os.environ.get("LAYER_SEED", "0")))
        channel_layers.set(DEFAULT_CHANNEL_LAYER, lossy)
    Server(application, [f"tcp:port={sys.argv[1]}:interface=127.0.0.1"], stop_current).run()
