"""Fifty connections from five addresses in a process of their own: ``python -m tests.siege.attackers ROOM HOST PORT…``.

It says ``ready`` when all are connected, begins when it reads a line, ends when its input does, and says in JSON what
they tried and what came of it. Knows the protocol as its authors would who want to annoy; must not know the honest
people, nor how what they see is counted.
"""

import asyncio
import contextlib
import itertools
import json
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from rooms import names
from tests.attack.wire import Wire

ADDRESSES = 5
CONNECTIONS = 50
SPARE = 2
"""Identities that each attacker has from before the attack; those newer than a kick do not get in."""
NAMES = 20
"""With so many names some of them are in the room at once: all that a connection may have."""
LONGEST = 900
"""Seconds after which the attack ends by itself."""


class PutOut(Exception):
    """The attacker is not in the room any more."""


@dataclass
class Siege:
    """What all attackers share."""

    room: int
    host: str
    ports: list[int]
    joins: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By how it was tried, and what came of it."""
    others: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The same of what is done in the room."""
    broken: list[str] = field(default_factory=list)
    """Promises that were not kept."""
    kicked: set[str] = field(default_factory=set)
    """The addresses from which somebody was put out."""
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    begun: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Identity:
    """Somebody for the server; ``late`` if it was made when somebody from the address was out already."""

    token: str
    late: bool
    was_out: bool = False


