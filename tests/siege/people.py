"""Five people in a room, one of them its host: they talk, and the host acts as a person would who sees a flood.

Knows docs/protocol.md and how to count what people see; must not know what the attackers are doing.
"""

import asyncio
import itertools
import json
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection

Message = dict[str, Any]
SLOW = 10
"""Seconds between two lines, when the host slows the room."""
MUTE = 120
"""Seconds that a mute lasts."""
REMOVALS = 3
"""How many lines the host removes."""
PATIENCE = 10
"""Seconds after which a line that not everyone has is lost."""


@dataclass
class Minute:
    """What one of the five saw in a minute, and what the host did; times in seconds."""

    said: list[float] = field(default_factory=list)
    """Of the lines of the five: how long until all had it."""
    held: int = 0
    """Lines of the five that had to wait for slow mode."""
    lost: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    people: int = 0
    acts: dict[str, list[float]] = field(default_factory=dict)
    """By what the host did, how long until all five knew."""


class Laws:
    """What must hold for all that is seen after the host has acted; fed with events in their order."""

    def __init__(self, host: str) -> None:
        self.broken: list[str] = []
        self._host = host
        self._out: set[str] = set()
        self._muted: dict[str, int] = {}
        self._locked = False
        self._slow = 0
        self._spoke: dict[str, int] = {}

    def see(self, event: Message) -> None:
        """Hold an event against what was done before it."""
        kind, tag, at = event["type"], event.get("tag", ""), event["at"]
        if tag in self._out and kind in ("SERVER_ROOM_JOIN", "SERVER_CHAT_SEND"):
            self.broken.append(f"{kind} of somebody who was put out")
        match kind:
            case "SERVER_ROOM_EXIT" if event["reason"] == "kicked":
                self._out.add(tag)
            case "SERVER_MEMBER_MUTE":
                self._muted[tag] = event["until"]
            case "SERVER_ROOM_LOCK":
                self._locked = event["locked"]
            case "SERVER_ROOM_SLOW":
                self._slow, self._spoke = event["seconds"], {}
            case "SERVER_ROOM_JOIN" if self._locked:
                self.broken.append("somebody came into a locked room")
            case "SERVER_CHAT_SEND":
                if at < self._muted.get(tag, 0):
                    self.broken.append("a muted person was heard")
                if tag != self._host and at - self._spoke.get(tag, 0) < self._slow * 1000:
                    self.broken.append("somebody spoke too soon in slow mode")
                self._spoke[tag] = at


