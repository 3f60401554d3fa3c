"""What moderators keep: bans from the whole site, and what people reported.

Knows Django's models and accounts; must not know the live store or sockets. Unlike anything else about people these
rows outlive the room, because the moderators need them; ``forget`` deletes them when their time is up.
"""

from datetime import datetime, timedelta
from typing import ClassVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rooms.models.people import PERSON_LENGTH, Mute
from rooms.models.rooms import NICKNAME_MAX, ROOM_NAME_MAX, TAG_MAX, VISITOR_LENGTH

NOTE_MAX = 200
"""Code points of what a reporter adds, and of a moderator's reason."""
ADDRESS_HOURS = 24
"""How long a ban knows from where the banned visitor came."""
REPORTS_MAX = 5
"""How many reports one visitor may make in ``REPORTS_SPAN``."""
REPORTS_SPAN = timedelta(minutes=10)


class BanQuerySet(models.QuerySet["Ban"]):
    """Bans, as the services look for them and change them."""

    def in_force(self) -> "BanQuerySet":
        """Those that are neither lifted nor over."""
        return self.filter(models.Q(until=None) | models.Q(until__gt=timezone.now()), lifted_at=None)

    async def of_visitor(self, visitor: str) -> "Ban | None":
        """A ban of a visitor that is in force, the longest."""
        return await self.in_force().filter(visitor=visitor).order_by(models.F("until").desc(nulls_first=True)).afirst()

    async def known_by_room(self) -> "list[Ban]":
        """Those in force whose visitor is known only as one room knew them."""
        return [ban async for ban in self.in_force().filter(visitor="")]

    async def add_ban(
        self,
        visitor: str,
        reason: str,
        until: datetime | None,
        by: int | None = None,
        room_id: int | None = None,
        person: str = "",
        tag: str = "",
        address: str = "",
    ) -> "Ban":
        """Ban a visitor from the site.

        Args:
            visitor: whom; "" when only ``room_id`` and ``person`` are known.
            reason: for the moderators.
            until: None for ever.
            by: the moderator's account.
            room_id: where the visitor was met, with ``person`` and ``tag`` as that room knows them.
            person: see ``room_id``.
            tag: see ``room_id``.
            address: the hash of the address of that moment.
        """
        return await self.acreate(
            visitor=visitor,
            reason=reason,
            until=until,
            by_id=by,
            room_id=room_id,
            person=person,
            tag=tag,
            address=address,
        )

    async def lift(self, ban_id: int) -> "Ban | None":
        """End a ban now, and return it; None when it was over already."""
        if not await self.in_force().filter(id=ban_id).aupdate(lifted_at=timezone.now(), address=""):
            return None
        return await self.aget(id=ban_id)


