"""The Django app ``rooms``."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RoomsConfig(AppConfig):
    """The app's configuration; registers the start-up checks when Django is ready."""

    name = "rooms"
    verbose_name = _("Sarangbang")

    def ready(self) -> None:
        """Import the checks so that they register themselves."""
        from rooms import (  # noqa: F401
            checks,
            checks_database,
            checks_installation,
            checks_redis,
            checks_words,
        )
