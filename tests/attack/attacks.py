"""The attacks, a function each: it prepares itself, waits for ``field.begin``, and goes on until it is stopped.

Knows the protocol and what costs a server much; must not know how harm is measured.
"""

import asyncio
import contextlib
import gzip
import itertools
import random
import re
import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.attack.field import Field
from tests.attack.wire import CONTINUATION, PING, PONG, TEXT, Page, Wire, command, frame

TICK = 0.02
"""Seconds between two turns of most attacks."""
ALLOWED = 20
"""Commands a second that one connection may send."""
CHUNK = 1_700_000 * TICK
"""Bytes of tiny frames in each turn."""


@dataclass(frozen=True)
class Attack:
    """An attack, for whoever starts it."""

    name: str
    connections: int
    run: Callable[[Field], Awaitable[None]]

    @property
    def words(self) -> str:
        """What the attack is."""
        return (self.run.__doc__ or "").split("\n")[0].rstrip(".")


ATTACKS: dict[str, Attack] = {}
Run = Callable[[Field], Awaitable[None]]


def attack(connections: int) -> Callable[[Run], Run]:
    """Put an attack with so many connections into the list, under its function's name."""

    def enlist(run: Run) -> Run:
        name = run.__name__.replace("_", "-")
        ATTACKS[name] = Attack(name, connections, run)
        return run

    return enlist


