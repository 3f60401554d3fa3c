"""A database that cannot serve: the check at the start says so, and what to do; what DATABASE_URL says is done."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.core.checks import CheckMessage
from django.db import connection
from django.db.utils import load_backend
from pytest_django.fixtures import Settings

from chatsite.settings import DATABASE_OPTIONS, database
from rooms import checks_database
from tests.servers import ROOT
from tests.stores import PostgresServer, free_port

PASSWORD = "p@ss#w/rd%"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that lets ``postgres`` in, and ``guarded`` only with its password."""
    server = PostgresServer()
    rules = Path(server._data) / "pg_hba.conf"
    rules.write_text("host all guarded all scram-sha-256\nhost all stranger all reject\n" + rules.read_text())
    server.execute(f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'")
    server.execute("CREATE ROLE stranger LOGIN")
    server.execute("SELECT pg_reload_conf()")
    yield server
    server.remove()


Check = Callable[[str], list[CheckMessage]]


@pytest.fixture
def check(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Check:
    """What the checks say in production of the database at an address."""
    settings.DEBUG = False

    def check(url: str) -> list[CheckMessage]:
        settings.DATABASE_SCHEME = url.partition(":")[0]
        wanted = {**connection.settings_dict, **database(url, DATABASE_OPTIONS[settings.DATABASE_SCHEME])}
        other = load_backend(wanted["ENGINE"]).DatabaseWrapper(wanted)
        monkeypatch.setattr(checks_database, "connection", other)
        return [
            *checks_database.database_can_be_used(databases=["default"]),
            *checks_database.migrations_have_been_run(databases=["default"]),
        ]

    return check


def ids(found: list[CheckMessage]) -> list[str | None]:
    assert all(problem.msg.endswith(".") and problem.hint for problem in found)
    return [problem.id for problem in found]


def address(postgres: PostgresServer, user: str = "postgres", name: str = "postgres", options: str = "") -> str:
    return f"postgresql://{user}@127.0.0.1:{postgres.port}/{name}{options}"


@pytest.mark.parametrize(
    ("user", "name", "options", "problem"),
    [
        ("guarded", "postgres", "", "rooms.E020"),
        ("guarded:wrong", "postgres", "", "rooms.E020"),
        ("stranger", "postgres", "", "rooms.E020"),
        ("nobody", "postgres", "", "rooms.E021"),
        ("postgres", "nothing", "", "rooms.E022"),
        ("postgres", "postgres", "?sslmode=require", "rooms.E023"),
        ("postgres", "postgres", "?sslmode=maybe", "rooms.E026"),
        ("postgres", "postgres", "?nonsense=1", "rooms.E026"),
        ("postgres", "postgres", "?connect_timeout=abc", "rooms.E026"),
        ("postgres", "postgres", "", "rooms.E024"),
    ],
)
@pytest.mark.django_db
def test_what_keeps_postgresql_from_serving_is_an_error(
    user: str, name: str, options: str, problem: str, postgres: PostgresServer, check: Check
) -> None:
    assert ids(check(address(postgres, user, name, options))) == [problem]


@pytest.mark.django_db
def test_a_password_with_special_characters_is_written_with_percent_signs(
    postgres: PostgresServer, check: Check
) -> None:
    assert ids(check(address(postgres, f"guarded:{quote(PASSWORD, safe='')}"))) == ["rooms.E024"]


@pytest.mark.django_db
def test_a_postgresql_that_is_away_is_a_warning(check: Check) -> None:
    assert ids(check(f"postgresql://postgres@127.0.0.1:{free_port()}/postgres")) == ["rooms.W003"]


@pytest.mark.django_db
def test_a_postgresql_that_takes_no_more_connections_is_a_warning_that_says_so(
    postgres: PostgresServer, check: Check
) -> None:
    postgres.execute("ALTER ROLE guarded CONNECTION LIMIT 0")
    try:
        (problem,) = check(address(postgres, f"guarded:{quote(PASSWORD, safe='')}"))
    finally:
        postgres.execute("ALTER ROLE guarded CONNECTION LIMIT -1")
    assert problem.id == "rooms.W003"
    assert "too many connections" in problem.msg


@pytest.mark.django_db
def test_a_database_with_its_tables_is_nothing_to_speak_of(postgres: PostgresServer, check: Check) -> None:
    postgres.execute("CREATE DATABASE whole")
    url = address(postgres, name="whole")
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"],
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "chatsite.settings"},
        cwd=ROOT,
        check=True,
    )
    assert check(url) == []


