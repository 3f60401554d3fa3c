"""Raw connections of the attackers: any frame can be sent, and what comes back costs next to nothing.

Knows WebSocket frames (RFC 6455) and HTTP/1.1; must not know attacks or what is measured. websockets, the library,
would refuse to send most of what attackers send, and would look at every frame that comes.
"""

import asyncio
import itertools
import json
from typing import Any

TEXT, CONTINUATION, CLOSE, PING, PONG = 1, 0, 8, 9, 10
PONG_BYTES = b"\x8a\x00"
HANDSHAKE = (
    "GET /ws/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nX-Forwarded-For: {address}\r\n\r\n"
)


def frame(opcode: int, payload: bytes = b"", last: bool = True) -> bytes:
    """A frame as clients send it. Its mask is zero, which is allowed and costs the attacker nothing."""
    size = len(payload)
    head = bytes((0x80 * last | opcode,))
    if size < 126:
        return head + bytes((0x80 | size,)) + bytes(4) + payload
    return head + b"\xfe" + size.to_bytes(2, "big") + bytes(4) + payload


def command(type: str, **fields: Any) -> bytes:
    """A command as a frame, in UTF-8 without escapes."""
    return frame(TEXT, json.dumps({"type": type, **fields}, ensure_ascii=False, separators=(",", ":")).encode())


class Wire(asyncio.Protocol):
    """One WebSocket. It answers pings and counts bytes; frames are looked at only while ``ask`` waits for one."""

    def __init__(self) -> None:
        self.closed = False
        self.bytes_in = 0
        self.bytes_out = 0
        self._refs = itertools.count()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answer: asyncio.Future[dict[str, Any]] | None = None
        self._asked = ""
        self._rest = b""
        self._skip = 0

    @classmethod
    async def open(cls, port: int, address: str) -> "Wire":
        """Connect, as somebody from ``address``.

        Raises:
            OSError: nobody lets us in.
        """
        async with asyncio.timeout(10):
            _, wire = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
            wire.write(HANDSHAKE.format(address=address).encode())
            await wire._opened
        return wire

    def write(self, data: bytes) -> bool:
        """Send bytes as they are, unless too much waits already; says whether it did."""
        if self.closed or self._transport.get_write_buffer_size() > 1 << 17:
            return False
        self._transport.write(data)
        self.bytes_out += len(data)
        return True

    async def ask(self, type: str, **fields: Any) -> dict[str, Any]:
        """Send a command; returns its answer.

        Raises:
            OSError: the connection has ended.
        """
        self._asked = f"a{next(self._refs)}"
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self.write(command(type, **fields, ref=self._asked))
            async with asyncio.timeout(10):
                return await self._answer
        finally:
            self._answer = None

    def close(self) -> None:
        """End the connection without a word."""
        self._transport.abort()

    # --- what asyncio calls -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exception: Exception | None) -> None:
        self.closed = True
        for waiting in (self._opened, self._answer):
            if waiting is not None and not waiting.done():
                waiting.set_exception(ConnectionResetError("the server has closed the connection"))

    def data_received(self, data: bytes) -> None:
        self.bytes_in += len(data)
        if self._opened.done():
            self._walk(data)
            return
        self._rest += data
        head, end, rest = self._rest.partition(b"\r\n\r\n")
        if end:
            self._rest = b""
            if head.startswith(b"HTTP/1.1 101"):
                self._opened.set_result(None)
                self._walk(rest)
            else:
                self._transport.abort()

    def _walk(self, data: bytes) -> None:
        """Step from frame to frame."""
        if self._skip >= len(data):
            self._skip -= len(data)
            return
        data, self._skip = self._rest + data[self._skip :], 0
        at, end = 0, len(data)
        while end - at >= 2:
            if data.startswith(PONG_BYTES, at):
                # Answers to floods of pings come by the ten thousand; an odd last byte is half of one.
                pongs = end - at - len(data[at:].lstrip(PONG_BYTES))
                at += pongs - pongs % 2
                continue
            size, start = data[at + 1], at + 2
            if size >= 126:
                start += 2 if size == 126 else 8
                size = int.from_bytes(data[at + 2 : start], "big")
            if start > end:
                break
            opcode = data[at] & 15
            if start + size > end:
                if opcode == TEXT and self._answer is None:
                    self._skip, at = start + size - end, end
                break
            if opcode != TEXT or self._answer is not None:
                self._look(opcode, data[start : start + size])
            at = start + size
        self._rest = data[at:]

    def _look(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.write(frame(PONG, payload))
        elif opcode == CLOSE:
            self._transport.close()
        elif opcode == TEXT and self._answer is not None and not self._answer.done():
            message = json.loads(payload)
            if message.get("ref") == self._asked:
                self._answer.set_result(message)


class Page:
    """One HTTP connection that is kept alive.

    Args:
        port: of the server.
        address: where it pretends to come from.
    """

    def __init__(self, port: int, address: str) -> None:
        self.bytes_in = 0
        self.bytes_out = 0
        self._port = port
        self._head = f"Host: 127.0.0.1\r\nAccept-Encoding: gzip\r\nX-Forwarded-For: {address}\r\n"
        self._cookies: dict[str, str] = {}
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> tuple[int, bytes]:
        """Ask for a page; returns its status and body."""
        return await self._request(f"GET {path} HTTP/1.1\r\n{self._head}", b"")

    async def post(self, path: str, form: str) -> tuple[int, bytes]:
        """Send a form; returns the answer's status and body."""
        head = f"{self._head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n"
        return await self._request(f"POST {path} HTTP/1.1\r\n{head}", form.encode())

    def close(self) -> None:
        """End the connection."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _request(self, head: str, body: bytes) -> tuple[int, bytes]:
        """Ask, on a new connection where the last one has ended.

        Raises:
            OSError, asyncio.IncompleteReadError: there was no answer.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        request = f"{head}Cookie: {cookies}\r\n\r\n".encode() + body
        try:
            writer.write(request)
            self.bytes_out += len(request)
            status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
            fields = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
            for name, value in fields:
                if name == "set-cookie":
                    cookie, _, rest = value.partition("=")
                    self._cookies[cookie] = rest.partition(";")[0]
            content = await reader.readexactly(int(dict(fields).get("content-length", "0")))
        except BaseException:
            self.close()
            raise
        self.bytes_in += len(content) + sum(map(len, lines))
        if dict(fields).get("connection") == "close":
            self.close()
        return int(status.split()[1]), content
