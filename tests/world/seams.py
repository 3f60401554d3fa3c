"""The seams between the program and everything that is not determined by a seed: clocks, chance, threads, the database.

While a world runs, the time is the world's, chance is drawn from the seed, and what would use the database in a thread
does so at once, on SQLite. Knows nothing of what the world is about.
"""

import asyncio
import contextlib
import datetime
import logging
import random
import secrets
import sys
import time
from asyncio import events
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from django.db import OperationalError, close_old_connections
from django.test import override_settings

from rooms import installation, visitors
from rooms.connection import Connection
from rooms.models import Installation
from tests.world.faults import Faults
from tests.world.history import START, History
from tests.world.limits import SETTINGS
from tests.world.loop import Clock


class NumberedConnection(Connection):
    """A connection whose place in a set does not depend on where in memory it is."""

    __slots__ = ("_number",)
    made = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        NumberedConnection.made += 1
        self._number = NumberedConnection.made

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class ErrorsAreViolations(logging.Handler):
    """An error in the log is a fault of ours."""

    def __init__(self, history: History) -> None:
        super().__init__(logging.ERROR)
        self._history = history

    def emit(self, record: logging.LogRecord) -> None:
        problem = record.exc_info[1] if record.exc_info else None
        self._history.violation(f"in the log: {record.getMessage()}: {problem!r}")


def inline(faults: Faults, draw: random.Random) -> Callable[..., Any]:
    """In place of ``sync_to_async``: what it makes runs in the loop's own thread."""

    def sync_to_async(function: Callable[..., Any], **_: Any) -> Callable[..., Any]:
        async def call(*arguments: Any, **named: Any) -> Any:
            if function is close_old_connections:
                return None
            fault = faults.strikes(("database lost",))
            if fault is not None and draw.random() < 0.5:
                raise OperationalError("could not connect")
            if (still := faults.until("database hangs") - time.monotonic()) > 1e-6:
                await asyncio.sleep(still)
            # As in a thread, where no event loop runs: what a query needs of this thread is the thread's own.
            loop = asyncio.get_running_loop()
            events._set_running_loop(None)
            try:
                found = function(*arguments, **named)
            finally:
                events._set_running_loop(loop)
            if fault is not None:
                raise OperationalError("the connection was lost, and the answer with it")
            return found

        return call

    return sync_to_async


@contextlib.contextmanager
def seams(clock: Clock, faults: Faults, history: History, draw: random.Random) -> Iterator[None]:
    """Let the world be all there is."""

    def now() -> float:
        return START + clock.now

    def aware_now() -> datetime.datetime:
        return datetime.datetime.fromtimestamp(now(), datetime.UTC)

    threads = inline(faults, draw)
    logger = logging.getLogger("rooms")
    handler = ErrorsAreViolations(history)
    level = logger.level
    NumberedConnection.made = 0
    with contextlib.ExitStack() as stack:
        rooms = {f"ROOMS_{name}": value for name, value in SETTINGS.items()}
        stack.enter_context(override_settings(ALLOWED_HOSTS=["localhost"], **rooms))
        for owner, name, value in (
            (time, "time", now),
            (time, "monotonic", lambda: clock.now),
            (secrets, "token_hex", lambda size: draw.randbytes(size).hex()),
            (secrets, "token_urlsafe", lambda size: draw.randbytes(size).hex()),
            (secrets, "randbelow", lambda limit: draw.randrange(limit)),
        ):
            stack.enter_context(mock.patch.object(owner, name, value))
        stack.enter_context(mock.patch("django.utils.timezone.now", aware_now))
        stack.enter_context(mock.patch.object(installation, "_known", Installation(id="world", key="00")))
        stack.enter_context(mock.patch.object(visitors, "_key", b"world"))
        for name, module in list(sys.modules.items()):
            if name == "django.db.models.query" or (name.startswith("rooms.") and hasattr(module, "sync_to_async")):
                stack.enter_context(mock.patch.object(module, "sync_to_async", threads))
        stack.enter_context(mock.patch("rooms.consumers.Connection", NumberedConnection))
        logger.addHandler(handler)
        logger.setLevel(logging.ERROR)
        stack.callback(logger.setLevel, level)
        stack.callback(logger.removeHandler, handler)
        propagate, logger.propagate = logger.propagate, False
        stack.callback(setattr, logger, "propagate", propagate)
        yield
