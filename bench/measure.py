"""The measurements: each starts its system anew, does one thing with it, and returns plain figures.

Knows the systems and the client; must not know how figures are written down. What costs time or processor time is
taken within one window of the client's clock; what is late is waited for afterwards, and what never comes is lost.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from bench.client import Client, Shape
from bench.systems import Running, System, running

Figures = dict[str, Any]


@dataclass(frozen=True)
class Lengths:
    """How long things are measured, in seconds, and how large."""

    warm: float = 0.5
    window: float = 2.0
    settle: float = 3.0
    idle: float = 4.0
    connections: int = 5000


WARM_CONNECTIONS = 100
"""Opened before memory is looked at, so that what is loaded once is not counted."""
IDLE_ROOM = 10
"""People in a room when 5,000 of them sit there."""


@dataclass
class Talk:
    """What came of people talking. Times are in ms, shares are of one core."""

    system: str
    shape: str
    deliveries: float
    """A second."""
    per_core: float
    """Deliveries for each second of processor time that the server used."""
    cost: float
    """µs of the server's processor time for each delivery."""
    server: float
    redis: float
    client: float
    p50: float
    p99: float
    expected: int
    lost: int
    wrong: int
    """Deliveries that were not what they should be, in another order, or twice."""
    closed: int
    refused: int
    lines: float
    """A second."""


def figures(system: System, shape: Shape, answer: Figures) -> Figures:
    """What the client's answer means."""
    seconds, deliveries = answer["seconds"], answer["deliveries"]
    talked = Talk(
        system=system.name,
        shape=str(shape),
        deliveries=deliveries / seconds,
        per_core=deliveries / max(answer["server_cpu"], 0.005),
        cost=answer["server_cpu"] * 1e6 / max(deliveries, 1),
        server=answer["server_cpu"] / seconds,
        redis=answer["redis_cpu"] / seconds,
        client=answer["client_cpu"] / seconds,
        p50=answer["p50"],
        p99=answer["p99"],
        expected=answer["expected"],
        lost=answer["expected"] - answer["received"],
        wrong=answer["wrong"] + answer["disordered"],
        closed=answer["closed"],
        refused=answer["refused"],
        lines=answer["sent"] / seconds,
    )
    return asdict(talked)


def fill(system: System, client: Client, shape: Shape) -> None:
    """Connect everyone and put them into their rooms.

    Raises:
        RuntimeError: someone did not get in.
    """
    connected = client.rooms(shape)
    if connected["failed"] or connected["opened"] < shape.rooms * shape.people:
        raise RuntimeError(f"{system.name}: {connected['opened']} of {shape.rooms * shape.people} could connect")
    entered = client.enter()
    if entered["failed"]:
        raise RuntimeError(f"{system.name}: {entered['failed']} could not enter")


def talk(system: System, shape: Shape, lengths: Lengths, half: bool = False) -> Figures:
    """People talk, each saying the next thing when the last is back; then, with ``half``, at a steady pace.

    Args:
        half: whether to measure the delays at half the rate as well.
    """
    with running(system) as process, Client(process) as client:
        fill(system, client, shape)
        counted, answer = commands(process, partial(client.talk, lengths.warm, lengths.window))
        talked = figures(system, shape, answer)
        if system.redis:
            talked |= {kind: number / max(answer["lines"], 1) for kind, number in counted.items()}
        if half and talked["deliveries"]:
            rate = talked["deliveries"] / shape.people
            # Enough lines to speak of a percentile, where the system is slow.
            seconds = min(max(lengths.window, 40 / rate), 4 * lengths.window)
            talked["open"] = figures(system, shape, client.talk(lengths.warm, seconds, rate / 2))
    return talked


