"""Addresses of the site: the admin, and everything else from ``rooms``."""

from django.contrib import admin
from django.urls import include, path

from rooms.login import login

urlpatterns = [
    # Before the admin's own of that address.
    path("admin/login/", login),
    path("admin/", admin.site.urls),
    path("", include("rooms.urls")),
]