class Ban(models.Model):
    """A visitor who cannot use the site: known by the site's hash, or as one room knew them."""

    visitor = models.CharField(max_length=VISITOR_LENGTH, default="", blank=True, editable=False, db_index=True)
    room_id = models.BigIntegerField(_("room number"), null=True, blank=True)
    person = models.CharField(max_length=PERSON_LENGTH, default="", blank=True, editable=False)
    tag = models.CharField(_("tag"), max_length=TAG_MAX, default="", blank=True)
    reason = models.CharField(_("reason"), max_length=NOTE_MAX, default="", blank=True)
    at = models.DateTimeField(_("since"), default=timezone.now)
    until = models.DateTimeField(_("until"), null=True, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("moderator")
    )
    address = models.CharField(max_length=16, default="", blank=True, editable=False)
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    objects = BanQuerySet.as_manager()

    class Meta:
        verbose_name = _("ban")
        verbose_name_plural = _("bans")
        ordering: ClassVar[list[str]] = ["-at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(visitor__length=VISITOR_LENGTH)
                | models.Q(visitor="", person__length=PERSON_LENGTH, room_id__isnull=False),
                name="ban_is_of_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room_id or ''} · {self.tag}".strip(" ·") or f"#{self.pk}"


class ReportQuerySet(models.QuerySet["Report"]):
    """Reports, as the services look for them and change them."""

    def open(self) -> "ReportQuerySet":
        """Those that no moderator has resolved."""
        return self.filter(resolved_at=None)

    async def add_report(self, report: "Report", since: datetime) -> int:
        """Keep a report; one that its reporter made before with the same ``ref`` is there already.

        Args:
            report: what to keep.
            since: from when on a ``ref`` is remembered.

        Returns:
            0, or when the reporter has made as many as allowed, milliseconds until they may again.
        """
        return await sync_to_async(self._add_report)(report, since)

    def _add_report(self, report: "Report", since: datetime) -> int:
        # A failing insertion would be in PostgreSQL's log, with what was said; one that does nothing is not.
        with transaction.atomic(using=self.db):
            mine = self.filter(reporter=report.reporter)
            same = mine.filter(ref=report.ref).exclude(ref="")
            if same.filter(at__gt=since).exists():
                return 0
            now = timezone.now()
            latest = list(mine.filter(at__gt=now - REPORTS_SPAN).order_by("-at").values_list("at", flat=True))
            if len(latest) >= REPORTS_MAX:
                return max(1, round((latest[REPORTS_MAX - 1] + REPORTS_SPAN - now).total_seconds() * 1000))
            # Of a client that counts its refs anew, they are those of other reports.
            same.update(ref="")
            self.bulk_create([report], ignore_conflicts=True)
        return 0

    async def resolve(self, report_id: int, resolution: str, by: int | None) -> bool:
        """Note what was done about a report; False when somebody was first.

        Args:
            report_id: the report.
            resolution: one of ``Report.Resolution``.
            by: the moderator's account.
        """
        done = {"resolved_at": timezone.now(), "resolved_by_id": by, "resolution": resolution}
        return bool(await self.open().filter(id=report_id).aupdate(**done))


class Report(models.Model):
    """What somebody reported: a line, those around it, and whose it is."""

    class Reason(models.TextChoices):
        """Why; the values are the protocol's."""

        ABUSE = "abuse", _("Abuse")
        SEXUAL = "sexual", _("Sexual content")
        SPAM = "spam", _("Spam")
        PRIVACY = "privacy", _("Private information")
        OTHER = "other", _("Something else")

    class Resolution(models.TextChoices):
        """What was done."""

        NOTHING = "nothing", _("Nothing to do")
        REMOVED = "removed", _("Line removed")
        MUTED = "muted", _("Muted")
        KICKED = "kicked", _("Put out")
        BANNED = "banned", _("Banned")
        CLOSED = "closed", _("Room closed")

    room_id = models.BigIntegerField(_("room number"), db_index=True)
    room_name = models.CharField(_("room"), max_length=ROOM_NAME_MAX)
    reason = models.CharField(_("reason"), max_length=8, choices=Reason.choices)
    note = models.CharField(_("note"), max_length=NOTE_MAX, default="", blank=True)
    line = models.BigIntegerField(_("line"))
    """The reported line's ``seq``."""
    lines = models.JSONField(_("lines"), default=list)
    """Oldest first: ``nickName``, ``tag``, ``message``, ``at`` (Unix time in ms), and ``reported`` for this one."""
    nickname = models.CharField(_("nickname"), max_length=NICKNAME_MAX)
    tag = models.CharField(_("tag"), max_length=TAG_MAX)
    person = models.CharField(max_length=PERSON_LENGTH, editable=False)
    visitor = models.CharField(max_length=VISITOR_LENGTH, default="", blank=True, editable=False)
    reporter = models.CharField(max_length=VISITOR_LENGTH, editable=False)
    ref = models.CharField(max_length=36, default="", blank=True, editable=False)
    at = models.DateTimeField(_("reported"), default=timezone.now, db_index=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("moderator")
    )
    resolution = models.CharField(_("resolution"), max_length=8, choices=Resolution.choices, default="", blank=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering: ClassVar[list[str]] = ["-at"]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["reporter", "at"], name="report_of_reporter")]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["reporter", "ref"], condition=~models.Q(ref=""), name="one_report_per_reporter_and_ref"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room_id} · {self.tag}"


async def forget(report_days: float) -> None:
    """Delete what has been kept as long as it may be: mutes, addresses of bans, bans that ended, and reports.

    Args:
        report_days: how long a report is kept, and a ban after its end.
    """
    now = timezone.now()
    old = now - timedelta(days=report_days)
    await Mute.objects.filter(until__lt=now).adelete()
    await Ban.objects.filter(at__lt=now - timedelta(hours=ADDRESS_HOURS)).exclude(address="").aupdate(address="")
    await Ban.objects.filter(models.Q(lifted_at__lt=old) | models.Q(until__lt=old)).adelete()
    await Report.objects.filter(at__lt=old).adelete()
