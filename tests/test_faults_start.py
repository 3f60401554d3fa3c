"""A Redis that cannot serve: the check at the start says what is wrong with it, and what to do."""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.checks import ERROR, CheckMessage, run_checks
from pytest_django.fixtures import Settings

from tests.stores import RedisServer, redis_server


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


Check = Callable[[str], list[CheckMessage]]


@pytest.fixture
def check(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """What the check finds wrong with the Redis at an address, for a site in production that lacks nothing else."""
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    settings.DEBUG = False
    settings.SECRET_KEY = "a-key-for-tests-" * 3
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "staticfiles.json").write_text("{}")

    def check(url: str) -> list[CheckMessage]:
        settings.REDIS_URL = url
        return run_checks(tags=["rooms"])

    return check


def the_error(found: list[CheckMessage]) -> str:
    """What the one error says, and what to do."""
    assert [problem.level for problem in found] == [ERROR], found
    return f"{found[0].msg} {found[0].hint}"


RIGHTS = {
    "scripts": ("-@scripting", "script"),
    "keys": ("resetkeys", "key"),
    "channels": ("resetchannels", "channel"),
}


@pytest.mark.parametrize("right", RIGHTS)
def test_a_user_of_redis_without_a_right_is_told_which(redis: RedisServer, check: Check, right: str) -> None:
    rule, word = RIGHTS[right]
    redis.command("ACL", "SETUSER", "weak", "reset", "on", ">word", "~*", "&*", "+@all", rule)
    assert word in the_error(check(redis.url.replace("redis://", "redis://weak:word@")))


def test_a_user_of_redis_with_every_right_is_let_through(redis: RedisServer, check: Check) -> None:
    redis.command("ACL", "SETUSER", "strong", "reset", "on", ">word", "~*", "&*", "+@all")
    assert check(redis.url.replace("redis://", "redis://strong:word@")) == []


def test_a_redis_that_only_follows_another_is_told_of(redis: RedisServer, check: Check, tmp_path: Path) -> None:
    (tmp_path / "replica").mkdir()
    with redis_server(tmp_path / "replica") as replica:
        replica.command("REPLICAOF", "127.0.0.1", str(redis.port))
        assert "replica" in the_error(check(replica.url))


def test_a_number_of_a_database_that_redis_does_not_have_is_told_of(redis: RedisServer, check: Check) -> None:
    assert "99" in the_error(check(redis.url.replace("/0", "/99")))


def test_something_that_is_not_redis_is_told_of(check: Check) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = check(f"redis://127.0.0.1:{server.server_port}/0")
        server.shutdown()
    assert "not a Redis" in the_error(found)


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "allkeys-random"])
def test_a_redis_that_throws_keys_away_is_told_of(redis: RedisServer, check: Check, policy: str) -> None:
    redis.command("CONFIG", "SET", "maxmemory-policy", policy)
    try:
        found = check(redis.url)
    finally:
        redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert "maxmemory-policy" in the_error(found)


@pytest.mark.parametrize(("key", "value"), [("save", "3600 1"), ("appendonly", "yes")])
def test_a_redis_that_writes_to_disk_is_told_of(redis: RedisServer, check: Check, key: str, value: str) -> None:
    before = redis.command("CONFIG", "GET", key).splitlines()[1:] or [""]
    redis.command("CONFIG", "SET", key, value)
    try:
        found = check(redis.url)
    finally:
        redis.command("CONFIG", "SET", key, before[0])
    assert "disk" in the_error(found)
