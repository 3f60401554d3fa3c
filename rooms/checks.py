"""Start-up checks: every mistake of configuration is reported with a sentence that says what to do.

Knows the settings and the limits; must not know how rooms work. Those of Redis and of the database are in
``checks_redis`` and ``checks_database``. ``manage.py`` runs them all by itself; ``chatsite.asgi`` runs them for servers
that do not.
"""

import os
import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from rooms.conf import conf

TAG = "rooms"
THIS_MACHINE = r"localhost|127(\.\d+){3}|\[?::1\]?|fd"


@register(TAG)
def production_needs_a_key(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """SECRET_KEY and ALLOWED_HOSTS have no default outside DEBUG."""
    problems: list[CheckMessage] = []
    if not _secret_key():
        problems.append(
            Error(
                "SECRET_KEY is not set.",
                hint="Set SECRET_KEY to a long random text of your own and keep it, or set DEBUG=1 for development.",
                id="rooms.E001",
            )
        )
    elif not settings.DEBUG and len(_secret_key()) < 32:
        problems.append(
            Error(
                "SECRET_KEY is too short to keep anything secret.",
                hint="Set SECRET_KEY to at least 32 random characters.",
                id="rooms.E002",
            )
        )
    if not settings.DEBUG and not settings.ALLOWED_HOSTS:
        problems.append(
            Error(
                "ALLOWED_HOSTS is not set.",
                hint="Set ALLOWED_HOSTS to the names of your site, such as chat.example.org, separated by commas.",
                id="rooms.E003",
            )
        )
    return problems


@register(TAG)
def static_files_are_there(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Outside DEBUG the pages' scripts and styles come from STATIC_ROOT."""
    if settings.DEBUG or (Path(settings.STATIC_ROOT) / "staticfiles.json").is_file():
        return []
    hint = "Run: python manage.py collectstatic --noinput"
    return [Error("The pages' scripts and styles have not been collected.", hint=hint, id="rooms.E011")]


@register(TAG)
def limits_are_valid(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Every ROOMS_… variable can be read, and those that belong together fit."""
    problems: list[CheckMessage] = []
    for setting in conf.declared():
        try:
            setting.__get__(conf)
        except ValueError as problem:
            problems.append(Error(str(problem), hint="Correct it or leave it unset.", id="rooms.E004"))
    if not problems and conf.lease < 2 * conf.beat:
        problems.append(
            Error(
                "ROOMS_LEASE is less than twice ROOMS_BEAT: a process would be taken for dead between two beats.",
                hint="Raise ROOMS_LEASE or lower ROOMS_BEAT.",
                id="rooms.E005",
            )
        )
    return problems


@register(TAG)
def limits_are_known(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Every ROOMS_… variable is one that the program reads; a misspelt one would be ignored without a word."""
    known = {setting.variable.removeprefix("ROOMS_"): setting.variable for setting in conf.declared()}
    unknown = (name for name in sorted(os.environ) if name.startswith("ROOMS_") and name not in known.values())
    return [
        Warning(
            f"{name} is not a setting of this program and is ignored.",
            hint=f"The most similar name is {known[_nearest(name.removeprefix('ROOMS_'), known)]}; "
            "the README lists all of them.",
            id="rooms.W005",
        )
        for name in unknown
    ]


@register(TAG)
def memory_is_for_one_process(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The memory store is right for one process only."""
    if settings.REDIS_URL:
        return []
    if (os.environ.get("WEB_CONCURRENCY") or "1") != "1":
        return [
            Error(
                "Several server processes cannot share rooms that are kept in memory.",
                hint="Set REDIS_URL, or start one process.",
                id="rooms.E006",
            )
        ]
    if settings.DEBUG:
        return []
    return [
        Warning(
            "Who is in which room is kept in this process's memory, so only one server process may run.",
            hint="Run one process, or set REDIS_URL.",
            id="rooms.W001",
        )
    ]


@register(TAG)
def addresses_are_told(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Limits by address need one: on loopback and on unix sockets only a web server in front can tell it."""
    is_no_server = Path(sys.argv[0]).name == "manage.py" and "runserver" not in sys.argv
    if settings.DEBUG or settings.TRUST_PROXY or is_no_server or _is_reached_by_others() or not _is_flood_control_on():
        return []
    return [
        Warning(
            "The server listens on this machine only and does not believe the web server in front, "
            "so no limit by address counts.",
            hint="Set TRUST_PROXY=1 behind a web server that overwrites X-Forwarded-For and X-Forwarded-Proto, "
            "as deploy/nginx.conf does.",
            id="rooms.W007",
        )
    ]


def _is_reached_by_others() -> bool:
    """Whether other machines can connect, as far as the command line of a server, or BIND for gunicorn's, tells."""
    words = sys.argv[1:]
    if "runserver" in words:
        # A port alone is for this machine.
        hosts = [word.rpartition(":")[0] for word in words[words.index("runserver") + 1 :] if word[0] != "-"]
    elif Path(sys.argv[0]).name == "daphne" or "daphne" in Path(sys.argv[0]).parts:
        hosts = [host for option, host in pairwise(words) if option in ("-b", "--bind")]
    else:
        hosts = ["" if name.startswith("unix:") else name.rpartition(":")[0] or "*" for name in _bound()]
    return any(host and not re.fullmatch(THIS_MACHINE, host) for host in hosts)


def _bound() -> list[str]:
    return (os.environ.get("BIND") or "127.0.0.1:8000").replace(" ", "").split(",")


def _is_flood_control_on() -> bool:
    try:
        return conf.flood_control
    except ValueError:
        return False


def _nearest(name: str, known: Iterable[str]) -> str:
    # Without a cutoff there is always one, however far away.
    return get_close_matches(name, known, n=1, cutoff=0)[0]


def _secret_key() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:
        # Django raises this for an empty one.
        return ""