@attack(1)
async def marks(field: Field) -> None:
    """Names of 1,900 combining marks in descending class."""
    two_bytes = [chr(code) for code in range(0x80, 0x800) if unicodedata.combining(chr(code))]
    worst = sorted(two_bytes * (1900 // len(two_bytes) + 1), key=unicodedata.combining, reverse=True)
    name = "a" + "".join(worst[:: len(worst) // 1900][:1900])
    # A refused join now and then keeps the refusals of lines from being too many in a row.
    both = command("CLIENT_CHAT_SEND", roomID=1, userName=name, message="x")
    both += command("CLIENT_ROOM_JOIN", roomID=1, userName=name)
    wires = await field.wires(1)
    await field.begin()
    await field.flood(wires, lambda _: both, 2, 2 / 75)


async def tiny(field: Field, kind: bytes) -> None:
    """One connection, full of frames that carry nothing."""
    count = int(CHUNK / len(kind))
    data = kind * count
    wires = await field.wires(1)
    await field.begin()
    await field.flood(wires, lambda _: data, count, TICK)


@attack(1)
async def pings(field: Field) -> None:
    """Empty pings, 1.7 MB/s."""
    await tiny(field, frame(PING))


@attack(1)
async def pongs(field: Field) -> None:
    """Empty pongs, 1.7 MB/s."""
    await tiny(field, frame(PONG))


@attack(1)
async def empty_fragments(field: Field) -> None:
    """A message of empty fragments without end, 1.7 MB/s."""
    kind = frame(CONTINUATION, last=False)
    count = int(CHUNK / len(kind))
    wires = await field.wires(1)
    begun: set[Wire] = set()

    def data(number: int) -> bytes:
        first = b"" if wires[number] in begun else frame(TEXT, last=False)
        begun.add(wires[number])
        return first + kind * count

    await field.begin()
    await field.flood(wires, data, count, TICK)


@attack(40)
async def one_byte_fragments(field: Field) -> None:
    """Messages of 4,000 fragments of one byte, 1.7 MB/s in all."""
    fragments = frame(TEXT, b"x", last=False) + frame(CONTINUATION, b"x", last=False) * 3998 + frame(CONTINUATION, b"x")
    wires = await field.wires(40)
    await field.begin()
    await field.flood(wires, lambda _: fragments, 4000, 40 * len(fragments) * TICK / CHUNK)


@attack(10)
async def refused(field: Field) -> None:
    """Joins without a name at full speed: too fast, but never 200 times in a row."""
    joins = command("CLIENT_ROOM_JOIN", roomID=1, userName="") * 60
    wires = await field.wires(10)
    await field.begin()
    await field.flood(wires, lambda _: joins, 60, TICK)


@attack(40)
async def lists(field: Field) -> None:
    """The list of 200 rooms at the allowed rate."""
    ask = command("CLIENT_ROOM_LIST")
    wires = await field.wires(40)
    await field.begin()
    await field.flood(wires, lambda _: ask, 1, 1 / ALLOWED)


@attack(20)
async def pages(field: Field) -> None:
    """The lobby's page with 200 rooms, on connections that are kept alive."""

    async def read(page: Page) -> None:
        await page.get("/")

    await requests(field, [field.page() for _ in range(20)], read)


@attack(20)
async def admin_login(field: Field) -> None:
    """Passwords tried at the admin's door."""
    doors = [field.page() for _ in range(20)]
    tokens: dict[Page, str] = {}

    async def knock(page: Page) -> None:
        if page not in tokens:
            _, form = await page.get("/admin/login/")
            form = gzip.decompress(form) if form.startswith(b"\x1f\x8b") else form
            found = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', form)
            tokens[page] = found[1].decode() if found else ""
        await page.post("/admin/login/", f"csrfmiddlewaretoken={tokens[page]}&username=admin&password=guess")

    await requests(field, doors, knock)


async def requests(field: Field, pages: list[Page], ask: Callable[[Page], Awaitable[None]]) -> None:
    """Each connection asks again as soon as it has its answer."""

    async def keep_asking(page: Page) -> None:
        while True:
            try:
                async with asyncio.timeout(30):
                    await ask(page)
                field.sent += 1
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                field.lost += 1
                await asyncio.sleep(0.1)
            await field.breathe(0)

    await field.begin()
    async with asyncio.TaskGroup() as group:
        for page in pages:
            group.create_task(keep_asking(page))


@attack(10)
async def replays(field: Field) -> None:
    """Joined again and again with an old seq, in a room with 256 lines."""
    wires = await field.wires(10)
    answer = await wires[0].ask("CLIENT_ROOM_CREATE", roomName="되풀이", userName="a0", listed=False)
    room = answer["roomID"]
    joins = [answer] + [
        await wire.ask("CLIENT_ROOM_JOIN", roomID=room, userName=f"a{n}") for n, wire in enumerate(wires[1:], 1)
    ]
    for number in range(26):
        filler = await field.wire()
        await filler.ask("CLIENT_ROOM_JOIN", roomID=room, userName=f"f{number}")
        for _ in range(10):
            await filler.ask("CLIENT_CHAT_SEND", roomID=room, userName=f"f{number}", message="말" * 128)
    again = [
        command("CLIENT_ROOM_JOIN", roomID=room, userName=f"a{n}", after=join["seq"], token=join["token"])
        for n, join in enumerate(joins)
    ]
    await field.begin()
    await field.flood(wires, lambda number: again[number], 1, 1 / ALLOWED)


@attack(40)
async def missing_rooms(field: Field) -> None:
    """Joins of rooms that do not exist, at the allowed rate."""
    draw = random.Random(1)
    wires = await field.wires(40)
    await field.begin()
    await field.flood(
        wires,
        lambda _: command("CLIENT_ROOM_JOIN", roomID=draw.randrange(1, 1 << 53), userName="a"),
        1,
        1 / ALLOWED,
    )


@attack(10)
async def join_leave(field: Field) -> None:
    """Into the honest people's room and out again, at the allowed rate."""
    there_and_back = [
        command("CLIENT_ROOM_JOIN", roomID=field.room, userName=f"a{n}")
        + command("CLIENT_ROOM_EXIT", roomID=field.room, userName=f"a{n}")
        for n in range(10)
    ]
    wires = await field.wires(10)
    await field.begin()
    await field.flood(wires, lambda number: there_and_back[number], 2, 2 / ALLOWED)


@attack(40)
async def refs(field: Field) -> None:
    """Bursts of 58 lines with fresh refs, every second from new connections."""
    host = await field.wire()
    answer = await host.ask("CLIENT_ROOM_CREATE", roomName="되풀이", userName="opener", listed=False)
    numbers = itertools.count()
    wires: dict[str, Wire] = {}
    await field.begin()
    while True:
        for wire in wires.values():
            wire.close()
        wires.clear()
        for _ in range(39):
            with contextlib.suppress(OSError):
                # Those who are gone keep their names for a while.
                nick = f"a{next(numbers)}"
                wires[nick] = wire = await field.wire()
                wire.write(command("CLIENT_ROOM_JOIN", roomID=answer["roomID"], userName=nick))
        await field.breathe(0.2)
        for nick, wire in wires.items():
            line = {"roomID": answer["roomID"], "userName": nick, "message": "x"}
            if wire.write(b"".join(command("CLIENT_CHAT_SEND", **line, ref=f"r{next(numbers)}") for _ in range(58))):
                field.sent += 58
        await field.breathe(0.8)
