"""Our server process, and that the application does without it: plain daphne, runserver, uvicorn."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.servers import ROOT, Worker
from tests.stores import free_port, wait_for_port

SERVERS = {
    "ours": ["-m", "tests.worker", "{port}"],
    "daphne": ["-m", "daphne", "-v", "0", "-p", "{port}", "chatsite.asgi:application"],
    "runserver": ["manage.py", "runserver", "--noreload", "{port}"],
    "uvicorn": ["-m", "uvicorn", "--log-level", "error", "--port", "{port}", "chatsite.asgi:application"],
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("site")
    environment = {
        "DEBUG": "1",
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "DJANGO_SETTINGS_MODULE": "chatsite.settings",
        "ROOMS_FLOOD_CONTROL": "0",
        "ROOMS_GRACE": "0.2",
        "ROOMS_SWEEP": "0.1",
        "SERVER_WAITING_MAX": "65536",
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=os.environ | environment, cwd=ROOT, check=True)
    return environment


@pytest.fixture(scope="module")
def worker(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker(environment, tmp_path_factory.mktemp("log") / "log")
    worker.ready()
    yield worker
    worker.kill()


async def conversation(url: str) -> list[str]:
    """Two people talk; returns the types of what the host saw."""
    async with connect(url) as host, connect(url) as guest:
        create = {"type": "CLIENT_ROOM_CREATE", "roomName": f"방 {free_port()}", "userName": "주인"}
        await host.send(json.dumps(create))
        seen = [json.loads(await host.recv())]
        who = {"roomID": seen[0]["roomID"], "userName": "손님"}
        await guest.send(json.dumps({"type": "CLIENT_ROOM_JOIN", **who}))
        await guest.send(json.dumps({"type": "CLIENT_CHAT_SEND", "message": "안녕하세요", **who}))
        await guest.send(json.dumps({"type": "CLIENT_ROOM_EXIT", **who}))
        seen += [json.loads(await host.recv()) for _ in range(3)]
        await host.send("{")
        seen.append(json.loads(await host.recv()))
        return [message["type"] for message in seen]


@contextlib.contextmanager
def started(server: str, environment: dict[str, str], log: Path) -> Iterator[int]:
    """The port of a server that runs for as long as it is needed, without a traceback."""
    port = free_port()
    command = [sys.executable, *(part.format(port=port) for part in SERVERS[server])]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=os.environ | environment, cwd=ROOT, stdout=output, stderr=output)
    try:
        wait_for_port(port, process)
        yield port
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("server", SERVERS)
async def test_a_conversation_is_the_same_on_every_server(
    server: str, environment: dict[str, str], tmp_path: Path
) -> None:
    with started(server, environment, tmp_path / "log") as port:
        assert await conversation(f"ws://127.0.0.1:{port}/ws/") == [
            "SERVER_ROOM_CREATE",
            "SERVER_ROOM_JOIN",
            "SERVER_CHAT_SEND",
            "SERVER_ROOM_EXIT",
            "SERVER_FRAME_ERROR",
        ]


async def status(port: int, address: str) -> bytes:
    """The first line of a page's answer, which a web server in front asks for on behalf of an address."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    page = "GET /manifest.webmanifest HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    writer.write(f"{page}X-Forwarded-For: {address}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.split()[1]


@pytest.mark.parametrize("server", SERVERS)
async def test_too_many_pages_are_refused_on_every_server(
    server: str, environment: dict[str, str], tmp_path: Path
) -> None:
    own = {"ROOMS_FLOOD_CONTROL": "1", "ROOMS_PAGES_PER_SECOND": "2", "TRUST_PROXY": "1"}
    with started(server, environment | own, tmp_path / "log") as port:
        found = await asyncio.gather(*(status(port, "203.0.113.1") for _ in range(40)))
        assert set(found) == {b"200", b"429"}
        assert await status(port, "203.0.113.2") == b"200"


