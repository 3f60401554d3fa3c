"""Start-up checks of Redis: what the server needs of it is tried once, and what is wrong is said with what to do.

Knows the settings and Redis's client; must not know how rooms work. A Redis that does not answer may come back, which
is a warning; one that could never serve, or would keep what is said, is an error.
"""

import contextlib
import re
import secrets
import socket
import ssl
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from redis import Redis
from redis.exceptions import (
    AuthenticationError,
    InvalidResponse,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
)

from rooms.checks import TAG
from rooms.live.redis import MINIMUM_VERSION

SECONDS = 2
"""How long each step of the check may take."""


@register(TAG)
def redis_can_be_used(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """REDIS_URL leads to a Redis that serves us and keeps what is said to itself."""
    if not settings.REDIS_URL:
        return []
    try:
        client = _client(settings.REDIS_URL)
        client.connection_pool.make_connection()
    except (ValueError, TypeError):
        hint = "It must look like redis://:password@127.0.0.1:6379/0, rediss://… or unix://…."
        return [Error("REDIS_URL is not the address of a Redis.", hint=hint, id="rooms.E007")]
    try:
        return _look(client)
    except (RedisError, OSError) as problem:
        return [_failure(problem, client.connection_pool.connection_kwargs)]
    finally:
        client.close()


def _client(url: str) -> "Redis":
    # redis-py takes any path that is no number for database 0, without a word.
    if not url.startswith("unix:") and not re.fullmatch(r"\w+://[^/?#]+(/\d*)?(\?.*)?", url):
        raise ValueError(url)
    return Redis.from_url(
        url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry=None, decode_responses=True
    )


def _look(client: "Redis") -> list[CheckMessage]:
    """What is wrong with a Redis that lets us in: the first thing that no setting could put right, or all others."""
    client.connection_pool.release(client.connection_pool.get_connection())
    try:
        facts = client.info()
    except NoPermissionError:
        return [_lacks(["to ask what it is (INFO)"])]
    problem = _unfit(facts)
    if problem:
        return [problem]
    lacking = [right for right, use in _rights(client).items() if not _may(use)]
    if lacking:
        return [_lacks(lacking)]
    # What is in the slow log was said before this start; a user without the right to clear it needs none.
    with contextlib.suppress(ResponseError):
        client.slowlog_reset()
    return [*_on_disk(client, facts), *_evicting(facts)]


def _unfit(facts: dict[str, Any]) -> CheckMessage | None:
    if "redis_version" not in facts:
        return _no_redis()
    found = str(facts["redis_version"])
    if tuple(int(part) for part in found.split(".")[:2]) < MINIMUM_VERSION:
        wanted = ".".join(map(str, MINIMUM_VERSION))
        return Error(f"Redis {found} is too old.", hint=f"Use Redis {wanted} or newer.", id="rooms.E009")
    if facts.get("cluster_enabled"):
        hint = "Give REDIS_URL the address of a Redis without cluster-enabled."
        return Error("The Redis at REDIS_URL is part of a cluster, which is not supported.", hint=hint, id="rooms.E015")
    if facts.get("role", "master") != "master":
        hint = "Give REDIS_URL the address of its primary, or promote it (REPLICAOF NO ONE)."
        return Error("The Redis at REDIS_URL is a replica, which takes nothing.", hint=hint, id="rooms.E014")
    return None


# --- rights -----------------------------------------------------------------------------------------------------------


def _rights(client: "Redis") -> dict[str, Callable[[], object]]:
    """What the server does with Redis, in the words of a hint, and how to do it once without leaving a trace."""
    key = f"{settings.REDIS_PREFIX}check:{secrets.token_hex(8)}"
    # A channel of channels_redis is called so.
    channel = "asgispecific.check"
    return {
        f"to write keys that begin with {settings.REDIS_PREFIX} (SET)": lambda: client.set(key, "", px=1000),
        "to delete keys (UNLINK)": lambda: client.unlink(key),
        "to look for keys (SCAN)": lambda: client.scan(match=f"{key}*", count=1),
        "to run scripts (SCRIPT LOAD, EVALSHA)": lambda: client.evalsha(client.script_load("return 1"), 0),
        "to publish to channels (PUBLISH)": lambda: client.publish(channel, ""),
        "to listen to channels (SUBSCRIBE)": lambda: _subscribe(client, channel),
    }


def _subscribe(client: "Redis", channel: str) -> None:
    with client.pubsub() as subscription:  # type: ignore[no-untyped-call]
        subscription.subscribe(channel)
        subscription.parse_response(timeout=SECONDS)


def _may(use: Callable[[], object]) -> bool:
    try:
        use()
    except NoPermissionError:
        return False
    except ResponseError as problem:
        # So answers a Redis whose operator has renamed the command.
        if "unknown command" not in str(problem):
            raise
        return False
    return True


def _lacks(rights: list[str]) -> CheckMessage:
    return Error(
        f"Redis does not allow its user in REDIS_URL {', '.join(rights)}.",
        hint=f"Allow it what it needs: ACL SETUSER name on >password ~{settings.REDIS_PREFIX}* &asgi* "
        "+@read +@write +@scripting +@pubsub +@connection +info +scan +unlink",
        id="rooms.E016",
    )


# --- what must not be kept --------------------------------------------------------------------------------------------


def _on_disk(client: "Redis", facts: dict[str, Any]) -> list[CheckMessage]:
    if settings.REDIS_ACCEPT_DISK:
        return []
    try:
        dumps = bool(client.config_get("save").get("save"))
    except ResponseError:
        # Those who may not ask can see whether there has been a dump since Redis was started.
        dumps = facts.get("rdb_last_bgsave_time_sec", -1) != -1
    if not dumps and not facts.get("aof_enabled"):
        return []
    return [
        _worry(
            "Redis writes to disk what people say.",
            'Put the lines "save """ and "appendonly no" into redis.conf, restart Redis and delete its old files '
            "(dump.rdb, appendonlydir), or set REDIS_ACCEPT_DISK=1 if that is what you want.",
            "017",
        )
    ]


def _evicting(facts: dict[str, Any]) -> list[CheckMessage]:
    policy = facts.get("maxmemory_policy", "noeviction")
    if settings.REDIS_ACCEPT_EVICTION or policy == "noeviction":
        return []
    return [
        _worry(
            f"Redis throws keys away when its memory is full (maxmemory-policy is {policy}): people would be out.",
            'Put the line "maxmemory-policy noeviction" into redis.conf and restart Redis, or set '
            "REDIS_ACCEPT_EVICTION=1 if Redis has far more memory than it needs.",
            "018",
        )
    ]


def _worry(text: str, hint: str, number: str) -> CheckMessage:
    """An error in production; someone who works on the program may go on with a warning."""
    return (
        Warning(text, hint=hint, id=f"rooms.W{number}")
        if settings.DEBUG
        else Error(text, hint=hint, id=f"rooms.E{number}")
    )


# --- why it does not let us in ----------------------------------------------------------------------------------------


def _failure(problem: Exception, place: dict[str, Any]) -> CheckMessage:
    """What an error on the way to Redis means.

    Args:
        problem: the error.
        place: where Redis is, as its client has read it from REDIS_URL.
    """
    text = str(problem)
    if isinstance(problem, AuthenticationError):
        hint = "Put the password into REDIS_URL: redis://:password@host:6379/0, or redis://user:password@host:6379/0."
        return Error("Redis refuses the password in REDIS_URL, or asks for one.", hint=hint, id="rooms.E008")
    if "DB index" in text:
        hint = "End REDIS_URL with a smaller number, such as /0, or raise databases in redis.conf."
        return Error(f"Redis has no database number {place.get('db')}.", hint=hint, id="rooms.E012")
    if isinstance(problem, InvalidResponse):
        return _no_redis()
    if isinstance(problem, OutOfMemoryError):
        hint = "Raise maxmemory in redis.conf; until then nobody can enter a room."
        return Warning("Redis is out of memory and takes no more.", hint=hint, id="rooms.W006")
    if isinstance(problem, ResponseError):
        return Warning(
            f"Redis refuses to serve: {text}.", hint="See to it; until then nobody can enter.", id="rooms.W006"
        )
    return _wrong_tls(text, place) or Warning(
        "Redis does not answer at REDIS_URL.",
        hint="Start Redis, or correct REDIS_URL; until it answers nobody can enter a room.",
        id="rooms.W002",
    )


def _no_redis() -> CheckMessage:
    hint = "Correct REDIS_URL: host and port must be those of Redis."
    return Error("What answers at REDIS_URL is not a Redis.", hint=hint, id="rooms.E013")


def _wrong_tls(text: str, place: dict[str, Any]) -> CheckMessage | None:
    # Its client says of most of this only that nothing came in time, so it is tried the other way.
    if "certificate" in text.lower():
        hint = "Add ?ssl_ca_certs=/path/to/ca.pem to REDIS_URL, or renew the certificate."
        return Error("The certificate of Redis is not trusted.", hint=hint, id="rooms.E019")
    encrypted = "ssl_context" in place or settings.REDIS_URL.startswith("rediss:")
    if encrypted and _speaks(place, plainly=True):
        hint = "Write redis:// in REDIS_URL, or give Redis a tls-port."
        return Error("Redis does not speak TLS at REDIS_URL.", hint=hint, id="rooms.E019")
    if not encrypted and _speaks(place, plainly=False):
        hint = "Write rediss:// in REDIS_URL."
        return Error("Redis asks for TLS at REDIS_URL.", hint=hint, id="rooms.E019")
    return None


def _speaks(place: dict[str, Any], plainly: bool) -> bool:
    """Whether something answers there, plainly or after the handshake of TLS."""
    if "host" not in place:
        return False
    context = ssl.create_default_context()
    context.check_hostname = False
    # Nothing is told to it, so it does not matter who it is.
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((place["host"], place.get("port", 6379)), SECONDS) as line:
            if not plainly:
                context.wrap_socket(line).close()
                return True
            line.sendall(b"PING\r\n")
            return line.recv(1) in (b"+", b"-")
    except OSError:
        return False
