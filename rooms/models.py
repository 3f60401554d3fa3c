"""What must outlive the processes: the open rooms and who hosts them.

Knows names; must not know the protocol's messages, the live store, the hub or the consumers. Who is in a room and what
is said there is never here. A room's row goes when the room does.
"""

import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import ClassVar

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.db import close_old_connections, models, transaction
from django.db.models.functions import Length
from django.utils.translation import gettext_lazy as _

from rooms import names

ID_LIMIT = 2**53
ROOM_NAME_MAX = 30
NICKNAME_MAX = 10
KEY_MAX = 18 * ROOM_NAME_MAX
"""NFKC turns one code point into 18 at most (U+FDFA)."""

models.CharField.register_lookup(Length)


@asynccontextmanager
async def database() -> AsyncIterator[None]:
    """Use the database outside of a page's request, from a socket or the keeper.

    A request gives its connection back when it ends, and so looks whether it still works; nobody else does that.
    """
    await sync_to_async(close_old_connections)()
    try:
        yield
    finally:
        await sync_to_async(close_old_connections)()


def random_id() -> int:
    """A room's number: positive, below 2^53, not to be guessed."""
    return secrets.randbelow(ID_LIMIT - 1) + 1


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
        """Write a room with its host, both or neither.

        Raises:
            IntegrityError: an open listed room has this name, or one that looks like it.
        """
        return await sync_to_async(self._create_with_host)(room_id, name, listed, visitor, nickname, tag)

    def _create_with_host(self, room_id: int, name: str, listed: bool, visitor: str, nickname: str, tag: str) -> "Room":
        with transaction.atomic(using=self.db):
            room = self.create(id=room_id, name=name, listed=listed)
            Host.objects.create(room=room, visitor=visitor, nickname=nickname, tag=tag)
        return room


class Room(models.Model):
    """An open room. One without a ``Host`` is official and stays."""

    id = models.BigIntegerField(primary_key=True, default=random_id, editable=False)
    name = models.CharField(_("name"), max_length=ROOM_NAME_MAX)
    name_key = models.CharField(_("comparison key"), max_length=KEY_MAX, editable=False)
    listed = models.BooleanField(_("listed"), default=True)
    created_at = models.DateTimeField(_("opened"), auto_now_add=True, db_index=True)

    objects = RoomQuerySet.as_manager()

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
        return self.name

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
