"""A Redis that cannot serve, or keeps what is said: the check at the start says so, and what to do."""

import contextlib
import http.server
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.checks import CheckMessage, run_checks
from pytest_django.fixtures import Settings
from redis import Redis

from rooms import checks_redis
from tests.stores import RedisServer, free_port, redis_server, wait_for_port


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis of these tests, whose settings they change."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


Check = Callable[[str], list[CheckMessage]]


@pytest.fixture
def check(settings: Settings) -> Check:
    """What the check says in production of the Redis at an address."""
    settings.DEBUG = False

    def check(url: str) -> list[CheckMessage]:
        settings.REDIS_URL = url
        return checks_redis.redis_can_be_used()

    return check


@contextlib.contextmanager
def configured(redis: RedisServer, **values: str) -> Iterator[None]:
    """With other lines in redis.conf."""
    names = {name: name.replace("_", "-") for name in values}
    before = {name: [*redis.command("CONFIG", "GET", real).splitlines(), ""][1] for name, real in names.items()}
    try:
        for name, value in values.items():
            redis.command("CONFIG", "SET", names[name], value)
        yield
    finally:
        for name, value in before.items():
            redis.command("CONFIG", "SET", names[name], value)


@contextlib.contextmanager
def user(redis: RedisServer, *rules: str) -> Iterator[str]:
    """The address of this Redis for a user who may do all but what the rules say."""
    redis.command("ACL", "SETUSER", "weak", "reset", "on", ">word", "~*", "&*", "+@all", *rules)
    yield redis.url.replace("redis://", "redis://weak:word@")
    redis.command("ACL", "DELUSER", "weak")


def ids(found: list[CheckMessage]) -> list[str | None]:
    assert all(problem.msg.endswith(".") and problem.hint for problem in found)
    return [problem.id for problem in found]


def test_redis_is_looked_at_by_the_check_at_the_start(settings: Settings) -> None:
    settings.REDIS_URL = "nonsense"
    assert "rooms.E007" in [problem.id for problem in run_checks(tags=["rooms"])]


def test_a_redis_that_serves_is_nothing_to_speak_of(redis: RedisServer, check: Check) -> None:
    assert check(redis.url) == []


def test_the_check_leaves_nothing_behind(redis: RedisServer, check: Check) -> None:
    check(redis.url)
    assert redis.command("DBSIZE") == "0"


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "http://127.0.0.1",
        "redis://127.0.0.1:6379/abc",
        "redis://127.0.0.1:99999",
        "redis://127.0.0.1?ssl=maybe",
        "unix:///run/redis.sock?db=abc",
    ],
)
def test_an_address_that_is_none_is_an_error(url: str, check: Check) -> None:
    assert ids(check(url)) == ["rooms.E007"]


def test_a_redis_that_does_not_answer_is_a_warning(check: Check) -> None:
    assert ids(check(f"redis://127.0.0.1:{free_port()}")) == ["rooms.W002"]


@pytest.mark.parametrize("who", ["", ":wrong@", "nobody:word@"])
def test_a_redis_that_wants_another_password_is_an_error(who: str, redis: RedisServer, check: Check) -> None:
    with configured(redis, requirepass="word"), contextlib.ExitStack() as stack:
        # redis-cli needs it to put things right.
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("REDISCLI_AUTH", "word")
        found = check(redis.url.replace("redis://", f"redis://{who}"))
        redis.command("CONFIG", "SET", "requirepass", "")
    assert ids(found) == ["rooms.E008"]