class Person:
    """One of the five.

    Args:
        socket: the person's connection.
        nick: the person's name.
        on_event: what to do with each event, and the person that saw it.
    """

    def __init__(self, socket: ClientConnection, nick: str, on_event: Callable[["Person", Message], None]) -> None:
        self.socket, self.nick = socket, nick
        self.room, self.tag = 0, ""
        self.seqs: list[int] = []
        self.end = ""
        """How the connection ended, if it did."""
        self._on_event = on_event
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._refs = itertools.count()

    async def ask(self, type: str, **fields: Any) -> Message:
        """Send a command; returns its answer, which may be an event."""
        ref = f"{self.nick} {next(self._refs)}"
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers[ref] = answer
        here = {"roomID": self.room} if self.room else {}
        await self.socket.send(json.dumps({"type": type, **here, "userName": self.nick, "ref": ref, **fields}))
        async with asyncio.timeout(PATIENCE):
            await answer
        return answer.result()

    async def enter(self, type: str, **fields: Any) -> Message:
        """Come in; to be called while ``listen`` runs."""
        answer = await self.ask(type, **fields)
        assert answer["status"], answer
        self.room, self.tag = answer["roomID"], answer["tag"]
        return answer

    async def listen(self) -> None:
        """Take in all that comes."""
        try:
            async for text in self.socket:
                message = json.loads(text)
                waiting = self._answers.pop(message.get("ref", ""), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
                if "seq" in message and "members" not in message:
                    self.seqs.append(message["seq"])
                    self._on_event(self, message)
        finally:
            self.end = f"{self.socket.close_code}"


class Company:
    """The five together; the first is the host, and the second is the one whose eyes count.

    Args:
        draw: where chance comes from.
    """

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.people: list[Person] = []
        self.minute = Minute()
        self.present: dict[str, str] = {}
        """Who is in the room besides the five, name and tag, as the host's list has it."""
        self.laws: Laws
        self._honest: set[str] = set()
        self._lines: dict[str, tuple[float, list[str]]] = {}
        self._recent: deque[tuple[float, str, int]] = deque(maxlen=200)
        self._out: dict[str, int] = {}
        self._changed = asyncio.Event()

    def add(self, socket: ClientConnection, nick: str) -> Person:
        """Let another one of the five be there, who has to listen and come in then."""
        person = Person(socket, nick, self._see)
        self.people.append(person)
        return person

    def all_in(self) -> None:
        """The five are in."""
        self._honest = {person.tag for person in self.people}
        self.laws = Laws(self.people[0].tag)
        # Until here everyone has seen a different part.
        for person in self.people:
            del person.seqs[:-1]

    def _see(self, person: Person, event: Message) -> None:
        self._changed.set()
        if not self._honest:
            return
        text = event.get("message", "")
        if text in self._lines:
            began, heard = self._lines[text]
            heard.append(person.nick)
            if len(heard) == len(self.people):
                self.minute.said.append(time.perf_counter() - began)
                del self._lines[text]
        if person is self.people[0]:
            self._watch(event)
        if person is self.people[1]:
            self.laws.see(event)
            mine = event.get("tag") in self._honest
            self.minute.seen[event["type"] + (" honest" if mine else "")] += 1
            self.minute.people = event["participants"]

    def _watch(self, event: Message) -> None:
        """What the host's page shows of strangers."""
        kind, tag, name = event["type"], event.get("tag", ""), event.get("nickName", "")
        if tag in self._honest:
            return
        if kind == "SERVER_ROOM_JOIN":
            self.present[name] = tag
        elif kind == "SERVER_ROOM_EXIT":
            self.present.pop(name, None)
            if event["reason"] == "kicked":
                self._out[tag] = event["seq"]
        elif kind == "SERVER_CHAT_SEND":
            self._recent.append((time.monotonic(), event["nickname"], event["seq"]))

    # --- talk ---------------------------------------------------------------------------------------------------------

    async def talk(self, person: Person) -> None:
        """Say something every few seconds; in slow mode, wait as long as one is told to."""
        for number in itertools.count():
            await asyncio.sleep(self.draw.uniform(3, 6))
            text = f"{person.nick}의 {number}번째 말"
            while True:
                self._lines[text] = (time.perf_counter(), [])
                try:
                    answer = await person.ask("CLIENT_CHAT_SEND", message=text)
                except TimeoutError:
                    break
                if answer["status"]:
                    break
                self.minute.held += 1
                await asyncio.sleep(answer["retryAfter"] / 1000 + 0.05)

    def give_up(self) -> None:
        """Count the lines that not everyone has had for long."""
        for text, (began, _) in tuple(self._lines.items()):
            if time.perf_counter() - began > PATIENCE:
                self.minute.lost += 1
                del self._lines[text]

    # --- the host -----------------------------------------------------------------------------------------------------

    async def keep_house(self) -> None:
        """See what goes on, and do one thing every 2 to 5 seconds, the nearest tools first."""
        done: Counter[str] = Counter()
        locked = slow = False
        while True:
            await asyncio.sleep(self.draw.uniform(2, 5))
            stranger = self._loudest()
            if stranger and done["put out"] < 2:
                what = "put out"
            elif len(self.present) > 3 and not slow:
                what, slow = "slow mode", True
            elif len(self.present) > 3 and not locked:
                what, locked = "lock", True
            elif stranger and not done["mute"]:
                what = "mute"
            elif self._recent and done["remove"] < REMOVALS:
                what = "remove"
            elif stranger:
                what = "put out"
            elif slow:
                what, slow = "slow mode off", False
            elif locked:
                what, locked = "unlock", False
            else:
                continue
            done[what] += 1
            await self._do(what, stranger)

    def _loudest(self) -> str:
        """The stranger who says most just now, or anyone; "" when there is none."""
        since = time.monotonic() - 10
        lines = Counter(name for at, name, _ in self._recent if at > since and name in self.present)
        return lines.most_common(1)[0][0] if lines else next(iter(self.present), "")

    async def _do(self, what: str, stranger: str) -> None:
        host, minute, begin = self.people[0], self.minute, time.perf_counter()
        match what:
            case "put out":
                answer = await host.ask("CLIENT_MEMBER_KICK", target=stranger)
            case "mute":
                answer = await host.ask("CLIENT_MEMBER_MUTE", target=stranger, seconds=MUTE)
            case "remove":
                answer = await host.ask("CLIENT_CHAT_REMOVE", line=self._recent.pop()[2])
            case "slow mode" | "slow mode off":
                answer = await host.ask("CLIENT_ROOM_SLOW", seconds=SLOW if what == "slow mode" else 0)
            case _:
                answer = await host.ask("CLIENT_ROOM_LOCK", locked=what == "lock")
        if not answer["status"]:
            minute.acts.setdefault(f"{what}: {answer['error']}", []).append(0)
            return
        if what == "put out":
            self.present = {name: tag for name, tag in self.present.items() if tag != answer["tag"]}
        async with asyncio.timeout(PATIENCE):
            # A kick is answered without a number: its exit follows.
            while not (seq := answer.get("seq") or self._out.get(answer["tag"], 0)) or any(
                person.seqs[-1] < seq for person in self.people
            ):
                self._changed.clear()
                await self._changed.wait()
        minute.acts.setdefault(what, []).append(time.perf_counter() - begin)

    def differences(self) -> list[str]:
        """Where the five did not see the same, or something is missing."""
        last = min(person.seqs[-1] for person in self.people)
        seen = [[seq for seq in person.seqs if seq <= last] for person in self.people]
        first = max(each[0] for each in seen)
        seen = [[seq for seq in each if seq >= first] for each in seen]
        found = [
            f"{person.nick} saw other events" for person, each in zip(self.people, seen, strict=True) if each != seen[0]
        ]
        if seen[0] != list(range(first, last + 1)):
            found.append("an event is missing or came twice")
        return found + [f"the connection of {person.nick} ended: {person.end}" for person in self.people if person.end]
