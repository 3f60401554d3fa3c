"""The hub: order, gaps, early events, and the way between nodes, with two hubs joined by a channel layer."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from pytest_django import Settings

from rooms import names, outbox
from rooms.bans import Bans
from rooms.connection import Connection
from rooms.flood import Visit
from rooms.gate import Gate
from rooms.hub import Hub
from rooms.keeper import Keeper
from rooms.live.contract import LiveStore, Outcome, StoreUnavailable
from rooms.live.operations import (
    BeginDelete,
    Create,
    Entered,
    Event,
    Exit,
    FinishDelete,
    Join,
    Operation,
    Person,
    Positions,
    Send,
    Sweep,
)
from rooms.protocol import Refusal, Sent, event_body
from rooms.relay import Relay
from rooms.visitors import Visitor
from tests.conftest import Forget

ROOM = 77


class Wire(InMemoryChannelLayer):  # type: ignore[misc]
    """A channel layer that can lose messages, or hold them back and deliver them in another order."""

    def __init__(self) -> None:
        super().__init__(capacity=10_000)
        self.losing = False
        self.held: list[tuple[str, dict[str, Any]]] | None = None
        self.sent = 0

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        self.sent += 1
        if self.losing:
            return
        if self.held is not None:
            self.held.append((channel, message))
            return
        await super().send(channel, message)

    async def deliver_reversed(self) -> None:
        held, self.held = self.held or [], None
        for channel, message in reversed(held):
            await super().send(channel, message)


class Peer:
    """A connection to a hub, and what was written to it."""

    def __init__(self, hub: Hub, nick: str) -> None:
        self.hub = hub
        self.seen: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.writes: list[str] = []
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.visitor = Visitor.new()
        self.person = Person(names.key(nick), nick, self.visitor.id, self.visitor.tag(ROOM))
        self.connection = Connection(self._send, self.visitor, True, Visit())
        hub.connections.add(self.connection)
        self._refs = 0

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            self.closed.set_result(message["code"])
        else:
            self.seen.put_nowait(json.loads(message["text"]))

    async def receive(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.seen.get(), 5)

    async def enter(self, operation: Join | Create | None = None) -> dict[str, Any]:
        def answer(entered: Entered) -> str:
            return json.dumps({"type": "answer", "seq": entered.state.seq, "seats": entered.state.participants})

        await self.hub.join(self.connection, operation or Join(ROOM, self.person, None, 99), answer)
        return await self.receive()

    async def open(self) -> dict[str, Any]:
        return await self.enter(Create(ROOM, "방", True, 1, self.person, True))

    def say(self, text: str) -> None:
        self._refs += 1
        body = event_body(Sent(ROOM, self.person.nick, text, self.person.tag))
        operation = Send(ROOM, self.person.key, self.visitor.id, f"r{self._refs}", body)
        self.hub.send(
            self.connection, operation, lambda refused: json.dumps({"type": "refused", "error": refused.error})
        )

    async def heard(self, number: int) -> list[str]:
        """The next so many messages said; other events are passed over."""
        texts: list[str] = []
        while len(texts) < number:
            message = await self.receive()
            if message["type"] == "SERVER_CHAT_SEND":
                texts.append(message["message"])
        return texts


@pytest.fixture
def short_history(settings: Settings) -> None:
    settings.ROOMS_HISTORY = 2


@pytest.fixture
def no_grace(settings: Settings) -> None:
    settings.ROOMS_GRACE = 0


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def hubs(store: LiveStore, wire: Wire) -> AsyncIterator[tuple[Hub, Hub]]:
    pair = Hub(store, wire, "rooms.hub.a"), Hub(store, wire, "rooms.hub.b")
    for hub in pair:
        await store.beat(hub.node_id, 600_000)
        hub.start()
    yield pair
    for hub in pair:
        for connection in list(hub.connections):
            hub.disconnect(connection)
        await hub.stop()


@pytest.fixture
async def pair(hubs: tuple[Hub, Hub]) -> tuple[Peer, Peer]:
    """The host on one hub and a guest on the other, both in the room."""
    host, guest = Peer(hubs[0], "host"), Peer(hubs[1], "guest")
    await host.open()
    await guest.enter()
    assert (await host.receive())["type"] == "SERVER_ROOM_JOIN"
    return host, guest


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def swept(peer: Peer) -> str:
    """Who is lost, as soon as the store knows of someone."""
    async with asyncio.timeout(5):
        while peer.seen.empty():
            await peer.hub.do(Sweep(0, 0))
    lost = await peer.receive()
    assert (lost["type"], lost["reason"]) == ("SERVER_ROOM_EXIT", "lost")
    return str(lost["nickName"])


def slow_joins(store: LiveStore, monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Hold back the outcome of joins: the first event says they are carried out, the second lets their outcome go."""
    apply, carried_out, go_on = store.apply, asyncio.Event(), asyncio.Event()

    async def slow(node_id: str, operations: list[Operation[Any]]) -> list[Outcome[Any]]:
        outcomes = await apply(node_id, operations)
        if any(isinstance(operation, Join) for operation in operations):
            carried_out.set()
            await go_on.wait()
        return outcomes

    monkeypatch.setattr(store, "apply", slow)
    return carried_out, go_on


