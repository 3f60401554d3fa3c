"""What must outlive the processes: the open rooms and who hosts them.

Knows names; must not know the protocol's messages, the live store, the hub or the consumers. Who is in a room and what
is said there is never here. A room's row goes when the room does.
"""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import ClassVar

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.db import (
    DEFAULT_DB_ALIAS,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    close_old_connections,
    connections,
    models,
    transaction,
)
from django.db import Error as DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Length
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from rooms import names

ID_LIMIT = 2**53
ROOM_NAME_MAX = 30
NICKNAME_MAX = 10
DATABASE_SECONDS = 2.5
"""How long anyone waits for the database before they are told that it is unavailable."""
KEY_MAX = 18 * ROOM_NAME_MAX
"""NFKC turns one code point into 18 at most (U+FDFA)."""

models.CharField.register_lookup(Length)


def _checked_connection() -> BaseDatabaseWrapper:
    """This thread's connection, closed if it does not work any more."""
    close_old_connections()
    return connections[DEFAULT_DB_ALIAS]


def _cut(used: BaseDatabaseWrapper | None) -> None:
    """Cut a connection that a thread waits on in vain: nothing else would wake it, and others need the thread."""
    raw = getattr(used, "connection", None)
    # SQLite has none; psycopg's is -1 when it is closed already.
    with contextlib.suppress(Exception), socket.socket(fileno=os.dup(raw.fileno())) as line:  # type: ignore[union-attr]
        line.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def database() -> AsyncIterator[None]:
    """Use the database outside of a page's request, from a socket or the keeper.

    A request gives its connection back when it ends, and so looks whether it still works; nobody else does that.

    Raises:
        OperationalError: the database did not answer within ``DATABASE_SECONDS``. The query may still be carried out.
    """
    used: BaseDatabaseWrapper | None = None
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            used = await sync_to_async(_checked_connection)()
            yield
            await sync_to_async(close_old_connections)()
    except TimeoutError:
        _cut(used)
        raise OperationalError("the database did not answer in time") from None
    except DatabaseError:
        await sync_to_async(close_old_connections)()
        raise


def reason(problem: DatabaseError) -> str:
    """What is wrong with the database, for the log: it goes on where a sentence says "the database …"."""
    if isinstance(problem, ProgrammingError):
        return "lacks a table or a right; have the migrations been run?"
    text = str(problem)
    if "no such table" in text:
        return "lacks a table; have the migrations been run?"
    if "Too many open files" in text:
        return "cannot be opened: too many files are open in this process"
    return "does not answer in time" if "in time" in text or "timeout" in text else "cannot be reached"


def _random_hex() -> str:
    return secrets.token_hex(8)


def _random_key() -> str:
    return secrets.token_hex(32)


def random_id() -> int:
    """A room's number: positive, below 2^53, not to be guessed."""
    return secrets.randbelow(ID_LIMIT - 1) + 1


class Installation(models.Model):
    """Which installation this database belongs to: one row, made when it is first needed.

    ``id`` keeps installations apart that share a Redis; ``key`` makes the visitors' ids and tags, so that a new
    ``SECRET_KEY`` costs nobody their room.
    """

    ONLY = 1

    number = models.SmallIntegerField(primary_key=True, default=ONLY, editable=False)
    id = models.CharField(max_length=16, default=_random_hex, editable=False)
    key = models.CharField(max_length=64, default=_random_key, editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(number=1), name="one_installation"),
        ]

    def __str__(self) -> str:
        return self.id

    @classmethod
    def current(cls) -> "Installation":
        """This installation."""
        return cls.objects.get_or_create(number=cls.ONLY)[0]

    @classmethod
    def renew(cls) -> "Installation":
        """Make this database an installation of its own, and return it."""
        return cls.objects.update_or_create(number=cls.ONLY, defaults={"id": _random_hex(), "key": _random_key()})[0]


