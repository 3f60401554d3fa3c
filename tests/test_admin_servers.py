"""The admin in real server processes: what a moderator does there is told at once to the people on every worker."""

import json
import os
import re
import subprocess
import sys
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.servers import ROOT, Cluster, cluster
from tests.stores import free_port, wait_for_port

SERVERS = {
    "ours": ["-m", "tests.worker", "{port}"],
    "daphne": ["-m", "daphne", "-v", "0", "-p", "{port}", "chatsite.asgi:application"],
    "runserver": ["manage.py", "runserver", "--noreload", "{port}"],
}
PASSWORD = "only-for-tests"


class Moderator:
    """Somebody who is logged in at a server."""

    def __init__(self, port: int) -> None:
        self._site = f"http://127.0.0.1:{port}"
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self.post("/admin/login/", next="/admin/", username="moderator", password=PASSWORD)

    def get(self, path: str) -> str:
        with self._opener.open(self._site + path, timeout=20) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **fields: str) -> str:
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', self.get(path))
        assert token is not None
        body = urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        with self._opener.open(self._site + path, body, timeout=20) as answer:
            return str(answer.read().decode())


async def until(socket: ClientConnection, kind: str) -> dict[str, object]:
    while True:
        message: dict[str, object] = json.loads(await socket.recv())
        if message["type"] == kind:
            return message


async def a_room(host: ClientConnection) -> int:
    await host.send(json.dumps({"type": "CLIENT_ROOM_CREATE", "roomName": "광장", "userName": "주인"}))
    room = (await until(host, "SERVER_ROOM_CREATE"))["roomID"]
    assert isinstance(room, int)
    return room


def superuser(environment: dict[str, str]) -> None:
    command = [
        sys.executable,
        "manage.py",
        "createsuperuser",
        "--noinput",
        "--username",
        "moderator",
        "--email",
        "moderator@example.org",
    ]
    variables = os.environ | environment | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    subprocess.run(command, env=variables, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("server", SERVERS)
async def test_a_moderator_acts_on_live_rooms_whatever_the_server(server: str, tmp_path: Path) -> None:
    environment = {
        "DEBUG": "1",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "DJANGO_SETTINGS_MODULE": "chatsite.settings",
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=os.environ | environment, cwd=ROOT, check=True)
    superuser(environment)
    port = free_port()
    command = [sys.executable, *(part.format(port=port) for part in SERVERS[server])]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        wait_for_port(port, process)
        # The very first request is the moderator's: nothing of the rooms has been started by then.
        moderator = Moderator(port)
        assert "0" in moderator.get("/admin/rooms/room/")
        async with connect(f"ws://127.0.0.1:{port}/ws/") as host:
            room = await a_room(host)
            assert '<td class="field-people">1</td>' in moderator.get("/admin/rooms/room/")
            moderator.post(f"/admin/rooms/room/{room}/change/", act="close", reason="점검")
            assert (await until(host, "SERVER_ROOM_NOTICE"))["message"] == "점검"
            assert (await until(host, "SERVER_ROOM_DELETE"))["reason"] == "moderator"
    finally:
        process.terminate()
        process.wait()
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.fixture
def two_workers(tmp_path: Path) -> object:
    with cluster(tmp_path, workers=2, pages=True) as running:
        superuser(running.environment)
        yield running


async def test_what_is_done_at_one_worker_is_told_to_the_people_of_another(two_workers: Cluster) -> None:
    moderator = Moderator(two_workers.workers[0].port)
    async with connect(two_workers.urls[1]) as host:
        room = await a_room(host)
        assert "<bdi>주인</bdi>" in moderator.get(f"/admin/rooms/room/{room}/change/")
        moderator.post(f"/admin/rooms/room/{room}/change/", act="notice", message="점검합니다")
        assert (await until(host, "SERVER_ROOM_NOTICE"))["message"] == "점검합니다"
        two_workers.redis.stop()
        answer = moderator.post(f"/admin/rooms/room/{room}/change/", act="lock")
        assert "처리하지 못했습니다" in answer or "it was not done" in answer
    two_workers.redis.start()
