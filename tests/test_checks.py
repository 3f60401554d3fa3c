"""Start-up checks: every misconfiguration is reported in a sentence, and an error keeps a server from starting."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import CheckMessage, run_checks
from pytest_django.fixtures import Settings

ROOT = Path(__file__).resolve().parent.parent
GOOD_KEY = "k" * 50
GOOD = {"SECRET_KEY": GOOD_KEY, "ALLOWED_HOSTS": "chat.example.org"}


def found() -> list[str]:
    """The ids of the problems that the checks find."""
    return [problem.id or "" for problem in run_checks(tags=["rooms"])]


@pytest.fixture
def production(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a site that is in order."""
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    settings.DEBUG = False
    settings.SECRET_KEY = GOOD_KEY
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    settings.REDIS_URL = ""
    settings.TRUST_PROXY = True
    (tmp_path / "staticfiles.json").touch()
    settings.STATIC_ROOT = tmp_path
    return settings


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program of ours with no settings but these."""
    ours = ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "REDIS_URL", "STATIC_ROOT", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if name not in ours and "ROOMS_" not in name}
    environment["DATABASE_URL"] = "sqlite://:memory:"
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    """Start plain daphne. A server that does start is a failure: it runs into the time limit."""
    return run("-m", "daphne", "-b", "127.0.0.1", "-p", "0", "chatsite.asgi:application", **variables)


def with_tables(folder: Path) -> dict[str, str]:
    """The variables of a site that lacks nothing, its database included."""
    (folder / "staticfiles.json").touch()
    variables = GOOD | {"STATIC_ROOT": str(folder), "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3"}
    assert run("manage.py", "migrate", "-v0", **variables).returncode == 0
    return variables


def test_a_site_in_development_has_nothing_to_correct(production: Settings) -> None:
    production.DEBUG = True
    assert found() == []


def test_a_site_in_order_is_only_told_that_memory_is_for_one_process(production: Settings) -> None:
    assert found() == ["rooms.W001"]


@pytest.mark.parametrize("debug", [True, False])
def test_a_missing_secret_key_is_an_error(production: Settings, debug: bool) -> None:
    production.SECRET_KEY = ""
    production.DEBUG = debug
    assert "rooms.E001" in found()


def test_a_short_secret_key_is_an_error_in_production(production: Settings) -> None:
    production.SECRET_KEY = "k" * 31
    assert "rooms.E002" in found()


def test_a_short_secret_key_will_do_in_development(production: Settings) -> None:
    production.SECRET_KEY = "k"
    production.DEBUG = True
    assert found() == []


def test_missing_allowed_hosts_are_an_error_in_production(production: Settings) -> None:
    production.ALLOWED_HOSTS = []
    assert "rooms.E003" in found()


def test_every_limit_that_cannot_be_read_is_an_error(production: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMS_GRACE", "soon")
    monkeypatch.setenv("ROOMS_ROOM_SIZE", "0")
    assert found().count("rooms.E004") == 2


def test_a_lease_that_runs_out_between_two_beats_is_an_error(
    production: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOMS_LEASE", "9")
    assert "rooms.E005" in found()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ROOMS_GRAC", "ROOMS_GRACE"),
        ("ROOMS_HOSTGRACE", "ROOMS_HOST_GRACE"),
        ("ROOMS_SIZE", "ROOMS_ROOM_SIZE"),
    ],
)
def test_a_limit_that_does_not_exist_is_a_warning_that_names_the_nearest(
    name: str, nearest: str, production: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    (problem,) = [problem for problem in run_checks(tags=["rooms"]) if problem.id == "rooms.W005"]
    assert problem.msg.startswith(f"{name} ")
    assert f" {nearest};" in (problem.hint or "")
    assert not problem.is_serious()


def test_a_limit_that_exists_is_no_warning(production: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMS_GRACE", "9")
    assert found() == ["rooms.W001"]


def test_scripts_and_styles_that_were_not_collected_are_an_error(production: Settings) -> None:
    production.STATIC_ROOT = "/nowhere"
    assert "rooms.E011" in found()


def test_several_processes_without_redis_are_an_error(production: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    assert "rooms.E006" in found()


@pytest.mark.parametrize(
    ("command", "bind", "warned"),
    [
        ("gunicorn", "", True),
        ("gunicorn", "127.0.0.1:8000", True),
        ("gunicorn", "unix:/run/sarangbang.sock", True),
        ("gunicorn", "[::1]:8000,localhost:8000", True),
        ("gunicorn", "fd://3", True),
        ("gunicorn", "0.0.0.0:8000", False),
        ("gunicorn", ":8000", False),
        ("gunicorn", "127.0.0.1:8000, 203.0.113.5:8000", False),
        ("gunicorn", "[2001:db8::1]:8000", False),
        ("daphne -p 8000 chatsite.asgi:application", "", True),
        ("daphne -b 127.0.0.1 -p 8000 chatsite.asgi:application", "", True),
        ("daphne -u /run/sarangbang.sock chatsite.asgi:application", "", True),
        ("daphne -b 0.0.0.0 -p 8000 chatsite.asgi:application", "", False),
        ("/somewhere/daphne/__main__.py -b 0.0.0.0 chatsite.asgi:application", "", False),
        ("manage.py runserver 8000", "", True),
        ("manage.py runserver 0.0.0.0:8000", "", False),
        ("manage.py migrate", "", False),
    ],
)
def test_limits_by_address_that_cannot_count_are_a_warning(
    command: str, bind: str, warned: bool, production: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    production.TRUST_PROXY = False
    monkeypatch.setattr(sys, "argv", command.split())
    monkeypatch.setenv("BIND", bind)
    assert ("rooms.W007" in found()) is warned


@pytest.mark.parametrize("name", ["DEBUG", "TRUST_PROXY"])
def test_nobody_is_told_of_addresses_in_development_or_where_they_are_told(name: str, production: Settings) -> None:
    production.TRUST_PROXY = False
    setattr(production, name, True)
    assert "rooms.W007" not in found()


def test_nobody_is_told_of_addresses_where_nothing_is_limited(production: Settings) -> None:
    production.TRUST_PROXY = False
    production.ROOMS_FLOOD_CONTROL = False
    assert "rooms.W007" not in found()


def test_a_database_we_know_nothing_of_is_an_error(production: Settings) -> None:
    production.DATABASE_SCHEME = "mysql"
    assert "rooms.E010" in found()


def test_every_problem_comes_with_what_to_do(production: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    production.SECRET_KEY, production.ALLOWED_HOSTS, production.STATIC_ROOT = "", [], "/nowhere"
    monkeypatch.setenv("ROOMS_GRACE", "soon")
    problems: list[CheckMessage] = run_checks(tags=["rooms"])
    assert len(problems) == 5
    assert all(problem.msg.endswith(".") and problem.hint for problem in problems)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "SECRET_KEY is not set."),
        ({"ALLOWED_HOSTS": "chat.example.org"}, "SECRET_KEY is not set."),
        ({"SECRET_KEY": "short", "ALLOWED_HOSTS": "chat.example.org"}, "SECRET_KEY is too short"),
        ({"SECRET_KEY": GOOD_KEY}, "ALLOWED_HOSTS is not set."),
        (GOOD | {"ROOMS_GRACE": "soon"}, "ROOMS_GRACE is 'soon'"),
        (GOOD | {"REDIS_URL": "nonsense"}, "REDIS_URL"),
        (GOOD | {"STATIC_ROOT": "/nowhere"}, "not been collected"),
        (GOOD | {"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
    ],
    ids=["nothing", "no key", "short key", "no hosts", "limit", "redis", "static", "database"],
)
def test_a_server_that_is_misconfigured_is_refused_with_a_sentence(variables: dict[str, str], sentence: str) -> None:
    result = start(**variables)
    assert result.returncode != 0
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_a_server_that_is_configured_can_be_loaded(tmp_path: Path) -> None:
    result = run("-c", "import chatsite.asgi", **with_tables(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "only one server process" in result.stderr


def test_a_server_starts_with_a_limit_that_does_not_exist_and_says_so(tmp_path: Path) -> None:
    result = run("-c", "import chatsite.asgi", **with_tables(tmp_path), ROOMS_GRAC="5")
    assert result.returncode == 0, result.stderr
    assert "ROOMS_GRAC is not a setting" in result.stderr


def test_manage_py_works_without_any_setting() -> None:
    result = run("manage.py", "check")
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


def test_manage_py_leaves_a_configured_site_in_production() -> None:
    result = run("manage.py", "check", SECRET_KEY=GOOD_KEY)
    assert result.returncode != 0
    assert "ALLOWED_HOSTS is not set." in result.stderr
    assert "Traceback" not in result.stderr
