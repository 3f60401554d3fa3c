"""The pages: lobby, room, privacy.

Knows templates, the live store's lobby and the rooms' names; must not know sockets or the rules of rooms. A page is
readable before any script has run; scripts get what they need as JSON data in the page.
"""

import contextlib
import random
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from rooms import names, node
from rooms.conf import conf
from rooms.live.contract import Lobby, LobbyRoom, StoreUnavailable
from rooms.models import Room, database
from rooms.protocol import MESSAGE_MAX, ROOM_NAME_MAX, USER_NAME_MAX
from rooms.visitors import ensure_cookie

# Every module that each page's script imports, directly or not: the page names them, so that all load at once.
_BOTH = ("backoff", "dom", "i18n", "protocol", "socket", "storage", "texts")
_ROOM = (
    "alerts", "bubble", "composer", "events", "gather", "hosting", "links", "people", "requests", "saying", "scroll",
    "sheets", "store", "view", "words",
)  # fmt: skip
MODULES = {
    "lobby": [f"rooms/{name}.js" for name in sorted((*_BOTH, "hangul", "listing"))],
    "main": [f"rooms/{name}.js" for name in sorted((*_BOTH, *_ROOM))],
}
ICONS = [("rooms/icon-192.png", "192x192", "any"), ("rooms/icon-512.png", "512x512", "any")]
ICONS += [("rooms/icon-maskable-512.png", "512x512", "maskable")]


@require_safe
async def lobby(request: HttpRequest) -> HttpResponse:
    """The form and the open rooms, as they are now; scripts keep the list current."""
    listed = await _lobby()
    shown = _shown(listed or Lobby([], 0))
    config = {
        "chat": reverse("chat"),
        "rooms": shown.wire,
        "total": shown.lobby.total,
        "unavailable": listed is None,
    }
    context = {"config": config, "rows": shown.rows, "total": shown.lobby.total, "unavailable": listed is None}
    return _page(request, "rooms/lobby.html", {**context, "modules": MODULES["lobby"], **_limits()})


@require_safe
async def chat(request: HttpRequest) -> HttpResponse:
    """One room's page, found by ``?room=<name>`` or, for a room by invitation, by ``?id=<number>``."""
    if "id" in request.GET:
        return await _chat_by_id(request, request.GET["id"])
    try:
        name = names.clean(request.GET.get("room", ""), ROOM_NAME_MAX)
    except ValueError:
        return _problem(request, _("A room cannot have that name."), 400)
    unlisted = request.GET.get("unlisted") == "1"
    room = None
    if not unlisted:
        # Without the database the page shows a room that may have to be made; entering tells.
        with contextlib.suppress(DatabaseError):
            async with database():
                room = await Room.objects.open_with_name(name)
    known = {"roomID": room.id, "roomName": room.name} if room else {"roomID": None, "roomName": name}
    return _room(request, {**known, "canCreate": True, "listed": not unlisted})


@require_safe
async def random_room(request: HttpRequest) -> HttpResponse:
    """Redirect to a random open room with people in it, or to the lobby when there is none."""
    listed = await _lobby()
    inviting = [room for room in (listed.rooms if listed else []) if room.participants and not room.locked]
    if not inviting:
        return HttpResponseRedirect(reverse("lobby"))
    name = random.choice(inviting).name  # noqa: S311 - nothing secret about which room it is
    return HttpResponseRedirect(f"{reverse('chat')}?{urlencode({'room': name})}")


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """The web app manifest, with which a phone can install the site."""
    name = _("Sarangbang")
    about = {
        "name": name,
        "short_name": name,
        "description": _("Chat rooms without an account, where nobody has to say who they are."),
        "lang": get_language(),
        "start_url": reverse("lobby"),
        "scope": reverse("lobby"),
        "display": "standalone",
        "background_color": "#f6f3ec",
        "theme_color": "#f6f3ec",
        "icons": [
            {"src": static(path), "sizes": sizes, "type": "image/png", "purpose": purpose}
            for path, sizes, purpose in ICONS
        ],
    }
    return JsonResponse(about, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False})


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """The page that says what this server keeps, where and for how long, from the settings in force."""
    context = {
        # Lines of talk, and three times as many other events between them.
        "history": 4 * conf.history,
        "history_age": _duration(conf.history_age),
        "grace": _duration(conf.grace),
        "host_grace": _duration(conf.host_grace),
        "token_age": _duration(conf.token_age),
        # In steps of that time: the one in use, and the one before.
        "ref_age": _duration(2 * conf.ref_age),
        "report_days": _duration(conf.report_days * 86_400),
        "shared_store": bool(getattr(settings, "REDIS_URL", "")),
    }
    return _page(request, "rooms/privacy.html", context)


