"""Moderation in Django's admin: the open rooms and their hosts.

Knows the models; must not know the live store or sockets. A room deleted here ends for the people in it within a few
seconds, through the keeper.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from rooms.models import Host, Room

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

    RoomModelAdmin = admin.ModelAdmin[Room]
    HostStackedInline = admin.StackedInline[Host, Room]
else:
    RoomModelAdmin = admin.ModelAdmin
    HostStackedInline = admin.StackedInline


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


class HostInline(HostStackedInline):
    """The host of a room, read-only: only creating a room makes someone its host."""

    model = Host
    fields = ("nickname",)
    readonly_fields = ("nickname",)
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        """Never: nobody becomes host in the admin."""
        return False


@admin.register(Room)
class RoomAdmin(RoomModelAdmin):
    """Open rooms. A room added here is an official room: it has no host and stays open."""

    fields = ("name", "listed", "topic")
    list_display = ("name", "host_name", "listed", "created_at")
    list_filter = ("listed", OfficialFilter, "created_at")
    search_fields = ("name", "host__nickname")
    list_select_related = ("host",)
    date_hierarchy = "created_at"
    inlines = (HostInline,)

    @admin.display(description=_("host"), ordering="host__nickname")
    def host_name(self, room: Room) -> str:
        """The host's name, or a dash in an official room."""
        return room.host.nickname if hasattr(room, "host") else "—"

    def get_readonly_fields(self, request: HttpRequest, obj: Room | None = None) -> tuple[str, ...]:
        """An existing room keeps its name: the people in it know it by that name."""
        return () if obj is None else ("name", "listed", "topic", "created_at")

    def log_addition(self, request: HttpRequest, obj: Room, message: Any) -> Any:
        """Note who added which room, by its number: the log outlives the room, and a name says what it was about."""
        with _unnamed([obj]):
            return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Room, message: Any) -> Any:
        """Note who changed which room, by its number."""
        with _unnamed([obj]):
            return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Room]) -> Any:
        """Note who deleted which rooms, by their numbers."""
        # A query keeps what it has found, so these are the very rooms that are written down.
        with _unnamed(queryset):
            return super().log_deletions(request, queryset)


@contextmanager
def _unnamed(rooms: Iterable[Room]) -> Iterator[None]:
    for room in rooms:
        room.unnamed = True
    yield
    for room in rooms:
        room.unnamed = False
