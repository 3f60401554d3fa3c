"""Raw clients that follow docs/protocol.md, and a checker of what they saw.

A ``Talker`` comes back after every close, joins again with ``after``, and repeats what was not acknowledged with the
same ``ref``. What it saw is kept whole, so that ``violations`` can hold it against what is promised ("What is
promised": one order for all, each event once, nothing acknowledged and missing).
"""

import asyncio
import contextlib
import json
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

Message = dict[str, Any]
RETRY_LATER = ("unavailable", "too_fast", "not_in_room", "room_not_found")


@dataclass
class Stretch:
    """What a client saw without a break: everything from ``start`` on, until it was told that something is gone."""

    start: int
    events: list[Message] = field(default_factory=list)


class Talker:
    """One client in one room.

    Args:
        urls: of the workers; each connection goes to one of them at random.
        room: the room to join; None to make one, as its host.
        nick: the name to use.
        draw: where chance comes from.
    """

    def __init__(self, urls: list[str], room: int | None, nick: str, draw: random.Random) -> None:
        self.urls = urls
        self.room = room
        self.nick = nick
        self.draw = draw
        self.stretches: list[Stretch] = []
        self.acknowledged: dict[str, Message] = {}
        self.refused: list[Message] = []
        self.repeated: set[str] = set()
        self.contradictions: list[tuple[str, int, int]] = []
        self.unsent: dict[str, str] = {}
        self.deleted: Message | None = None
        self.participants = 0
        self.joins = 0
        self.in_room = asyncio.Event()
        self.changed = asyncio.Event()
        self._answered = 0
        self._here = asyncio.Event()
        self._here.set()
        self._token: str | None = None
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def last(self) -> int | None:
        """The last seq seen."""
        if not self.stretches:
            return None
        stretch = self.stretches[-1]
        return stretch.events[-1]["seq"] if stretch.events else stretch.start

    def start(self) -> "Talker":
        """Begin to come and to come back."""
        self._task = asyncio.create_task(self._live())
        return self

    async def enter(self) -> "Talker":
        """Start, and wait until in the room."""
        self.start()
        await asyncio.wait_for(self.in_room.wait(), 30)
        return self

    async def stop(self) -> None:
        """Go without a word."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def drop(self) -> None:
        """Lose the connection, and stay away until ``come_back``."""
        self._here.clear()
        self.break_off()

    def break_off(self) -> None:
        """Lose the connection."""
        if self._socket is not None:
            self._socket.transport.abort()

    def come_back(self) -> None:
        """Connect again, at once."""
        self._here.set()

    async def is_answered(self, seconds: float) -> bool:
        """Whether the connection gets an answer to a command within so many seconds."""
        before = self._answered
        if self._socket is None:
            return False
        await self._socket.send(json.dumps({"type": "CLIENT_ROOM_LIST"}))
        try:
            await self.until(lambda _: self._answered > before, seconds)
        except TimeoutError:
            return False
        return True

    async def leave(self) -> None:
        """Leave in good order."""
        if self._socket is not None:
            await self._socket.send(self._text("CLIENT_ROOM_EXIT"))
        await self.stop()

    async def say(self, message: str) -> str:
        """Say something, and repeat it until it is acknowledged; returns its ref."""
        ref = uuid.UUID(int=self.draw.getrandbits(128)).hex
        self.unsent[ref] = message
        await self._send(ref)
        return ref

    async def until(self, condition: Callable[["Talker"], bool], seconds: float = 60) -> None:
        """Wait until a condition holds that this client can see; it is asked with the client."""
        async with asyncio.timeout(seconds):
            while not condition(self):
                self.changed.clear()
                await self.changed.wait()

    # --- the connection -----------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        bound = 0.5
        while self.deleted is None:
            try:
                url = self.draw.choice(self.urls)
                async with connect(url, open_timeout=5, ping_interval=None, close_timeout=1) as socket:
                    self._socket = socket
                    await self._join()
                    bound = 0.5
                    await self._listen()
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError, asyncio.IncompleteReadError):
                pass
            finally:
                if self._socket is not None:
                    # A client that is stopped while closing waits for no answer; the socket would outlive its loop.
                    self._socket.transport.abort()
                self._socket = None
                self.in_room.clear()
            if not self._here.is_set():
                await self._here.wait()
                bound = 0.5
                continue
            await asyncio.sleep(self.draw.uniform(0, bound))
            bound = min(bound * 2, 5)

    def _text(self, type: str, **fields: Any) -> str:
        return json.dumps({"type": type, "roomID": self.room, "userName": self.nick, **fields})

    async def _join(self) -> None:
        assert self._socket is not None
        if self.room is None:
            make = self._text("CLIENT_ROOM_CREATE", roomName=f"방 {self.nick}", ref=f"make {self.nick}")
            await self._socket.send(make)
            return
        fields: dict[str, Any] = {} if self.last is None else {"after": self.last}
        if self._token is not None:
            fields["token"] = self._token
        await self._socket.send(self._text("CLIENT_ROOM_JOIN", **fields))

    async def _listen(self) -> None:
        assert self._socket is not None
        async for frame in self._socket:
            message = json.loads(frame)
            self._answered += message["type"] == "SERVER_ROOM_LIST"
            if message["type"] in ("SERVER_ROOM_JOIN", "SERVER_ROOM_CREATE") and "members" in message:
                await self._entered(message)
            elif message.get("status") is False:
                await self._refused(message)
            elif "seq" in message:
                self._event(message)
            self.changed.set()
            if self.deleted is not None:
                return

    async def _entered(self, answer: Message) -> None:
        self.joins += 1
        self.room = answer["roomID"]
        self._token = answer.get("token", self._token)
        self.participants = answer["participants"]
        if not answer.get("recovered"):
            self.stretches.append(Stretch(answer["seq"]))
        self.in_room.set()
        for ref in list(self.unsent):
            self.repeated.add(ref)
            await self._send(ref)

    async def _refused(self, answer: Message) -> None:
        self.refused.append(answer)
        if answer["error"] not in RETRY_LATER:
            return
        await asyncio.sleep(0.2)
        if answer["type"] == "SERVER_CHAT_SEND":
            self.repeated.add(answer["ref"])
            await self._send(answer["ref"])
        elif answer["error"] == "room_not_found":
            self.deleted = answer
        else:
            await self._join()

    def _event(self, event: Message) -> None:
        ref = event.get("ref")
        if ref in self.unsent:
            del self.unsent[ref]
            self.acknowledged[ref] = event
        elif ref in self.repeated and ref in self.acknowledged and event["seq"] <= (self.last or 0):
            # The answer to a ref whose event is no longer kept says less.
            if event["seq"] != self.acknowledged[ref]["seq"]:
                before = self.acknowledged[ref]
                text = f"{ref} was answered with {event} after {before}"
                self.contradictions.append((text, before["seq"], event["seq"]))
            return
        if event["seq"] <= (self.last or 0) and ref in self.repeated:
            # The second answer to a repeated ref: the event itself was seen among the others.
            return
        self.participants = event["participants"]
        if event["type"] == "SERVER_ROOM_DELETE":
            self.deleted = event
            if event["seq"] != (self.last or 0) + 1:
                # Those who missed a room's end are told the end alone.
                self.stretches.append(Stretch(event["seq"] - 1))
        self.stretches[-1].events.append(event)

    async def _send(self, ref: str) -> None:
        if self._socket is not None and self.in_room.is_set() and ref in self.unsent:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(self._text("CLIENT_CHAT_SEND", message=self.unsent[ref], ref=ref))


async def talk(everyone: list[Talker], draw: random.Random, pace: float) -> None:
    """Let somebody say something, ``pace`` times a second on the average, until it is cancelled."""
    number = 0
    while True:
        number += 1
        await draw.choice(everyone).say(f"{number}번째 말")
        await asyncio.sleep(draw.expovariate(pace))


class Witness(Protocol):
    """A client that has kept what it saw."""

    nick: str
    stretches: list[Stretch]
    acknowledged: dict[str, Message]


JUMP = 3_000
"""No schedule has so many events; a room whose state was lost begins anew with the time in microseconds."""


def violations(talkers: Sequence[Witness], forgotten: bool = False, clock_set: bool = False) -> list[str]:
    """The promises that were broken, in words; empty if none was.

    Args:
        talkers: those who were in one room.
        forgotten: whether Redis lost its memory meanwhile, so that ``seq`` may have jumped forward. Beyond such a jump
            something that was repeated may have been said again, and the last lines before it may have reached some
            people only.
        clock_set: whether the clock of Redis was set meanwhile, by which refs are remembered, and by which the numbers
            of a room that is made anew begin: they may lie anywhere above the old ones then.
    """
    found: list[str] = []

    def begun_anew(before: int, after: int) -> bool:
        return forgotten and (clock_set or jumped(before, after))

    by_seq: dict[int, Message] = {}
    by_ref: dict[str, int] = {}
    for talker in talkers:
        for stretch in talker.stretches:
            expected = stretch.start
            for event in stretch.events:
                seq = event["seq"]
                if seq <= expected and stretch.events[0] is not event:
                    found.append(f"{talker.nick} saw {seq} after {expected}")
                elif seq != expected + 1 and stretch.events[0] is not event and not begun_anew(expected, seq):
                    found.append(f"{talker.nick} missed {expected + 1} to {seq - 1} and was not told, before {event}")
                expected = seq
                if by_seq.setdefault(seq, event) != event:
                    found.append(f"{talker.nick} saw another event {seq} than someone else")
                ref = event.get("ref")
                if ref is not None and by_ref.setdefault(ref, seq) != seq and not begun_anew(by_ref[ref], seq):
                    found.append(f"{ref} was said twice, as {by_ref[ref]} and {seq}")
                if event["participants"] < 0:
                    found.append(f"event {seq} counts {event['participants']} people")
        if isinstance(talker, Talker):
            found += [text for text, before, after in talker.contradictions if not begun_anew(before, after)]
    for talker in talkers:
        for ref, event in talker.acknowledged.items():
            for other in talkers:
                if any(lacks(stretch, event["seq"], begun_anew) for stretch in other.stretches):
                    found.append(f"{other.nick} did not see {ref}, which {talker.nick} had acknowledged")
    return found


def jumped(before: int, after: int) -> bool:
    """Whether the room's live state was lost between two events: their numbers are microseconds apart then."""
    return abs(after - before) > JUMP


def lacks(stretch: Stretch, seq: int, begun_anew: Callable[[int, int], bool]) -> bool:
    """Whether an event that came during a stretch is not in it, and was not lost with the store's memory."""
    later = [seen["seq"] for seen in stretch.events if seen["seq"] >= seq]
    if not stretch.start < seq or not later or later[0] == seq:
        return False
    return not begun_anew(seq, later[0])
