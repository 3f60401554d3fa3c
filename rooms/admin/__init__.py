"""Moderation in Django's admin: open rooms and who is in them, what was reported, who is banned.

Knows its parts. Everything that changes a live room goes through the desk, so that the people in it are told at once.
"""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from rooms.admin.bans import BanAdmin
from rooms.admin.reports import ReportAdmin
from rooms.admin.rooms import RoomAdmin
from rooms.models import Ban, Report, Room

__all__ = ["BanAdmin", "ReportAdmin", "RoomAdmin"]

admin.site.site_header = admin.site.site_title = _("Sarangbang moderation")
admin.site.index_title = _("Rooms and reports")
admin.site.register(Room, RoomAdmin)
admin.site.register(Report, ReportAdmin)
admin.site.register(Ban, BanAdmin)

DJANGOS_WORDS = (gettext_noop("users"), gettext_noop("Welcome,"))
"""Words of Django's that our catalogues put better."""