async def test_a_message_reaches_both_nodes_as_the_same_event(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    guest.say("안녕")
    assert await host.receive() == await guest.receive()


async def test_a_flush_is_one_layer_message_for_each_other_node(pair: tuple[Peer, Peer], wire: Wire) -> None:
    host, guest = pair
    before = wire.sent
    for n in range(50):
        guest.say(str(n))
    assert await host.heard(50) == [str(n) for n in range(50)]
    assert wire.sent - before <= 2


async def test_events_that_overtook_each_other_are_put_in_order(pair: tuple[Peer, Peer], wire: Wire) -> None:
    host, guest = pair
    wire.held = []
    for n in range(3):
        guest.say(str(n))
        await guest.heard(1)
    await wire.deliver_reversed()
    assert await host.heard(3) == ["0", "1", "2"]


async def test_a_lost_event_is_read_from_the_store(pair: tuple[Peer, Peer], wire: Wire) -> None:
    host, guest = pair
    wire.losing = True
    guest.say("잃은 말")
    await guest.heard(1)
    wire.losing = False
    guest.say("다음 말")
    assert await host.heard(2) == ["잃은 말", "다음 말"]


async def test_a_lost_last_event_is_found_by_comparing_positions(pair: tuple[Peer, Peer], wire: Wire) -> None:
    host, guest = pair
    wire.losing = True
    guest.say("마지막")
    await guest.heard(1)
    await host.hub.recovery.check_positions()
    assert await host.heard(1) == ["마지막"]


async def test_an_event_that_comes_twice_is_written_once(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    guest.say("한 번")
    event = await host.receive()
    host.hub.receive(Event(ROOM, event["seq"], json.dumps(event)))
    guest.say("두 번째")
    assert await host.heard(1) == ["두 번째"]


@pytest.mark.usefixtures("short_history")
async def test_those_who_missed_what_is_no_longer_kept_are_sent_away(pair: tuple[Peer, Peer], wire: Wire) -> None:
    host, guest = pair
    wire.losing = True
    for n in range(5):
        guest.say(str(n))
    await guest.heard(5)
    await host.hub.recovery.check_positions()
    assert await asyncio.wait_for(host.closed, 5) == 4004
    assert not guest.closed.done()


async def test_those_who_missed_a_rooms_end_are_told_the_end_alone(pair: tuple[Peer, Peer], wire: Wire) -> None:
    host, guest = pair
    wire.losing = True
    host.say("잃은 말")
    await host.heard(1)
    await host.hub.do(BeginDelete(ROOM, "moderator"))
    await host.hub.do(FinishDelete(ROOM))
    await guest.hub.recovery.check_positions()
    assert (await guest.receive())["type"] == "SERVER_ROOM_DELETE"
    assert not guest.closed.done()
    assert guest.connection.seats == {}


async def test_a_message_whose_echo_was_lost_with_its_room_is_answered_before_the_end(
    pair: tuple[Peer, Peer], wire: Wire
) -> None:
    host, guest = pair
    wire.losing = True
    host.say("잃은 말")
    await host.heard(1)
    guest.say("앞의 말이 없어요")
    await host.hub.do(BeginDelete(ROOM, "moderator"))
    await host.hub.do(FinishDelete(ROOM))
    assert [(await guest.receive())["type"] for _ in range(2)] == ["refused", "SERVER_ROOM_DELETE"]


async def test_an_event_that_comes_before_the_answer_to_ones_join_is_held(
    hubs: tuple[Hub, Hub], store: LiveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, guest = Peer(hubs[0], "host"), Peer(hubs[1], "guest")
    await host.open()
    carried_out, go_on = slow_joins(store, monkeypatch)
    entering = asyncio.create_task(guest.enter())
    await carried_out.wait()
    host.say("벌써?")
    await host.heard(1)
    await eventually(lambda: bool(guest.hub._rooms[ROOM].order.held))
    go_on.set()
    assert (await entering)["type"] == "answer"
    assert await guest.heard(1) == ["벌써?"]


async def test_an_event_that_comes_before_the_answer_to_ones_coming_back_is_not_lost(
    pair: tuple[Peer, Peer], store: LiveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, guest = pair
    second = Peer(guest.hub, "guest")
    second.visitor = second.connection.visitor = guest.visitor
    second.person = guest.person
    carried_out, go_on = slow_joins(store, monkeypatch)
    entering = asyncio.create_task(second.enter())
    await carried_out.wait()
    host.say("벌써?")
    assert await guest.heard(1) == ["벌써?"]
    go_on.set()
    assert (await entering)["type"] == "answer"
    assert await second.heard(1) == ["벌써?"]


async def test_a_newcomer_hears_nothing_from_before_their_join(pair: tuple[Peer, Peer], wire: Wire) -> None:
    host, guest = pair
    wire.losing = True
    guest.say("전에")
    await guest.heard(1)
    late = Peer(host.hub, "late")
    entered = await late.enter()
    guest.say("후에")
    await guest.heard(1)
    await host.hub.recovery.check_positions()
    following = await late.receive()
    assert (following["message"], following["seq"]) == ("후에", entered["seq"] + 1)


async def test_two_connections_of_a_person_in_one_node_are_one_member(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    second = Peer(guest.hub, "guest")
    second.visitor = second.connection.visitor = guest.visitor
    second.person = guest.person
    assert (await second.enter())["seats"] == 2
    guest.hub.disconnect(guest.connection)
    second.say("아직 있어요")
    assert await host.heard(1) == ["아직 있어요"]


@pytest.mark.usefixtures("no_grace")
async def test_the_last_connection_lost_is_told_to_the_store(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    guest.hub.disconnect(guest.connection)
    assert await swept(host) == "guest"
    assert guest.hub._rooms == {}


@pytest.mark.usefixtures("no_grace")
async def test_a_socket_that_dies_while_joining_leaves_nobody_held(hubs: tuple[Hub, Hub]) -> None:
    host, guest = Peer(hubs[0], "host"), Peer(hubs[1], "guest")
    await host.open()
    entering = asyncio.create_task(guest.hub.join(guest.connection, Join(ROOM, guest.person, None, 9), lambda _: "{}"))
    await asyncio.sleep(0)
    guest.hub.disconnect(guest.connection)
    await entering
    assert (await host.receive())["type"] == "SERVER_ROOM_JOIN"
    assert await swept(host) == "guest"


async def test_whoever_asks_for_a_name_that_is_taken_does_not_keep_its_owner_in(
    no_grace: None, pair: tuple[Peer, Peer], store: LiveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, guest = pair
    carried_out, go_on = slow_joins(store, monkeypatch)
    entering = asyncio.create_task(Peer(guest.hub, "guest").enter())
    await carried_out.wait()
    guest.hub.disconnect(guest.connection)
    go_on.set()
    with pytest.raises(Refusal, match="name_taken"):
        await entering
    assert await swept(host) == "guest"


async def test_the_end_of_a_room_is_the_last_that_its_people_hear(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    await host.hub.do(BeginDelete(ROOM, "deleted", host.person.key, host.visitor.id))
    await host.hub.do(FinishDelete(ROOM))
    for peer in pair:
        assert (await peer.receive())["type"] == "SERVER_ROOM_DELETE"
    await eventually(lambda: not guest.connection.seats and not guest.hub._rooms)


async def test_answers_keep_the_order_of_the_commands(pair: tuple[Peer, Peer]) -> None:
    _, guest = pair
    guest.say("먼저")
    await guest.connection.acks_drained()
    guest.connection.write(json.dumps({"type": "later"}))
    assert [(await guest.receive())["type"] for _ in range(2)] == ["SERVER_CHAT_SEND", "later"]


@pytest.mark.usefixtures("no_grace")
async def test_while_the_store_is_away_commands_are_refused_and_losses_wait(
    pair: tuple[Peer, Peer], store: LiveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, guest = pair
    apply = store.apply

    async def away(node_id: str, operations: list[Operation[Any]]) -> list[Outcome[Any]]:
        raise StoreUnavailable

    monkeypatch.setattr(outbox, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(store, "apply", away)
    host.say("들려요?")
    assert await host.receive() == {"type": "refused", "error": "unavailable"}
    guest.hub.disconnect(guest.connection)
    with pytest.raises(Refusal, match="unavailable"):
        await guest.hub.do(Positions((ROOM,)))
    monkeypatch.setattr(store, "apply", apply)
    assert await swept(host) == "guest"


async def test_a_message_that_was_carried_out_although_it_seemed_not_comes_once(
    pair: tuple[Peer, Peer], store: LiveStore
) -> None:
    host, guest = pair
    body = event_body(Sent(ROOM, "guest", "다시", guest.person.tag))
    operation = Send(ROOM, "guest", guest.visitor.id, "same", body)
    await store.apply(guest.hub.node_id, [operation])
    guest.hub.send(guest.connection, operation, lambda refused: "{}")
    guest.say("다음")
    assert await guest.heard(2) == ["다시", "다음"]
    assert await host.heard(2) == ["다시", "다음"]


async def test_a_message_comes_once_although_the_call_that_made_it_was_repeated(
    pair: tuple[Peer, Peer], store: LiveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, guest = pair
    apply, room = store.apply, guest.hub._rooms[ROOM]

    async def repeated(node_id: str, operations: list[Operation[Any]]) -> list[Outcome[Any]]:
        await apply(node_id, operations)
        return await apply(node_id, operations)

    monkeypatch.setattr(store, "apply", repeated)
    guest.hub.recovery.read_missing(room)  # which finds the event, the second time
    guest.say("한 번")
    guest.say("또 한 번")
    assert await guest.heard(2) == ["한 번", "또 한 번"]
    await guest.connection.acks_drained()
    assert guest.seen.empty()


async def test_a_ref_repeated_before_its_echo_has_come_is_answered_too(pair: tuple[Peer, Peer], wire: Wire) -> None:
    host, guest = pair
    wire.losing = True
    host.say("빠진 말")  # which the guest's hub has to read first
    assert await host.heard(1) == ["빠진 말"]
    body = event_body(Sent(ROOM, "guest", "두 번", guest.person.tag))
    operation = Send(ROOM, "guest", guest.visitor.id, "same", body)
    for _ in range(2):
        guest.hub.send(guest.connection, operation, lambda refused: "{}")
    assert await guest.heard(2) == ["빠진 말", "두 번"]
    async with asyncio.timeout(3):
        await guest.connection.acks_drained()


async def test_a_store_that_forgot_everything_is_noticed(
    pair: tuple[Peer, Peer], store: LiveStore, forget: Forget
) -> None:
    host, _ = pair
    forget(store)
    host.say("여보세요")
    assert (await host.receive())["error"] == "unavailable"
    assert host.hub.recovery.state_lost.is_set()


async def test_people_are_put_back_into_a_store_that_forgot_everything(
    pair: tuple[Peer, Peer], store: LiveStore, forget: Forget
) -> None:
    host, guest = pair
    forget(store)
    await host.hub.do(Create(ROOM, "방", True, 1, host.person, False, 10_000))
    for peer in pair:
        await peer.hub.recovery.restore(ROOM, 10_000, 10_000)
    [room] = (await store.lobby(9)).rooms
    assert room.participants == 2
    guest.say("다 있네요")
    assert await host.heard(1) == ["다 있네요"]
    assert await guest.heard(1) == ["다 있네요"]


async def test_a_message_whose_echo_was_lost_with_the_stores_memory_is_said_again(
    pair: tuple[Peer, Peer], store: LiveStore, forget: Forget, wire: Wire
) -> None:
    host, guest = pair
    wire.losing = True
    host.say("잃은 말")
    await host.heard(1)
    guest.say("앞의 말이 없어요")
    await eventually(lambda: bool(guest.hub._rooms[ROOM].order.held))
    forget(store)
    wire.losing = False
    await host.hub.do(Create(ROOM, "방", True, 1, host.person, False, 10_000))
    for peer in pair:
        await peer.hub.recovery.restore(ROOM, 10_000, 10_000)
    while (await guest.receive())["type"] != "refused":
        pass
    assert guest.hub.made_before(ROOM, guest.visitor.id, "r1") == ""
    guest._refs = 0
    guest.say("앞의 말이 없어요")
    assert await host.heard(1) == ["앞의 말이 없어요"]


async def test_somebody_who_leaves_while_people_are_put_back_is_out(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    [seat] = guest.connection.seats.values()
    restoring = asyncio.create_task(guest.hub.recovery.restore(ROOM, 10_000, 10_000))
    await asyncio.sleep(0)
    await guest.hub.exit(guest.connection, seat, lambda: "{}")
    await restoring
    assert (await host.receive())["type"] == "SERVER_ROOM_EXIT"
    host.say("혼자네")
    assert (await host.receive())["participants"] == 1


async def test_somebody_who_is_leaving_when_people_are_put_back_is_not_held(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    [seat] = guest.connection.seats.values()
    leaving = asyncio.create_task(guest.hub.exit(guest.connection, seat, lambda: "{}"))
    await asyncio.sleep(0)
    await guest.hub.recovery.restore(ROOM, 0, 0)
    await leaving
    assert [(await host.receive())["type"] for _ in range(2)] == ["SERVER_ROOM_EXIT", "SERVER_ROOM_JOIN"]
    assert await swept(host) == "guest"


async def test_somebody_who_joins_while_people_are_put_back_is_held(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    late = Peer(guest.hub, "late")
    joining = asyncio.create_task(late.enter())
    await asyncio.sleep(0)
    await guest.hub.recovery.restore(ROOM, 0, 0)
    await joining
    await host.hub.do(Sweep(0, 0))
    late.say("여기요")
    assert (await late.heard(1)) == ["여기요"]


@pytest.mark.parametrize("live_store", ["memory"], indirect=True)
async def test_a_process_with_many_rooms_lives_while_it_puts_its_people_back(
    hubs: tuple[Hub, Hub], store: LiveStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ROOMS_LEASE, settings.ROOMS_BEAT = 0.3, 0.05
    hub, other = hubs
    rooms = range(1, 301)
    for room in rooms:
        peer = Peer(hub, "guest")
        await peer.enter(Create(room, f"{room}", True, 1, peer.person, True))
    await store.release(hub.node_id)
    await other.do(Sweep(60_000, 60_000))
    assert await hub.do(Positions(tuple(rooms), held=True)) == {}
    apply = store.apply

    async def slowly(node_id: str, operations: Sequence[Operation[Any]]) -> list[Outcome[Any]]:
        await asyncio.sleep(0.01)
        # Whoever is dead by now is found out.
        await apply("p9", [Sweep(60_000, 60_000)])
        return await apply(node_id, operations)

    monkeypatch.setattr(store, "apply", slowly)
    await Keeper(store, hub, Gate(store, hub), Bans(hub)).beat()
    positions = await hub.do(Positions(tuple(rooms), held=True))
    assert set(positions) == set(rooms)


async def test_leaving_ends_what_one_hears(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    seat = next(iter(guest.connection.seats.values()))
    await guest.hub.exit(guest.connection, seat, lambda: json.dumps({"type": "left"}))
    assert (await guest.receive())["type"] == "left"
    host.say("갔어요?")
    await host.heard(1)
    assert guest.seen.empty()


async def test_a_full_outbox_refuses(hubs: tuple[Hub, Hub]) -> None:
    hubs[0]._dispatch._outbox._limit = 0
    with pytest.raises(Refusal, match="unavailable"):
        await hubs[0].do(Exit(ROOM, "x", "y"))


async def test_a_node_can_stop_although_its_layer_loses_a_cancellation() -> None:
    class Deaf(Wire):
        async def receive(self, channel: str) -> dict[str, Any]:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            message: dict[str, Any] = await super().receive(channel)
            return message

    relay = Relay(Deaf(), "a", lambda _: None, lambda: None)
    relay.start()
    await asyncio.sleep(0)
    await asyncio.wait_for(relay.stop(), 5)