@pytest.mark.parametrize(("version", "problems"), [("4.0.14", ["rooms.E009"]), ("6.2.0", []), ("99.1.0", [])])
def test_a_redis_that_is_too_old_is_an_error(
    version: str, problems: list[str], redis: RedisServer, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = Redis.info

    def older(client: "Redis") -> dict[str, Any]:
        return {**info(client), "redis_version": version}

    monkeypatch.setattr(Redis, "info", older)
    assert ids(check(redis.url)) == problems


def test_a_number_of_a_database_that_redis_does_not_have_is_an_error(redis: RedisServer, check: Check) -> None:
    (problem,) = check(redis.url.replace("/0", "/99"))
    assert (problem.id, problem.msg) == ("rooms.E012", "Redis has no database number 99.")


def test_something_that_is_not_redis_is_an_error(check: Check) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = check(f"redis://127.0.0.1:{server.server_port}/0")
        server.shutdown()
    assert ids(found) == ["rooms.E013"]


def test_a_replica_is_an_error(redis: RedisServer, check: Check, tmp_path: Path) -> None:
    with redis_server(tmp_path) as replica:
        replica.command("REPLICAOF", "127.0.0.1", str(redis.port))
        assert ids(check(replica.url)) == ["rooms.E014"]


@contextlib.contextmanager
def started(folder: Path, port: int, *options: str) -> Iterator[None]:
    """A Redis with other options than ours."""
    command = ["redis-server", "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        wait_for_port(port, process)
        yield
        process.kill()


def test_a_part_of_a_cluster_is_an_error(check: Check, tmp_path: Path) -> None:
    # Its other port is ten thousand above, and must exist too.
    port = free_port() % 40_000 + 10_000
    with started(tmp_path, port, "--port", str(port), "--cluster-enabled", "yes"):
        assert ids(check(f"redis://127.0.0.1:{port}/0")) == ["rooms.E015"]


@pytest.mark.parametrize(
    ("rule", "lacking"),
    [
        ("-info", "INFO"),
        ("-@scripting", "SCRIPT LOAD"),
        ("-evalsha", "EVALSHA"),
        ("resetkeys", "keys that begin with sarangbang:"),
        ("-unlink", "UNLINK"),
        ("-scan", "SCAN"),
        ("-publish", "PUBLISH"),
        ("-subscribe", "SUBSCRIBE"),
        ("resetchannels", "PUBLISH"),
    ],
)
def test_a_user_without_a_right_is_told_which(rule: str, lacking: str, redis: RedisServer, check: Check) -> None:
    with user(redis, rule) as url:
        (problem,) = check(url)
    assert problem.id == "rooms.E016"
    assert lacking in problem.msg


def test_the_rights_that_the_hint_names_are_enough(redis: RedisServer, check: Check) -> None:
    with user(redis, "-info") as url:
        rules = re.findall(r">password (.*)", check(url)[0].hint or "")[0].split()
    with user(redis, "-@all", "resetkeys", "resetchannels", *rules) as url:
        assert check(url) == []


@pytest.mark.parametrize(("line", "value"), [("save", "3600 1"), ("appendonly", "yes")])
def test_a_redis_that_writes_to_disk_is_an_error(line: str, value: str, redis: RedisServer, check: Check) -> None:
    with configured(redis, **{line: value}):
        assert ids(check(redis.url)) == ["rooms.E017"]


def test_a_redis_that_has_written_to_disk_is_found_without_the_right_to_read_its_settings(
    check: Check, tmp_path: Path
) -> None:
    with redis_server(tmp_path) as redis, user(redis, "-config") as url:
        before = check(url)
        redis.command("BGSAVE")
        while "rdb_bgsave_in_progress:1" in redis.command("INFO", "persistence"):
            pass
        assert (before, ids(check(url))) == ([], ["rooms.E017"])


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "allkeys-random"])
def test_a_redis_that_throws_keys_away_is_an_error(policy: str, redis: RedisServer, check: Check) -> None:
    with configured(redis, maxmemory_policy=policy):
        assert ids(check(redis.url)) == ["rooms.E018"]


@pytest.mark.parametrize("accepted", [True, False])
def test_an_operator_may_accept_what_a_redis_keeps_and_throws_away(
    accepted: bool, redis: RedisServer, check: Check, settings: Settings
) -> None:
    settings.REDIS_ACCEPT_DISK = settings.REDIS_ACCEPT_EVICTION = accepted
    with configured(redis, save="3600 1", maxmemory_policy="allkeys-lru"):
        assert ids(check(redis.url)) == ([] if accepted else ["rooms.E017", "rooms.E018"])


def test_someone_who_works_on_the_program_is_only_warned(redis: RedisServer, check: Check, settings: Settings) -> None:
    settings.DEBUG = True
    with configured(redis, save="3600 1", maxmemory_policy="allkeys-lru"):
        assert ids(check(redis.url)) == ["rooms.W017", "rooms.W018"]


def test_what_a_redis_found_slow_is_forgotten_at_the_start(redis: RedisServer, check: Check) -> None:
    redis.command("CONFIG", "SET", "slowlog-log-slower-than", "0")
    redis.command("SET", "some", "talk", "PX", "1")
    redis.command("CONFIG", "SET", "slowlog-log-slower-than", "-1")
    assert "talk" in redis.command("SLOWLOG", "GET")
    check(redis.url)
    assert redis.command("SLOWLOG", "GET") == ""


def test_a_redis_that_is_full_is_a_warning(redis: RedisServer, check: Check) -> None:
    with configured(redis, maxmemory="1"):
        assert ids(check(redis.url)) == ["rooms.W006"]


def test_a_redis_that_does_not_speak_tls_is_an_error(redis: RedisServer, check: Check) -> None:
    (problem,) = check(redis.url.replace("redis://", "rediss://"))
    assert (problem.id, problem.msg) == ("rooms.E019", "Redis does not speak TLS at REDIS_URL.")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and the certificate that it has signed for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://localhost:{port}", "Redis asks for TLS at REDIS_URL."),
        ("rediss://localhost:{port}", "The certificate of Redis is not trusted."),
        ("rediss://localhost:{port}?ssl_ca_certs={file}", None),
    ],
)
def test_a_redis_with_tls_is_reached_with_tls_and_its_certificate(
    url: str, sentence: str | None, certificate: Path, check: Check, tmp_path: Path
) -> None:
    port, file = free_port(), str(certificate)
    tls = ["--tls-port", str(port), "--tls-cert-file", file, "--tls-key-file", file, "--tls-auth-clients", "no"]
    with started(tmp_path, port, "--port", "0", *tls):
        found = check(url.format(port=port, file=file))
    assert [problem.msg for problem in found] == ([sentence] if sentence else [])


def test_a_silent_server_costs_a_few_seconds_and_is_a_warning(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert ids(check(f"redis://127.0.0.1:{silent.getsockname()[1]}")) == ["rooms.W002"]
