"""What PostgreSQL writes into its log, as it comes, when rooms are made."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import ROOT
from tests.stores import PostgresServer

NAME = "비밀의방"
TWICE = f"""
import asyncio, django
django.setup()
from django.db import IntegrityError
from rooms.models import Room
async def make(number, visitor):
    try:
        await Room.objects.create_with_host(number, "{NAME}", True, visitor * 32, "은하수", "abcde")
    except IntegrityError:
        print("taken")
asyncio.run(make(1, "a"))
asyncio.run(make(2, "b"))
"""


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that keeps its log in a file."""
    server = PostgresServer()
    server.execute("ALTER SYSTEM SET logging_collector = on")
    server.stop()
    server.start()
    yield server
    server.remove()


def test_a_name_that_is_taken_is_not_in_the_log_of_postgresql(postgres: PostgresServer) -> None:
    environment = os.environ | {"DATABASE_URL": postgres.url, "DJANGO_SETTINGS_MODULE": "chatsite.settings"}
    for command in (["manage.py", "migrate", "-v0"], ["-c", TWICE]):
        done = subprocess.run([sys.executable, *command], env=environment, cwd=ROOT, check=True, stdout=-1, text=True)
    assert done.stdout == "taken\n"
    log = "".join(file.read_text() for file in Path(postgres._data).glob("log/*"))
    assert "ready to accept connections" in log
    assert NAME not in log
