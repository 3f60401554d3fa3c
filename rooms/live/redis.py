"""The live store on Redis: one Lua script for each operation, one round trip for each flush.

Knows the contract and Redis; must not know models, sockets or the hub. The scripts are in ``scripts/``, each with
``common.lua`` in front. Every key starts with the prefix and has a time to live, so nothing outlives its use.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)

from rooms.live.contract import (
    REFUSALS,
    Census,
    Close,
    Entered,
    Event,
    Finish,
    Heads,
    History,
    Join,
    Kept,
    Leave,
    Left,
    Lobby,
    LobbyRoom,
    Lose,
    Open,
    Operation,
    Outcome,
    Person,
    Repeat,
    Reserve,
    Return,
    Returned,
    RoomUnknown,
    Say,
    StoreUnavailable,
    Sweep,
    Swept,
    Value,
)
from rooms.protocol import Refusal

MINIMUM_VERSION = (6, 2)
LIFE = 3_600_000
"""Milliseconds that a room's keys live after it was last touched; a process touches its rooms far more often."""
REFRESH_BEATS = 60
"""A process touches its rooms with every so many beats."""

CONNECT_SECONDS = 2
ANSWER_SECONDS = 3

_AWAY = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OutOfMemoryError, OSError)
_SCRIPTS = Path(__file__).parent / "scripts"


class _Script:
    def __init__(self, name: str) -> None:
        self.text = (_SCRIPTS / "common.lua").read_text() + (_SCRIPTS / f"{name}.lua").read_text()
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class RedisStore:
    """Implements ``contract.LiveStore``.

    Args:
        url: where Redis is, such as ``redis://127.0.0.1:6379/0``.
        history: how many events of a room are kept.
        history_age: how long an event is kept, in ms; also how long a deleted room is remembered.
        ref_age: how long a ref is recognised, in ms.
        prefix: what every key starts with.
    """

    def __init__(
        self,
        url: str,
        history: int = 256,
        history_age: int = 600_000,
        ref_age: int = 120_000,
        prefix: str = "sarangbang:",
    ) -> None:
        self._line = _Line(url)
        self._common = [prefix, str(history), str(history_age), str(ref_age), str(LIFE)]
        self._scripts = {path.stem: _Script(path.stem) for path in _SCRIPTS.glob("*.lua") if path.stem != "common"}
        self._prefix = prefix
        self._beats = 0

    # --- the contract -------------------------------------------------------------------------------------------------

    async def apply(self, process: str, operations: Sequence[Operation]) -> list[Outcome]:
        """Carry out ``operations`` in one round trip; see the contract."""
        calls = _calls(operations)
        try:
            replies = await self._run(process, calls)
        except StoreUnavailable:
            # A connection that has just broken says nothing about Redis. Repeating is safe: see the contract.
            replies = await self._run(process, calls)
        outcomes: list[Outcome] = []
        for call, reply in zip(calls, replies, strict=True):
            outcomes.extend(call.read(reply))
        return outcomes

    async def beat(self, process: str, lease: int) -> bool:
        """Renew a lease; see the contract."""
        refresh = self._beats % REFRESH_BEATS == 0
        self._beats += 1
        return bool(await self._ask(process, "beat", str(lease), "1" if refresh else "0"))

    async def release(self, process: str) -> None:
        """End a lease; see the contract."""
        try:
            await self._line.ask([("ZADD", f"{self._prefix}leases", 0, process)])
        except _AWAY as problem:
            raise StoreUnavailable(str(problem)) from None

    async def lobby(self, most: int) -> Lobby:
        """The fullest listed rooms; see the contract."""
        total, *rooms = await self._ask("", "lobby", str(most))
        listed = [LobbyRoom(int(room[0]), room[1], room[2], room[3], bool(room[4]), int(room[5])) for room in rooms]
        listed.sort(key=lambda room: (-room.participants, room.created_at, room.room))
        return Lobby(listed, total)

    async def census(self, left: int) -> Census:
        """All rooms; see the contract."""
        opened, closing = await self._ask("", "census", str(left))
        return Census({int(room) for room in opened}, {int(room) for room in closing})

    async def close(self) -> None:
        """Close the connection."""
        await self._line.close()

    # --- the way to Redis ---------------------------------------------------------------------------------------------

    async def _ask(self, process: str, script: str, *arguments: str) -> Any:
        [reply] = await self._run(process, [_Call(script, list(arguments), lambda _: [])])
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def _run(self, process: str, calls: "list[_Call]") -> list[Any]:
        """The reply of each call, or the error it ended with.

        Raises:
            StoreUnavailable: Redis cannot be reached or does not accept writes.
        """
        try:
            replies = await self._pipeline(process, calls)
            if any(isinstance(reply, NoScriptError) for reply in replies):
                # Redis was restarted or emptied: none of the scripts is there, so none of the calls was carried out.
                await self._line.ask([("SCRIPT", "LOAD", script.text) for script in self._scripts.values()])
                replies = await self._pipeline(process, calls)
        except _AWAY as problem:
            raise StoreUnavailable(str(problem)) from None
        for reply in replies:
            if isinstance(reply, _AWAY):
                raise StoreUnavailable(str(reply))
        return replies

    async def _pipeline(self, process: str, calls: "list[_Call]") -> list[Any]:
        return await self._line.ask(
            [("EVALSHA", self._scripts[call.script].sha, 0, *self._common, process, *call.arguments) for call in calls]
        )


