"""The live store held against the database, by one node for all, in pieces.

Knows the hub, the services, the live store and the models; must not know consumers or how often it is done. A piece is
small enough that nobody's line waits for it, and with very many rooms a pass takes its time.
"""

import asyncio
import logging
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError
from django.utils import timezone

from rooms import services
from rooms.conf import conf
from rooms.hub import Hub
from rooms.live.contract import LiveStore
from rooms.live.operations import BeginDelete, Create
from rooms.models import Ended, Room, database, forget
from rooms.protocol import Refusal

logger = logging.getLogger(__name__)

PIECE = 500
"""Rooms that are looked at in one piece."""
PAUSE_SECONDS = 0.5
"""Between two pieces."""
RECORD_DAYS = 1
"""How long it is known that a room's row was deleted."""


class Census:
    """Looks at all rooms."""

    def __init__(self, store: LiveStore, hub: Hub) -> None:
        self._store = store
        self._hub = hub

    async def take(self) -> None:
        """One pass, unless another node is at it.

        Deletions left half done are finished. A room whose row was deleted ends; one whose row is missing without that
        gets it back: the database was restored from an older dump. A row that the store does not know is opened again,
        its host having the grace to come back.

        Raises:
            StoreUnavailable, Refusal, DatabaseError: it is to be tried again.
        """
        if not await self._is_ours():
            return
        cursor = ""
        while True:
            # The store first: a room is in the database before it is live, so one that has no row now has lost it.
            page = await self._store.list_rooms(int(conf.reconcile * 1000), cursor)
            for room_id in page.closing:
                await services.finish_delete(self._hub, room_id)
            await self._look_at_live(page.open)
            cursor = page.next
            if not cursor:
                break
            await self._pause()
        await self._look_at_rows()
        async with database():
            await Ended.objects.filter(at__lt=timezone.now() - timedelta(days=RECORD_DAYS)).adelete()
            await forget(conf.report_days)

    async def _is_ours(self) -> bool:
        # Until the next pass or piece is due, and no longer: if this node dies, another takes over then.
        return await self._store.lead("census", self._hub.node_id, int((conf.reconcile + PAUSE_SECONDS) * 1000))

    async def _pause(self) -> None:
        await asyncio.sleep(PAUSE_SECONDS)
        await self._is_ours()

    # --- live rooms without a row -------------------------------------------------------------------------------------

    async def _look_at_live(self, room_ids: Collection[int]) -> None:
        async with database():
            rows = {room async for room in Room.objects.filter(id__in=room_ids).values_list("id", flat=True)}
            without = set(room_ids) - rows
            ended = {room async for room in Ended.objects.filter(room_id__in=without).values_list("room_id", flat=True)}
        given_back = 0
        for room_id in without:
            described = None if room_id in ended else await self._store.describe(room_id)
            if described is not None and await self._give_back(described):
                given_back += 1
            else:
                await self._end(room_id)
        if given_back:
            logger.warning(
                "%d open rooms had no row and got it back; was the database restored from an older dump?", given_back
            )

    async def _give_back(self, room: Create) -> bool:
        """Write a live room's row again; False when its name is another room's by now."""
        try:
            async with database():
                if room.host is None:
                    await Room.objects.acreate(id=room.room_id, name=room.name, listed=room.listed)
                else:
                    host = room.host
                    await Room.objects.create_with_host(
                        room.room_id, room.name, room.listed, host.visitor_id, host.nick, host.tag
                    )
                opened = datetime.fromtimestamp(room.created_at / 1000, UTC)
                rules = {"topic": room.rules.topic, "locked": room.rules.locked, "slow": room.rules.slow}
                await Room.objects.filter(id=room.room_id).aupdate(created_at=opened, **rules)
        except IntegrityError:
            return False
        return True

    async def _end(self, room_id: int) -> None:
        try:
            await self._hub.do(BeginDelete(room_id, "moderator"))
        except Refusal as problem:
            if problem.error != "room_not_found":
                raise
            return
        await services.finish_delete(self._hub, room_id)

    # --- rows without a live room -------------------------------------------------------------------------------------

    async def _look_at_rows(self) -> None:
        last = 0
        while True:
            async with database():
                rows = Room.objects.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:PIECE]
                room_ids = [room_id async for room_id in rows]
            if unknown := await self._store.unknown(room_ids):
                await self._open_again(unknown)
            if len(room_ids) < PIECE:
                return
            last = room_ids[-1]
            await self._pause()

    async def _open_again(self, unknown: set[int]) -> None:
        # A room that is just being made is in the database first.
        cutoff = timezone.now() - timedelta(seconds=conf.reconcile)
        async with database():
            found = Room.objects.whole().filter(id__in=unknown, created_at__lt=cutoff)
            rooms = [room async for room in found]
        for room in rooms:
            try:
                await self._hub.do(services.create_operation(room, held=False))
            except Refusal as problem:
                if problem.error != "room_not_found":
                    raise
                # It was deleted live, and its row was left behind.
                async with database():
                    await Room.objects.filter(id=room.id).adelete()
