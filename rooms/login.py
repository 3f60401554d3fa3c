"""The moderators' login: passwords are tried few times from one address, and one after the other.

Knows Django's admin and addresses; must not know accounts or passwords. Checking a password is slow on purpose, so
guesses are refused before it. Limits are this process's own. Nothing keeps an address or an account's name, only a hash
of it, for ten minutes.
"""

import math
import unicodedata
from collections import Counter
from threading import Lock

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from rooms.addresses import address_of
from rooms.buckets import Buckets
from rooms.conf import conf

SECONDS = 600
"""In so long as many attempts come back as an address may have at once."""
NAME_MAX = 150
"""Characters that an account's name has at most."""
AT_ONCE = 2
"""Attempts of one address that may be under way: the one being checked, and a click too many."""
AT_ONCE_IN_ALL = 8
"""Attempts that may be under way, each in a thread of its own."""
BUSY_MS = 1000


class Door:
    """Who may try a password now. Used by many threads."""

    def __init__(self) -> None:
        self._guard = Lock()
        attempts = conf.logins if conf.flood_control else 0
        self._left = Buckets(attempts, attempts / SECONDS) if attempts else None
        self._under_way: Counter[str] = Counter()
        self.checking = Lock()
        """Held while a password is checked, so that it never takes more than one core or one database connection."""

    def enter(self, who: str) -> int:
        """Begin an attempt; every one that was begun must ``leave``.

        Args:
            who: an address, or where none is told an account.

        Returns:
            0, or, when the attempt may not begin, the milliseconds until it is worth another.
        """
        with self._guard:
            if self._under_way[who] >= AT_ONCE or self._under_way.total() >= AT_ONCE_IN_ALL:
                return BUSY_MS
            wait = self._left.retry_after_ms(who) if self._left is not None else 0
            if not wait:
                self._under_way[who] += 1
            return wait

    def leave(self, who: str, right: bool) -> None:
        """End an attempt; one with the right password does not count."""
        with self._guard:
            self._under_way -= Counter([who])
            if right and self._left is not None:
                self._left.give_back(who)


door = Door()


def login(request: HttpRequest) -> HttpResponse:
    """The admin's page for logging in, at its own address, with limits."""
    if request.method != "POST":
        return admin.site.login(request)
    who = _who(request)
    wait = door.enter(who)
    if wait:
        return _refusal(request, wait)
    right = False
    try:
        with door.checking:
            response = admin.site.login(request)
        right = response.status_code == 302
    finally:
        door.leave(who, right)
    return response


def _who(request: HttpRequest) -> str:
    scope = getattr(request, "scope", None)
    address = address_of(scope) if scope is not None else ""
    name = request.POST.get("username", "")[:NAME_MAX]
    return address or f"account {unicodedata.normalize('NFKC', name)}"


def _refusal(request: HttpRequest, wait: int) -> HttpResponse:
    text = _("Too many attempts to log in. Please try again in a minute.")
    response = render(request, "rooms/problem.html", {"text": text}, status=429)
    response["Retry-After"] = math.ceil(wait / 1000)
    response["Cache-Control"] = "no-store"
    return response