@dataclass(frozen=True)
class _Shown:
    """A list of rooms as a page of one language shows it."""

    lobby: Lobby
    rows: SafeString
    wire: list[dict[str, Any]]


_last_shown: dict[str | None, _Shown] = {}


def _shown(lobby: Lobby) -> _Shown:
    """The rows of a list, made once for all who are shown it in the same language."""
    language = get_language()
    shown = _last_shown.get(language)
    if shown is None or shown.lobby is not lobby:
        rows = render_to_string("rooms/rows.html", {"rooms": lobby.rooms}) if lobby.rooms else SafeString()
        shown = _last_shown[language] = _Shown(lobby, rows, [_wire(room) for room in lobby.rooms])
    return shown


async def _lobby() -> Lobby | None:
    """The open listed rooms, or None while the live store cannot be asked."""
    try:
        return await node.current().lobby.current()
    except StoreUnavailable:
        return None


async def _chat_by_id(request: HttpRequest, text: str) -> HttpResponse:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else 0
    try:
        async with database():
            room = await Room.objects.filter(pk=number).afirst()
    except DatabaseError:
        return _problem(request, _("The list of rooms cannot be shown right now. Please try again in a moment."), 503)
    if room is None:
        return _problem(request, _("This room is not open. The invitation may be old."), 404)
    return _room(request, {"roomID": room.id, "roomName": room.name, "canCreate": False, "listed": room.listed})


def _room(request: HttpRequest, room: dict[str, Any]) -> HttpResponse:
    config = {
        **room,
        "chat": reverse("chat"),
        "lobby": reverse("lobby"),
        "language": get_language(),
        "site": _("Sarangbang"),
        "icon": static("rooms/icon-192.png"),
    }
    context = {"config": config, "name": room["roomName"], "modules": MODULES["main"], **_limits()}
    return _page(request, "rooms/room.html", context)


def _problem(request: HttpRequest, text: str, status: int) -> HttpResponse:
    response = _page(request, "rooms/problem.html", {"text": text}, status)
    # Django would log its path; that something is away is said elsewhere, once.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    response = render(request, template, context, status=status)
    ensure_cookie(request, response)
    # A page may set a new visitor's cookie, so no shared cache may keep it.
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _limits() -> dict[str, int]:
    return {"room_name_max": ROOM_NAME_MAX, "user_name_max": USER_NAME_MAX, "message_max": MESSAGE_MAX}


def _wire(room: LobbyRoom) -> dict[str, Any]:
    """A listed room in the form in which the protocol sends it."""
    return {
        "roomID": room.room_id,
        "roomName": room.name,
        "topic": room.topic,
        "host": room.host,
        "participants": room.participants,
        "locked": room.locked,
        "createdAt": room.created_at,
        **({"later": True} if room.later else {}),
    }


def _duration(seconds: float) -> str:
    """A length of time in words, in the largest unit that divides it."""
    whole = round(seconds)
    if whole > 86_400 and whole % 86_400 == 0:
        return ngettext("%(count)s day", "%(count)s days", whole // 86_400) % {"count": whole // 86_400}
    if whole and whole % 3600 == 0:
        return ngettext("%(count)s hour", "%(count)s hours", whole // 3600) % {"count": whole // 3600}
    if whole and whole % 60 == 0:
        return ngettext("%(count)s minute", "%(count)s minutes", whole // 60) % {"count": whole // 60}
    return ngettext("%(count)s second", "%(count)s seconds", whole) % {"count": whole}
