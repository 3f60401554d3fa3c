"""The same as ``redis_kinds`` for what hosts and moderators do, and for what becomes of lines.

Knows the operations and what the scripts take and answer; must not know how scripts are called.
"""

from typing import Any

from rooms.live.moderation import (
    Actor,
    Change,
    Examine,
    Examined,
    Inspect,
    Kick,
    Kicked,
    Lift,
    Mute,
    Notice,
    Overview,
    Quote,
    React,
    Remove,
    Standing,
    Subject,
    Transfer,
    quoted,
)
from rooms.live.operations import Duplicate, Operation
from rooms.live.redis_kinds import Kind
from rooms.protocol import Noticed, event_body, ref_field


def _actor(actor: Actor) -> tuple[str, str, str]:
    return (actor.key, actor.visitor_id, actor.ref)


def _telling(actor: Actor) -> tuple[str, str, str, str]:
    """With the ref as the last field of an event's text."""
    return (*_actor(actor), ref_field(actor.told_ref))


def _changed(op: Change) -> tuple[str, object]:
    """The field of the room's state, and its value."""
    if op.locked is not None:
        return "locked", int(op.locked)
    return ("slow", op.slow) if op.slow is not None else ("topic", op.topic)


def _made(value: Any) -> Duplicate | None:
    return Duplicate(int(value[0]), value[1]) if value else None


def _subject(value: Any) -> Subject:
    key, nick, tag, visitor_id, person, held = value
    return Subject(key, nick, tag, visitor_id, person, bool(held))


def _standing(value: Any) -> Standing:
    participants, locked, slow, topic, away = value
    return Standing(participants, bool(locked), slow, topic, bool(away))


MODERATION: dict[type[Operation[Any]], Kind] = {
    Examine: Kind(
        "examine",
        lambda op: (op.room_id, *_actor(op.actor), op.target or "", int(op.heir)),
        lambda op, value: Examined(_subject(value[0]) if value[0] else None, _made(value[1])),
    ),
    Kick: Kind(
        "kick",
        lambda op: (op.room_id, *_actor(op.actor), op.target, op.visitor_id, int(op.block), op.address_for),
        lambda op, value: Kicked(bool(value[0]), _made(value[1])),
    ),
    Lift: Kind("lift", lambda op: (op.room_id, *_actor(op.actor), op.person, op.number), lambda op, value: None),
    Mute: Kind(
        "mute",
        lambda op: (op.room_id, *_telling(op.actor), op.target, op.visitor_id, op.until),
        lambda op, value: _made(value),
    ),
    Change: Kind(
        "change",
        lambda op: (op.room_id, *_actor(op.actor), event_body(op.event()), *_changed(op)),
        lambda op, value: _made(value),
    ),
    Transfer: Kind(
        "transfer",
        lambda op: (op.room_id, *_telling(op.actor), op.target, op.visitor_id, op.grace),
        lambda op, value: _made(value),
    ),
    Notice: Kind(
        "notice",
        lambda op: (op.room_id, op.ref, event_body(Noticed(op.room_id, op.message))),
        lambda op, value: _made(value),
    ),
    Inspect: Kind("inspect", lambda op: (op.room_id,), lambda op, value: tuple(_subject(each) for each in value)),
    Overview: Kind(
        "overview",
        lambda op: op.room_ids,
        lambda op, value: {int(room): _standing(about) for room, *about in value},
    ),
    Remove: Kind(
        "remove",
        lambda op: (op.room_id, *_telling(op.actor), op.line, op.own_for),
        lambda op, value: _made(value),
    ),
    React: Kind(
        "react",
        lambda op: (op.room_id, op.key, op.visitor_id, op.line, op.reaction, int(op.on), op.ref),
        lambda op, value: None,
    ),
    Quote: Kind(
        "quote",
        lambda op: (op.room_id, op.key, op.visitor_id, op.line),
        lambda op, value: quoted(*value),
    ),
}
