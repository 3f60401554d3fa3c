"""Addresses of the site: the admin, and everything else from ``rooms``."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from rooms.login import login

urlpatterns = [
    # Before the admin's own of that address.
    path(settings.ADMIN_PATH + "login/", login),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("", include("rooms.urls")),
]
