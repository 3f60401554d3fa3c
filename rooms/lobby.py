"""The watched list of rooms: what each change of it is, told to those who watch it.

Knows connections, the protocol and the live store's ``lobby``; must not know models or services. A node that has
watchers reads the list at most twice a second and sends them the difference: nothing travels between nodes, so nothing
can get out of step (docs/architecture.md).
"""

import asyncio
import contextlib
import math
import time

from msgspec import UNSET

from rooms.conf import conf
from rooms.connection import Connection
from rooms.live.contract import LiveStore, Lobby, LobbyRoom, StoreUnavailable
from rooms.protocol import ListedRoom, Refusal, RoomList, RoomListed, RoomUpdate, body, encode, with_ref


class LobbyWatch:
    """The watchers of this node."""

    def __init__(self, store: LiveStore) -> None:
        self._store = store
        self._watchers: set[Connection] = set()
        self._shown = Lobby([], 0)
        self._text = ""
        """The same as an answer, without its closing brace."""
        self._read_at = -math.inf
        self._watching: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None

    async def current(self) -> Lobby:
        """The list, at most ``ROOMS_LOBBY_PERIOD`` old: however many ask, it is read once in that time.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        if self._reading is None and time.monotonic() - self._read_at >= conf.lobby_period:
            self._reading = asyncio.get_running_loop().create_task(self._read())
        if self._reading is not None:
            # Whoever gives up waiting takes it from nobody else.
            await asyncio.shield(self._reading)
        return self._shown

    async def list(self, connection: Connection, command: RoomList) -> None:
        """Answer with the list, and go on or stop telling of its changes.

        Raises:
            Refusal: ``unavailable``.
        """
        self.forget(connection)
        try:
            await self.current()
        except StoreUnavailable:
            raise Refusal("unavailable", "the list of rooms cannot be read now") from None
        # A watcher starts from what the others were shown, or the next difference would mislead them.
        connection.write(with_ref(self._text, command.ref))
        if command.watch and not connection.closed:
            self._watchers.add(connection)
            if self._watching is None:
                self._watching = asyncio.get_running_loop().create_task(self._watch())

    def forget(self, connection: Connection) -> None:
        """Tell a connection no more."""
        self._watchers.discard(connection)

    async def stop(self) -> None:
        """End the watching."""
        self._watchers.clear()
        for task in (self._watching, self._reading):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        try:
            while self._watchers:
                await asyncio.sleep(conf.lobby_period)
                with contextlib.suppress(StoreUnavailable):
                    await self.current()
        finally:
            self._watching = None

    async def _read(self) -> None:
        """Read the list; those who watch are told what is different from what they were shown."""
        try:
            before, after = self._shown, await self._store.lobby(conf.lobby_size)
        finally:
            self._reading = None
        self._read_at = time.monotonic()
        if after == before and self._text:
            return
        self._shown = after
        self._text = body(RoomListed([_listed(room) for room in after.rooms], after.total))
        update = difference(before, after)
        if update is not None:
            text = encode(update)
            for connection in self._watchers:
                connection.write(text)


def difference(before: Lobby, after: Lobby) -> RoomUpdate | None:
    """What to tell someone who was shown ``before``, or None when nothing has changed."""
    old = {room.room_id: room for room in before.rooms}
    new = {room.room_id: room for room in after.rooms}
    changed = [_listed(room) for room in after.rooms if old.get(room.room_id) != room]
    removed = [room for room in old if room not in new]
    if not changed and not removed and before.total == after.total:
        return None
    return RoomUpdate(changed, removed, after.total)


def _listed(room: LobbyRoom) -> ListedRoom:
    about = (room.room_id, room.name, room.topic, room.host, room.participants, room.locked, room.created_at)
    return ListedRoom(*about, room.later or UNSET)
