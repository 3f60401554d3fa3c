"""Visitors: the random secret in a signed cookie or token, and the public values derived from it.

Knows Django's signing and the cookie, and is given the installation's key; must not know rooms, the live store or
sockets. The secret itself is in the cookie (or the program's token) and in memory only: its ``id``, a keyed hash, is
stored, compared and sent between processes, and others see a ``tag``, which is different in every room
(docs/protocol.md, "Common fields").
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.http import base36_to_int, int_to_base36

from rooms.conf import conf

COOKIE = "visitor"
SECURE_COOKIE = "__Host-visitor"
"""The same behind TLS. A browser takes this name only from this very host, over TLS, so nobody else can plant it."""
_COOKIE_SALT = "rooms.visitor.cookie"
_TOKEN_SALT = "rooms.visitor.token"
TAG_LENGTH = 5


@dataclass(frozen=True)
class Visitor:
    """A secret identity. Never send, store or log ``secret``.

    Args:
        made_at: when it was made, Unix time in milliseconds; 0 for one of a version that did not say so: long ago.
    """

    secret: str
    made_at: int = 0

    def __repr__(self) -> str:
        """Without the secret, so that no log or traceback can show it."""
        return "Visitor(…)"

    @classmethod
    def new(cls) -> "Visitor":
        """A new visitor with a secret of its own."""
        return cls(secrets.token_urlsafe(24), int(time.time() * 1000))

    @cached_property
    def id(self) -> str:
        """32 hexadecimal digits that stand for the visitor inside the server and do not give the secret away."""
        return _keyed_hash("id", self.secret).hex()[:32]

    def tag(self, room: int) -> str:
        """Five characters, the same for this visitor within one room and unrelated in any other."""
        return base64.b32encode(_keyed_hash(f"tag {room}", self.secret)).decode()[:TAG_LENGTH].lower()

    def token(self) -> str:
        """A token with which a program, which has no cookie, can be this visitor again."""
        return signing.TimestampSigner(salt=_TOKEN_SALT).sign(self._signed)

    @property
    def _signed(self) -> str:
        # A secret has no dot, so whatever follows one is the time.
        return f"{self.secret}.{int_to_base36(self.made_at)}" if self.made_at else self.secret

    @classmethod
    def _of(cls, signed: str) -> "Visitor":
        secret, _, made_at = signed.partition(".")
        return cls(secret, base36_to_int(made_at) if made_at else 0)


def from_token(token: str) -> Visitor | None:
    """The visitor of a token, or None when it is forged or older than ``ROOMS_TOKEN_AGE``."""
    try:
        return Visitor._of(
            signing.TimestampSigner(salt=_TOKEN_SALT).unsign(token, max_age=timedelta(seconds=conf.token_age))
        )
    except (signing.BadSignature, UnicodeError):
        return None


def behind_tls(forwarded: str | None) -> bool:
    """Whether a request or a handshake came over TLS, as a web server in front says that we trust.

    Args:
        forwarded: its ``X-Forwarded-Proto``.
    """
    return bool(settings.TRUST_PROXY) and (forwarded or "").partition(",")[0].strip() == "https"


def from_cookies(cookies: Mapping[str, str], tls: bool) -> Visitor | None:
    """The visitor of a request's or a handshake's cookies, or None when there is no genuine one.

    Args:
        cookies: all that came.
        tls: whether they came over TLS (``behind_tls``).
    """
    try:
        return Visitor._of(signing.Signer(salt=_COOKIE_SALT).unsign(cookies[_name(tls)]))
    except (KeyError, signing.BadSignature, UnicodeError):
        return None


def ensure_cookie(request: HttpRequest, response: HttpResponse) -> None:
    """Give the browser its identity with the first page: HttpOnly, for the session, sent to this site only."""
    tls = behind_tls(request.headers.get("X-Forwarded-Proto"))
    if from_cookies(request.COOKIES, tls) is None:
        response.set_cookie(
            _name(tls),
            signing.Signer(salt=_COOKIE_SALT).sign(Visitor.new()._signed),
            httponly=True,
            samesite="Lax",
            secure=request.is_secure(),
        )


def _name(tls: bool) -> str:
    return SECURE_COOKIE if tls else COOKIE


_key = b""


def use_key(key: bytes) -> None:
    """Make ids and tags with the installation's key (``models.Installation``); to be called before any is asked for."""
    global _key
    _key = key


def _keyed_hash(purpose: str, secret: str) -> bytes:
    if not _key:
        raise RuntimeError("the installation's key is not known yet")
    return hmac.digest(_key, f"{purpose}:{secret}".encode(), hashlib.sha256)
