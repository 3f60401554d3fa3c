"""Who is banned from the site, in the admin: the list, and lifting. Banning is on the pages of rooms and reports.

Knows the models and the desk; must not know the live store or sockets.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rooms import desk
from rooms.admin.pages import CHANGE, Titled, carry_out, note
from rooms.models import Ban

if TYPE_CHECKING:
    BanModelAdmin = admin.ModelAdmin[Ban]
else:
    BanModelAdmin = admin.ModelAdmin


class BanAdmin(Titled, BanModelAdmin):
    """Bans: the number of the room where the person was met, and their tag there."""

    list_display = ("whom", "reason", "at", "until", "by", "is_in_force")
    list_filter = ("at", "until")
    search_fields = ("tag", "reason", "=room_id")
    fields = ("whom", "reason", "at", "until", "by", "lifted_at", "is_in_force")
    list_select_related = ("by",)
    actions = ("lift",)

    @admin.display(description=_("whom"))
    def whom(self, ban: Ban) -> str:
        """The person's tag, and in which room."""
        return f"{ban.tag} ({ban.room_id})" if ban.room_id else ban.tag or "—"

    @admin.display(description=_("in force"), boolean=True)
    def is_in_force(self, ban: Ban) -> bool:
        """Whether it is neither lifted nor over."""
        return ban.lifted_at is None and (ban.until is None or ban.until > timezone.now())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never here: whom, is known on the pages of rooms and reports."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Ban | None = None) -> bool:
        """Never: a ban is lifted, and another one made."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Ban | None = None) -> bool:
        """Never: it goes some time after its end."""
        return False

    def has_lift_permission(self, request: HttpRequest) -> bool:
        """Whether this account may end a ban."""
        return request.user.has_perm("rooms.change_ban")

    @admin.action(description=_("Lift the ban"), permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Ban]) -> Any:
        """End the chosen bans."""
        for ban in queryset:
            if self.is_in_force(ban) and carry_out(request, desk.lift_ban, ban.pk, {}):
                note(request, ban, CHANGE, gettext("lifted the ban"))
