"""One server process as the others see it, a *node*: its live store, hub, keeper and list of rooms, put together.

Knows how the parts fit; must not know messages or rules. It starts with the first thing that needs it (a page or a
socket), in the event loop that runs then: daphne has no start-up event to do it in.
"""

import asyncio
import contextvars
import secrets
import weakref
from typing import cast

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError

from rooms import installation
from rooms.bans import Bans
from rooms.conf import conf
from rooms.flood import Visits
from rooms.gate import Gate
from rooms.hub import Hub
from rooms.keeper import Keeper
from rooms.live.contract import LiveStore, StoreUnavailable
from rooms.live.memory import MemoryStore
from rooms.live.redis import RedisStore
from rooms.lobby import LobbyWatch
from rooms.relay import Layer


class Node:
    """The parts of one node."""

    def __init__(self, store: LiveStore, layer: Layer) -> None:
        self.store = store
        self.hub = Hub(store, layer, f"rooms.hub.{secrets.token_hex(8)}")
        self.gate = Gate(store, self.hub)
        self.bans = Bans(self.hub)
        self.keeper = Keeper(store, self.hub, self.gate, self.bans)
        self.lobby = LobbyWatch(store)
        self.visits = Visits()

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        self.hub.start()
        self.gate.start()
        self.keeper.start()

    async def ready(self) -> bool:
        """Whether this node knows its installation, without which nobody can be told from others, and who is banned."""
        try:
            await installation.current()
            if not self.bans.known:
                await self.bans.read()
        except DatabaseError:
            return False
        return True

    async def stop(self) -> None:
        """End in good order: the clients are told to come back, their people are given their grace."""
        await self.gate.stop()
        await self.lobby.stop()
        await self.keeper.stop()
        await self.bans.stop()
        await self.hub.stop()
        await self.keeper.release()
        await self.store.close()


_nodes: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Node]" = weakref.WeakKeyDictionary()


def current() -> Node:
    """The node of the running event loop, started if it was not."""
    loop = asyncio.get_running_loop()
    node = _nodes.get(loop)
    if node is None:
        node = _nodes[loop] = Node(new_store(), cast(Layer, get_channel_layer()))
        # In a context of its own: that of a page's request dies with the request, and asgiref's threads with it.
        contextvars.Context().run(node.start)
    return node


async def stop_current() -> None:
    """Stop the node of the running event loop, if it was started."""
    node = _nodes.get(asyncio.get_running_loop())
    if node is not None:
        await node.stop()


def new_store() -> LiveStore:
    """The live store that the settings ask for."""
    limits = conf.history, int(conf.history_age * 1000), int(conf.ref_age * 1000)
    if not settings.REDIS_URL:
        return MemoryStore(*limits)
    return RedisStore(settings.REDIS_URL, *limits, settings.REDIS_PREFIX, _installation_id)


async def _installation_id() -> str:
    try:
        return await installation.hold()
    except DatabaseError:
        raise StoreUnavailable("cannot be used before the database has told which installation this is") from None
