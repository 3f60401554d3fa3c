"""Who cannot come back into a room, and who may say nothing there.

Knows rooms; must not know the protocol's messages, the live store or bans from the site. A *person* is a visitor as one
room knows them, so that the same visitor cannot be told in another room's rows; the rows go with the room.
"""

from datetime import datetime
from typing import ClassVar

from asgiref.sync import sync_to_async
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rooms.models.rooms import NICKNAME_MAX, TAG_MAX, Room

PERSON_LENGTH = 20
BLOCKS_MAX = 500
"""How many people a room keeps out; the oldest fall out."""


class BlockQuerySet(models.QuerySet["Block"]):
    """Blocks, as the services look for them and change them."""

    def of(self, room_id: int) -> "BlockQuerySet":
        """Those of a room, newest first."""
        return self.filter(room_id=room_id).order_by("-at", "-id")

    async def keep_out(self, room_id: int, person: str, nickname: str, tag: str) -> list[str]:
        """Keep a person out of a room; done twice, the later name and time stand.

        Returns:
            Whom the room keeps out no longer, because they are too many.

        Raises:
            IntegrityError: the room has no row.
        """
        return await sync_to_async(self._keep_out)(room_id, person, nickname, tag)

    def _keep_out(self, room_id: int, person: str, nickname: str, tag: str) -> list[str]:
        with transaction.atomic(using=self.db):
            named = {"nickname": nickname, "tag": tag, "at": timezone.now()}
            self.update_or_create(room_id=room_id, person=person, defaults=named)
            surplus = list(self.of(room_id).values_list("person", flat=True)[BLOCKS_MAX:])
            self.filter(room_id=room_id, person__in=surplus).delete()
        return surplus

    async def with_tag(self, room_id: int, tag: str) -> "Block | None":
        """The latest block of a person with a tag."""
        return await self.of(room_id).filter(tag=tag).afirst()

    async def lift(self, room_id: int, tag: str) -> str:
        """Keep the person with a tag out no longer, and return them; "" when nobody with it is kept out."""
        block = await self.with_tag(room_id, tag)
        if block is None:
            return ""
        await self.filter(id=block.id).adelete()
        return block.person


class Block(models.Model):
    """A person who was put out of a room and cannot come back."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="blocks")
    person = models.CharField(max_length=PERSON_LENGTH, editable=False)
    nickname = models.CharField(_("nickname"), max_length=NICKNAME_MAX)
    tag = models.CharField(_("tag"), max_length=TAG_MAX)
    at = models.DateTimeField(_("since"), default=timezone.now)

    objects = BlockQuerySet.as_manager()

    class Meta:
        verbose_name = _("person kept out")
        verbose_name_plural = _("people kept out")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["room", "person"], name="one_block_per_person"),
            models.CheckConstraint(condition=models.Q(person__length=PERSON_LENGTH), name="block_person_is_a_hash"),
        ]

    def __str__(self) -> str:
        return f"{self.room_id} · {self.tag}"


class MuteQuerySet(models.QuerySet["Mute"]):
    """Mutes, as the services look for them and change them."""

    def in_force(self) -> "MuteQuerySet":
        """Those whose time is not up."""
        return self.filter(until__gt=timezone.now())

    async def mute(self, room_id: int, person: str, nickname: str, tag: str, until: datetime) -> None:
        """Let a person say nothing in a room until a time; the later call stands.

        Raises:
            IntegrityError: the room has no row.
        """
        named = {"nickname": nickname, "tag": tag, "until": until}
        await self.aupdate_or_create(room_id=room_id, person=person, defaults=named)

    async def unmute(self, room_id: int, person: str) -> bool:
        """Let a person speak again; whether there was anything to lift."""
        deleted, _by_model = await self.filter(room_id=room_id, person=person).adelete()
        return bool(deleted)


class Mute(models.Model):
    """A person who may say nothing in a room until a time."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="mutes")
    person = models.CharField(max_length=PERSON_LENGTH, editable=False)
    nickname = models.CharField(_("nickname"), max_length=NICKNAME_MAX)
    tag = models.CharField(_("tag"), max_length=TAG_MAX)
    until = models.DateTimeField(_("until"), db_index=True)

    objects = MuteQuerySet.as_manager()

    class Meta:
        verbose_name = _("muted person")
        verbose_name_plural = _("muted people")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["room", "person"], name="one_mute_per_person"),
            models.CheckConstraint(condition=models.Q(person__length=PERSON_LENGTH), name="mute_person_is_a_hash"),
        ]

    def __str__(self) -> str:
        return f"{self.room_id} · {self.tag}"

    @property
    def until_ms(self) -> int:
        """``until`` as Unix time in milliseconds."""
        return round(self.until.timestamp() * 1000)
