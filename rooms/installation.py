"""Which installation this process belongs to, read once.

Knows the model and the visitors; must not know the live store or sockets.
"""

from asgiref.sync import sync_to_async

from rooms import visitors
from rooms.models import Installation, database

_known: Installation | None = None


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
