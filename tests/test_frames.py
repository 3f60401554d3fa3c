"""Arbitrary frames: each gets an answer, raises nothing, logs nothing and troubles nobody else."""

import gc
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django import Settings

from rooms.protocol import COMMANDS, FRAME_MAX
from tests.conftest import Client, Connect, Message, heard

Frame = str | bytes
HERE = "the number of the room that everyone is in"

# The fixtures' people stay for all examples of a test: what one example leaves behind must not hurt the next.
many = examples(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@dataclass
class Table:
    """A room with two people who talk, and a third connection that sends anything at all."""

    room: int
    bystander: Client
    friend: Client
    stranger: Client
    seq: int
    log: pytest.LogCaptureFixture

    async def send(self, frame: Frame) -> list[Message]:
        """Send a frame; returns all that came of it, which is all that came before the answer to the next command."""
        kind = "text" if isinstance(frame, str) else "bytes"
        await self.stranger.socket.send_input({"type": "websocket.receive", kind: frame})
        # Twice: an event that the frame made may be written in the turn of the loop after the next answer.
        return [*await heard(self.stranger), *await heard(self.stranger)]

    async def is_well(self) -> None:
        """The others hear each other, every event of their room once and in order; nothing is in the log.

        What the stranger hears of it is read, so that the next frame's answer is the first thing to come.
        """
        said = await self.friend.say(self.room, "친구", "잘 들려요?")
        while (event := await self.bystander.receive()) != said:
            assert event["seq"] == self.seq + 1
            assert event["type"] in ("SERVER_ROOM_JOIN", "SERVER_ROOM_EXIT", "SERVER_CHAT_SEND")
            self.seq += 1
        assert said["seq"] == self.seq + 1
        self.seq += 1
        assert complaints(self.log.records) == []
        assert [message for message in await heard(self.stranger) if message != said] == []


def complaints(records: list[logging.LogRecord]) -> list[str]:
    return [record.getMessage() for record in records if record.levelno >= logging.ERROR or record.exc_info]


@pytest.fixture
async def table(settings: Settings, connect: Connect, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Table]:
    settings.ROOMS_FLOOD_CONTROL = False
    bystander, friend, stranger = await connect(), await connect(), await connect()
    room = (await bystander.create("사랑방", "주인"))["roomID"]
    await friend.join(room, "친구")
    await stranger.join(room, "낯선이")
    seq = [await bystander.until("SERVER_ROOM_JOIN") for _ in range(2)][-1]["seq"]
    yield Table(room, bystander, friend, stranger, seq, caplog)
    gc.collect()  # a task whose exception nobody asked for complains when it is collected
    assert complaints(caplog.get_records("call")) == []


# --- what a client may send ------------------------------------------------------------------------------------------

any_text = st.text(st.characters(exclude_categories=()))  # half surrogate pairs too
any_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=10,
)
edges = st.sampled_from(
    [HERE, 0, -1, 1, 2**53 - 1, 2**53, 2**64, 10**4000, 1.0, 1e300, float("nan"), "1", True, "", "\ud800"]
)
nicks = st.sampled_from(
    ["낯선이", "주인", "친구", "둘째", "", " ", "\u3164", "가" * 11, "철\x00수", "\udc00", "👨‍👩‍👧‍👦"]
)
likely = {
    "roomID": st.just(HERE) | edges,
    "userName": nicks | st.text(max_size=12),
    "roomName": nicks | st.text(max_size=32),
    "message": st.text(max_size=140) | edges,
    "after": edges | st.integers(),
    "token": any_text,
    "ref": st.sampled_from(["하나", "둘"]) | any_text | edges,
    "listed": st.booleans() | edges,
    "watch": st.booleans() | edges,
}
commands = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(COMMANDS))}, optional={name: value | any_value for name, value in likely.items()}
)
valid = st.fixed_dictionaries({"type": st.sampled_from(sorted(COMMANDS))}).map(
    lambda command: command | {"roomID": HERE, "userName": "낯선이", "roomName": "방", "message": "안녕", "ref": "하나"}
)
mutations = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 3), any_text.map(lambda text: text[:3])), min_size=1, max_size=4
)


def written(table: Table, command: Message) -> str:
    return json.dumps({name: table.room if value == HERE else value for name, value in command.items()})


def mutated(text: str, changes: list[tuple[int, int, str]]) -> str:
    for start, length, other in changes:
        text = text[:start] + other + text[start + length :]
    return text


@many
@given(frames=st.lists(any_text, min_size=1, max_size=5))
async def test_any_text_gets_one_answer(table: Table, frames: list[str]) -> None:
    for frame in frames:
        [answer] = await table.send(frame)
        assert (answer["type"], answer["status"]) == ("SERVER_FRAME_ERROR", False)
    await table.is_well()


@many
@given(frames=st.lists(st.binary(), min_size=1, max_size=5))
async def test_anything_binary_gets_one_answer(table: Table, frames: list[bytes]) -> None:
    for frame in frames:
        [answer] = await table.send(frame)
        assert (answer["type"], answer["error"]) == ("SERVER_FRAME_ERROR", "bad_frame")
    await table.is_well()


