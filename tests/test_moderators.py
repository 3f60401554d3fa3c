"""The group *moderator*, as the migrations make it in a new database and in one that was there before."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import ROOT
from tests.stores import PostgresServer

RIGHTS = {
    *(f"rooms.{right}_room" for right in ("view", "add", "change", "delete")),
    *(f"rooms.{right}_ban" for right in ("view", "add", "change")),
    *(f"rooms.{right}_report" for right in ("view", "change")),
}
SHOW = """
import django; django.setup()
from django.contrib.auth.models import User, Group
user = User.objects.create_user("m")
user.groups.add(Group.objects.get(name="moderator"))
print(*sorted(user.get_all_permissions()))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/db.sqlite3"
        return
    server = PostgresServer()
    yield server.url
    server.remove()


def run(database: str, *command: str) -> str:
    environment = os.environ | {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "chatsite.settings"}
    done = subprocess.run([sys.executable, *command], env=environment, cwd=ROOT, check=True, stdout=-1, text=True)
    return done.stdout


def test_a_moderator_has_just_the_rights_to_moderate(database: str) -> None:
    run(database, "manage.py", "migrate", "-v0")
    assert set(run(database, "-c", SHOW).split()) == RIGHTS


def test_a_database_from_before_gets_the_group_and_no_right_twice(database: str) -> None:
    run(database, "manage.py", "migrate", "-v0", "rooms", "0003")
    run(database, "manage.py", "migrate", "-v0")
    # Once more, as where somebody had gone back.
    run(database, "manage.py", "migrate", "-v0", "rooms", "0004")
    run(database, "manage.py", "migrate", "-v0")
    assert set(run(database, "-c", SHOW).split()) == RIGHTS