class _Line:
    """One connection to Redis, one round trip at a time.

    The client of redis-py would do, but it writes in a task of its own: by then the process is busy telling the
    outcomes of the call before, and Redis waits. Here a call is written before ``ask`` gives up control for the first
    time, once the connection is there.
    """

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=CONNECT_SECONDS,
            # A limit on each write and read would bring the tasks back; ``ask`` has one for the whole round trip.
            socket_timeout=None,
            # A retry below would not know which operations are safe to repeat; ``apply`` does.
            retry=Retry(NoBackoff(), 0),
        )
        self._connection: AbstractConnection | None = None
        self._lock = asyncio.Lock()

    async def ask(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
        """Send ``commands`` together; returns the reply of each, which may be an error.

        Raises:
            redis.exceptions.ConnectionError, OSError: the connection could not be made, or broke.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    connection = self._connection
                    if connection is None:
                        connection = self._connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
                        await connection.connect()
                    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                    return [await self._reply(connection) for _ in commands]
            except BaseException:
                # What is still to come over it would be taken for the answer to something else.
                await self.close()
                raise

    async def _reply(self, connection: AbstractConnection) -> Any:
        try:
            return await connection.read_response()
        except ResponseError as problem:
            return problem

    async def close(self) -> None:
        """Close the connection; the next question makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)


class _Call:
    """One script to run for one operation, or for several messages in a row.

    Args:
        read: makes the operations' outcomes of the reply.
    """

    __slots__ = ("arguments", "read", "script")

    def __init__(self, script: str, arguments: Sequence[str | bytes], read: Callable[[Any], list[Outcome]]) -> None:
        self.script = script
        self.arguments = arguments
        self.read = read


def _calls(operations: Sequence[Operation]) -> list[_Call]:
    """The scripts that carry out ``operations``; messages that follow each other share one."""
    calls: list[_Call] = []
    talk: list[Say] = []
    for operation in operations:
        if isinstance(operation, Say):
            talk.append(operation)
            continue
        if talk:
            calls.append(_talk(talk))
            talk = []
        calls.append(_call(operation))
    if talk:
        calls.append(_talk(talk))
    return calls


def _talk(talk: list[Say]) -> _Call:
    # As one argument: the client library takes its time with each.
    lines = [(str(op.room), op.key, op.visitor, op.ref, op.body, op.wait > 0) for op in talk]

    def read(reply: Any) -> list[Outcome]:
        if isinstance(reply, Exception):
            return [_fault(reply)] * len(talk)
        return [_said(op, answer) for op, answer in zip(talk, reply, strict=True)]

    return _Call("say", [msgspec.msgpack.encode(lines)], read)


