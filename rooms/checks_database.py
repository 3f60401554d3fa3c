"""Start-up checks of the database: what is wrong with it is said with what to do.

Knows the settings; must not know how rooms work. A database that does not answer may come back, which is a warning;
one that could never serve is an error. As in Django's own checks, it is asked only where ``databases`` allows it.
"""

import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import Error as DatabaseError
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from rooms.checks import TAG

_REFUSALS = {
    r"role \S+ does not exist": (
        "rooms.E021",
        "PostgreSQL has no role with the name of the user in DATABASE_URL.",
        "Make it in psql: CREATE ROLE name LOGIN PASSWORD 'password'; or correct DATABASE_URL.",
    ),
    r"database \S+ does not exist": (
        "rooms.E022",
        "PostgreSQL has no database with the name in DATABASE_URL.",
        "Make it in psql: CREATE DATABASE name OWNER role; or correct DATABASE_URL.",
    ),
    r"does not support SSL|SSL error|certificate|SSL negotiation": (
        "rooms.E023",
        "The connection to PostgreSQL cannot be encrypted as the sslmode in DATABASE_URL asks.",
        "Turn ssl on in postgresql.conf, give the certificate that signed its own with sslrootcert, or change sslmode.",
    ),
    r"no pg_hba.conf entry|pg_hba.conf rejects": (
        "rooms.E020",
        "PostgreSQL does not let the user in DATABASE_URL in from here.",
        "Add a line for it to pg_hba.conf and reload PostgreSQL; hostssl lines need sslmode=require in DATABASE_URL.",
    ),
    r"authentication failed|no password supplied": (
        "rooms.E020",
        "PostgreSQL refuses the user or the password in DATABASE_URL.",
        "Correct DATABASE_URL; a special character in the password is written as %40 for @, %23 for #, %2F for /.",
    ),
    r"readonly database|unable to open database file": (
        "rooms.E025",
        "The SQLite file of DATABASE_URL cannot be written.",
        "Let the user of this process write the file and its folder, or correct DATABASE_URL.",
    ),
    r"invalid (?:connection option|\S+ value)|bad value|unexpected keyword|must be (?:a real number|one of)": (
        "rooms.E026",
        "DATABASE_URL has a parameter, after its question mark, that the database does not know.",
        "Correct it; PostgreSQL's documentation lists them under Parameter Key Words.",
    ),
}
"""What the database or its driver answers, and the error that it is."""


@register(TAG)
def database_can_be_used(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """DATABASE_URL names a supported database that lets us in and can be written, and SQLite is for small sites."""
    if settings.DATABASE_SCHEME not in settings.DATABASE_OPTIONS:
        hint = (
            "It must look like sqlite:////var/lib/sarangbang/db.sqlite3 or postgresql://user:password@host/name, "
            "where a special character in the password is written as %40 for @, %23 for #, %2F for /."
        )
        return [Error("DATABASE_URL is not the address of a SQLite or PostgreSQL.", hint=hint, id="rooms.E010")]
    if not databases:
        return []
    direct = alone()
    try:
        with direct.cursor() as cursor:
            if direct.vendor == "sqlite":
                # Only a lock is taken, and only a lock is given back.
                cursor.execute("BEGIN IMMEDIATE")
                cursor.execute("ROLLBACK")
    except (DatabaseError, TypeError, ValueError) as problem:
        found = _meaning(str(problem))
        return [found] if found else []
    finally:
        direct.close()
    if settings.DATABASE_SCHEME == "sqlite" and settings.REDIS_URL and not settings.DEBUG:
        hint = "This works for a few processes on one machine; PostgreSQL is the better choice."
        return [Warning("Several processes share one SQLite file.", hint=hint, id="rooms.W004")]
    return []


@register(TAG, deploy=True)
def migrations_have_been_run(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The tables are there. Only for a server (and ``check --deploy``), since ``migrate`` runs the other checks."""
    if not databases or settings.DATABASE_SCHEME not in settings.DATABASE_OPTIONS:
        return []
    direct = alone()
    try:
        executor = MigrationExecutor(direct)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, TypeError, ValueError):
        # The other check has said so.
        return []
    finally:
        direct.close()
    if not missing:
        return []
    text, hint = (
        "The database lacks tables or columns.",
        "Run, with the variables of the server: python manage.py migrate",
    )
    return [Warning(text, hint=hint, id="rooms.W024") if settings.DEBUG else Error(text, hint=hint, id="rooms.E024")]


def alone() -> BaseDatabaseWrapper:
    """A connection without a pool, which would keep the reason of a failure to itself."""
    alone = connection.copy()
    alone.settings_dict["OPTIONS"].pop("pool", None)
    return alone


def _meaning(text: str) -> CheckMessage | None:
    for pattern, (number, sentence, hint) in _REFUSALS.items():
        if re.search(pattern, text):
            return Error(sentence, hint=hint, id=number)
    if "locked" in text:
        # Another process writes just now.
        return None
    said = re.search(r"FATAL:\s*(.*)", text)
    return Warning(
        f"The database refuses to serve: {said[1]}." if said else "The database does not answer at DATABASE_URL.",
        hint="Start the database, or correct DATABASE_URL; until it answers no room can be created.",
        id="rooms.W003",
    )
