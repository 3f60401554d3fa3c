#!/usr/bin/env python
"""Django's command line. With no settings at all it starts in development mode."""

import os
import platform
import sys

from chatsite import __version__


def main() -> None:
    """Run the management command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
    # Someone who has set nothing is trying the program out: give them DEBUG and its throw-away key.
    # A server that was configured at all has a SECRET_KEY and is never touched by this.
    if not os.environ.get("SECRET_KEY"):
        os.environ.setdefault("DEBUG", "1")
    import django
    from django.core.management import execute_from_command_line

    if sys.argv[1:] in (["version"], ["--version"]):
        # Django would print its own version only; an operator asks for the program's.
        print(f"Sarangbang {__version__} (Django {django.get_version()}, Python {platform.python_version()})")
        return
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
