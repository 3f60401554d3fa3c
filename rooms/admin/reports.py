"""What was reported, in the admin: the list, each report with its lines, and what is done about it.

Knows the models, the acts and the desk; must not know the live store or sockets.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from rooms import desk
from rooms.admin.acts import Act, BanForm, CloseForm, MuteForm, PersonForm
from rooms.admin.pages import CHANGE, Titled, buttons, carry_out, filled, note
from rooms.hub import Hub
from rooms.models import Report, Room

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

    ReportModelAdmin = admin.ModelAdmin[Report]
else:
    ReportModelAdmin = admin.ModelAdmin


async def _nothing(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    """Leave everything as it is."""


async def _mute(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    await desk.to_person(hub, room_id, values["person"], desk.mute, values)


async def _kick(hub: Hub, room_id: int, values: dict[str, Any]) -> None:
    await desk.to_person(hub, room_id, values["person"], desk.kick, values)


ACTS: dict[str, Act] = {
    "nothing": Act(_("Nothing to do"), gettext_noop("report: nothing to do"), _nothing, right="change_report"),
    "removed": Act(_("Remove the line"), gettext_noop("report: line of %(tag)s removed"), desk.remove),
    "muted": Act(_("Mute"), gettext_noop("report: muted %(tag)s for %(seconds)s seconds"), _mute, MuteForm),
    "kicked": Act(_("Put out"), gettext_noop("report: put out %(tag)s"), _kick, PersonForm, danger=True),
    "banned": Act(
        _("Ban from the site"), gettext_noop("report: banned %(tag)s"), desk.ban_author, BanForm, "add_ban", True
    ),
    "closed": Act(_("Close the room"), gettext_noop("report: room closed"), desk.close, CloseForm, "delete_room", True),
}
"""By the resolution that the report has afterwards."""
LIVE = ("removed", "muted", "kicked", "closed")
"""What needs the room to be open."""


class StateFilter(admin.SimpleListFilter):
    """Filters reports that wait from those that are resolved."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> "list[tuple[str, str | StrPromise]]":
        """The two choices."""
        return [("open", _("Waiting")), ("done", _("Resolved"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """The reports that match the choice."""
        return queryset if self.value() is None else queryset.filter(resolved_at__isnull=self.value() == "open")


class ReportAdmin(Titled, ReportModelAdmin):
    """Reports; the newest that wait come first."""

    list_display = ("whom", "state", "reason", "at", "room_name")
    list_filter = (StateFilter, "reason", "at")
    search_fields = ("room_name", "nickname", "tag", "=room_id")
    list_per_page = 50
    ordering = (ExpressionWrapper(Q(resolved_at=None), BooleanField()).desc(), "-at")
    actions = None

    @admin.display(description=_("whom"))
    def whom(self, report: Report) -> str:
        """Whose line was reported."""
        return f"{report.nickname} ({report.tag})"

    @admin.display(description=_("state"), ordering="resolved_at")
    def state(self, report: Report) -> str:
        """Whether it waits, or what was done."""
        return report.get_resolution_display() if report.resolved_at else gettext("Waiting")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: people report, in their rooms."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Report | None = None) -> bool:
        """Never: they go when their time is up."""
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A report's page; what is sent from it resolves it."""
        report = self.get_object(request, unquote(object_id))
        if report is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        if not self.has_view_permission(request, report):
            raise PermissionDenied
        if request.method == "POST":
            return self._resolve(request, report)
        return TemplateResponse(request, "admin/rooms/report/report.html", self._context(request, report))

    def _context(self, request: HttpRequest, report: Report) -> dict[str, Any]:
        room = Room.objects.filter(pk=report.room_id).first()
        can = self.has_change_permission(request, report) and report.resolved_at is None
        acts = {name: act for name, act in ACTS.items() if room is not None or name not in LIVE} if can else {}
        return {
            **self.admin_site.each_context(request),
            "title": f"{report.nickname} ({report.tag})",
            "opts": self.opts,
            "report": report,
            "room": room,
            "lines": [{**line, "at": datetime.fromtimestamp(line["at"] / 1000, UTC)} for line in report.lines],
            "others": Report.objects.filter(room_id=report.room_id, person=report.person).exclude(pk=report.pk),
            "acts": buttons(request, acts, tag=report.tag),
        }

    def _resolve(self, request: HttpRequest, report: Report) -> HttpResponse:
        name = request.POST.get("act", "")
        act = ACTS.get(name)
        page = HttpResponseRedirect(reverse("admin:rooms_report_change", args=[report.pk]))
        if act is None:
            return page
        if not (self.has_change_permission(request, report) and act.is_allowed(request)):
            raise PermissionDenied
        if report.resolved_at is not None:
            messages.warning(request, gettext("Somebody has resolved this report already."))
            return page
        values = filled(request, act)
        if values is None:
            return page
        about = {"person": report.person, "visitor": report.visitor, "tag": report.tag, "line": report.line}
        if carry_out(request, act.verb, report.room_id, {**values, **about}):
            desk.run(lambda _hub: Report.objects.resolve(report.pk, name, request.user.pk))
            note(request, report, CHANGE, act.note({**values, **about}))
            return HttpResponseRedirect(reverse("admin:rooms_report_changelist"))
        return page
