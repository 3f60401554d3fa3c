"""``manage.py runserver`` on a host that others can reach: it works for them, and exposes nothing."""

import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest

from manage import asks_for_others
from tests.servers import ROOT
from tests.stores import free_port, wait_for_port


@pytest.mark.parametrize("words", ["runserver", "runserver 9000", "runserver localhost:9000", "runserver --noreload"])
def test_a_development_server_is_for_this_machine(words: str) -> None:
    assert not asks_for_others(words.split())
    assert not asks_for_others([*words.split(), "127.0.0.1:8000", "[::1]:8000"])


@pytest.mark.parametrize("address", ["0.0.0.0:8000", "0:8000", "[::]:8000", "192.168.0.7:8000", "my.example:80"])
def test_an_address_of_the_network_is_for_others(address: str) -> None:
    assert asks_for_others(["runserver", "--noreload", address])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Nothing is set but where the files go; the key is kept beside ``manage.py``."""
    shutil.copy(ROOT / "manage.py", tmp_path)
    found = {name: value for name, value in os.environ.items() if name not in ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS")}
    del found["DJANGO_SETTINGS_MODULE"]
    return found | {
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "PYTHONPATH": str(ROOT),
        "STATIC_ROOT": str(tmp_path / "static"),
    }


def test_a_server_for_the_network_shows_no_inside_and_signs_with_a_key_of_its_own(
    environment: dict[str, str], tmp_path: Path
) -> None:
    command, port = [sys.executable, "manage.py"], free_port()
    subprocess.run([*command, "migrate", "-v0"], env=environment, cwd=tmp_path, check=True)
    with subprocess.Popen(
        [*command, "runserver", "--noreload", f"0.0.0.0:{port}"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    ) as server:
        wait_for_port(port, server)
        try:
            # Any name or address leads here.
            with urllib.request.urlopen(f"http://127.0.0.2:{port}/") as page:
                script = next(word for word in page.read().decode().split('"') if word.endswith(".js"))
            assert urllib.request.urlopen(f"http://127.0.0.2:{port}{script}").status == 200
            with pytest.raises(HTTPError) as missing:
                urllib.request.urlopen(f"http://127.0.0.2:{port}/nowhere")
            assert "DEBUG" not in missing.value.read().decode()
        finally:
            server.terminate()
    key = tmp_path / ".secret-key"
    assert len(key.read_text()) >= 50
    assert key.stat().st_mode & 0o077 == 0


def test_debug_is_refused_where_others_can_reach_it(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "runserver", f"0.0.0.0:{free_port()}"]
    done = subprocess.run(
        command, env=environment | {"DEBUG": "1"}, cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr.startswith("DEBUG shows the inside")) == (1, True)
