"""Every setting that makes no sense is refused with a sentence that names it, by the server and by ``manage.py``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from chatsite import environment
from rooms.urls import urlpatterns
from tests.servers import ROOT

NONSENSE = [
    ("DEBUG", "maybe", "it takes 0 or 1"),
    ("TRUST_PROXY", "ture", "it takes 0 or 1"),
    ("REDIS_ACCEPT_DISK", "perhaps", "it takes 0 or 1"),
    ("ALLOWED_HOSTS", "https://chat.example.org", "it takes host names"),
    ("ALLOWED_HOSTS", "chat.example.org:8000", "it takes host names"),
    ("ALLOWED_HOSTS", "a b", "it takes host names"),
    ("CSRF_TRUSTED_ORIGINS", "chat.example.org", "it takes origins"),
    ("CSRF_TRUSTED_ORIGINS", "https://chat.example.org/chat", "it takes origins"),
    ("REDIS_URL", "redis://127.0.0.1/abc", "REDIS_URL is not"),
    ("REDIS_PREFIX", "a*", "it takes letters"),
    ("DATABASE_URL", "mysql://host/name", "DATABASE_URL is not"),
    ("ROOMS_SWEEP", "1e9", "it must be at most 3600"),
    ("WEB_CONCURRENCY", "0", "it takes a whole number of processes"),
    ("WEB_CONCURRENCY", "abc", "it takes a whole number of processes"),
    ("BIND", "127.0.0.1:99999", "it takes a host and a port"),
    ("BIND", "127.0.0.1", "it takes a host and a port"),
    ("SERVER_FRAME_MAX", "many", "it takes a whole number of bytes"),
    ("SERVER_FRAME_MAX", "1000000000000", "it takes a whole number of bytes"),
    ("SERVER_QUICK_FRAMES", "maybe", "it takes 0 or 1"),
    ("ADMIN_PATH", "/", "it takes a path"),
    ("ADMIN_PATH", "../admin/", "it takes a path"),
    ("ADMIN_PATH", "chat/desk/", "it takes a path"),
    ("TIME_ZONE", "Asia/Pyongchang", "it takes the name of a time zone"),
    ("TIME_ZONE", "/etc/passwd", "it takes the name of a time zone"),
]
STARTS = {
    "manage.py": ["manage.py", "check"],
    "a server": ["-c", "import chatsite.asgi"],
    "gunicorn": ["-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "chatsite.asgi:application"],
}


# One of each kind for the other ways, which read them in the same place. (gunicorn itself says of WEB_CONCURRENCY=abc
# that it is no number, before it reads our file.)
ALSO = [
    *(("manage.py", *NONSENSE[number]) for number in (0, 8, 11, 12, 14, 16)),
    *(("gunicorn", *NONSENSE[number]) for number in (0, 12, 14)),
]


@pytest.mark.parametrize(
    ("way", "variable", "value", "sentence"), [*(("a server", *nonsense) for nonsense in NONSENSE), *ALSO]
)
def test_what_makes_no_sense_is_refused_in_a_sentence_that_names_it(
    way: str, variable: str, value: str, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "staticfiles.json").touch()
    good = {
        "DEBUG": "0",
        "SECRET_KEY": "k" * 50,
        "ALLOWED_HOSTS": "chat.example.org",
        "STATIC_ROOT": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "REDIS_URL": "",
        "BIND": f"unix:{tmp_path}/socket",
        "DJANGO_SETTINGS_MODULE": "chatsite.settings",
    }
    done = subprocess.run(
        [sys.executable, *STARTS[way]],
        cwd=ROOT,
        env=os.environ | good | {variable: value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert variable in done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("a.example, b.example", ["a.example", "b.example"]),
        (".example.org,*", [".example.org", "*"]),
        ("127.0.0.1,[::1],", ["127.0.0.1", "[::1]"]),
        ("", []),
    ],
)
def test_hosts_are_separated_by_commas_and_spaces_do_not_count(
    value: str, hosts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", value)
    assert environment.words("ALLOWED_HOSTS", environment.HOST, "") == hosts


@pytest.mark.parametrize(
    "origin", ["https://chat.example.org", "http://localhost:8000", "https://*.example.org", "https://[::1]:8443"]
)
def test_an_origin_may_have_a_port_or_stand_for_all_below_it(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSRF_TRUSTED_ORIGINS", origin)
    assert environment.words("CSRF_TRUSTED_ORIGINS", environment.ORIGIN, "") == [origin]


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8000", ":8000", "[::1]:8000", "localhost:65535", "unix:/run/a.sock", "fd://3"]
)
def test_a_server_listens_on_what_gunicorn_takes(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIND", address)
    assert environment.addresses("BIND", "") == [address]


@pytest.mark.parametrize(
    ("value", "meant"), [("1", True), ("True", True), ("yes", True), ("0", False), ("off", False), ("", True)]
)
def test_a_flag_is_a_yes_or_a_no(value: str, meant: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAG", value)
    assert environment.flag("FLAG", True) is meant


ADMIN_PAGES = """
import django; django.setup()
from django.conf import settings
from django.urls import resolve, reverse
print(reverse("admin:index"), resolve("/" + settings.ADMIN_PATH + "login/").view_name)
"""


@pytest.mark.parametrize("path", ["desk-7f3a/", "desk-7f3a", "a/b"])
def test_the_moderators_pages_are_where_the_setting_says(path: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ADMIN_PAGES],
        env=os.environ | {"ADMIN_PATH": path},
        cwd=ROOT,
        check=True,
        stdout=-1,
        text=True,
    )
    index, login = done.stdout.split()
    assert index == f"/{path.rstrip('/')}/"
    assert "login" in login


def test_no_page_of_the_site_can_be_where_the_moderators_are() -> None:
    ours = {str(getattr(pattern, "pattern", "")).partition("/")[0] for pattern in urlpatterns} | {
        settings.STATIC_URL.strip("/"),
        "ws",
    }
    for first in ours - {"", "manifest.webmanifest"}:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ADMIN_PATH", f"{first}/")
            done = subprocess.run([sys.executable, "-c", "import chatsite.settings"], cwd=ROOT, check=False, stderr=-1)
        assert b"ADMIN_PATH" in done.stderr, first


@pytest.mark.parametrize("trust", ["0", "1"])
def test_every_cookie_is_secure_and_of_this_host_alone_where_a_trusted_web_server_terminates_tls(trust: str) -> None:
    code = """
import django; django.setup()
from django.conf import settings
for name in ("SESSION", "CSRF", "LANGUAGE"):
    name += "_COOKIE_"
    print(getattr(settings, name + "SECURE"), getattr(settings, name + "NAME").startswith("__Host-"))
    assert getattr(settings, name + "PATH") == "/" and getattr(settings, name + "DOMAIN") is None
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TRUST_PROXY": trust},
        cwd=ROOT,
        check=True,
        stdout=-1,
        text=True,
    )
    assert done.stdout.split() == [str(trust == "1")] * 6
