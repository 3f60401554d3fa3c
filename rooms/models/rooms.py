"""The open rooms and who hosts them.

Knows names; must not know the protocol's messages, the live store, the hub or the consumers. A room's row goes when the
room does.
"""

import secrets
from collections.abc import Collection
from typing import ClassVar

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Length
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rooms import names

ID_LIMIT = 2**53
ROOM_NAME_MAX = 30
NICKNAME_MAX = 10
TAG_MAX = 6
TOPIC_MAX = 80
SLOW_MAX = 300
"""Seconds that slow mode has people wait at most."""
VISITOR_LENGTH = 32
KEY_MAX = 18 * ROOM_NAME_MAX
"""NFKC turns one code point into 18 at most (U+FDFA)."""

models.CharField.register_lookup(Length)


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

    def whole(self) -> "RoomQuerySet":
        """With all that opens a room's live state: its host, who is kept out and who may say nothing."""
        return self.select_related("host").prefetch_related("blocks", "mutes")

    async def set_rules(
        self, room_id: int, topic: str | None = None, locked: bool | None = None, slow: int | None = None
    ) -> bool:
        """Write how a room is from now on; None leaves a rule as it is.

        Args:
            room_id: the room.
            topic: at most ``TOPIC_MAX`` code points.
            locked: whether nobody new comes in.
            slow: seconds between two lines of one person.

        Returns:
            Whether the room has a row.
        """
        rules = {"topic": topic, "locked": locked, "slow": slow}
        return bool(await self.filter(id=room_id).aupdate(**{name: to for name, to in rules.items() if to is not None}))

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
    # With a default in the database, too: during an upgrade the version before inserts rows without these.
    topic = models.CharField(_("topic"), max_length=TOPIC_MAX, default="", db_default="", blank=True)
    locked = models.BooleanField(_("locked"), default=False, db_default=False)
    slow = models.PositiveSmallIntegerField(
        _("slow mode"),
        default=0,
        db_default=0,
        help_text=_("Seconds that everyone waits between two lines; 0 for none."),
    )

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
            models.CheckConstraint(condition=models.Q(topic__length__lte=TOPIC_MAX), name="room_topic_length"),
            models.CheckConstraint(condition=models.Q(slow__gte=0, slow__lte=SLOW_MAX), name="room_slow_seconds"),
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

    @property
    def blocked(self) -> tuple[str, ...]:
        """Who is kept out, as this room knows them."""
        return tuple(block.person for block in self.blocks.all())

    @property
    def muted(self) -> tuple[tuple[str, int], ...]:
        """Who may say nothing, as this room knows them, and until when, Unix time in ms."""
        now = timezone.now()
        return tuple((mute.person, mute.until_ms) for mute in self.mutes.all() if mute.until > now)

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


class HostQuerySet(models.QuerySet["Host"]):
    """Hosts, as the services change them."""

    async def transfer(self, room_id: int, giver: str, visitor: str, nickname: str, tag: str, most: int) -> bool:
        """Give a room another host; done already, it is done.

        Args:
            room_id: the room.
            giver: the visitor who hosts it now.
            visitor: the heir, with ``nickname`` and ``tag`` in the room.
            most: how many rooms a visitor may host at once.

        Returns:
            Whether it was done; False when the heir hosts as many rooms as allowed.

        Raises:
            Host.DoesNotExist: the giver does not host the room (any more), or it is gone.
        """
        return await sync_to_async(self._transfer)(room_id, giver, visitor, nickname, tag, most)

    def _transfer(self, room_id: int, giver: str, visitor: str, nickname: str, tag: str, most: int) -> bool:
        with transaction.atomic(using=self.db):
            host = self.select_for_update().get(room_id=room_id, visitor__in=(giver, visitor))
            if host.visitor != visitor and self.filter(visitor=visitor).count() >= most:
                return False
            self.filter(room_id=room_id).update(visitor=visitor, nickname=nickname, tag=tag)
        return True


class Host(models.Model):
    """Who hosts a room: a visitor (as a keyed hash, never the secret) under a name."""

    room = models.OneToOneField(Room, models.CASCADE, primary_key=True, related_name="host")
    visitor = models.CharField(max_length=VISITOR_LENGTH, db_index=True, editable=False)
    nickname = models.CharField(_("nickname"), max_length=NICKNAME_MAX)
    tag = models.CharField(max_length=TAG_MAX, editable=False)

    objects = HostQuerySet.as_manager()

    class Meta:
        verbose_name = _("host")
        verbose_name_plural = _("hosts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(nickname__length__gte=1, nickname__length__lte=NICKNAME_MAX),
                name="host_nickname_length",
            ),
            models.CheckConstraint(condition=models.Q(visitor__length=VISITOR_LENGTH), name="host_visitor_is_a_hash"),
        ]

    def __str__(self) -> str:
        return self.nickname
