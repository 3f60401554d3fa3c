"""``manage.py installation``: which installation a database is, and how a copy becomes one of its own.

Knows the model and who holds an installation; must not know the live store or sockets.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import connection
from redis.exceptions import RedisError

from rooms import claim
from rooms.models import Installation, reason

RESTART = "Start the server, or if it runs: stop all its processes and start them again."


class Command(BaseCommand):
    """Show the installation, or change what it is."""

    help = "Show which installation this database is, and make a copied database one of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the two changes, of which one at a time makes sense."""
        change = parser.add_mutually_exclusive_group()
        change.add_argument(
            "--new",
            action="store_true",
            help="make this database an installation of its own: a new id, and a new key, so that nobody is the host "
            "of a room that it has now",
        )
        change.add_argument(
            "--adopt", action="store_true", help="let this database have the installation: it has moved here for good"
        )

    def handle(self, *args: Any, **options: Any) -> str:
        """Return what is so, and after a change what to do.

        Raises:
            CommandError: the database or Redis cannot be used.
        """
        try:
            if options["new"]:
                self._renew()
            if options["adopt"]:
                self._adopt()
            changed = options["new"] or options["adopt"]
            return "\n".join([*self._lines(), *([RESTART] if changed else [])])
        except DatabaseError as problem:
            raise CommandError(f"The database {reason(problem)}.") from None
        except (RedisError, OSError):
            raise CommandError("Redis cannot be asked at REDIS_URL.") from None

    def _renew(self) -> None:
        before, home = Installation.current(), claim.home(connection)
        if settings.REDIS_URL:
            claim.let_go(before.id, home)
        after = Installation.renew()
        if settings.REDIS_URL:
            claim.hold(after.id, home)

    def _adopt(self) -> None:
        if not settings.REDIS_URL:
            raise CommandError("REDIS_URL is not set, so there is no other database to take the installation from.")
        claim.take(Installation.current().id, claim.home(connection))

    def _lines(self) -> list[str]:
        found, home = Installation.current(), claim.home(connection)
        lines = [f"installation  {found.id}", f"database      {home}"]
        if not settings.REDIS_URL:
            return lines
        holder = claim.holder(found.id)
        said = "nobody yet" if holder is None else "this database" if holder == home else holder
        return [*lines, f"Redis keys    {settings.REDIS_PREFIX}{found.id}:*", f"held by       {said}"]
