"""Operations as calls of scripts: what each script is given, and what its reply means.

Knows the contract and what the scripts take and answer; must not know how Redis is reached.
"""

# The annotations of inner functions would otherwise be evaluated with each call.
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET
from redis.exceptions import ResponseError

from rooms.live.addresses import Address, Charge
from rooms.live.arrivals import Arrive, Depart
from rooms.live.contract import REFUSALS, Done, Outcome, Refused, RoomUnknown, TooMuch, refusal
from rooms.live.operations import (
    BeginDelete,
    Cancel,
    Create,
    Disconnect,
    Duplicate,
    Entered,
    Event,
    Exit,
    FinishDelete,
    History,
    HistoryPage,
    Join,
    Operation,
    Person,
    Positions,
    Reserve,
    Restore,
    Restored,
    Send,
    Sweep,
)
from rooms.protocol import Member, Refusal, RoomState


class Call:
    """One script to run for one operation, or for several messages in a row.

    Args:
        script: the script's name.
        arguments: its own, after those that every script has.
        read: makes the operations' outcomes of the reply.
    """

    __slots__ = ("arguments", "read", "script")

    def __init__(
        self, script: str, arguments: Sequence[str | bytes], read: Callable[[Any], list[Outcome[Any]]]
    ) -> None:
        self.script = script
        self.arguments = arguments
        self.read = read


def calls(operations: Sequence[Operation[Any]]) -> list[Call]:
    """The scripts that carry out ``operations``; messages that follow each other share one."""
    found: list[Call] = []
    talk: list[Send] = []
    for operation in operations:
        if isinstance(operation, Send):
            talk.append(operation)
            continue
        if talk:
            found.append(_talk(talk))
            talk = []
        found.append(_call(operation))
    if talk:
        found.append(_talk(talk))
    return found


# --- messages --------------------------------------------------------------------------------------------------------


def _talk(talk: list[Send]) -> Call:
    # As one argument: the client library takes its time with each.
    lines = [(str(op.room_id), op.key, op.visitor_id, op.ref, op.body, op.wait > 0) for op in talk]

    def read(reply: Any) -> list[Outcome[Any]]:
        if isinstance(reply, Exception):
            return [_fault(reply)] * len(talk)
        return [_sent(op, answer) for op, answer in zip(talk, reply, strict=True)]

    return Call("send", [msgspec.msgpack.encode(lines)], read)


def _sent(op: Send, answer: str) -> Outcome[Duplicate | None]:
    if answer[0] == "!":
        return _refused(answer[1:], op)
    if answer[0] == "=":
        number, _, text = answer[1:].partition(":")
        return Done(Duplicate(int(number), text))
    seq, at, participants, *recipients = answer.split()
    # The same text as the script has kept: it need not come back over the wire.
    text = f'{op.body},"seq":{seq},"at":{at},"participants":{participants}}}'
    return Done(None, (Event(op.room_id, int(seq), text, tuple(recipients)),))


# --- everything else -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Kind:
    """How one kind of operation is called.

    Args:
        script: the script's name.
        arguments: those of an operation, to be written as text.
        read: the operation's answer, of the operation and what the script answered.
    """

    script: str
    arguments: Callable[[Any], tuple[object, ...]]
    read: Callable[[Any, Any], object]


def _person(person: Person | None) -> tuple[str, str, str, str]:
    return (person.key, person.nick, person.visitor_id, person.tag) if person is not None else ("", "", "", "")


def _address(address: Address | None) -> tuple[str, str]:
    return (address.name, address.before) if address is not None else ("", "")


def _charge(charge: Charge | None) -> tuple[str, str, int, int]:
    return (*_address(charge.address), charge.most, charge.window) if charge is not None else ("", "", 0, 0)


