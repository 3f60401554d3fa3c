"""How the database is used outside of a page's request, and what is wrong when it cannot be.

Knows Django's connections; must not know what is in the database.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, OperationalError, ProgrammingError, close_old_connections, connections
from django.db import Error as DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

DATABASE_SECONDS = 2.5
"""How long anyone waits for the database before they are told that it is unavailable."""


def _checked_connection() -> BaseDatabaseWrapper:
    """This thread's connection, closed if it does not work any more."""
    close_old_connections()
    return connections[DEFAULT_DB_ALIAS]


def _cut(used: BaseDatabaseWrapper | None) -> None:
    """Cut a connection that a thread waits on in vain: nothing else would wake it, and others need the thread."""
    raw = getattr(used, "connection", None)
    # SQLite has none; psycopg's is -1 when it is closed already.
    with contextlib.suppress(Exception), socket.socket(fileno=os.dup(raw.fileno())) as line:  # type: ignore[union-attr]
        line.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def database() -> AsyncIterator[None]:
    """Use the database outside of a page's request, from a socket or the keeper.

    A request gives its connection back when it ends, and so looks whether it still works; nobody else does that.

    Raises:
        OperationalError: the database did not answer within ``DATABASE_SECONDS``. The query may still be carried out.
    """
    used: BaseDatabaseWrapper | None = None
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            used = await sync_to_async(_checked_connection)()
            yield
            await sync_to_async(close_old_connections)()
    except TimeoutError:
        _cut(used)
        raise OperationalError("the database did not answer in time") from None
    except DatabaseError:
        await sync_to_async(close_old_connections)()
        raise


def reason(problem: DatabaseError) -> str:
    """What is wrong with the database, for the log: it goes on where a sentence says "the database …"."""
    if isinstance(problem, ProgrammingError):
        return "lacks a table or a right; have the migrations been run?"
    text = str(problem)
    if "no such table" in text:
        return "lacks a table; have the migrations been run?"
    if "Too many open files" in text:
        return "cannot be opened: too many files are open in this process"
    return "does not answer in time" if "in time" in text or "timeout" in text else "cannot be reached"