class RoomQuerySet(models.QuerySet["Room"]):
    """Rooms, as the pages and the services look for them."""

    def with_name(self, name: str) -> "RoomQuerySet":
        """The open listed room whose name is ``name`` or looks like it, if there is one."""
        return self.filter(listed=True, name_key=names.key(name))

    async def open_with_name(self, name: str) -> "Room | None":
        """The room of ``with_name``, or None."""
        return await self.with_name(name).afirst()

    async def create_with_host(
        self, room_id: int, name: str, listed: bool, visitor: str, nickname: str, tag: str
    ) -> "Room":
        """Write a room with its host, both or neither, or find this very room there already.

        Raises:
            IntegrityError: an open listed room has this name, or one that looks like it; or the number is taken.
        """
        return await sync_to_async(self._create_with_host)(room_id, name, listed, visitor, nickname, tag)

    def _create_with_host(self, room_id: int, name: str, listed: bool, visitor: str, nickname: str, tag: str) -> "Room":
        # An insertion that fails would be in PostgreSQL's log, with the room's name; one that does nothing is not.
        with transaction.atomic(using=self.db):
            self.bulk_create(
                [Room(id=room_id, name=name, name_key=names.key(name), listed=listed)], ignore_conflicts=True
            )
            if self.filter(id=room_id).exists():
                host = Host(room_id=room_id, visitor=visitor, nickname=nickname, tag=tag)
                Host.objects.bulk_create([host], ignore_conflicts=True)
            made = self.select_related("host").filter(id=room_id, host__visitor=visitor).first()
            if made is None:
                raise IntegrityError("the room or its host is not there: something that is unique was taken")
        return made


class Room(models.Model):
    """An open room. One without a ``Host`` is official and stays."""

    id = models.BigIntegerField(primary_key=True, default=random_id, editable=False)
    name = models.CharField(_("name"), max_length=ROOM_NAME_MAX)
    name_key = models.CharField(_("comparison key"), max_length=KEY_MAX, editable=False)
    listed = models.BooleanField(_("listed"), default=True)
    created_at = models.DateTimeField(_("opened"), auto_now_add=True, db_index=True)

    objects = RoomQuerySet.as_manager()
    unnamed = False
    """Whether ``str`` is to be the number only, because it is written down where a name must not be."""

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["name_key"],
                condition=models.Q(listed=True),
                name="one_open_listed_room_per_name",
                violation_error_message=_("An open room has this name, or one that looks like it."),
            ),
            models.CheckConstraint(condition=models.Q(id__gte=1, id__lt=ID_LIMIT), name="room_id_fits_in_javascript"),
            models.CheckConstraint(
                condition=models.Q(name__length__gte=1, name__length__lte=ROOM_NAME_MAX), name="room_name_length"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id) if self.unnamed else self.name

    def save(self, *args: object, **kwargs: object) -> None:
        """Save with the key that belongs to the name."""
        self.name_key = names.key(self.name)
        fields = kwargs.get("update_fields")
        if isinstance(fields, Collection) and "name" in fields:
            kwargs["update_fields"] = {*fields, "name_key"}
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def clean(self) -> None:
        """Hold a name given in the admin to the rules for names."""
        try:
            self.name = names.clean(self.name, ROOM_NAME_MAX)
        except ValueError as problem:
            raise ValidationError({"name": str(problem)}) from None
        self.name_key = names.key(self.name)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Hold the name against those of open rooms, though its key, which is compared, is on no form.

        Raises:
            ValidationError: an open listed room has this name, or one that looks like it.
        """
        exclude = set(exclude or ())
        super().validate_constraints(exclude if "name" in exclude else exclude - {"name_key"})


class Ended(models.Model):
    """A room whose row went, for a day: without this, a live room without a row has lost it, and gets it back."""

    room_id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return str(self.room_id)


@receiver(models.signals.post_delete, sender=Room)
def _remember_the_end(instance: Room, using: str, **_: object) -> None:
    """However a row is deleted (a service, the admin, a shell), that it was is on record."""
    Ended.objects.using(using).bulk_create([Ended(room_id=instance.pk)], ignore_conflicts=True)


class Host(models.Model):
    """Who hosts a room: a visitor (as a keyed hash, never the secret) under a name."""

    room = models.OneToOneField(Room, models.CASCADE, primary_key=True, related_name="host")
    visitor = models.CharField(max_length=32, db_index=True, editable=False)
    nickname = models.CharField(_("nickname"), max_length=NICKNAME_MAX)
    tag = models.CharField(max_length=6, editable=False)

    class Meta:
        verbose_name = _("host")
        verbose_name_plural = _("hosts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(nickname__length__gte=1, nickname__length__lte=NICKNAME_MAX),
                name="host_nickname_length",
            ),
            models.CheckConstraint(condition=models.Q(visitor__length=32), name="host_visitor_is_a_hash"),
        ]

    def __str__(self) -> str:
        return self.nickname
