"""Plays a schedule: processes, clients and faults, and at the end the question whether all is as it should be.

Knows all parts of the world. What was promised during the trouble, clients see by themselves; here is what must be so
once it is over (``_settle``), and when everyone has gone (``_empty``).
"""

import gc
from collections.abc import Callable
from random import Random

from rooms.models import Room as Row
from tests.talk import violations
from tests.world.clients import Client
from tests.world.faults import EVERYWHERE, Faults
from tests.world.history import History
from tests.world.limits import SETTINGS
from tests.world.loop import Clock
from tests.world.process import Layer, Process
from tests.world.room import Room
from tests.world.schedule import (
    CALL_FAULTS,
    DATABASE_FAULTS,
    LAYER_FAULTS,
    PROCESSES,
    Schedule,
    Step,
)
from tests.world.seams import seams
from tests.world.store import Server

SETTLE_SECONDS = SETTINGS["LEASE"] + SETTINGS["HOST_GRACE"] + 1.0
"""Somebody who leaves may still be held by a process that is dead, and be a host."""
HEAR_SECONDS, EMPTY_SECONDS = 1.5, 14.0
LOOK_SECONDS = 0.25


class World:
    """Everything there is, for one schedule.

    Args:
        show: is given a line for everything that happens.
    """

    def __init__(self, schedule: Schedule, show: Callable[[str], None] | None = None) -> None:
        self._schedule = schedule
        draw = Random(schedule.seed)
        self.clock = Clock()
        self.history = History(self.clock, show)
        self.faults = Faults(self.clock, Random(draw.random()))
        self.chance = Random(draw.random())
        limits = SETTINGS["HISTORY"], int(SETTINGS["HISTORY_AGE"] * 1000), int(SETTINGS["REF_AGE"] * 1000)
        self.server = Server(self.clock, self.faults, self.history, Random(draw.random()), limits)
        self.layer = Layer(self.clock, self.faults, Random(draw.random()))
        self.processes: list[Process] = []
        rooms = [Room("첫째 방"), Room("둘째 방")]
        self.clients = [self._client(number, rooms[number % 2], draw) for number in range(schedule.clients)]

    def _client(self, number: int, room: Room, draw: Random) -> Client:
        host = room.host is None
        chance = Random(draw.random())
        client = Client(
            f"c{number}",
            room,
            host,
            chance.random() < 0.5,
            chance.random() < 0.5,
            chance.random() < 0.3,
            self.clock,
            self.history,
            self.processes,
            chance,
        )
        room.people.append(client)
        if host:
            room.host = client
        return client

    # --- from beginning to end ----------------------------------------------------------------------------------------

    def play(self) -> None:
        """Let it all happen."""
        Row.objects.all().delete()
        with seams(self.clock, self.faults, self.history, self.chance):
            try:
                self.processes.extend(self._process(place) for place in range(PROCESSES))
                for number, client in enumerate(self.clients):
                    self.clock.after(0.05 * number, client.come)
                for step in self._schedule.steps:
                    self._plan(step)
                self._watch()
                self.clock.run(self._schedule.heals_at)
                self.faults.over = True
                for process in self.processes:
                    process.loop.seconds_per_turn = 0.0
                self._settle()
                if not self.history.violations:
                    self._empty()
            finally:
                for process in self.processes:
                    process.kill()

    def _process(self, place: int) -> Process:
        return Process(place, self.clock, self.server, self.layer, self.history)

    def _watch(self) -> None:
        for client in self.clients:
            client.check_waits()
        self.clock.after(LOOK_SECONDS, self._watch)

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        until = self.clock.now + seconds
        while not condition():
            if self.clock.now >= until:
                return False
            self.clock.run(self.clock.now + LOOK_SECONDS)
        return True

    # --- what happens -------------------------------------------------------------------------------------------------

    def _plan(self, step: Step) -> None:
        if step.what == "roll back":
            self.clock.after(max(step.at - step.lasts, 0.0), self.server.take_snapshot)
        self.clock.after(step.at, self._happen, step)

    def _happen(self, step: Step) -> None:
        self.history.trace(step)
        lasts = min(step.lasts, self._schedule.heals_at - self.clock.now)
        if step.what in CALL_FAULTS:
            self.faults.open(step.what, lasts, step.who)
        elif step.what in (*LAYER_FAULTS, *DATABASE_FAULTS, "hang"):
            self.faults.open(step.what, lasts, EVERYWHERE)
        elif step.what == "empty":
            self.server.empty()
        elif step.what == "roll back":
            self.server.roll_back()
        elif step.what in ("freeze", "kill", "terminate", "slow"):
            self._trouble(self.processes[step.who], step.what, lasts)
        elif step.who < len(self.clients):
            self._act(self.clients[step.who], step.what, lasts)

    def _trouble(self, process: Process, what: str, lasts: float) -> None:
        match what:
            case "freeze":
                process.freeze(lasts)
            case "kill":
                process.kill()
                self.clock.after(lasts, self._begin_anew, process)
            case "terminate":
                process.terminate()
                self.clock.after(lasts, self._begin_anew, process)
            case "slow":
                process.loop.seconds_per_turn = self.chance.uniform(0.001, 0.02)

    def _begin_anew(self, process: Process) -> None:
        if self.processes[process.place] is process:
            process.kill()
            self.processes[process.place] = self._process(process.place)

    def _act(self, client: Client, what: str, lasts: float) -> None:
        match what:
            case "say":
                client.say()
            case "leave":
                self.chance.choice([client.leave, client.delete if client.host else client.leave])()
            case "drop":
                client.lose_line()
            case "silent":
                client.lose_line(lasts)
            case "away":
                client.go_away(lasts)
            case _:
                client.acts.do(what, self.chance)

    # --- what must be so when the trouble is over ---------------------------------------------------------------------

    def _settle(self) -> None:
        """Everyone hears everyone, and the numbers are right."""
        if self._wait(lambda: not self._unsettled(), SETTLE_SECONDS):
            for client in self._staying():
                client.say()
            self._wait(lambda: not self._unsettled() and self._all_heard(), HEAR_SECONDS)
            if not self._all_heard():
                for client in self._staying():
                    self._report(client, f"heard up to {client.hearing.last} only")
        for client, what in self._unsettled():
            self._report(client, what)
        if not self.history.violations and not self.history.forgets:
            for room in {id(client.room): client.room for client in self.clients}.values():
                for text in violations([client for client in self.clients if client.room is room]):
                    self.history.violation(text)

    def _report(self, client: Client, what: str) -> None:
        self.history.violation(f"after the faults {client.nick} {what}")

    def _staying(self) -> list[Client]:
        return [client for client in self.clients if not client.finished]

    def _unsettled(self) -> list[tuple[Client, str]]:
        found = []
        for client in self._staying():
            inside = sum(other.joined for other in self.clients if other.room is client.room)
            if not client.joined:
                found.append((client, "is not in"))
            elif client.leaving:
                found.append((client, "has not left"))
            elif client.unsent:
                found.append((client, "has not been heard"))
            elif client.hearing.participants != inside:
                found.append((client, f"counts {client.hearing.participants} of {inside}"))
        lobby = {room.room_id: room.participants for room in self.server.carry_out("lobby", (200,)).rooms}
        for client in self._staying():
            inside = sum(other.joined for other in self.clients if other.room is client.room)
            if client.host and lobby.get(client.room.id) != inside:
                found.append((client, f"finds {lobby.get(client.room.id)} of {inside} in the list"))
        return found

    def _all_heard(self) -> bool:
        return all(client.hearing.last == max(self.history.events[client.room.id or 0]) for client in self._staying())

    # --- what must be so when everyone has gone -----------------------------------------------------------------------

    def _empty(self) -> None:
        """Nothing is left anywhere."""
        for number, client in enumerate(sorted(self._staying(), key=lambda client: client.host)):
            ways = [client.vanish, client.leave, client.delete if client.host else client.leave]
            self.clock.after(0.02 * number, self.chance.choice(ways))
        self._wait(lambda: not self._left(), EMPTY_SECONDS)
        for text in self._left():
            self.history.violation(f"when everyone had gone, there was still {text}")

    def _left(self) -> list[str]:
        memory = self.server.memory
        found = [f"{client.nick}" for client in self._staying()]
        found += [f"the room {room} in the store" for room in memory._rooms]
        found += [f"the row {room}" for room in Row.objects.values_list("id", flat=True)] if not found else []
        for process in self.processes:
            hub = process.node.hub
            found += [f"the room {room} in process {process.place}" for room in hub._rooms]
            found += [f"a connection in process {process.place}" for _ in hub.connections]
            found += [f"a visit in process {process.place}" for _ in process.node.visits._visits]
            found += [f"an operation in process {process.place}" for _ in range(hub._dispatch._outbox._size)]
        return found


def play(schedule: Schedule, show: Callable[[str], None] | None = None) -> History:
    """Play a schedule; what happened, and what was wrong with it."""
    world = World(schedule, show)
    collecting = gc.isenabled()
    gc.disable()
    try:
        world.play()
    finally:
        if collecting:
            gc.enable()
    return world.history
