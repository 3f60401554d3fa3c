"""The open rooms in the admin: the list, each room's page, and what is done to one or several of them.

Knows the models, the acts and the desk; must not know the live store or sockets.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from rooms import desk
from rooms.admin.acts import LIFT, ON_A_ROOM, ON_SEVERAL, PERSON, ROOM, UNMUTE, Act
from rooms.admin.pages import CHANGE, DELETION, Titled, buttons, carry_out, filled, note, several_went
from rooms.models import Block, Mute, Report, Room

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

    RoomModelAdmin = admin.ModelAdmin[Room]
else:
    RoomModelAdmin = admin.ModelAdmin

AWAY = _("How many people are in the rooms cannot be shown: the live rooms cannot be reached right now.")


class OfficialFilter(admin.SimpleListFilter):
    """Filters official rooms, which have no host, from those with a host."""

    title = _("official")
    parameter_name = "official"

    def lookups(self, request: HttpRequest, model_admin: object) -> "list[tuple[str, str | StrPromise]]":
        """The two choices."""
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Room]) -> QuerySet[Room]:
        """The rooms that match the choice."""
        return queryset if self.value() is None else queryset.filter(host__isnull=self.value() == "yes")


class LiveList(ChangeList):
    """A page of the list, whose rooms know how they are now."""

    def get_results(self, request: HttpRequest) -> None:
        """Find the rooms of this page, and ask once for all of them."""
        super().get_results(request)
        rooms: list[Any] = list(self.result_list)
        self.result_list = rooms
        standings = desk.overview(room.pk for room in rooms)
        if standings is None:
            messages.warning(request, AWAY)
        reports = Report.objects.open().filter(room_id__in=[room.pk for room in rooms])
        counts = dict(reports.order_by().values_list("room_id").annotate(count=Count("id")))
        for room in rooms:
            room.standing = (standings or {}).get(room.pk)
            room.reports = counts.get(room.pk, 0)


class RoomAdmin(Titled, RoomModelAdmin):
    """Open rooms. A room added here is an official room: it has no host and stays open."""

    fields = ("name", "listed", "topic")
    list_display = ("name", "people", "open_reports", "locked", "host_name", "topic", "age", "listed")
    list_filter = ("locked", "listed", OfficialFilter, "created_at")
    search_fields = ("name", "topic", "host__nickname")
    list_select_related = ("host",)
    list_per_page = 50

    @admin.display(description=_("people"))
    def people(self, room: Any) -> str:
        """How many are in, or a dash while that is not known."""
        return "—" if room.standing is None else str(room.standing.participants)

    @admin.display(description=_("host"), ordering="host__nickname")
    def host_name(self, room: Room) -> str:
        """The host's name, or a dash in an official room."""
        return room.host.nickname if hasattr(room, "host") else "—"

    @admin.display(description=_("open reports"))
    def open_reports(self, room: Any) -> str:
        """How many reports of it wait."""
        return str(room.reports or "")

    @admin.display(description=_("open for"), ordering="-created_at")
    def age(self, room: Room) -> str:
        """Since when it is open, in words."""
        return timesince(room.created_at, depth=1)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list with what is live."""
        return LiveList

    # --- one room ----------------------------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Room, form: Any, change: bool) -> None:
        """Write an official room, and open it as soon as it is written."""
        super().save_model(request, obj, form, change)
        transaction.on_commit(partial(desk.open_live, obj.pk))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A room's page; what is sent from it is one act."""
        room = self.get_object(request, unquote(object_id))
        if room is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        if not self.has_view_permission(request, room):
            raise PermissionDenied
        if request.method == "POST":
            return self._act(request, room)
        return TemplateResponse(request, "admin/rooms/room/room.html", self._context(request, room))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The room's page, where its closing is."""
        return HttpResponseRedirect(reverse("admin:rooms_room_change", args=[object_id]) + "#close")

    def _context(self, request: HttpRequest, room: Room) -> dict[str, Any]:
        here = desk.people(room.pk)
        muted = {mute.person: mute for mute in Mute.objects.in_force().filter(room=room)}
        host = room.host.visitor if hasattr(room, "host") else None
        standing = (desk.overview([room.pk]) or {}).get(room.pk)
        return {
            **self.admin_site.each_context(request),
            "title": room.name,
            "opts": self.opts,
            "room": room,
            "standing": standing,
            "away": here is None,
            "people": [
                {
                    "subject": subject,
                    "is_host": subject.visitor_id == host,
                    "mute": muted.get(subject.person),
                    "acts": buttons(request, PERSON, target=subject.key, tag=subject.tag)
                    + (
                        buttons(request, {"unmute": UNMUTE}, target=subject.key, tag=subject.tag)
                        if subject.person in muted
                        else []
                    ),
                }
                for subject in here or ()
            ],
            "blocks": [
                {"block": block, "acts": buttons(request, {"lift": LIFT}, tag=block.tag)}
                for block in Block.objects.of(room.pk)
            ],
            "reports": Report.objects.filter(room_id=room.pk),
            "acts": buttons(
                request,
                {name: act for name, act in ROOM.items() if name != ("lock" if room.locked else "unlock")},
                seconds=room.slow,
                topic=room.topic,
            ),
        }

    def _act(self, request: HttpRequest, room: Room) -> HttpResponse:
        act = ON_A_ROOM.get(request.POST.get("act", ""))
        page = HttpResponseRedirect(reverse("admin:rooms_room_change", args=[room.pk]))
        if act is None:
            return page
        if not act.is_allowed(request):
            raise PermissionDenied
        values = filled(request, act)
        if values is None or not carry_out(request, act.verb, room.pk, values):
            return page
        is_closed = act is ROOM["close"]
        note(request, room, DELETION if is_closed else CHANGE, act.note(values))
        return HttpResponseRedirect(reverse("admin:rooms_room_changelist")) if is_closed else page

    # --- several rooms -----------------------------------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """What can be done to several rooms; deleting them is closing them."""
        acts = {name: ROOM[name] for name in ON_SEVERAL if ROOM[name].is_allowed(request)}
        return {name: (partial(_on_several, name=name), name, act.label) for name, act in acts.items()}

    def log_addition(self, request: HttpRequest, obj: Room, message: Any) -> Any:
        """Note who added which room, by its number: the log outlives the room, and a name says what it was about."""
        obj.unnamed = True
        entry = super().log_addition(request, obj, message)
        obj.unnamed = False
        return entry


def _on_several(admin_: RoomAdmin, request: HttpRequest, rooms: QuerySet[Room], name: str) -> HttpResponseBase | None:
    """Ask what is to be filled in, then do it to each of the rooms."""
    act: Act = ROOM[name]
    values = filled(request, act) if "filled" in request.POST else None
    if values is None:
        context = {
            **admin_.admin_site.each_context(request),
            "title": act.label,
            "opts": admin_.opts,
            "rooms": rooms,
            "button": buttons(request, {name: act})[0],
            "chosen": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
            "across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "admin/rooms/room/several.html", context)
    chosen = {room.pk: room for room in rooms}
    flag = DELETION if act is ROOM["close"] else CHANGE
    for room_id in several_went(request, desk.each(act.verb, chosen, values)):
        note(request, chosen[room_id], flag, act.note(values))
    return None
