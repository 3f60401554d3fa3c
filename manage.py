#!/usr/bin/env python
"""Django's command line. With no settings at all it starts in development mode."""

import os
import platform
import re
import secrets
import sys
from pathlib import Path

from chatsite import __version__
from chatsite.environment import flag

KEY_FILE = Path(__file__).resolve().parent / ".secret-key"
OWN_HOSTS = r"localhost|127(\.\d+){3}|\[::1\]"


def asks_for_others(arguments: list[str]) -> bool:
    """Whether the command line starts a development server that other machines can reach."""
    if arguments[:1] != ["runserver"]:
        return False
    # What is left of the last colon; a port alone is for this machine.
    hosts = [word.rpartition(":")[0] for word in arguments[1:] if not word.startswith("-")]
    return any(host and not re.fullmatch(OWN_HOSTS, host) for host in hosts)


def try_out() -> None:
    """Set what someone needs who has set nothing."""
    if not asks_for_others(sys.argv[1:]):
        os.environ.setdefault("DEBUG", "1")
        return
    # Others must not see the program's inside, nor sign cookies with a key that everybody knows.
    if not KEY_FILE.exists():
        KEY_FILE.touch(0o600)
        KEY_FILE.write_text(secrets.token_urlsafe(48))
    os.environ["SECRET_KEY"] = KEY_FILE.read_text()
    # Nobody knows yet by which name or address they come.
    os.environ["ALLOWED_HOSTS"] = os.environ.get("ALLOWED_HOSTS") or "*"


def main() -> None:
    """Run the management command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
    for_others = asks_for_others(sys.argv[1:])
    if for_others and flag("DEBUG", False):
        sys.exit("DEBUG shows the inside of the program to all who reach it: unset it, or leave out the host.")
    # A server that was configured at all has a SECRET_KEY and is never touched by this.
    unset = not os.environ.get("SECRET_KEY")
    if unset:
        try_out()
    import django
    from django.core.management import execute_from_command_line

    if sys.argv[1:] in (["version"], ["--version"]):
        # Django would print its own version only; an operator asks for the program's.
        print(f"Sarangbang {__version__} (Django {django.get_version()}, Python {platform.python_version()})")
        return
    if unset and for_others:
        # Without DEBUG, scripts and styles are served as they were collected.
        execute_from_command_line([sys.argv[0], "collectstatic", "--noinput", "--verbosity", "0"])
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
