"""What every template may show besides what its view gives it.

Knows the program's version; must not know pages.
"""

from django.http import HttpRequest

from chatsite import __version__


def version(request: HttpRequest) -> dict[str, str]:
    """The program's version, for the admin's footer."""
    return {"version": __version__}
