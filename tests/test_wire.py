"""The attackers' connections find their way through what a server sends, however TCP cuts it."""

import asyncio
import itertools
import json

import pytest

from tests.attack.wire import PING, PONG, TEXT, Wire, frame

ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
SIZES = [1, 2, 3, 7, 100_000]


class Transport(asyncio.Transport):
    """Remembers what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        pass


def served(opcode: int, payload: bytes = b"") -> bytes:
    """A frame as servers send it."""
    size = len(payload)
    head = bytes((size,)) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    return bytes((0x80 | opcode,)) + head + payload


def opened(data: bytes, size: int) -> tuple[Wire, Transport]:
    """A wire that has got ``data`` in pieces of so many bytes."""
    wire, transport = Wire(), Transport()
    wire.connection_made(transport)
    feed(wire, ACCEPTED + data, size)
    return wire, transport


def feed(wire: Wire, data: bytes, size: int) -> None:
    for start in range(0, len(data), size):
        wire.data_received(data[start : start + size])


@pytest.mark.parametrize("size", SIZES)
async def test_a_ping_among_pongs_and_texts_is_answered(size: int) -> None:
    texts = [served(TEXT, b"\x8a\x00" * length) for length in (0, 1, 62, 63, 500)]
    noise = b"".join(itertools.chain.from_iterable((text, served(PONG) * 3) for text in texts))
    _, transport = opened(noise + served(PING, b"one") + noise + served(PING, b"two"), size)
    assert transport.written == frame(PONG, b"one") + frame(PONG, b"two")


@pytest.mark.parametrize("size", SIZES)
async def test_an_answer_is_found_among_events(size: int) -> None:
    wire, transport = opened(served(TEXT, b"{}"), size)
    asking = asyncio.create_task(wire.ask("CLIENT_ROOM_LIST"))
    await asyncio.sleep(0)
    ref = json.loads(transport.written[6:])["ref"]
    feed(wire, served(TEXT, b'{"ref": "another"}') + served(TEXT, b'{"ref": "%s", "total": 7}' % ref.encode()), size)
    assert (await asking)["total"] == 7


async def test_whoever_is_not_let_in_is_told() -> None:
    wire, transport = Wire(), Transport()
    wire.connection_made(transport)
    wire.data_received(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    wire.connection_lost(None)
    with pytest.raises(ConnectionResetError):
        await wire._opened
