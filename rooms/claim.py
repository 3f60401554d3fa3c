"""Which database has an installation's part of Redis, so that a copy of it does not end the rooms of the original.

A copied database keeps its installation's id, and so finds the same keys. Knows the settings, Redis's client and what
tells databases apart; must not know rooms, the live store or sockets.
"""

from pathlib import Path
from typing import cast

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from redis import Redis

LIFE = 30 * 86_400
"""Seconds after which an installation that was given up is forgotten; every start and every day puts it off."""
SECONDS = 2
"""How long each step may take."""
_HOLD = """
local holder = redis.call('GET', KEYS[1]) or ARGV[1]
if holder == ARGV[1] then
  redis.call('SET', KEYS[1], holder, 'EX', ARGV[2])
end
return holder
"""


def home(database: BaseDatabaseWrapper) -> str:
    """What tells a database from its copies: the server's own number and a name in PostgreSQL, a path in SQLite.

    A SQLite file that was copied to the same path of another machine cannot be told from it. A promoted replica of
    PostgreSQL has the number of its primary.

    Raises:
        DatabaseError: the database cannot be asked.
    """
    if database.vendor == "sqlite":
        return f"sqlite {Path(database.settings_dict['NAME']).resolve()}"
    with database.cursor() as cursor:
        cursor.execute("SELECT system_identifier, current_database() FROM pg_control_system()")
        return "postgresql {} {}".format(*cursor.fetchone())


def hold(installation: str, home: str) -> str:
    """Hold an installation for the database whose ``home`` this is, unless another has it; returns who has it.

    Raises:
        RedisError, OSError: Redis cannot be asked.
    """
    with _client() as client:
        return cast(str, client.register_script(_HOLD)(keys=[_key(installation)], args=[home, LIFE]))


def holder(installation: str) -> str | None:
    """The home of the database that has an installation. Raises as ``hold`` does."""
    with _client() as client:
        return cast(str | None, client.get(_key(installation)))


def take(installation: str, home: str) -> None:
    """Hold an installation whoever has it. Raises as ``hold`` does."""
    with _client() as client:
        client.set(_key(installation), home, ex=LIFE)


def let_go(installation: str, home: str) -> None:
    """Hold an installation no longer. Raises as ``hold`` does."""
    if holder(installation) == home:
        with _client() as client:
            client.unlink(_key(installation))


def _key(installation: str) -> str:
    # Not below the installation's own prefix, where what belongs to another life of Redis is deleted.
    return f"{settings.REDIS_PREFIX}claim:{installation}"


def _client() -> "Redis":
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry=None, decode_responses=True
    )
