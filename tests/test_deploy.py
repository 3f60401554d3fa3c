"""The site as it is run for real: gunicorn with two workers behind nginx, with the files in ``deploy/``."""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake

from rooms.protocol import CLOSE_RESTART
from rooms.visitors import COOKIE
from tests.rolling import restart_under_load
from tests.servers import ROOT
from tests.site import APPLICATION, Gunicorn, Nginx, Site, site
from tests.stores import free_port, wait_for_port
from tests.talk import Talker, violations

PATIENCE = 120
"""Seconds until a test gives up; a busy machine may need many of them."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as started:
        yield started


def get(url: str, address: str = "127.0.0.1", **headers: str) -> tuple[int, HTTPMessage, bytes]:
    """Status, headers and body of a page, asked for from an address of this machine."""
    parts = urlsplit(url)
    with contextlib.closing(HTTPConnection(parts.netloc, timeout=PATIENCE, source_address=(address, 0))) as connection:
        path = url.removeprefix(f"http://{parts.netloc}")
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def cookie_of(headers: HTTPMessage) -> str:
    """The visitor's cookie that a page gives."""
    (cookie,) = [value for value in headers.get_all("Set-Cookie", []) if f"{COOKIE}=" in value]
    return cookie


class Client:
    """A connection that asks and waits for its answer."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def ask(self, type: str, **fields: Any) -> dict[str, Any]:
        await self.socket.send(json.dumps({"type": type, "ref": "r", **fields}))
        return await self.until(lambda message: message.get("ref") == "r")

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        message: dict[str, Any] = {}
        while not message or not condition(message):
            message = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))
        return message

    async def create(self, name: str, nick: str) -> dict[str, Any]:
        return await self.ask("CLIENT_ROOM_CREATE", roomName=name, userName=nick)


@contextlib.asynccontextmanager
async def client(url: str, **options: Any) -> AsyncIterator[Client]:
    async with connect(url, open_timeout=PATIENCE, ping_interval=None, close_timeout=5, **options) as opened:
        yield Client(opened)


async def gathered(running: Site, name: str, number: int) -> list[Talker]:
    """A room with so many people in it, who come through nginx."""
    draw = random.Random(name)
    urls = [running.nginx.socket_url]
    host = await Talker(urls, None, f"{name}h", draw).enter()
    guests = [await Talker(urls, host.room, f"{name}{n}", draw).enter() for n in range(number - 1)]
    return [host, *guests]


# --- what nginx does --------------------------------------------------------------------------------------------------


def test_a_page_comes_through_nginx(running: Site) -> None:
    status, _, body = get(f"{running.nginx.url}/")
    assert status == 200
    assert "사랑방" in body.decode()


def test_a_pages_scripts_come_from_the_collected_files_and_are_kept_for_ever(running: Site) -> None:
    _, _, page = get(f"{running.nginx.url}/")
    (path,) = re.findall(r'<script type="module" src="([^"]+)"', page.decode())
    status, headers, body = get(f"{running.nginx.url}{path}")
    assert status == 200
    assert headers["Cache-Control"] == "max-age=315360000"
    assert headers["Content-Type"] == "text/javascript"
    assert body == (running.system.folder / path.lstrip("/")).read_bytes()


def test_a_file_without_a_hash_in_its_name_is_asked_for_again(running: Site) -> None:
    _, headers, _ = get(f"{running.nginx.url}/static/rooms/main.js")
    assert headers["Cache-Control"] == "no-cache"


async def test_a_browser_and_a_program_talk_through_nginx(running: Site) -> None:
    _, headers, _ = await asyncio.to_thread(get, f"{running.nginx.url}/")
    browser = {"origin": running.nginx.url, "additional_headers": {"Cookie": cookie_of(headers).partition(";")[0]}}
    url = running.nginx.socket_url
    async with client(url, **browser) as host, client(url) as guest:
        room = await host.create("앞마당", "주인")
        assert "token" not in room
        joined = await guest.ask("CLIENT_ROOM_JOIN", roomID=room["roomID"], userName="손님")
        assert joined["participants"] == 2
        said = await guest.ask("CLIENT_CHAT_SEND", roomID=room["roomID"], userName="손님", message="안녕하세요")
        heard = await host.until(lambda message: message["type"] == "SERVER_CHAT_SEND")
        assert {**heard, "ref": "r"} == said


async def test_a_page_of_another_site_is_refused_through_nginx(running: Site) -> None:
    with pytest.raises(InvalidHandshake):
        async with client(running.nginx.socket_url, origin="https://elsewhere.example"):
            pass


async def test_only_the_sockets_own_address_can_be_upgraded(running: Site) -> None:
    with pytest.raises(InvalidHandshake, match="404"):
        async with client(running.nginx.socket_url.replace("/ws/", "/socket/")):
            pass


def test_a_clients_own_claims_about_its_address_do_not_get_through(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        nginx = Nginx(tmp_path / "nginx", [upstream.getsockname()[1]], tmp_path)
        lies = {
            "X-Forwarded-For": "6.6.6.6",
            "X-Forwarded-Proto": "https",
            "X-Real-IP": "6.6.6.6",
            "Forwarded": "for=6.6.6.6",
        }
        asking = "".join(f"{name}: {value}\r\n" for name, value in lies.items())
        with socket.create_connection(("127.0.0.1", nginx.port)) as asker:
            asker.sendall(f"GET / HTTP/1.1\r\nHost: chat.example.org\r\n{asking}\r\n".encode())
            arrived, _ = upstream.accept()
            with arrived:
                head = arrived.recv(65536).decode()
        nginx.stop()
    assert head.count("X-Forwarded-For: 127.0.0.1\r\n") == head.lower().count("x-forwarded-for:") == 1
    assert head.count("X-Forwarded-Proto: http\r\n") == head.lower().count("x-forwarded-proto:") == 1
    assert "6.6.6.6" not in head


@pytest.mark.parametrize("connections", [4096, 3])
def test_nginx_in_trouble_writes_no_addresses_and_no_names(tmp_path: Path, connections: int) -> None:
    nginx = Nginx(tmp_path / "nginx", [free_port()], tmp_path, connections)
    with contextlib.suppress(OSError, HTTPException):
        get(f"{nginx.url}/chat/?room=secret-room", address="127.0.0.77")
    nginx.stop()
    assert "secret-room" not in nginx.logs()
    assert "127.0.0.77" not in nginx.logs()


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("trust", "secure"), [("1", True), ("0", False)])
def test_cookies_are_marked_secure_behind_tls_when_the_proxy_is_trusted(
    running: Site, tmp_path: Path, trust: str, secure: bool
) -> None:
    gunicorn = Gunicorn(running.system.environment | {"TRUST_PROXY": trust}, tmp_path / "gunicorn.log", 1)
    _, page, _ = get(f"http://127.0.0.1:{gunicorn.port}/", X_Forwarded_Proto="https")
    _, login, _ = get(f"http://127.0.0.1:{gunicorn.port}/admin/login/", X_Forwarded_Proto="https")
    gunicorn.stop()
    assert cookie_of(page).startswith("__Host-visitor=" if secure else "visitor=")
    cookies = [cookie_of(page), *login.get_all("Set-Cookie", [])]
    assert any(cookie.startswith("__Host-csrftoken=" if secure else "csrftoken=") for cookie in cookies)
    assert {"Secure" in cookie for cookie in cookies} == {secure}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set."),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is not set."),
        ({"REDIS_URL": ""}, "Several server processes cannot share rooms that are kept in memory."),
        ({"REDIS_URL": "nonsense"}, "REDIS_URL is not the address of a Redis."),
        ({"DATABASE_URL": "mysql://host/name"}, "DATABASE_URL is not the address of a SQLite or PostgreSQL."),
        ({"DATABASE_URL": "postgresql://host:port/name"}, "DATABASE_URL is not the address of a SQLite or PostgreSQL."),
        ({"ROOMS_GRACE": "soon"}, "ROOMS_GRACE is 'soon'"),
    ],
    ids=["no key", "no hosts", "no redis", "redis", "database", "database port", "limit"],
)
def test_wrong_settings_end_gunicorn_with_one_sentence(running: Site, wrong: dict[str, str], sentence: str) -> None:
    own = {"BIND": f"127.0.0.1:{free_port()}", "WEB_CONCURRENCY": "2"}
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", APPLICATION],
        env=os.environ | running.system.environment | own | wrong,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode != 0
    assert ended.stderr.count(sentence) == 1
    assert "Traceback" not in ended.stderr
    assert "Booting worker" not in ended.stderr


# --- processes that end -----------------------------------------------------------------------------------------------


async def test_a_killed_workers_clients_come_back_and_it_is_replaced(running: Site) -> None:
    everyone = await gathered(running, "k", 8)
    before = running.gunicorn.children
    os.kill(before[0], signal.SIGKILL)
    await everyone[0].say("다 있어요?")
    for talker in everyone:
        await talker.until(lambda talker: talker.in_room.is_set() and not talker.unsent, PATIENCE)
    await everyone[0].until(lambda talker: talker.participants == 8, PATIENCE)
    async with asyncio.timeout(PATIENCE):
        while len(running.gunicorn.children) < 2:
            await asyncio.sleep(0.1)
    assert before[0] not in running.gunicorn.children
    assert violations(everyone) == []
    await asyncio.gather(*(talker.stop() for talker in everyone))


async def test_a_rolling_restart_under_load_loses_and_doubles_nothing(running: Site) -> None:
    before = running.gunicorn.children
    report = await restart_under_load(running, 60, seconds=PATIENCE)
    print(report)
    assert report.problems == []
    assert not set(before) & set(running.gunicorn.children)
    assert len(running.gunicorn.children) == 2


async def test_the_end_of_the_first_process_ends_everything_in_time_with_a_good_bye(running: Site) -> None:
    url = running.nginx.socket_url
    async with client(url) as host, client(url) as watcher:
        await host.create("마지막 방", "주인")
        await watcher.ask("CLIENT_ROOM_LIST", watch=True)
        children = running.gunicorn.children
        took = await asyncio.to_thread(running.gunicorn.terminate)
        await asyncio.gather(host.socket.wait_closed(), watcher.socket.wait_closed())
        assert [host.socket.close_code, watcher.socket.close_code] == [CLOSE_RESTART] * 2
    assert took < 10
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    running.gunicorn.start()


# --- without gunicorn -------------------------------------------------------------------------------------------------


async def test_plain_daphne_processes_on_two_ports_share_a_room(running: Site, tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    with (tmp_path / "daphne.log").open("wb") as log:
        command = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p"]
        started = [
            subprocess.Popen(
                [*command, str(port), APPLICATION],
                env=os.environ | running.system.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
            for port in ports
        ]
    try:
        for port, process in zip(ports, started, strict=True):
            await asyncio.to_thread(wait_for_port, port, process, PATIENCE)
        first, second = (f"ws://127.0.0.1:{port}/ws/" for port in ports)
        async with client(first) as host, client(second) as guest:
            room = (await host.create("두 문", "주인"))["roomID"]
            await guest.ask("CLIENT_ROOM_JOIN", roomID=room, userName="손님")
            await host.ask("CLIENT_CHAT_SEND", roomID=room, userName="주인", message="어서 오세요")
            heard = await guest.until(lambda message: message["type"] == "SERVER_CHAT_SEND")
            assert heard["message"] == "어서 오세요"
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert (tmp_path / "daphne.log").read_text() == ""


# --- logs -------------------------------------------------------------------------------------------------------------

SECRETS = ("비밀방", "%EB%B9%84%EB%B0%80%EB%B0%A9", "은밀이", "속삭임", "127.0.0.77", "secret-path")
"""A room, the same in an address, a nickname, a message, an address, and a path that somebody made up."""


async def test_no_log_knows_who_was_where_and_what_was_said(running: Site) -> None:
    async with client(running.nginx.socket_url, local_addr=("127.0.0.77", 0)) as host:
        room = (await host.create("비밀방", "은밀이"))["roomID"]
        await host.ask("CLIENT_CHAT_SEND", roomID=room, userName="은밀이", message="속삭임")
        await host.socket.send("속삭임")
        await host.socket.send("은밀이".encode())
        for path in ("/chat/?room=%EB%B9%84%EB%B0%80%EB%B0%A9", "/chat/?room=%00", "/chat/?id=1", "/secret-path/"):
            await asyncio.to_thread(get, f"{running.nginx.url}{path}", address="127.0.0.77")
            await asyncio.to_thread(get, f"{running.nginx.url}{path}", address="127.0.0.77", Host="elsewhere.example")
        host.socket.transport.abort()
    with contextlib.suppress(InvalidHandshake):
        async with client(f"ws://127.0.0.1:{running.gunicorn.port}/secret-path/", local_addr=("127.0.0.77", 0)):
            pass
    assert [secret for secret in SECRETS if secret in running.logs()] == []


def test_no_fault_was_logged(running: Site) -> None:
    assert "Traceback" not in running.logs()
