"""People who are put out while they come, go or come back, with two hubs joined by a channel layer."""

import asyncio

import pytest

from rooms import names
from rooms.hub import Hub
from rooms.live.contract import LiveStore
from rooms.live.moderation import Actor, Kick
from rooms.live.operations import Join, Person
from rooms.protocol import Refusal
from tests.test_hub import ROOM, Peer, Wire, hubs, pair, slow_joins, wire

__all__ = ["hubs", "pair", "wire"]


async def kick(host: Peer, target: Peer) -> None:
    await host.hub.do(Kick(ROOM, Actor(host.person.key, host.visitor.id), target.person.key))


async def put_out(peer: Peer) -> None:
    """A peer hears that it was put out, and then nothing; nothing of it is left."""
    out = await peer.receive()
    assert (out["type"], out["reason"], out["nickName"]) == ("SERVER_ROOM_EXIT", "kicked", peer.person.nick)
    await peer.hub._dispatch.drained()
    assert peer.connection.seats == {}
    assert ROOM not in peer.hub._rooms
    assert not peer.closed.done()


def other_name(peer: Peer, nick: str) -> Person:
    return Person(names.key(nick), nick, peer.visitor.id, peer.person.tag)


async def test_who_is_put_out_by_another_node_hears_it_and_nothing_after(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    await kick(host, guest)
    host.say("갔네요")
    await put_out(guest)
    await host.heard(1)
    assert guest.seen.empty()


async def test_a_lost_word_of_a_kick_is_read_from_the_store(pair: tuple[Peer, Peer], wire: Wire) -> None:
    host, guest = pair
    wire.losing = True
    await kick(host, guest)
    wire.losing = False
    await guest.hub.recovery.check_positions()
    await put_out(guest)


async def test_a_kick_while_leaving(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    (seat,) = guest.connection.seats.values()
    leaving = guest.hub.exit(guest.connection, seat, lambda: '{"type": "left"}')
    await asyncio.gather(kick(host, guest), leaving, return_exceptions=True)
    kinds = [(await guest.receive())["type"]]
    while not guest.seen.empty():
        kinds.append((await guest.receive())["type"])
    assert kinds in (["left"], ["SERVER_ROOM_EXIT", "left"])
    assert (guest.connection.seats, ROOM in guest.hub._rooms) == ({}, False)


async def test_a_kick_while_joining(hubs: tuple[Hub, Hub], store: LiveStore, monkeypatch: pytest.MonkeyPatch) -> None:
    host, guest = Peer(hubs[0], "host"), Peer(hubs[1], "guest")
    await host.open()
    carried_out, go_on = slow_joins(store, monkeypatch)
    entering = asyncio.ensure_future(guest.enter())
    await carried_out.wait()
    await kick(host, guest)
    await asyncio.sleep(0.05)
    go_on.set()
    assert (await entering)["type"] == "answer"
    await put_out(guest)


async def test_a_kick_while_coming_back(
    pair: tuple[Peer, Peer], store: LiveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, guest = pair
    guest.hub.disconnect(guest.connection)
    again = Peer(guest.hub, "guest")
    again.person, again.visitor, again.connection.visitor = guest.person, guest.visitor, guest.visitor
    carried_out, go_on = slow_joins(store, monkeypatch)
    entering = asyncio.ensure_future(again.enter(Join(ROOM, guest.person, 1, 99)))
    await carried_out.wait()
    await kick(host, guest)
    await asyncio.sleep(0.05)
    go_on.set()
    assert (await entering)["type"] == "answer"
    await put_out(again)


async def test_all_names_of_a_connection_go_with_the_last_of_their_exits(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    await guest.enter(Join(ROOM, other_name(guest, "둘째"), None, 99))
    await kick(host, guest)
    assert [(await guest.receive())["nickName"] for _ in range(2)] == ["guest", "둘째"]
    assert guest.connection.seats == {}


async def test_a_connection_hears_the_exits_of_its_visitors_other_names(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    other = Peer(host.hub, "둘째")
    other.visitor, other.connection.visitor = guest.visitor, guest.visitor
    other.person = other_name(guest, "둘째")
    await other.enter()
    await guest.receive()
    await kick(host, guest)
    for peer in (guest, other):
        assert [(await peer.receive())["nickName"] for _ in range(2)] == ["guest", "둘째"]
        assert peer.connection.seats == {}


async def test_a_name_that_another_has_by_now_is_theirs(pair: tuple[Peer, Peer], wire: Wire) -> None:
    host, guest = pair
    wire.held = []
    await kick(host, guest)
    heir = Peer(guest.hub, "guest")
    await heir.enter()
    await wire.deliver_reversed()
    await put_out_but_not(guest, heir)


async def put_out_but_not(guest: Peer, heir: Peer) -> None:
    assert (await guest.receive())["reason"] == "kicked"
    assert guest.connection.seats == {}
    assert [seat.nick for seat in heir.connection.seats.values()] == ["guest"]
    heir.say("저는 새로 온 사람이에요")
    assert await heir.heard(1) == ["저는 새로 온 사람이에요"]


async def test_who_was_put_out_cannot_come_back(pair: tuple[Peer, Peer]) -> None:
    host, guest = pair
    await kick(host, guest)
    await put_out(guest)
    with pytest.raises(Refusal) as refused:
        await guest.enter()
    assert refused.value.error == "banned"
