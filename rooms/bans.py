"""Bans from the whole site: who is kept away, and how one who is here is put out.

Knows models, visitors, the verbs and the live store's operations; must not know sockets or accounts. Every process has
the bans in force in memory and reads them again every few seconds, and at once when another says that one was made: so
no connection waits for the database.
"""

import asyncio
import contextlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Protocol

from django.utils import timezone

from rooms import moderation
from rooms.connection import Connection
from rooms.live.addresses import Address
from rooms.live.contract import RoomUnknown
from rooms.live.moderation import Inspect, Kick
from rooms.live.operations import person_in
from rooms.models import ADDRESS_HOURS, Ban, Host, database
from rooms.port import recorded
from rooms.protocol import CLOSE_BANNED, Refusal
from rooms.verbs import Doer
from rooms.visitors import Visitor

EXIT_SECONDS = 2.0
"""How long the connections of a banned visitor stay open for the events of their going."""


class Post(Doer, Protocol):
    """What making a ban needs of the hub."""

    async def announce_bans(self) -> None:
        """Have all nodes read the bans again at once."""


class HubPort(Post, Protocol):
    """What keeping banned visitors away needs of the hub."""

    connections: set[Connection]
    bans_changed: asyncio.Event


async def ban(
    hub: Post,
    visitor: str,
    reason: str,
    until: datetime | None,
    by: int | None = None,
    room_id: int | None = None,
    person: str = "",
    tag: str = "",
) -> Ban:
    """Keep a visitor away from the site; their connections end, and the rooms they host close.

    Args:
        hub: the hub.
        visitor: whom; "" when only ``room_id`` and ``person`` are known, as of the author of a reported line.
        reason: for the moderators.
        until: None for ever.
        by: the moderator's account.
        room_id: where they were met.
        person: as that room knows them.
        tag: their tag there.

    Raises:
        Refusal: ``unavailable``.
    """
    async with recorded("the ban cannot be written down now"):
        made = await Ban.objects.add_ban(visitor, reason, until, by, room_id, person, tag)
    await hub.announce_bans()
    if not visitor and room_id is not None:
        with contextlib.suppress(Refusal):
            people = await hub.do(Inspect(room_id))
            visitor = next((each.visitor_id for each in people if each.person == person), "")
            await _complete({made.id: visitor} if visitor else {})
    if visitor:
        await _put_out(hub, visitor, [])
    return made


async def lift(hub: Post, ban_id: int) -> Ban | None:
    """End a ban, and return it; None when it was over already.

    Raises:
        Refusal: ``unavailable``.
    """
    async with recorded("this cannot be written down now"):
        lifted = await Ban.objects.lift(ban_id)
    await hub.announce_bans()
    return lifted


class Bans:
    """The bans in force, as one node knows them.

    Args:
        hub: the node's hub.
    """

    def __init__(self, hub: HubPort) -> None:
        self.known = False
        """Whether they were read at all."""
        self._hub = hub
        self._visitors: dict[str, int] = {}
        """By visitor, the ban."""
        self._people: dict[tuple[int, str], int] = {}
        """By room and person, the bans of those whose visitor is not known."""
        self._addresses: dict[str, int] = {}
        """By address, from which time on identities are kept away that were made there, Unix time in ms."""
        self._met: dict[int, str] = {}
        """By ban, the visitor who turned out to be the one."""
        self._put_out: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def keep_out(self, visitor: Visitor, address: Address | None) -> bool:
        """Whether a visitor is banned, or has an identity that was made after a ban where the banned one was.

        Args:
            visitor: who it is.
            address: from where, if that counts.
        """
        if visitor.id in self._visitors:
            return True
        for (room_id, person), number in self._people.items():
            if person_in(room_id, visitor.id) == person:
                self._visitors[visitor.id], self._met[number] = number, visitor.id
                self._hub.bans_changed.set()
                return True
        names = (address.name, address.before) if address is not None and self._addresses else ()
        return any(name in self._addresses and visitor.made_at > self._addresses[name] for name in names)

    async def read(self) -> None:
        """Read the bans, and put out whom a new one names.

        Raises:
            DatabaseError: they cannot be read.
        """
        self._hub.bans_changed.clear()
        met, self._met = self._met, {}
        async with database():
            await _complete(met)
            bans = [each async for each in Ban.objects.in_force()]
        young = timezone.now() - timedelta(hours=ADDRESS_HOURS)
        self._visitors = {each.visitor: each.id for each in bans if each.visitor}
        self._people = {(each.room_id or 0, each.person): each.id for each in bans if not each.visitor}
        # The latest come first, so that the oldest ban of an address counts.
        self._addresses = {
            each.address: int(each.at.timestamp() * 1000) for each in bans if each.address and each.at > young
        }
        self.known = True
        for connection in self._hub.connections if self._people else ():
            self.keep_out(connection.visitor, None)
        self._enforce()

    def _enforce(self) -> None:
        """End the connections here of those whom a ban names that was not known before."""
        new = self._visitors.keys() - self._put_out
        self._put_out = set(self._visitors)
        theirs: dict[str, list[Connection]] = {}
        for connection in self._hub.connections if new else ():
            if connection.visitor.id in new:
                theirs.setdefault(connection.visitor.id, []).append(connection)
        for visitor, connections in theirs.items():
            task = asyncio.get_running_loop().create_task(self._end(visitor, connections))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _end(self, visitor: str, connections: Collection[Connection]) -> None:
        await _put_out(self._hub, visitor, {room_id for each in connections for room_id, _ in each.seats})
        deadline = asyncio.get_running_loop().time() + EXIT_SECONDS
        while any(each.seats and not each.closed for each in connections):
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.02)
        address = next((each.address.name for each in connections if each.address is not None), "")
        if address:
            with contextlib.suppress(Refusal):
                async with recorded("the address cannot be written down"):
                    await Ban.objects.in_force().filter(visitor=visitor, address="").aupdate(address=address)
            self._hub.bans_changed.set()
        for connection in connections:
            await connection.close(CLOSE_BANNED)

    async def stop(self) -> None:
        """Wait until those who are being put out have gone."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _complete(met: dict[int, str]) -> None:
    for number, visitor in met.items():
        await Ban.objects.filter(id=number, visitor="").aupdate(visitor=visitor)


async def _put_out(hub: Doer, visitor: str, room_ids: Collection[int]) -> None:
    """Put a visitor out of rooms and of those they host, which close; several processes may do so at once."""
    with contextlib.suppress(Refusal):
        hosted: list[int] = []
        async with recorded("their rooms cannot be looked up"):
            hosted = [each async for each in Host.objects.filter(visitor=visitor).values_list("room_id", flat=True)]
        for room_id in {*room_ids, *hosted}:
            closing = room_id in hosted
            try:
                kicked = await hub.do(Kick(room_id, moderation.moderator(), "", visitor, block=False))
                closing = closing or kicked.closing
            except RoomUnknown:
                pass
            except Refusal as problem:
                if problem.error == "unavailable":
                    raise
            if closing:
                await moderation.close(hub, room_id)
