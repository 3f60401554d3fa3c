"""Lines that a process remembers to have said: how long, how many, and what a repeated ref is answered then."""

import json
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from pytest_django.fixtures import Settings

from rooms import refs
from rooms.flood import REPEATS
from rooms.live.operations import Operation, Send
from rooms.node import Node
from rooms.refs import Refs
from tests.conftest import Connect, Forget

Pass = Callable[[float], None]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Stops the clock; calling it lets seconds pass."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


@pytest.fixture
def sends(server: Node) -> list[Send]:
    """The messages that the store is asked to append."""
    sends: list[Send] = []
    apply = server.store.apply

    async def counted(node_id: str, operations: list[Operation[Any]]) -> Any:
        sends.extend(operation for operation in operations if isinstance(operation, Send))
        return await apply(node_id, operations)

    server.store.apply = mock.Mock(side_effect=counted)  # type: ignore[method-assign]
    return sends


def test_a_line_is_remembered_as_long_as_the_setting_says(wait: Pass, settings: Settings) -> None:
    settings.ROOMS_REF_AGE = 120
    known = Refs()
    known.remember(1, "visitor", "other", "6}")
    wait(119)
    known.remember(1, "visitor", "ref", "7}")
    wait(119)
    assert known.end_of(1, "visitor", "ref") == "7}"


def test_a_line_is_forgotten_after_twice_that_time(wait: Pass, settings: Settings) -> None:
    settings.ROOMS_REF_AGE = 120
    known = Refs()
    known.remember(1, "visitor", "ref", "7}")
    wait(240)
    assert known.end_of(1, "visitor", "ref") == ""


@pytest.mark.parametrize("line", [(2, "visitor", "ref"), (1, "other", "ref"), (1, "visitor", "other")])
def test_another_room_visitor_or_ref_is_another_line(line: tuple[int, str, str]) -> None:
    known = Refs()
    known.remember(1, "visitor", "ref", "7}")
    assert (known.end_of(1, "visitor", "ref"), known.end_of(*line)) == ("7}", "")


def test_with_too_many_lines_the_oldest_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refs, "MOST", 2)
    known = Refs()
    for number in range(1, 6):
        known.remember(1, "visitor", str(number), str(number))
    assert [known.end_of(1, "visitor", str(number)) for number in range(1, 6)] == ["", "", "3", "4", "5"]


async def test_a_line_is_not_said_twice_although_the_store_has_forgotten_it(
    connect: Connect, server: Node, forget: Forget
) -> None:
    host, guest = await connect(), await connect()
    room = (await host.create())["roomID"]
    await guest.join(room, "손님")
    first = await guest.say(room, "손님", "안녕", ref="한번")
    forget(server.store)
    await server.keeper.beat()
    assert await guest.say(room, "손님", "안녕", ref="한번") == first
    await guest.say(room, "손님", "다음")
    heard = [(await host.until("SERVER_CHAT_SEND"))["message"] for _ in range(2)]
    assert heard == ["안녕", "다음"]


async def test_a_repeated_line_that_comes_too_fast_is_answered_like_the_first_time(
    connect: Connect, settings: Settings
) -> None:
    settings.ROOMS_CHAT_BURST, settings.ROOMS_CHAT_RATE, settings.ROOMS_FLOOD_CONTROL = 1, 0.01, True
    host = await connect()
    room = (await host.create())["roomID"]
    first = await host.say(room, "주인", "안녕", ref="한번")
    assert await host.say(room, "주인", "안녕", ref="한번") == first


async def test_a_flood_with_refs_costs_the_store_little_and_is_answered_in_order(
    connect: Connect, settings: Settings, sends: list[Send]
) -> None:
    settings.ROOMS_CHAT_BURST, settings.ROOMS_CHAT_RATE, settings.ROOMS_FLOOD_CONTROL = 5, 0.01, True
    host = await connect()
    room = (await host.create())["roomID"]
    lines = {"type": "CLIENT_CHAT_SEND", "roomID": room, "userName": "주인", "message": "말"}
    for number in range(30):
        await host.send_text(json.dumps(lines | {"ref": str(number)}))
    answers = [await host.until("SERVER_CHAT_SEND") for _ in range(30)]
    assert [answer["ref"] for answer in answers] == [str(number) for number in range(30)]
    assert [answer["status"] for answer in answers] == [True] * 5 + [False] * 25
    assert len(sends) == 5 + REPEATS
