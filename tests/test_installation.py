"""Installations on one Redis: none ends the other's rooms, and a copied database does not start as the original."""

import asyncio
import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from rooms import checks_installation, claim, installation, node
from rooms.live.contract import StoreUnavailable
from rooms.live.redis import RedisStore
from rooms.models import Installation
from tests.servers import QUICK, ROOT, Worker
from tests.stores import PostgresServer, RedisServer
from tests.talk import Talker

OTHER = "sqlite /somewhere/else"


class Site:
    """An installation with a SQLite file in a folder of its own."""

    def __init__(self, folder: Path, redis: RedisServer) -> None:
        self.file = folder / "db.sqlite3"
        (folder / "staticfiles.json").write_text('{"version": "1.1", "paths": {}, "hash": ""}')
        self.environment = QUICK | {
            "DEBUG": "0",
            "DJANGO_SETTINGS_MODULE": "chatsite.settings",
            "SECRET_KEY": "a-key-for-tests-" * 3,
            "ALLOWED_HOSTS": "127.0.0.1",
            "REDIS_URL": redis.url,
            "DATABASE_URL": f"sqlite:///{self.file}",
            "STATIC_ROOT": str(folder),
        }
        self.log = folder / "worker.log"

    def manage(self, *arguments: str) -> str:
        """Run ``manage.py``."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, env=os.environ | self.environment, cwd=ROOT, check=True, capture_output=True, text=True
        )
        return done.stdout

    @contextlib.contextmanager
    def running(self) -> Iterator[Worker]:
        """Its server, once it listens."""
        worker = Worker(self.environment, self.log)
        try:
            worker.ready()
            yield worker
        finally:
            worker.kill()


@pytest.fixture
def sites(tmp_path: Path, redis: RedisServer) -> list[Site]:
    """Two installations with tables, on one Redis."""
    redis.command("FLUSHALL")
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    found = [Site(folder, redis) for folder in folders]
    found[0].manage("migrate", "-v0")
    with sqlite3.connect(found[0].file) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(found[0].file, found[1].file)
    return found


async def talk_beside_each_other(first: Worker, second: Worker) -> None:
    """A room on each; after both have compared Redis with their databases, both are there and can be talked in."""
    hosts = [await Talker([worker.url], None, "주인", random.Random(1)).enter() for worker in (first, second)]
    await asyncio.sleep(4 * float(QUICK["ROOMS_RECONCILE"]))
    for host in hosts:
        assert host.deleted is None
        await host.say("여기 있어요")
        await host.until(lambda host: not host.unsent)
    for host in hosts:
        await host.stop()


async def test_two_installations_on_one_redis_do_not_end_each_others_rooms(sites: list[Site]) -> None:
    sites[1].file.unlink()
    sites[1].manage("migrate", "-v0")
    with sites[0].running() as first, sites[1].running() as second:
        await talk_beside_each_other(first, second)


async def test_a_copied_database_starts_when_it_is_an_installation_of_its_own(sites: list[Site]) -> None:
    sites[0].manage("installation")
    shutil.copy(sites[0].file, sites[1].file)
    with sites[0].running() as first:
        with pytest.raises(RuntimeError, match=r"is a copy of another.*installation --new"), sites[1].running():
            pass
        sites[1].manage("installation", "--new")
        with sites[1].running() as second:
            await talk_beside_each_other(first, second)


# --- in this process --------------------------------------------------------------------------------------------------


@pytest.fixture
def on_redis(settings: Settings, redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of this database's installation, on a Redis that knows nothing yet."""
    redis.command("FLUSHALL")
    settings.REDIS_URL = redis.url
    monkeypatch.setattr(installation, "_known", None)
    monkeypatch.setattr(installation, "_home", "")
    return Installation.current().id


