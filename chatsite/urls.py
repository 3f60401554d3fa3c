"""Addresses of the site: the admin, and everything else from ``rooms``."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path(settings.ADMIN_PATH, admin.site.urls),
    path("", include("rooms.urls")),
]