_KINDS: dict[type[Operation[Any]], _Kind] = {
    Arrive: _Kind(
        "arrive",
        lambda op: (
            *(op.charge.address.day, *_address(op.charge.address)),
            *(op.held, op.open, op.charge.most, op.charge.window),
        ),
        lambda op, value: None,
    ),
    Depart: _Kind("depart", lambda op: (op.address.day, op.address.name, op.held), lambda op, value: None),
    Reserve: _Kind(
        "reserve",
        lambda op: (op.visitor_id, op.ref, op.room_id, *_charge(op.charge)),
        lambda op, value: int(value),
    ),
    Cancel: _Kind(
        "cancel",
        lambda op: (op.visitor_id, op.ref, op.room_id, *_charge(op.charge)),
        lambda op, value: None,
    ),
    Create: _Kind(
        "create",
        lambda op: (
            *(op.room_id, op.name, int(op.listed), op.created_at),
            *(*_person(op.host), int(op.held), op.grace, op.seq),
        ),
        lambda op, value: _entered(value),
    ),
    Join: _Kind(
        "join",
        lambda op: (
            op.room_id,
            *_person(op.person),
            "" if op.after is None else op.after,
            op.size,
            *_charge(op.charge),
        ),
        lambda op, value: _entered(value),
    ),
    Restore: _Kind(
        "restore",
        lambda op: (
            *(op.room_id, op.seq, op.grace, op.host_grace, len(op.joining), *op.joining),
            *(part for person in op.people for part in _person(person)),
        ),
        lambda op, value: Restored(tuple(value[0]), value[1], _kept(op.room_id, value[2])),
    ),
    Exit: _Kind("exit", lambda op: (op.room_id, op.key, op.visitor_id), lambda op, value: bool(value)),
    Disconnect: _Kind(
        "disconnect",
        lambda op: (op.room_id, op.key, op.visitor_id, op.grace, op.host_grace),
        lambda op, value: None,
    ),
    BeginDelete: _Kind(
        "begin_delete",
        lambda op: (op.room_id, op.reason, op.key, op.visitor_id, op.ref),
        lambda op, value: None,
    ),
    FinishDelete: _Kind("finish_delete", lambda op: (op.room_id,), lambda op, value: value or None),
    Sweep: _Kind(
        "sweep",
        lambda op: (op.grace, op.host_grace, op.most, op.pause),
        lambda op, value: tuple(int(room) for room in value),
    ),
    Positions: _Kind(
        "positions",
        lambda op: (int(op.held), *op.room_ids),
        lambda op, value: {int(room): int(seq) for room, seq in zip(value[::2], value[1::2], strict=True)},
    ),
    History: _Kind(
        "history",
        lambda op: (op.room_id, op.after),
        lambda op, value: HistoryPage(_kept(op.room_id, value[1]), int(value[0]) if value[0] else None, int(value[2])),
    ),
}


def _call(op: Operation[Any]) -> Call:
    kind = _KINDS[type(op)]

    def read(reply: Any) -> list[Outcome[Any]]:
        if isinstance(reply, Exception):
            return [_fault(reply)]
        code, value, events = reply
        if code == "too_much":
            return [Refused(TooMuch(value))]
        if code:
            return [_refused(code, op)]
        return [Done(kind.read(op, value), tuple(_event(event) for event in events))]

    return Call(kind.script, [str(part) for part in kind.arguments(op)], read)


def _event(reply: Any) -> Event:
    room_id, seq, text, ended, recipients = reply
    return Event(int(room_id), seq, text, tuple(recipients), bool(ended))


def _kept(room_id: int, reply: Any) -> list[Event]:
    return [Event(room_id, seq, text, end=bool(ended)) for seq, text, ended in reply]


def _entered(reply: Any) -> Entered:
    values, recovered, replay = reply
    state = dict(zip(RoomState.__struct_fields__, values, strict=True))
    nicks_and_tags = state["members"]
    state["members"] = [Member(*pair) for pair in zip(nicks_and_tags[::2], nicks_and_tags[1::2], strict=True)]
    state["locked"] = bool(state["locked"])
    state["closesAt"] = state["closesAt"] or UNSET
    return Entered(RoomState(**state), None if recovered < 0 else bool(recovered), replay)


def described(room_id: int, reply: Any) -> Create:
    """What would make a room, of what the script of that name says of it."""
    name, listed, created_at, *host = reply
    person = Person(*host) if host[0] else None
    return Create(room_id, name, listed == "1", int(created_at), person, held=False)


def _refused(code: str, op: Operation[Any]) -> Refused:
    if code == "unknown":
        return Refused(RoomUnknown())
    for error in REFUSALS:
        if error == code:
            extra = {"retryAfter": op.wait} if isinstance(op, Send) and error == "too_fast" else {}
            return Refused(refusal(error, **extra))
    raise ValueError(f"a script refused with {code!r}")


def _fault(problem: Exception) -> Refused:
    """A script failed: a fault of ours, that must not look like an answer."""
    if not isinstance(problem, ResponseError):
        raise problem
    return Refused(Refusal("unavailable", "something went wrong on the server"))