@pytest.mark.django_db(transaction=True)
async def test_a_server_that_could_not_ask_at_its_start_gets_no_connection_to_redis_as_a_copy(
    settings: Settings, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis.command("FLUSHALL")
    settings.REDIS_URL = redis.url
    claim.hold("tests", OTHER)
    store = node.new_store()
    with pytest.raises(StoreUnavailable, match="copy"):
        await store.lobby(1)
    await store.close()


@pytest.mark.django_db(transaction=True)
async def test_a_redis_that_was_emptied_is_told_again_which_database_has_the_installation(
    settings: Settings, redis: RedisServer
) -> None:
    settings.REDIS_URL = redis.url
    store = node.new_store()
    redis.command("FLUSHALL")
    await store.lobby(1)
    await store.close()
    assert isinstance(store, RedisStore)
    assert claim.holder("tests") == "tests"


def test_who_has_an_installation_is_forgotten_after_thirty_days(settings: Settings, redis: RedisServer) -> None:
    settings.REDIS_URL = redis.url
    claim.take("some", "here")
    redis.command("EXPIRE", "sarangbang:claim:some", "10")
    assert claim.hold("some", "there") == "here"
    assert int(redis.command("TTL", "sarangbang:claim:some")) <= 10
    claim.hold("some", "here")
    assert int(redis.command("TTL", "sarangbang:claim:some")) > 29 * 86_400


@pytest.mark.django_db(transaction=True)
def test_the_check_finds_a_copy_and_says_what_to_do(on_redis: str) -> None:
    assert checks_installation.installation_is_at_home(databases=["default"]) == []
    claim.take(on_redis, OTHER)
    (problem,) = checks_installation.installation_is_at_home(databases=["default"])
    assert (problem.id, OTHER in problem.msg, "REDIS_PREFIX" in problem.msg) == ("rooms.E027", True, True)
    assert "manage.py installation --new" in (problem.hint or "")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_has_moved_takes_the_installation_with_it(on_redis: str) -> None:
    claim.take(on_redis, OTHER)
    assert OTHER in call_command("installation")
    assert "this database" in call_command("installation", "--adopt")
    assert checks_installation.installation_is_at_home(databases=["default"]) == []
    assert Installation.current().id == on_redis


@pytest.mark.django_db(transaction=True)
def test_a_copy_that_becomes_its_own_leaves_the_original_what_it_has(on_redis: str) -> None:
    claim.take(on_redis, OTHER)
    key = Installation.current().key
    assert "this database" in call_command("installation", "--new")
    assert claim.holder(on_redis) == OTHER
    assert Installation.current().id != on_redis
    assert Installation.current().key != key


@pytest.mark.django_db(transaction=True)
def test_an_original_that_becomes_another_lets_the_old_one_go(on_redis: str) -> None:
    claim.hold(on_redis, claim.home(connection))
    call_command("installation", "--new")
    assert claim.holder(on_redis) is None


@pytest.mark.django_db
def test_without_redis_there_is_nothing_to_adopt() -> None:
    assert "held by" not in call_command("installation")
    with pytest.raises(CommandError, match="REDIS_URL is not set"):
        call_command("installation", "--adopt")


def test_a_copy_in_postgresql_has_another_home_for_whoever_may_only_use_it() -> None:
    postgres = PostgresServer()
    try:
        postgres.execute("CREATE ROLE plain LOGIN")
        postgres.execute("CREATE DATABASE copy OWNER plain TEMPLATE template1")
        homes = set()
        for name in ("postgres", "copy"):
            with psycopg.connect(postgres.url.replace("postgres@", "plain@").replace("/postgres", f"/{name}")) as line:
                homes.add(claim.home(Plain(line)))  # type: ignore[arg-type]
    finally:
        postgres.remove()
    assert len(homes) == 2


class Plain:
    """As much of Django's connection as ``claim.home`` uses."""

    vendor = "postgresql"

    def __init__(self, line: "psycopg.Connection[tuple[object, ...]]") -> None:
        self.cursor = line.cursor