@pytest.mark.django_db
def test_missing_tables_are_a_warning_while_the_program_is_worked_on(
    postgres: PostgresServer, check: Check, settings: Settings
) -> None:
    settings.DEBUG = True
    assert ids(check(address(postgres))) == ["rooms.W024"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everyone may read, and only its owner may write."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.mark.django_db
def test_a_folder_that_is_not_there_is_an_error(folder: Path, check: Check) -> None:
    assert ids(check(f"sqlite:///{folder}/nowhere/db.sqlite3")) == ["rooms.E025"]


@pytest.mark.django_db
def test_a_sqlite_file_that_may_not_be_written_is_an_error(folder: Path, check: Check) -> None:
    file = folder / "db.sqlite3"
    assert ids(check(f"sqlite:///{file}")) == ["rooms.E024"]
    file.chmod(0o444)
    root = os.geteuid() == 0
    # To root nothing is forbidden, so for a moment the test is somebody else.
    if root:
        os.seteuid(65534)
    else:
        folder.chmod(0o555)
    try:
        found = check(f"sqlite:///{file}")
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
    assert ids(found) == ["rooms.E025"]


@pytest.mark.django_db
def test_sqlite_under_several_processes_is_a_warning(folder: Path, check: Check, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"
    assert ids(check(f"sqlite:///{folder}/db.sqlite3")) == ["rooms.W004", "rooms.E024"]


def test_a_database_is_asked_only_where_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(checks_database, "connection")
    assert checks_database.database_can_be_used() == checks_database.migrations_have_been_run() == []


def test_a_database_we_know_nothing_of_is_an_error(settings: Settings) -> None:
    settings.DATABASE_SCHEME = "mysql"
    assert ids(checks_database.database_can_be_used()) == ["rooms.E010"]


@pytest.mark.parametrize("url", ["postgresql://host/", "postgresql://user:pass/word@host/name"])
def test_an_address_without_a_database_s_name_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says, the check says it better
        database(url, {})


def test_every_parameter_of_the_address_reaches_the_driver_and_comes_before_ours() -> None:
    url = "postgresql://host/name?sslmode=verify-full&sslrootcert=/ca.pem&connect_timeout=9&application_name=chat"
    options = database(url, DATABASE_OPTIONS["postgresql"])["OPTIONS"]
    given = {"sslmode": "verify-full", "sslrootcert": "/ca.pem", "connect_timeout": 9, "application_name": "chat"}
    assert options == DATABASE_OPTIONS["postgresql"] | given


def test_a_query_and_a_lock_are_waited_for_three_seconds_unless_the_address_says_otherwise(
    postgres: PostgresServer,
) -> None:
    def in_force(url: str) -> list[object]:
        options = database(url, DATABASE_OPTIONS["postgresql"])["OPTIONS"]
        with psycopg.connect(postgres.url, options=options["options"]) as line:
            names = ("statement_timeout", "lock_timeout")
            return [line.execute(f"SHOW {name}").fetchone() for name in names]

    assert in_force("postgresql://h/n") == [("3s",), ("3s",)]
    assert in_force("postgresql://h/n?options=-c%20statement_timeout%3D9s") == [("9s",), ("3s",)]


def test_nobody_waits_longer_than_two_seconds_to_be_told_that_postgresql_is_away() -> None:
    code = (
        "import time, django; django.setup()\n"
        "from django.db import connection\n"
        "begin = time.monotonic()\n"
        "try: connection.ensure_connection()\n"
        "except Exception as problem: print(type(problem).__name__, time.monotonic() - begin)"
    )
    url = f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"
    variables = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "chatsite.settings", "DEBUG": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | variables, cwd=ROOT, stdout=-1, check=True)
    kind, seconds = done.stdout.split()
    assert kind == b"OperationalError"
    assert float(seconds) < 2.5
