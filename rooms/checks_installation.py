"""Start-up check of the installation: a copied database does not meet the one that it is a copy of.

Knows the settings, the database and who holds an installation; must not know how rooms work.
"""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from rooms import claim
from rooms.checks import TAG
from rooms.checks_database import alone


@register(TAG, deploy=True)
def installation_is_at_home(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """No other database has this installation in Redis. Only for a server, as ``manage.py`` puts it right."""
    if not databases or not settings.REDIS_URL or settings.DATABASE_SCHEME not in settings.DATABASE_OPTIONS:
        return []
    database = alone()
    try:
        with database.cursor() as cursor:
            cursor.execute("SELECT id FROM rooms_installation")
            found = cursor.fetchone()
        home = claim.home(database)
        if found is None or (holder := claim.hold(found[0], home)) == home:
            return []
    except (DatabaseError, RedisError, OSError, TypeError, ValueError):
        # The other checks say so, and the server tries again when it gets to Redis.
        return []
    finally:
        database.close()
    return [
        Error(
            f"This database ({home}) is a copy of another ({holder}), which uses the same Redis and REDIS_PREFIX.",
            hint="To make it an installation of its own, run: python manage.py installation --new. If it has moved "
            "here for good, run: python manage.py installation --adopt. Or set another REDIS_PREFIX.",
            id="rooms.E027",
        )
    ]
