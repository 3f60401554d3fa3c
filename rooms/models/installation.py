"""Which installation a database belongs to.

Knows Django's models; must not know rooms.
"""

import secrets
from typing import ClassVar

from django.db import models


def _random_hex() -> str:
    return secrets.token_hex(8)


def _random_key() -> str:
    return secrets.token_hex(32)


class Installation(models.Model):
    """Which installation this database belongs to: one row, made when it is first needed.

    ``id`` keeps installations apart that share a Redis; ``key`` makes the visitors' ids and tags, so that a new
    ``SECRET_KEY`` costs nobody their room.
    """

    ONLY = 1

    number = models.SmallIntegerField(primary_key=True, default=ONLY, editable=False)
    id = models.CharField(max_length=16, default=_random_hex, editable=False)
    key = models.CharField(max_length=64, default=_random_key, editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(number=1), name="one_installation"),
        ]

    def __str__(self) -> str:
        return self.id

    @classmethod
    def current(cls) -> "Installation":
        """This installation."""
        return cls.objects.get_or_create(number=cls.ONLY)[0]

    @classmethod
    def renew(cls) -> "Installation":
        """Make this database an installation of its own, and return it."""
        return cls.objects.update_or_create(number=cls.ONLY, defaults={"id": _random_hex(), "key": _random_key()})[0]
