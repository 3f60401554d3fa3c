"""One server process for the tests: the real server on a port of its own.

``LAYER_LOSS`` (0 to 1) is the share of messages between processes that are lost on the way, from ``LAYER_SEED``.
On SIGUSR1 it prints how many objects of connections there are, dead ones that nothing has collected yet among them.
"""

import gc
import os
import random
import signal
import sys

from rooms.process import stop_current

from chatsite.asgi import application
from chatsite.server import Server
from rooms.hub import Hub


def lose_messages(share: float, seed: int) -> None:
    """Make the hub's way to the other processes lose some of what is sent."""
    draw = random.Random(seed)
    send_abroad = Hub._send_abroad

    async def lossy(hub: Hub) -> None:
        for process in [name for name in hub._abroad if draw.random() < share]:
            del hub._abroad[process]
        await send_abroad(hub)

    Hub._send_abroad = lossy  # type: ignore[method-assign]


def count_connections(*_: object) -> None:
    """Print how much is left of connections."""
    kinds = ("ChatProtocol", "ChatConsumer", "Connection", "HTTPChannel", "WebRequest")
    print("left", sum(type(thing).__name__ in kinds for thing in gc.get_objects()), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, count_connections)
    if loss := float(os.environ.get("LAYER_LOSS", "0")):
        lose_messages(loss, int(os.environ.get("LAYER_SEED", "0")))
    Server(application, [f"tcp:port={sys.argv[1]}:interface=127.0.0.1"], stop_current).run()
