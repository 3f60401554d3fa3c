"""No pages: only the socket is measured."""

from typing import Any

urlpatterns: list[Any] = []
