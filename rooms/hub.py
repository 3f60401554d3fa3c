"""This process's connections by room: order and gaps, early events, coalescing, and the way between processes.

Knows links, the outbox, the live store's contract and the channel layer; must not know models or services. Events of a
room are written to its links in the order of ``seq``, each once, encoded once (docs/architecture.md, "The hub").
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Container
from typing import Any, Protocol

from rooms.conf import conf
from rooms.link import Link, Participant, frames
from rooms.live.contract import (
    Entered,
    Event,
    Heads,
    History,
    Join,
    Kept,
    Leave,
    LiveStore,
    Lose,
    Open,
    Operation,
    Outcome,
    Person,
    Repeat,
    Return,
    Returned,
    RoomUnknown,
    Say,
    Value,
)
from rooms.outbox import Outbox
from rooms.protocol import CLOSE_LOST, CLOSE_RESTART, Refusal

logger = logging.getLogger(__name__)

Wire = list[Any]
"""An event between processes: room, seq, text, end."""


class Layer(Protocol):
    """What the hub needs of a channel layer."""

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Send to one channel."""

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for the next message of a channel."""


class _Room:
    """A room that has, or is about to have, links in this process."""

    __slots__ = (
        "early",
        "entering",
        "flushing",
        "holders",
        "id",
        "last",
        "late",
        "links",
        "out",
        "owed",
        "recent",
        "timer",
    )

    def __init__(self, room: int) -> None:
        self.id = room
        self.last: int | None = None
        self.early: dict[int, Event] = {}
        self.links: Counter[Link] = Counter()
        self.late: dict[Link, int] = {}
        """Links that joined after events which are still missing here, and the seq they start after."""
        self.holders: Counter[str] = Counter()
        """By name key, how many links are in, or on their way in, under it."""
        self.entering = 0
        self.recent: list[Event] = []
        """What was delivered while someone was entering: the answer to their join may be older."""
        self.out: list[Event] = []
        self.owed: dict[int, Link] = {}
        self.flushing: asyncio.Handle | None = None
        self.timer: asyncio.TimerHandle | None = None


class Hub:
    """The process's connections.

    Args:
        store: the live store.
        layer: the channel layer.
        process: the name of this process, which is its channel on the layer.
    """

    def __init__(self, store: LiveStore, layer: Layer, process: str) -> None:
        self.state_lost = asyncio.Event()
        """Set when the store turns out to know nothing of a room that has people here."""
        self.process = process
        self.links: set[Link] = set()
        self._layer = layer
        self._outbox = Outbox(store, process, conf.outbox, self._take_audience)
        self._audience = 0
        """How many links have something to be written since the outbox asked last."""
        self._rooms: dict[int, _Room] = {}
        self._abroad: dict[str, list[Wire]] = {}
        self._sending: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    # --- its life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to listen to the other processes."""
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def stop(self) -> None:
        """Send the clients away to come back elsewhere, carry out what is queued, and listen no more."""
        links = list(self.links)
        # What is under way is answered first, then nothing more is taken in.
        await self._outbox.drained()
        await asyncio.gather(*(link.close(CLOSE_RESTART) for link in links))
        for link in links:
            self.lost(link)
        await self._outbox.drained()
        for task in (self._listening, self._sending):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        for room in list(self._rooms.values()):
            self._drop(room)

    # --- what links ask for ------------------------------------------------------------------------------------------

    async def do(self, operation: Operation) -> Value:
        """Carry out an operation and return its value.

        Raises:
            Refusal: it was refused.
        """
        return await self._settled(operation, lambda _: None)

    async def enter(self, link: Link, operation: Join | Open, answer: Callable[[Entered], str]) -> None:
        """Put ``link`` into a room. Its answer is written before any later event, and after none.

        Args:
            link: the connection.
            operation: a ``Join``, or an ``Open`` with ``held``.
            answer: makes the text of the answer.

        Raises:
            Refusal: it was refused, and nothing was written.
        """
        person = operation.person if isinstance(operation, Join) else operation.host
        if person is None:
            raise TypeError("an official room is not entered by opening it")
        # Interest is registered first: otherwise the event after one's own join could be lost.
        room = self._rooms.setdefault(operation.room, _Room(operation.room))
        room.entering += 1
        room.holders[person.key] += 1

        def entered(outcome: Outcome) -> None:
            room.entering -= 1
            if isinstance(outcome.value, Entered) and self._rooms.get(room.id) is not room:
                # The room ended here while this was under way; what the client is told after joining anew is true.
                self.close(link, CLOSE_LOST)
            elif isinstance(outcome.value, Entered) and link in self.links:
                missed = self._attach(room, link, person, outcome.value)
                link.write_all([answer(outcome.value), *outcome.value.replay, *missed])
                self._deliver_early(room)
            else:
                # Refused, of unknown outcome, or the socket is gone meanwhile: nobody here holds this name by it.
                self._let_go(room, person.key, person.visitor, outcome.refused is None or _is_unknown(outcome))
            if not room.entering:
                room.recent.clear()

        await self._settled(operation, entered)

    async def exit(self, link: Link, participant: Participant, answer: Callable[[], str]) -> Value:
        """Take ``link`` out of a room under one name; its answer is written after the last event it gets.

        Raises:
            Refusal: ``unavailable``; the connection is still in.
        """
        room = self._rooms[participant.room]
        last = room.holders[participant.key] == 1

        def left(outcome: Outcome) -> None:
            if outcome.refused is None:
                if self._detach(room, link, participant):
                    self._let_go(room, participant.key, link.visitor.id, False)
                link.write(answer())

        if last:
            return await self._settled(Leave(room.id, participant.key, link.visitor.id), left)
        left(Outcome())
        return None

    def say(self, link: Link, operation: Say, refused: Callable[[Refusal], str]) -> None:
        """Append a message; its echo reaches ``link`` with the room's events.

        Args:
            link: the connection.
            operation: what to append.
            refused: makes the text of the answer when it is refused.
        """

        def said(outcome: Outcome) -> None:
            room = self._rooms.get(operation.room)
            if outcome.events and room is not None and link in room.links:
                room.owed[outcome.events[0].seq] = link
                return
            if outcome.refused is not None:
                if isinstance(outcome.refused, RoomUnknown):
                    self.state_lost.set()
                link.write(refused(outcome.refused))
            elif isinstance(outcome.value, Repeat):
                repeat = outcome.value
                if room is not None and room.last is not None and repeat.seq > room.last and link in room.links:
                    # It was carried out, but this process was not told: it comes with the room's events.
                    room.owed[repeat.seq] = link
                    self.receive(Event(room.id, repeat.seq, repeat.text))
                    return
                if room is not None:
                    # Not before the events that are gathered for the same connection.
                    self._flush(room)
                link.write(repeat.text)
            link.paid()

        link.owe()
        self._submit(operation, said)

    def lost(self, link: Link) -> None:
        """The socket of ``link`` is gone without having left: its people have their grace."""
        self.links.discard(link)
        link.closed = True
        for participant in list(link.joined.values()):
            room = self._rooms.get(participant.room)
            if room is not None and self._detach(room, link, participant):
                self._let_go(room, participant.key, link.visitor.id, True)

    async def check_heads(self) -> None:
        """Compare the rooms here with the store: a last event that was lost shows no gap."""
        known = tuple(room.id for room in self._rooms.values() if room.last is not None and room.links)
        heads = await self.do(Heads(known)) if known else {}
        for room_id in known:
            room = self._rooms.get(room_id)
            if room is None or room.last is None or not isinstance(heads, dict):
                continue
            if room_id not in heads:
                self.state_lost.set()
            elif heads[room_id] > room.last:
                self._await_missing(room)

    # --- after a loss -------------------------------------------------------------------------------------------------

    def present(self) -> dict[int, tuple[int, tuple[Person, ...]]]:
        """By room, the last ``seq`` seen and the people whom this process holds."""
        rooms: dict[int, tuple[int, tuple[Person, ...]]] = {}
        for room in self._rooms.values():
            people = {
                joined.key: Person(joined.key, joined.nick, link.visitor.id, joined.tag)
                for link in room.links
                for joined in link.joined.values()
                if joined.room == room.id
            }
            if people and room.last is not None:
                rooms[room.id] = room.last, tuple(people.values())
        return rooms

    async def put_back(self, operation: Return) -> None:
        """Put people back into a room; those whose name someone else has now join anew.

        Raises:
            Refusal: the room is gone, or not known yet.
        """

        def returned(outcome: Outcome) -> None:
            room = self._rooms.get(operation.room)
            if isinstance(outcome.value, Returned) and room is not None and room.last is not None:
                self.send_away(room.id, CLOSE_RESTART, outcome.value.out)
                if room.last < outcome.value.base:
                    # The state was lost: what came after it began anew is all there is.
                    room.last = outcome.value.base
                    room.early = {seq: event for seq, event in room.early.items() if seq > room.last}
                for event in outcome.value.kept:
                    self.receive(event)

        await self._settled(operation, returned)

    # --- links in rooms ----------------------------------------------------------------------------------------------

    def _attach(self, room: _Room, link: Link, person: Person, entered: Entered) -> list[str]:
        """Put a link into a room; returns the events after its join that were delivered here before it was in."""
        delivered = [] if link in room.links else room.recent
        missed = [event.text for event in delivered if event.seq > entered.seq]
        if room.last is None:
            room.last = entered.seq
            room.early = {seq: event for seq, event in room.early.items() if seq > entered.seq}
        elif room.last < entered.seq:
            room.late[link] = entered.seq
        self._flush(room)
        if (room.id, person.key) in link.joined:
            # Joined twice by the same connection: it is in once.
            room.holders[person.key] -= 1
        else:
            room.links[link] += 1
        link.joined[room.id, person.key] = Participant(room.id, person.key, entered.nick, entered.tag)
        return missed

    def _detach(self, room: _Room, link: Link, participant: Participant) -> bool:
        """Take a link out under one name; False when it was out already."""
        if link.joined.pop((room.id, participant.key), None) is None:
            return False
        self._flush(room)
        room.links[link] -= 1
        if not room.links[link]:
            del room.links[link]
            room.late.pop(link, None)
        return True

    def _let_go(self, room: _Room, key: str, visitor: str, tell_store: bool) -> None:
        """One link less is in, or on its way in, under a name; the last one's going is told to the store."""
        room.holders[key] -= 1
        if room.holders[key] <= 0:
            del room.holders[key]
            if tell_store:
                self._submit(
                    Lose(room.id, key, visitor, int(conf.grace * 1000), int(conf.host_grace * 1000)), lambda _: None
                )
        self._tidy(room)

    def _tidy(self, room: _Room) -> None:
        if not room.links and not room.entering and self._rooms.get(room.id) is room:
            self._drop(room)

    def _drop(self, room: _Room) -> None:
        """Forget a room; whoever is still in it is so no more."""
        self._flush(room)
        if self._rooms.get(room.id) is room:
            del self._rooms[room.id]
        if room.timer is not None:
            room.timer.cancel()
        for link in room.owed.values():
            link.paid()
        room.owed.clear()
        for link in room.links:
            for joined in [joined for joined in link.joined if joined[0] == room.id]:
                del link.joined[joined]
        room.links.clear()

    # --- events ------------------------------------------------------------------------------------------------------

    def _submit(self, operation: Operation, done: Callable[[Outcome], None]) -> None:
        def settle(outcome: Outcome) -> None:
            done(outcome)
            for event in outcome.events:
                self._spread(event)

        self._outbox.submit(operation, settle)

    async def _settled(self, operation: Operation, done: Callable[[Outcome], None]) -> Value:
        """Carry out an operation; ``done`` gets its outcome before its events are told to anyone.

        Raises:
            Refusal: it was refused.
        """
        future: asyncio.Future[Value] = asyncio.get_running_loop().create_future()

        def resolve(outcome: Outcome) -> None:
            done(outcome)
            _resolve(future, outcome)

        self._submit(operation, resolve)
        return await future

    def _spread(self, event: Event) -> None:
        """Give an event to the processes that have people in its room; this one is told directly."""
        self.receive(event)
        for process in event.tell:
            if process != self.process:
                self._abroad.setdefault(process, []).append([event.room, event.seq, event.text, event.end])
        if self._abroad and self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send_abroad())

    def receive(self, event: Event) -> None:
        """Take in one event, whichever way it came; in order, each once."""
        room = self._rooms.get(event.room)
        if room is None:
            return
        if room.last is None:
            room.early[event.seq] = event
        elif event.seq == room.last + 1:
            self._deliver(room, event)
            self._deliver_early(room)
        elif event.seq > room.last:
            room.early[event.seq] = event
            self._await_missing(room)

    def _deliver_early(self, room: _Room) -> None:
        while room.last is not None and (event := room.early.pop(room.last + 1, None)) is not None:
            self._deliver(room, event)
        if room.early:
            self._await_missing(room)

    def _deliver(self, room: _Room, event: Event) -> None:
        room.last = event.seq
        room.out.append(event)
        if room.entering:
            room.recent.append(event)
        if event.end:
            room.early.clear()
            self._drop(room)
        elif room.flushing is None:
            self._audience += len(room.links)
            room.flushing = asyncio.get_running_loop().call_soon(self._flush, room)

    def _take_audience(self) -> int:
        audience, self._audience = self._audience, 0
        return audience

    def _flush(self, room: _Room) -> None:
        """Write what has come in for a room to its links, in one go each."""
        if room.flushing is not None:
            room.flushing.cancel()
            room.flushing = None
        events, room.out = room.out, []
        if not events:
            return
        texts = [event.text for event in events]
        data = frames(texts)
        for link in room.links:
            if room.late and link in room.late:
                link.write_all([event.text for event in events if event.seq > room.late[link]])
            else:
                link.write_all(texts, data)
        if room.late and room.last is not None:
            room.late = {link: seq for link, seq in room.late.items() if seq > room.last}
        if room.owed:
            for event in events:
                if event.seq in room.owed:
                    room.owed.pop(event.seq).paid()

    def _await_missing(self, room: _Room) -> None:
        """An event is missing: it may be on its way, so give it a moment, then read it from the store."""
        if room.timer is None:
            room.timer = asyncio.get_running_loop().call_later(conf.gap, self._read_missing, room)

    def _read_missing(self, room: _Room) -> None:
        room.timer = None
        if self._rooms.get(room.id) is not room or room.last is None:
            return

        def read(outcome: Outcome) -> None:
            if self._rooms.get(room.id) is not room or room.last is None:
                return
            kept = outcome.value
            if not isinstance(kept, Kept):
                # The store is away: look again later.
                self._await_missing(room)
                return
            if kept.head is None or room.last < kept.base:
                # Not an event but the whole state is missing: the keeper puts this process's people back.
                self.state_lost.set()
                return
            for event in kept.events:
                self.receive(event)
            if self._rooms.get(room.id) is room and room.last < kept.head:
                self.send_away(room.id, CLOSE_LOST)

        self._submit(History(room.id, room.last), read)

    def send_away(self, room_id: int, code: int, keys: Container[str] | None = None) -> None:
        """Close the sockets in a room, or those in it under certain names: their clients join anew."""
        room = self._rooms.get(room_id)
        for link in list(room.links) if room is not None else ():
            if keys is None or any(joined[0] == room_id and joined[1] in keys for joined in link.joined):
                self.close(link, code)

    def close(self, link: Link, code: int) -> None:
        """Close a link's socket in the background."""
        task = asyncio.get_running_loop().create_task(link.close(code))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # --- the way between processes -----------------------------------------------------------------------------------

    async def _send_abroad(self) -> None:
        try:
            while self._abroad:
                abroad, self._abroad = self._abroad, {}
                for process, events in abroad.items():
                    try:
                        await self._layer.send(process, {"type": "hub.events", "events": events})
                    except Exception as problem:
                        # The layer may lose messages: the others notice the gap and read the store.
                        logger.debug("a layer message was not sent: %s", type(problem).__name__)
        finally:
            self._sending = None

    async def _listen(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self.process)
            except asyncio.CancelledError:
                raise
            except Exception as problem:
                logger.debug("the layer cannot be heard: %s", type(problem).__name__)
                await self._listen_anew()
                continue
            for room, seq, text, end in message["events"]:
                self.receive(Event(room, seq, text, end=end))

    async def _listen_anew(self) -> None:
        """Let the layer forget a subscription that failed, which only a cancelled ``receive`` makes it do."""
        receiving = asyncio.ensure_future(self._layer.receive(self.process))
        await asyncio.sleep(0)
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        await asyncio.sleep(1)


def _resolve(future: "asyncio.Future[Value]", outcome: Outcome) -> None:
    if future.done():
        return
    if outcome.refused is not None:
        future.set_exception(outcome.refused)
    else:
        future.set_result(outcome.value)


def _is_unknown(outcome: Outcome) -> bool:
    return outcome.refused is not None and outcome.refused.error == "unavailable"
