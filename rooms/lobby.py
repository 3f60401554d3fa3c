"""The watched list of rooms: what each change of it is, told to those who watch.

Knows links, the protocol and the live store's ``lobby``; must not know models or services. A process that has watchers
reads the list at most twice a second and sends them the difference: nothing travels between processes, so nothing can
get out of step (docs/architecture.md).
"""

import asyncio
import logging

from msgspec import UNSET

from rooms.conf import conf
from rooms.link import Link
from rooms.live.contract import LiveStore, Lobby, LobbyRoom, StoreUnavailable
from rooms.protocol import ListedRoom, Refusal, RoomList, RoomListed, RoomUpdate, encode

logger = logging.getLogger(__name__)


class LobbyWatch:
    """The watchers of this process."""

    def __init__(self, store: LiveStore) -> None:
        self._store = store
        self._watchers: set[Link] = set()
        self._shown = Lobby([], 0)
        self._task: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()

    async def list(self, link: Link, command: RoomList) -> None:
        """Answer with the list, and go on or stop telling of its changes.

        Raises:
            Refusal: ``unavailable``.
        """
        self.forget(link)
        try:
            if not command.watch:
                shown = await self._store.lobby(conf.lobby_size)
            else:
                # Who watches must start from what the others were shown, or the next difference would mislead them.
                if not self._watchers:
                    await self._refresh()
                shown = self._shown
        except StoreUnavailable:
            raise Refusal("unavailable", "the list of rooms cannot be read now") from None
        link.write(encode(RoomListed([_listed(room) for room in shown.rooms], shown.total, ref=command.ref or UNSET)))
        if command.watch and not link.closed:
            self._watchers.add(link)
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._watch())

    def forget(self, link: Link) -> None:
        """Tell a link no more."""
        self._watchers.discard(link)

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
                for link in self._watchers:
                    link.write(text)


def difference(before: Lobby, after: Lobby) -> RoomUpdate | None:
    """What to tell someone who was shown ``before``, or None when nothing has changed."""
    old = {room.room: room for room in before.rooms}
    new = {room.room: room for room in after.rooms}
    changed = [_listed(room) for room in after.rooms if old.get(room.room) != room]
    removed = [room for room in old if room not in new]
    if not changed and not removed and before.total == after.total:
        return None
    return RoomUpdate(changed, removed, after.total)


def _listed(room: LobbyRoom) -> ListedRoom:
    return ListedRoom(room.room, room.name, room.host, room.participants, room.locked, room.created_at)