class Attacker:
    """One of them.

    Args:
        siege: what they share.
        number: which one; it decides the address and what the attacker does.
    """

    def __init__(self, siege: Siege, number: int) -> None:
        self.siege = siege
        self.address = f"203.0.113.{number % ADDRESSES + 1}"
        self.draw = random.Random(number)
        kinds: list[Callable[[], Awaitable[None]]] = [*[self.talk] * 6, self.come_and_go, self.come_and_go]
        self.act = [*kinds, self.react_and_report, self.crowd][number // ADDRESSES % 10]
        self.spare: list[Identity] = []
        self.names: list[str] = []

    async def live(self) -> None:
        """Prepare, wait for the beginning, then come in by whatever way there is and do harm."""
        for _ in range(SPARE):
            await self.become(None)
            self.spare.append(self.me)
            self.wire.close()
        await self.become(None)
        await self.siege.begun.wait()
        await asyncio.sleep(self.draw.uniform(0, 3))
        way = "first time"
        while True:
            try:
                if way == "first time" or not self.me.was_out:
                    await self.enter(way)
                else:
                    await self.come_back()
                await self.act()
            except PutOut:
                self.me.was_out = True
                self.siege.kicked.add(self.address)
            except OSError:
                await asyncio.sleep(1)
                with contextlib.suppress(OSError):
                    await self.become(None if self.me.was_out else self.me)
            way = "again"

    async def become(self, who: Identity | None) -> None:
        """Connect anew, as somebody from before or as nobody who was ever there."""
        late = self.address in self.siege.kicked
        self.wire = await Wire.open(self.draw.choice(self.siege.ports), self.address)
        self.names = []
        if who is None:
            token = (await self.wire.ask("CLIENT_HELLO"))["token"]
            who = Identity(token, late)
        self.me = who

    # --- coming in ----------------------------------------------------------------------------------------------------

    def name(self) -> str:
        """Another name each time, now and then one that looks like the host's."""
        host, number = self.siege.host, next(self.siege.numbers)
        if number % 10:
            return f"{self.draw.choice(('손님', 'guest', 'ㅋㅋ', '!!'))}{number}"
        alike = (
            host,
            f"{host}.",
            f" {host} ",
            f"{host}\u200b",
            host.replace("a", "а"),
            host.upper(),
            f"진짜{host}",
            "방장",
        )
        return self.draw.choice(alike)

    async def join(self, way: str) -> str:
        """Try once under a name of the moment; returns "in" or why not."""
        name = self.name()
        answer = await self.ask("CLIENT_ROOM_JOIN", name, token=self.me.token)
        outcome = "in" if answer["status"] else answer["error"]
        self.siege.joins[way, outcome] += 1
        if names.key(self.siege.host) in names.key(name):
            self.siege.others[f"the name {name}", outcome] += 1
        if outcome != "in":
            await asyncio.sleep(answer.get("retryAfter", 50) / 1000)
            return str(outcome)
        self.names.append(name)
        if self.me.was_out:
            self.siege.broken.append(f"somebody who was put out came back: {way}")
        if self.me.late:
            self.siege.broken.append(f"an identity newer than a kick from its address came in: {way}")
        return "in"

    async def enter(self, way: str) -> None:
        """Try until in, as whoever it is."""
        while (outcome := await self.join(way)) != "in":
            if outcome in ("banned", "room_locked"):
                await asyncio.sleep(self.draw.uniform(1, 3))
            if outcome == "banned":
                self.me.was_out = True
                await self.come_back()
                return

    async def come_back(self) -> None:
        """Under another name, over another connection, as somebody from before, as somebody new."""
        out = self.me
        if await self.join("put out, another name") == "in":
            return
        await self.become(out)
        if await self.join("put out, another connection") == "in":
            return
        while True:
            await asyncio.sleep(self.draw.uniform(1, 3))
            spare = self.spare.pop(0) if self.spare else None
            await self.become(spare)
            outcome = await self.join("identity from before" if spare else "new identity")
            if outcome == "in":
                return
            if spare and outcome != "banned":
                self.spare.append(spare)
            self.wire.close()

    # --- doing harm ---------------------------------------------------------------------------------------------------

    async def talk(self) -> None:
        """Say something as fast as is allowed."""
        while True:
            await self.say()

    async def say(self) -> int:
        """Say something; returns its seq, 0 if it was refused."""
        name = self.draw.choice(self.names)
        answer = await self.ask("CLIENT_CHAT_SEND", name, message=f"여기 보세요 {next(self.siege.numbers)}")
        self.note("line", answer)
        await asyncio.sleep(min(answer.get("retryAfter", 20), 2000) / 1000)
        return int(answer.get("seq", 0))

    async def come_and_go(self) -> None:
        """Leave and come in under another name, as fast as is allowed."""
        while True:
            while self.names:
                answer = await self.ask("CLIENT_ROOM_EXIT", self.names[-1])
                self.note("exit", answer)
                if answer["status"]:
                    self.names.pop()
                await asyncio.sleep(answer.get("retryAfter", 0) / 1000)
            await self.enter("again")

    async def react_and_report(self) -> None:
        """React to what was said last and report it, one line after the other."""
        while True:
            seq = await self.say()
            for line in range(seq - 5, seq) if seq else ():
                reaction = self.draw.choice(("like", "heart", "laugh", "wow", "sad", "clap"))
                about = {"line": line, "reaction": reaction, "on": True}
                self.note("reaction", await self.ask("CLIENT_CHAT_REACT", self.names[0], **about))
                about = {"line": line, "reason": "abuse", "note": "저 사람이 그랬어요"}
                self.note("report", await self.ask("CLIENT_CHAT_REPORT", self.names[0], **about))

    async def crowd(self) -> None:
        """Be in under several names, and talk under all of them."""
        while len(self.names) < NAMES:
            if await self.join("further name") in ("banned", "room_locked"):
                break
        await self.talk()

    async def ask(self, type: str, name: str, **fields: Any) -> dict[str, Any]:
        """Send a command about the room; returns its answer.

        Raises:
            PutOut: the attacker is not in the room.
            OSError: the connection has ended.
        """
        if self.wire.closed:
            raise ConnectionResetError
        answer = await self.wire.ask(type, roomID=self.siege.room, userName=name, **fields)
        if answer.get("error") == "not_in_room":
            raise PutOut
        return answer

    def note(self, what: str, answer: dict[str, Any]) -> None:
        """Count what came of something."""
        self.siege.others[what, "done" if answer["status"] else answer["error"]] += 1


async def main(room: str, host: str, *ports: str) -> None:
    """Besiege a room."""
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    siege = Siege(int(room), host, [int(port) for port in ports])
    tasks = [asyncio.create_task(Attacker(siege, number).live()) for number in range(CONNECTIONS)]
    await asyncio.sleep(5)
    print("ready", flush=True)
    await orders.readline()
    siege.begun.set()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LONGEST):
            await orders.read()
    account = {
        "joins": [[*key, count] for key, count in sorted(siege.joins.items())],
        "others": [[*key, count] for key, count in sorted(siege.others.items())],
        "broken": sorted(set(siege.broken)),
        "ended": [repr(task.exception()) for task in tasks if task.done()],
    }
    print(json.dumps(account), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
