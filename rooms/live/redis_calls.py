"""Operations as calls of scripts.

Knows the contract, and messages and refusals as the scripts take and give them; must not know how Redis is reached.
"""

# The annotations of inner functions would otherwise be evaluated with each call.
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from redis.exceptions import ResponseError

from rooms.live.contract import REFUSALS, Done, Outcome, Refused, RoomUnknown, TooMuch, refusal
from rooms.live.operations import Duplicate, Event, Operation, Send, person_in
from rooms.live.redis_kinds import KINDS, read_event
from rooms.live.redis_moderation import MODERATION
from rooms.protocol import Refusal

_ALL = KINDS | MODERATION


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
    lines = [
        (
            *(str(op.room_id), op.key, op.visitor_id, op.ref, op.body, op.wait, op.reply_to),
            person_in(op.room_id, op.visitor_id),
        )
        for op in talk
    ]

    def read(reply: Any) -> list[Outcome[Any]]:
        if isinstance(reply, Exception):
            return [_fault(reply)] * len(talk)
        return [_sent(op, answer) for op, answer in zip(talk, reply, strict=True)]

    return Call("send", [msgspec.msgpack.encode(lines)], read)


def _sent(op: Send, answer: str) -> Outcome[Duplicate | None]:
    if answer[0] == "!":
        return _refused(answer[1:])
    if answer[0] == "=":
        number, _, text = answer[1:].partition(":")
        return Done(Duplicate(int(number), text))
    seq, at, participants, *recipients = answer.split()
    # The same text as the script has kept: it need not come back over the wire.
    text = f'{op.body},"seq":{seq},"at":{at},"participants":{participants}}}'
    return Done(None, (Event(op.room_id, int(seq), text, tuple(recipients)),))


# --- everything else -------------------------------------------------------------------------------------------------


def _call(op: Operation[Any]) -> Call:
    kind = _ALL[type(op)]

    def read(reply: Any) -> list[Outcome[Any]]:
        if isinstance(reply, Exception):
            return [_fault(reply)]
        code, value, events = reply
        if code == "too_much":
            return [Refused(TooMuch(value))]
        if code:
            return [_refused(code)]
        return [Done(kind.read(op, value), tuple(read_event(event) for event in events))]

    return Call(kind.script, [str(part) for part in kind.arguments(op)], read)


def _refused(code: str) -> Refused:
    """``code`` may have more after a colon: in how many ms to try again, or which field is wrong."""
    if code == "unknown":
        return Refused(RoomUnknown())
    code, _, more = code.partition(":")
    extra = {} if not more else {"retryAfter": int(more)} if more.isdigit() else {"field": more}
    for error in REFUSALS:
        if error == code:
            return Refused(refusal(error, **extra))
    raise ValueError(f"a script refused with {code!r}")


def _fault(problem: Exception) -> Refused:
    """A script failed: a fault of ours, that must not look like an answer."""
    if not isinstance(problem, ResponseError):
        raise problem
    return Refused(Refusal("unavailable", "something went wrong on the server"))
