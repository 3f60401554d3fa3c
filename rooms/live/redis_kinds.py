"""What the script of each operation is given, and what its reply means.

Knows the operations and what the scripts take and answer; must not know how scripts are called.
"""

# The annotations of inner functions would otherwise be evaluated with each call.
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from rooms.live.addresses import Address, Charge
from rooms.live.arrivals import Arrive, Depart
from rooms.live.operations import (
    BeginDelete,
    Cancel,
    Create,
    Disconnect,
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
    Rules,
    Sweep,
)
from rooms.protocol import Member, RoomState


@dataclass(frozen=True)
class Kind:
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


KINDS: dict[type[Operation[Any]], Kind] = {
    Arrive: Kind(
        "arrive",
        lambda op: (
            *(op.charge.address.day, *_address(op.charge.address)),
            *(op.held, op.open, op.charge.most, op.charge.window),
        ),
        lambda op, value: None,
    ),
    Depart: Kind("depart", lambda op: (op.address.day, op.address.name, op.held), lambda op, value: None),
    Reserve: Kind(
        "reserve",
        lambda op: (op.visitor_id, op.ref, op.room_id, *_charge(op.charge)),
        lambda op, value: int(value),
    ),
    Cancel: Kind(
        "cancel",
        lambda op: (op.visitor_id, op.ref, op.room_id, *_charge(op.charge)),
        lambda op, value: None,
    ),
    Create: Kind(
        "create",
        lambda op: (
            *(op.room_id, op.name, int(op.listed), op.created_at),
            *(*_person(op.host), int(op.held), op.grace, op.seq, *_address(op.opener)),
            *(op.rules.topic, int(op.rules.locked), op.rules.slow, len(op.rules.blocked), *op.rules.blocked),
            *(part for mute in op.rules.muted for part in mute),
        ),
        lambda op, value: _entered(value),
    ),
    Join: Kind(
        "join",
        lambda op: (
            op.room_id,
            *_person(op.person),
            "" if op.after is None else op.after,
            op.size,
            *_charge(op.charge),
            *_address(op.address),
            op.made_at,
        ),
        lambda op, value: _entered(value),
    ),
    Restore: Kind(
        "restore",
        lambda op: (
            *(op.room_id, op.seq, op.grace, op.host_grace, len(op.joining), *op.joining),
            *(part for person in op.people for part in _person(person)),
        ),
        lambda op, value: Restored(tuple(value[0]), value[1], _kept(op.room_id, value[2])),
    ),
    Exit: Kind("exit", lambda op: (op.room_id, op.key, op.visitor_id), lambda op, value: bool(value)),
    Disconnect: Kind(
        "disconnect",
        lambda op: (op.room_id, op.key, op.visitor_id, op.grace, op.host_grace),
        lambda op, value: None,
    ),
    BeginDelete: Kind(
        "begin_delete",
        lambda op: (op.room_id, op.reason, op.key, op.visitor_id, op.ref),
        lambda op, value: None,
    ),
    FinishDelete: Kind("finish_delete", lambda op: (op.room_id,), lambda op, value: value or None),
    Sweep: Kind(
        "sweep",
        lambda op: (op.grace, op.host_grace, op.most, op.pause),
        lambda op, value: tuple(int(room) for room in value),
    ),
    Positions: Kind(
        "positions",
        lambda op: (int(op.held), *op.room_ids),
        lambda op, value: {int(room): int(seq) for room, seq in zip(value[::2], value[1::2], strict=True)},
    ),
    History: Kind(
        "history",
        lambda op: (op.room_id, op.after),
        lambda op, value: HistoryPage(_kept(op.room_id, value[1]), int(value[0]) if value[0] else None, int(value[2])),
    ),
}


def read_event(reply: Any) -> Event:
    """An event, of what a script says of it."""
    room_id, seq, text, ended, recipients, out = reply
    return Event(int(room_id), seq, text, tuple(recipients), bool(ended), out)


def _kept(room_id: int, reply: Any) -> list[Event]:
    return [Event(room_id, seq, text, end=bool(ended), out=out) for seq, text, ended, out in reply]


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
    name, listed, created_at, host, (topic, locked, slow), blocked, muted = reply
    person = Person(*host) if host[0] else None
    mutes = sorted(zip(muted[::2], map(int, muted[1::2]), strict=True))
    rules = Rules(topic, locked == "1", int(slow), tuple(sorted(blocked)), tuple(mutes))
    return Create(room_id, name, listed == "1", int(created_at), person, held=False, rules=rules)