def _said(op: Say, answer: str) -> Outcome:
    if answer[0] == "!":
        return _refused(answer[1:], op)
    if answer[0] == "=":
        seq, _, text = answer[1:].partition(":")
        return Outcome(Repeat(int(seq), text))
    seq, at, participants, *tell = answer.split()
    # The same text as the script has kept: it need not come back over the wire.
    text = f'{op.body},"seq":{seq},"at":{at},"participants":{participants}}}'
    return Outcome(events=(Event(op.room, int(seq), text, tuple(tell)),))


def _call(op: Operation) -> _Call:
    script, *arguments = (str(part) for part in _ARGUMENTS[type(op)](op))

    def read(reply: Any) -> list[Outcome]:
        if isinstance(reply, Exception):
            return [_fault(reply)]
        code, value, events = reply
        if code:
            return [_refused(code, op)]
        return [Outcome(_READERS[type(op)](op, value), events=tuple(_event(event) for event in events))]

    return _Call(script, arguments, read)


def _person(person: Person | None) -> tuple[str, str, str, str]:
    return (person.key, person.nick, person.visitor, person.tag) if person is not None else ("", "", "", "")


_ARGUMENTS: dict[type, Callable[[Any], tuple[object, ...]]] = {
    Reserve: lambda op: ("reserve", op.visitor, op.ref, op.room),
    Open: lambda op: (
        *("open", op.room, op.name, int(op.listed), op.created_at),
        *(*_person(op.host), int(op.held), op.grace, op.seq),
    ),
    Join: lambda op: ("join", op.room, *_person(op.person), "" if op.after is None else op.after, op.size),
    Return: lambda op: ("return", op.room, op.seq, *(part for person in op.people for part in _person(person))),
    Leave: lambda op: ("leave", op.room, op.key, op.visitor),
    Lose: lambda op: ("lose", op.room, op.key, op.visitor, op.grace, op.host_grace),
    Close: lambda op: ("close", op.room, op.reason, op.key, op.visitor, op.ref),
    Finish: lambda op: ("finish", op.room),
    Sweep: lambda op: ("sweep", op.grace, op.host_grace, op.most),
    Heads: lambda op: ("heads", *op.rooms),
    History: lambda op: ("history", op.room, op.after),
}

_READERS: dict[type, Callable[[Any, Any], Value]] = {
    Reserve: lambda op, value: int(value),
    Open: lambda op, value: _entered(value),
    Join: lambda op, value: _entered(value),
    Return: lambda op, value: Returned(tuple(value[0]), value[1], _kept(op.room, value[2])),
    Leave: lambda op, value: Left(bool(value)),
    Lose: lambda op, value: None,
    Close: lambda op, value: None,
    Finish: lambda op, value: value or None,
    Sweep: lambda op, value: Swept([int(room) for room in value]),
    Heads: lambda op, value: {int(room): int(seq) for room, seq in zip(value[::2], value[1::2], strict=True)},
    History: lambda op, value: Kept(_kept(op.room, value[1]), int(value[0]) if value[0] else None, int(value[2])),
}


def _event(reply: Any) -> Event:
    room, seq, text, ended, tell = reply
    return Event(int(room), seq, text, tuple(tell), bool(ended))


def _kept(room: int, reply: Any) -> list[Event]:
    return [Event(room, seq, text, end=bool(ended)) for seq, text, ended in reply]


def _entered(reply: Any) -> Entered:
    name, nick, tag, host, participants, members, locked, seq, at, recovered, replay = reply
    return Entered(
        name=name,
        nick=nick,
        tag=tag,
        host=host,
        participants=participants,
        members=list(zip(members[::2], members[1::2], strict=True)),
        locked=bool(locked),
        seq=seq,
        at=at,
        recovered=None if recovered < 0 else bool(recovered),
        replay=replay,
    )


def _refused(code: str, op: Operation) -> Outcome:
    if code == "unknown":
        return Outcome(refused=RoomUnknown())
    if code == "too_fast" and isinstance(op, Say):
        return Outcome(refused=Refusal(code, REFUSALS[code], retryAfter=op.wait))
    return Outcome(refused=Refusal(code, REFUSALS[code]))


def _fault(problem: Exception) -> Outcome:
    """A script failed: a fault of ours, that must not look like an answer."""
    if not isinstance(problem, ResponseError):
        raise problem
    return Outcome(refused=Refusal("unavailable", "something went wrong on the server"))