def idle(system: System, lengths: Lengths, whole: bool = True) -> Figures:
    """Many connect and are silent; then, with ``whole``, they sit in rooms of ten."""
    with running(system) as process, Client(process) as client:
        _expect(client.silent(WARM_CONNECTIONS), WARM_CONNECTIONS)
        client.idle(1)
        before = process.memory()
        found: Figures = {"system": system.name, "connections": lengths.connections}
        shape = Shape(lengths.connections // IDLE_ROOM, IDLE_ROOM, 1)
        connected = client.rooms(shape)
        _expect(connected, lengths.connections)
        found["connect_rate"] = lengths.connections / connected["seconds"]
        found["connect_cost"] = connected["server_cpu"] * 1e6 / lengths.connections
        client.idle(lengths.settle)
        found["kib"] = (process.memory() - before) / lengths.connections
        if not whole:
            return found
        if system.joins:
            redis_before = process.redis_memory()
            entered = client.enter()
            _expect({"failed": entered["failed"], "opened": entered["entered"]}, lengths.connections)
            found["join_rate"] = (lengths.connections - shape.rooms) / entered["joining"]
            client.idle(lengths.settle)
            found["kib_in_room"] = (process.memory() - before) / lengths.connections
            found["redis_kib"] = (process.redis_memory() - redis_before) / lengths.connections
        still = client.idle(lengths.idle)
        found["idle_cpu"] = still["server_cpu"] / still["seconds"]
        found["redis_cpu"] = still["redis_cpu"] / still["seconds"]
        found["closed"] = still["closed"]
    return found


def _expect(answer: Figures, count: int) -> None:
    if answer["failed"] or answer["opened"] != count:
        raise RuntimeError(f"{answer['opened']} of {count} got in, {answer['failed']} failed")


COUNTED_PEOPLE = 4
"""People of the room in each process, when commands are counted."""


def count_commands(system: System, lengths: Lengths) -> Figures:
    """How many Redis commands and layer messages a line takes: lines that come one by one, and many at once."""
    everyone = COUNTED_PEOPLE * system.workers
    seconds = lengths.window
    with running(system) as process, Client(process) as client:
        fill(system, client, Shape(1, everyone, everyone))
        # What the processes do anyway is taken off.
        background, _ = commands(process, partial(client.idle, 2 * seconds))
        found: Figures = {"workers": system.workers}
        for name, alone in (("quiet", True), ("busy", False)):
            begin = time.monotonic()
            counted, answer = commands(process, partial(client.talk, 0, seconds, alone=alone))
            share = (time.monotonic() - begin) / (2 * seconds)
            for kind, number in counted.items():
                found[f"{name}_{kind}"] = max(0.0, number - background[kind] * share) / answer["lines"]
            found[f"{name}_lines"] = answer["lines"]
            found[f"{name}_lost"] = answer["expected"] - answer["received"]
    return found


def commands(process: Running, do: Callable[[], Figures]) -> tuple[dict[str, int], Figures]:
    """What Redis carries out while something is done, and what came of that.

    Returns:
        How many scripts, layer messages and commands inside the scripts there were, and the result.
    """
    before = _totals(process)
    answer = do()
    after = _totals(process)
    calls = {name: after[name] - before.get(name, 0) for name in after}
    scripts, messages = calls.pop("evalsha", 0), calls.pop("publish", 0)
    for name in NOT_OURS:
        calls.pop(name, None)
    return {"scripts": scripts, "messages": messages, "inside": sum(calls.values())}, answer


NOT_OURS = ("info", "ping", "hello", "client|setinfo", "script|load")
"""The commands that Redis gets outside of scripts, whatever is going on."""


def _totals(process: Running) -> dict[str, int]:
    if process.store is None:
        return {}
    stats: Any = process.store.info("commandstats")
    return {name.removeprefix("cmdstat_"): int(values["calls"]) for name, values in stats.items()}


class Progress:
    """Says what is going on, a line for each measurement."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._begin = time.monotonic()

    def say(self, text: str) -> None:
        """One measurement is done."""
        self._done += 1
        minutes, seconds = divmod(int(time.monotonic() - self._begin), 60)
        print(f"[{minutes:2d}:{seconds:02d} {self._done:3d}/{self._total}] {text}", flush=True)


def said(figures: Figures) -> str:
    """A line about people who talked."""
    text = (
        f"{figures['system']:16} {figures['shape']:10} {figures['deliveries']:>11,.0f}/s {figures['cost']:8.2f} µs"
        f"  p50 {figures['p50']:.1f} p99 {figures['p99']:.1f} ms"
        f"  server {figures['server']:.0%} redis {figures['redis']:.0%} client {figures['client']:.0%}"
    )
    return text + trouble([figures])


def trouble(many: Iterable[Figures]) -> str:
    """What went wrong, in a few words; nothing when nothing did."""
    totals = dict.fromkeys(("lost", "wrong", "closed", "refused"), 0)
    expected = 0
    for figures in many:
        expected += figures["expected"]
        for name in totals:
            totals[name] += figures[name]
    words = []
    if totals["lost"]:
        words.append(f"{totals['lost'] / max(expected, 1):.1%} lost")
    words += [f"{totals[name]:,} {name}" for name in ("wrong", "closed", "refused") if totals[name]]
    return f"  ({', '.join(words)})" if words else ""