class Deaf:
    """A client that never reads, and answers no ping."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def join(cls, port: int, room: int, nick: str) -> "Deaf":
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /ws/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        deaf = cls(reader, writer)
        await deaf.send({"type": "CLIENT_ROOM_JOIN", "roomID": room, "userName": nick})
        return deaf

    async def send(self, message: dict[str, object]) -> None:
        payload = json.dumps(message, ensure_ascii=False).encode()
        size = (
            bytes((0x81, 0x80 | len(payload))) if len(payload) < 126 else b"\x81\xfe" + len(payload).to_bytes(2, "big")
        )
        self.writer.write(size + b"\0\0\0\0" + payload)
        await self.writer.drain()

    async def close(self) -> None:
        self.writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


async def until_lost(host: object, nick: str) -> int:
    """Read until someone is lost; returns how many messages came before."""
    said = 0
    async for frame in host:  # type: ignore[attr-defined]
        message = json.loads(frame)
        said += message["type"] == "SERVER_CHAT_SEND"
        if message["type"] == "SERVER_ROOM_EXIT" and message["nickName"] == nick:
            break
    return said


async def room_of(host: object, name: str) -> int:
    create = {"type": "CLIENT_ROOM_CREATE", "roomName": name, "userName": "주인"}
    await host.send(json.dumps(create))  # type: ignore[attr-defined]
    return int(json.loads(await host.recv())["roomID"])  # type: ignore[attr-defined]


async def test_one_who_does_not_read_is_closed_before_much_piles_up(worker: Worker) -> None:
    async with connect(worker.url, max_queue=None) as host:
        room = await room_of(host, "느린 사람")
        deaf = await Deaf.join(worker.port, room, "귀먹음")
        lost = asyncio.create_task(until_lost(host, "귀먹음"))
        say = {"type": "CLIENT_CHAT_SEND", "roomID": room, "userName": "주인", "message": "가" * 128}
        while not lost.done():
            await host.send(json.dumps(say, ensure_ascii=False))
            await asyncio.sleep(0)
        assert await lost > 0
        await deaf.close()
    assert "a client that does not read was closed" in worker.log.read_text()


async def test_one_who_sends_but_does_not_read_is_closed_too(worker: Worker) -> None:
    async with connect(worker.url, max_queue=None) as host:
        room = await room_of(host, "말만 하는 사람")
        deaf = await Deaf.join(worker.port, room, "말만")
        lost = asyncio.create_task(until_lost(host, "말만"))
        say = {"type": "CLIENT_CHAT_SEND", "roomID": room, "userName": "말만", "message": "듣지는 않아요"}
        async with asyncio.timeout(60):
            while not lost.done():
                try:
                    await deaf.send(say)
                except ConnectionError:
                    break
                await asyncio.sleep(0.5)
            assert await lost > 0
        await deaf.close()


async def test_a_frame_over_the_transports_limit_ends_the_connection_in_order(worker: Worker) -> None:
    async with connect(worker.url) as client:
        await client.send("x" * 20_000)
        await client.wait_closed()
        assert client.close_code == 1009


async def test_invalid_text_ends_the_connection_in_order(worker: Worker) -> None:
    async with connect(worker.url) as client:
        await client.send(b"\xff\xfe", text=True)
        await client.wait_closed()
        assert client.close_code == 1007


async def test_many_frames_in_one_segment_are_answered_in_order(worker: Worker) -> None:
    async with connect(worker.url) as client:
        room = await room_of(client, "빠른 사람")
        deaf = await Deaf.join(worker.port, room, "묶음")
        assert json.loads(await client.recv())["type"] == "SERVER_ROOM_JOIN"
        for n in range(50):
            payload = {
                "type": "CLIENT_CHAT_SEND",
                "roomID": room,
                "userName": "묶음",
                "message": f"{n}" + "가" * (n % 40),
            }
            data = json.dumps(payload, ensure_ascii=False).encode()
            size = bytes((0x81, 0x80 | len(data))) if len(data) < 126 else b"\x81\xfe" + len(data).to_bytes(2)
            deaf.writer.write(size + b"\0\0\0\0" + data)
        await deaf.writer.drain()
        heard = [json.loads(await client.recv())["message"] for _ in range(50)]
        assert heard == [f"{n}" + "가" * (n % 40) for n in range(50)]
        await deaf.close()


async def test_a_connection_that_is_over_leaves_nothing_for_the_garbage_collector(worker: Worker) -> None:
    clients = [await connect(worker.url, max_queue=None) for _ in range(20)]
    room = await room_of(clients[0], "잠깐")
    for n, client in enumerate(clients[1:]):
        await client.send(json.dumps({"type": "CLIENT_ROOM_JOIN", "roomID": room, "userName": f"손님{n}"}))
    for client in clients:
        await client.close()
    async with asyncio.timeout(20):
        while not worker.log.read_text().endswith("left 0\n"):
            worker.process.send_signal(signal.SIGUSR1)
            await asyncio.sleep(0.2)
