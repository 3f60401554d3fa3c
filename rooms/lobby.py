"""The watched list of rooms: what each change of it is, told to those who watch it.

Knows connections, the protocol and the live store's ``lobby``; must not know models or services. A node that has
watchers reads the list at most twice a second and sends them the difference: nothing travels between nodes, so nothing
can get out of step (docs/architecture.md).
"""

import asyncio
import logging

from msgspec import UNSET

from rooms.conf import conf
from rooms.connection import Connection
from rooms.live.contract import LiveStore, Lobby, LobbyRoom, StoreUnavailable
from rooms.protocol import ListedRoom, Refusal, RoomList, RoomListed, RoomUpdate, encode

logger = logging.getLogger(__name__)


class LobbyWatch:
    """The watchers of this node."""

    def __init__(self, store: LiveStore) -> None:
        self._store = store
        self._watchers: set[Connection] = set()
        self._shown = Lobby([], 0)
        self._task: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()

    async def list(self, connection: Connection, command: RoomList) -> None:
        """Answer with the list, and go on or stop telling of its changes.

        Raises:
            Refusal: ``unavailable``.
        """
        self.forget(connection)
        try:
            if not command.watch:
                shown = await self._store.lobby(conf.lobby_size)
            else:
                # A watcher must start from what the others were shown, or the next difference would mislead them.
                if not self._watchers:
                    await self._refresh()
                shown = self._shown
        except StoreUnavailable:
            raise Refusal("unavailable", "the list of rooms cannot be read now") from None
        connection.write(
            encode(RoomListed([_listed(room) for room in shown.rooms], shown.total, ref=command.ref or UNSET))
        )
        if command.watch and not connection.closed:
            self._watchers.add(connection)
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._watch())

    def forget(self, connection: Connection) -> None:
        """Tell a connection no more."""
        self._watchers.discard(connection)

    async def stop(self) -> None:
        """End the watching."""
        self._watchers.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        try:
            while self._watchers:
                await asyncio.sleep(conf.lobby_period)
                try:
                    await self._refresh()
                except StoreUnavailable:
                    continue
        finally:
            self._task = None

    async def _refresh(self) -> None:
        """Read the list; those who watch are told what is different from what they were shown."""
        async with self._reading:
            before, after = self._shown, await self._store.lobby(conf.lobby_size)
            self._shown = after
            update = difference(before, after)
            if update is not None and self._watchers:
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
    return ListedRoom(room.room_id, room.name, room.host, room.participants, room.locked, room.created_at)
