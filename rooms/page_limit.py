"""Pages that one address asks for too fast are refused before Django has any work with them.

Knows ASGI and addresses; must not know what pages there are. The limit is this process's own, so that pages are
answered whatever has become of Redis. Nothing keeps an address, only a hash of it, for some seconds.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

from django.conf import settings

from rooms.addresses import address_of
from rooms.buckets import Buckets
from rooms.conf import conf

BURST_SECONDS = 10
"""So many seconds' worth of pages may be asked for at once: a whole class that opens one link behind one address."""
FILE_COST = 0.1
"""Of a page: a script, a style or an icon. A page that a browser does not know yet brings about twenty."""
FORM_COST = 5
"""Of pages: what is sent to the server, such as a moderator's password."""
AT_ONCE = 1
"""Pages and files of one address that are made at the same time; the others wait for their turn, up to
``TURN_SECONDS``. Each is made in a thread, and many busy threads would take turns with everyone's talk."""
TURN_SECONDS = 0.5
REFUSAL_SECONDS = 1
"""How long a refusal takes at most, so that a connection cannot ask again at full speed."""
TEXT = """같은 주소에서 페이지를 너무 자주 요청했습니다. 잠시 뒤에 다시 시도해 주세요.

Too many pages were asked for from your address. Please try again in a moment.
""".encode()
HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(TEXT)).encode()),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class PageLimit:
    """An ASGI application for pages that passes on what is not too much.

    Args:
        application: the pages' own.
    """

    def __init__(self, application: Callable[[Any, Any, Any], Awaitable[None]]) -> None:
        self._application = application
        rate = conf.pages_per_second if conf.flood_control else 0
        self._buckets = Buckets(BURST_SECONDS * rate, rate) if rate else None
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with 429."""
        address = address_of(scope) if self._buckets is not None else ""
        wait = self._retry_after_ms(scope, address)
        if wait:
            await self._refuse(send, wait)
        elif address:
            await self._take_turns(address, scope, receive, send)
        else:
            await self._application(scope, receive, send)

    def _retry_after_ms(self, scope: Scope, address: str) -> int:
        if self._buckets is None or not address:
            return 0
        cost: float = 1 if scope["method"] in ("GET", "HEAD") else FORM_COST
        if scope["path"].startswith(settings.STATIC_URL):
            cost = FILE_COST
        return self._buckets.retry_after_ms(address, cost)

    async def _take_turns(self, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        turn = self._turns.get(address)
        if turn is None:
            turn = self._turns[address] = asyncio.Semaphore(AT_ONCE)
        is_its_turn = False
        # Whoever is before may wait for a database that does not answer.
        with contextlib.suppress(TimeoutError):
            is_its_turn = await asyncio.wait_for(turn.acquire(), TURN_SECONDS)
        try:
            await self._application(scope, receive, send)
        finally:
            if is_its_turn:
                turn.release()

    async def _refuse(self, send: Send, wait: int) -> None:
        await asyncio.sleep(min(wait / 1000, REFUSAL_SECONDS))
        headers = [*HEADERS, (b"retry-after", str(math.ceil(wait / 1000)).encode())]
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": TEXT})
