"""Which installation this process belongs to, read once, and whether this database is the one that has it.

Knows the model, the visitors and who holds an installation; of the live store only that it may not be used.
"""

import asyncio

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from redis.exceptions import RedisError

from rooms import claim, visitors
from rooms.live.contract import StoreUnavailable
from rooms.models import Installation, database

_known: Installation | None = None
_home = ""


async def current() -> Installation:
    """This installation; the first caller reads it, and gives the visitors their key.

    Raises:
        DatabaseError: the database cannot be used.
    """
    global _known
    if _known is None:
        async with database():
            found = await sync_to_async(Installation.current)()
        visitors.use_key(bytes.fromhex(found.key))
        _known = found
    return _known


async def hold() -> str:
    """Hold this installation for this database, where Redis is used at all; returns its id.

    Raises:
        DatabaseError: the database cannot be used.
        StoreUnavailable: another database has it, or Redis cannot be asked.
    """
    global _home
    found = (await current()).id
    if not settings.REDIS_URL:
        return found
    if not _home:
        async with database():
            _home = await sync_to_async(lambda: claim.home(connection))()
    try:
        holder = await asyncio.to_thread(claim.hold, found, _home)
    except (RedisError, OSError):
        raise StoreUnavailable from None
    if holder != _home:
        raise StoreUnavailable("belongs to the database that this one is a copy of (see manage.py installation)")
    return found