@many
@given(values=st.lists(any_value, min_size=1, max_size=5))
async def test_any_json_gets_one_answer(table: Table, values: list[Any]) -> None:
    for value in values:
        [answer] = await table.send(json.dumps(value))
        assert (answer["type"], answer["status"]) == ("SERVER_FRAME_ERROR", False)
    await table.is_well()


@many
@given(asked=st.lists(commands, min_size=1, max_size=6))
async def test_any_command_with_any_fields_gets_its_answer_first(table: Table, asked: list[Message]) -> None:
    for command in asked:
        first, *rest = await table.send(written(table, command))
        assert first["type"] in (command["type"].replace("CLIENT", "SERVER"), "SERVER_FRAME_ERROR")
        assert all(message.get("status", True) for message in rest)
    await table.is_well()


@many
@given(command=valid, changes=mutations)
async def test_a_spoilt_command_gets_an_answer(
    table: Table, command: Message, changes: list[tuple[int, int, str]]
) -> None:
    first, *rest = await table.send(mutated(written(table, command), changes))
    assert first["type"].startswith("SERVER_")
    assert first["status"] or first["error"]
    assert all(message.get("status", True) for message in rest)
    await table.is_well()


LIST = '{"type": "CLIENT_ROOM_LIST", %s}'
JOIN = '{"type": "CLIENT_ROOM_JOIN", "roomID": %s, "userName": "둘째"}'
SAY = '{"type": "CLIENT_CHAT_SEND", "roomID": 1, "userName": %s, "message": %s}'

SPECIAL: dict[str, Frame] = {
    "empty": "",
    "empty binary": b"",
    "white space": " \n\t ",
    "NUL": "\x00",
    "byte order mark": '\ufeff{"type": "CLIENT_ROOM_LIST"}',
    "invalid UTF-8": b"\xff\xfe\x00",
    "100,000 brackets": "[" * 100_000,
    "brackets within the limit": "[" * FRAME_MAX,
    "closed brackets within the limit": "[" * 2000 + "]" * 2000,
    "braces within the limit": '{"a":' * 680 + "1" + "}" * 680,
    "brackets in a field nobody knows": LIST % ('"x": ' + "[" * 2000 + "]" * 2000),
    "brackets in a field": JOIN % ("[" * 2000 + "]" * 2000),
    "brackets as the type": '{"type": ' + "[" * 2000 + "]" * 2000 + "}",
    "raw half surrogate pair": SAY % ('"\ud800"', '"\udfff"'),
    "escaped half surrogate pair": SAY % ('"\\ud800"', '"\\udfff"'),
    "half surrogate pair as ref": LIST % '"ref": "\\ud800"',
    "half surrogate pair as a name": LIST % '"\\ud800": 1',
    "half surrogate pair as the type": '{"type": "\\ud800", "ref": "\\ud800"}',
    "many raw half surrogate pairs": "\ud800" * 2000,
    "NaN": JOIN % "NaN",
    "Infinity": JOIN % "Infinity",
    "-Infinity": JOIN % "-Infinity",
    "NaN alone": "NaN",
    "5000 digits": JOIN % ("9" * 5000),
    "4000 digits": JOIN % ("9" * 4000),
    "-4000 digits": JOIN % ("-" + "9" * 4000),
    "4000 digits as a name": SAY % ("9" * 4000, '""'),
    "4000 digits alone": "9" * 4000,
    "4000 digits in a field nobody knows": LIST % ('"x": ' + "9" * 4000),
    "a large exponent": JOIN % "1e999999999",
    "a small exponent": JOIN % "1e-999999999",
    "minus nothing": JOIN % "-0",
    "a whole fraction": JOIN % "1.0",
    "1 MiB": "x" * 2**20,
    "1 MiB binary": b"x" * 2**20,
    "1 MiB of a message": SAY % ('"낯선이"', '"' + "가" * 2**19 + '"'),
    "duplicate types": LIST % '"type": "CLIENT_NO_SUCH"',
    "duplicate fields": LIST % '"watch": true, "watch": 5, "watch": false',
    "two frames in one": '{"type": "CLIENT_ROOM_LIST"}{"type": "CLIENT_ROOM_LIST"}',
    "type of an object": '{"type": {"type": "CLIENT_ROOM_LIST"}}',
    "a method's name as the type": '{"type": "websocket.disconnect"}',
    "Python's names": '{"type": "CLIENT_ROOM_LIST", "__class__": "x", "self": 1, "kwargs": {}}',
}


@pytest.mark.parametrize("frame", SPECIAL.values(), ids=SPECIAL)
async def test_a_special_frame_gets_one_answer(table: Table, frame: Frame) -> None:
    [answer] = await table.send(frame)
    assert answer["type"] in ("SERVER_FRAME_ERROR", "SERVER_ROOM_LIST", "SERVER_ROOM_JOIN", "SERVER_CHAT_SEND")
    await table.is_well()


async def test_special_frames_in_a_row_get_an_answer_each(table: Table) -> None:
    for frame in SPECIAL.values():
        kind = "text" if isinstance(frame, str) else "bytes"
        await table.stranger.socket.send_input({"type": "websocket.receive", kind: frame})
    answers = [await table.stranger.receive() for _ in SPECIAL]
    assert {answer["type"].split("_")[0] for answer in answers} == {"SERVER"}
    said = await table.stranger.say(table.room, "낯선이", "그래도 여기 있어요")
    assert said["participants"] == 3
    await table.is_well()
