"""The ASGI application: pages through Django, the socket through Channels.

Knows the addresses of the parts; must not know rules of rooms. Servers run no start-up checks of their own, so this
module runs them: a misconfigured server reports the mistake in a sentence and does not start.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.core.checks import run_checks
from django.urls import re_path

from chatsite import descriptors

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")


def _refuse_misconfiguration() -> None:
    # In a thread, because some servers import this inside their event loop, where the database must not be used.
    with ThreadPoolExecutor(1) as thread:
        checks = thread.submit(run_checks, tags=["rooms"], include_deployment_checks=True, databases=["default"])
    problems = checks.result()
    for problem in problems:
        print(f"{problem.msg} {problem.hint}", file=sys.stderr)
    if any(problem.is_serious() for problem in problems):
        raise SystemExit(1)


descriptors.raise_limit()
descriptors.watch()
django.setup(set_prefix=False)
_refuse_misconfiguration()

from rooms.page_limit import PageLimit  # noqa: E402 - needs Django to be set up
from rooms.routing import websocket_urlpatterns  # noqa: E402


async def _refuse(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a socket at any other address. The router would raise, and a traceback with the path would be logged."""
    await receive()
    await send({"type": "websocket.close"})


# ``re_path`` is typed for views; the router calls an ASGI application.
sockets = URLRouter([*websocket_urlpatterns, re_path("", _refuse)])  # type: ignore[arg-type]
application = ProtocolTypeRouter({"http": PageLimit(get_asgi_application()), "websocket": sockets})
