"""Addresses of the pages. The socket's address is in ``rooms.routing``."""

from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from rooms import views

urlpatterns = [
    path("", views.lobby, name="lobby"),
    path("chat/", views.chat, name="chat"),
    path("random/", views.random_room, name="random"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    path("privacy/", views.privacy, name="privacy"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("jsi18n/", JavaScriptCatalog.as_view(packages=["rooms"]), name="javascript-catalog"),
]
