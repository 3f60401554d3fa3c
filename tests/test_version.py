"""The version: one place says it, and everything that shows it agrees."""

import platform
import re
import subprocess
import sys
from pathlib import Path

import django
import pytest
from django.test import Client
from django.urls import reverse

from chatsite import __version__

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("argument", ["version", "--version"])
def test_manage_py_says_the_version_of_all_that_matters(argument: str) -> None:
    command = [sys.executable, "manage.py", argument]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said == f"Sarangbang {__version__} (Django {django.get_version()}, Python {platform.python_version()})\n"


def test_the_newest_entry_of_the_changelog_has_the_version() -> None:
    newest = re.search(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == __version__


def test_the_admin_shows_a_moderator_the_version(admin_client: Client) -> None:
    assert f"Sarangbang {__version__}" in admin_client.get(reverse("admin:index")).text


@pytest.mark.django_db
def test_the_admin_tells_nobody_else_the_version(client: Client) -> None:
    assert __version__ not in client.get(reverse("admin:login")).text
