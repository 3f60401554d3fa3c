"""Random sequences of everything that can be asked of a live store, made so that they get in each other's way.

Knows the contract; must not know which store is asked. All names of operations are here and in ``SHOULD_HAPPEN``
(tests/test_differential.py).
"""

from random import Random
from typing import Any

from msgspec import UNSET, Struct

from rooms.live.addresses import Address, Charge
from rooms.live.arrivals import Arrive, Depart
from rooms.live.moderation import (
    Actor,
    Change,
    Examine,
    Inspect,
    Kick,
    Lift,
    Mute,
    Notice,
    Overview,
    Quote,
    React,
    Remove,
    Transfer,
)
from rooms.live.operations import (
    BeginDelete,
    Cancel,
    Create,
    Disconnect,
    Event,
    Exit,
    FinishDelete,
    History,
    Join,
    Operation,
    Person,
    Positions,
    Reserve,
    Restore,
    Rules,
    Send,
    Sweep,
    person_in,
)
from rooms.protocol import REACTIONS, Sent, event_body

HISTORY, HISTORY_AGE, REF_AGE = 6, 20_000, 5_000
START = 1_800_000_000_000
CREATED = {7: 1_600_000_000_001, 8: 1_600_000_000_002, 2**53 - 1: 1_500_000_000_000}
"""By number, when the rooms were made: two within a second, and the one with the largest number first."""
ROOMS = tuple(CREATED)
NODES = ("node-1", "node-2", "node-3")
VISITORS = ("a" * 32, "b" * 32, "c" * 32)
NAMES = {"host": ("Host", "HOST"), "b/": ('B/"\\', "b/"), "김": ("김", "김"), "👩‍👧": ("👩‍👧", "👩‍👧 ")}
"""By key, the ways to write a name that is the same to everyone."""
KEYS = tuple(NAMES)
DAY = START // 86_400_000
ADDRESSES = (
    *[Address(DAY, "a1", "a0")] * 6,
    Address(DAY - 1, "a0", "a-1"),
    Address(DAY, "b1"),
    Address(DAY - 2, "c0"),
)
"""One address by the keys of two days, another one, and one of which nothing may be known any more."""
TOPICS = ("", '오늘 / "여행"')
REFS = ("r1", "r2", "r/3")
TIMES = (0, 1, 300, 1000, 2000, REF_AGE - 1, REF_AGE, REF_AGE + 1, HISTORY_AGE - 1, HISTORY_AGE, HISTORY_AGE + 1)
GRACES = (0, 1, 1000, 2000, REF_AGE)
LEASES = (1, 1000, 2000, 60_000, 60_000)


class Apply(Struct, frozen=True, tag=True):
    operations: tuple[Operation[Any], ...]


class Beat(Struct, frozen=True, tag=True):
    lease: int
    confirm: bool = True


class Release(Struct, frozen=True, tag=True):
    pass


class Empty(Struct, frozen=True, tag=True):
    """The store loses everything."""


class Step(Struct, frozen=True):
    """One thing that happens, and what is looked at after it.

    Args:
        after: milliseconds that pass before.
        node: who asks.
        most: how many rooms the lobby is asked for.
        closing_for: how long ago, in ms, the deletions began that the list of rooms is asked for.
    """

    after: int
    node: str
    ask: Apply | Beat | Release | Empty
    most: int = 200
    closing_for: int = 0


class Steps:
    """Draws one step after the other.

    Args:
        seed: the same seed makes the same steps.
    """

    def __init__(self, seed: int) -> None:
        self.drawn: list[Step] = []
        self._random = Random(seed)
        self._lively = self._random.random() < 0.35
        """Whether it is mostly one room, in which people talk."""
        self._lines: dict[int, list[int]] = {room: [0] for room in ROOMS}
        self._seen: dict[int, list[int]] = {room: [0] for room in ROOMS}
        self._there: list[int] = []
        self._came: dict[int, list[Person]] = {room: [self._person()] for room in ROOMS}
        self._kinds = {
            self._arrive: 8,
            self._depart: 2,
            self._reserve: 6,
            self._cancel: 2,
            self._create: 14,
            self._join: 22,
            self._restore: 9,
            self._exit: 6,
            self._disconnect: 12,
            self._send: 14,
            self._begin_delete: 3,
            self._finish_delete: 4,
            self._sweep: 8,
            self._positions: 1,
            self._history: 3,
            self._examine: 3,
            self._kick: 3,
            self._lift: 2,
            self._mute: 4,
            self._change: 6,
            self._transfer: 3,
            self._notice: 2,
            self._inspect: 1,
            self._overview: 1,
            self._remove: 6,
            self._react: 10,
            self._quote: 2,
        }
        if self._lively:
            quiet = (self._arrive, self._depart, self._reserve, self._cancel, self._begin_delete)
            self._kinds |= dict.fromkeys(quiet, 1) | {self._create: 14}
            self._kinds |= {self._send: 50, self._react: 30, self._remove: 16, self._transfer: 6, self._quote: 6}

    def saw(self, positions: dict[int, int], events: list[Event]) -> None:
        """Learn the latest ``seq`` of the rooms that are there, and what was said, to come back to it later."""
        for event in events:
            if '"SERVER_CHAT_SEND"' in event.text:
                self._lines[event.room_id] = [*self._lines[event.room_id][-7:], event.seq]
        self._there = list(positions)
        for room, seq in positions.items():
            self._seen[room] = [*self._seen[room][-7:], seq]

    def draw(self) -> Step:
        step = self._draw()
        self.drawn.append(step)
        return step

    def _draw(self) -> Step:
        pick = self._random
        rare = (1, 0.2) if self._lively else (3, 1)
        kinds = (self._apply, self._batch, self._talk, self._beat, self._recover, Release, Empty)
        [ask] = [self._gather] if self._lively and not self.drawn else pick.choices(kinds, (70, 8, 6, 10, 2, *rare))
        after = pick.choice(TIMES) if pick.random() < (0.1 if self._lively else 0.4) else pick.randrange(20)
        return Step(after, pick.choice(NODES), ask(), pick.choice((1, 2, 200)), pick.choice((0, 1, 2000)))

    def _recover(self) -> Apply:
        """A room is brought back from its row, and a node puts people back."""
        room, people = self._random.choice(ROOMS), {person.key: person for person in (self._person(), self._person())}
        opened = Create(room, f"방 {room}", True, CREATED[room], self._host(), False, 2000)
        return Apply((opened, Restore(room, tuple(people.values()), 0, 1000, 2000)))

    def _gather(self) -> Apply:
        """A room with everyone in it."""
        room = ROOMS[0]
        people = [Person(key, NAMES[key][0], VISITORS[n % 3], f"tag{n % 3}") for n, key in enumerate(KEYS)]
        self._came[room] = people
        opened = Create(room, f"방 {room}", True, CREATED[room], people[0], True)
        return Apply((opened, *(Join(room, person, None, 10) for person in people[1:])))

    def _apply(self) -> Apply:
        return Apply((self._operation(),))

    def _batch(self) -> Apply:
        return Apply(tuple(self._operation() for _ in range(self._random.randint(2, 5))))

    def _talk(self) -> Apply:
        """Some lines, and some of them again."""
        lines = [self._send() for _ in range(self._random.randint(2, 6))]
        return Apply((*lines, *self._random.sample(lines, self._random.randrange(2))))

    def _beat(self) -> Beat:
        return Beat(self._random.choice(LEASES), self._random.random() < 0.8)

    def _operation(self) -> Operation[Any]:
        [kind] = self._random.choices(list(self._kinds), list(self._kinds.values()))
        return kind()

    def _room(self) -> int:
        """Mostly one that is there."""
        if self._lively and self._random.random() < 0.9:
            return ROOMS[0]
        there = self._there if self._random.random() < 0.7 else None
        return self._random.choice(there or ROOMS)

    def _person(self) -> Person:
        """Mostly the visitor whose name it is."""
        number = self._random.randrange(len(KEYS))
        visitor = number % len(VISITORS) if self._random.random() < 0.8 else self._random.randrange(len(VISITORS))
        key = KEYS[number]
        return Person(key, self._random.choice(NAMES[key]), VISITORS[visitor], f"tag{visitor}")

    def _host(self) -> Person:
        usual = Person(KEYS[0], NAMES[KEYS[0]][0], VISITORS[0], "tag0")
        return usual if self._random.random() < 0.7 else self._person()

    def _someone(self, room: int) -> Person:
        """Mostly a person who asked to come into the room."""
        return self._random.choice(self._came[room]) if self._random.random() < 0.8 else self._person()

    def _comer(self, room: int) -> Person:
        person = self._person()
        self._came[room] = [*self._came[room][-3:], person]
        return person

    def _seq(self, room: int) -> int:
        return self._random.choice(self._seen[room])

    # --- the operations ----------------------------------------------------------------------------------------------

    def _reserve(self) -> Operation[Any]:
        pick = self._random
        return Reserve(pick.choice(VISITORS), pick.choice(REFS), pick.randrange(1, 4), self._charge())

    def _cancel(self) -> Operation[Any]:
        pick = self._random
        return Cancel(pick.choice(VISITORS), pick.choice(REFS), pick.randrange(1, 4), self._charge())

    def _charge(self) -> Charge | None:
        pick = self._random
        return self._toll() if pick.random() < 0.9 else None

    def _toll(self) -> Charge:
        pick = self._random
        return Charge(
            pick.choice(ADDRESSES), pick.choice((0, 1, 1, 1, 2)), pick.choice((1000, 100_000, 100_000, 100_000))
        )

    def _arrive(self) -> Operation[Any]:
        return Arrive(self._toll(), self._random.randrange(1, 4), self._random.choice((0, 1, 2, 3, 4)))

    def _depart(self) -> Operation[Any]:
        return Depart(self._random.choice(ADDRESSES), self._random.randrange(3))

    def _create(self) -> Operation[Any]:
        pick = self._random
        room = self._room() if self._lively else pick.choice(ROOMS)
        host = None if pick.random() < 0.15 else self._host() if pick.random() < 0.8 else self._person()
        self._came[room] = [*self._came[room][-3:], host or self._person()]
        seq = pick.choice((0, 0, self._seq(room), self._seq(room) + 10_000_000_000))
        held, listed = pick.random() < 0.6, pick.random() < 0.8
        opener = pick.choice((None, *ADDRESSES))
        return Create(
            *(room, f"방 {room}", listed, CREATED[room], host, held, pick.choice(GRACES), seq, opener),
            rules=self._rules(room) if pick.random() < 0.3 else Rules(),
        )

    def _rules(self, room: int) -> Rules:
        pick = self._random
        muted = {self._in_room(room): START + pick.randrange(100_000) for _ in range(pick.randrange(3))}
        blocked = (self._in_room(room),) if pick.random() < 0.4 else ()
        return Rules(pick.choice(TOPICS), pick.random() < 0.4, pick.choice((0, 1, 10)), blocked, tuple(muted.items()))

    def _join(self) -> Operation[Any]:
        pick, room = self._random, self._room()
        after = pick.choice((None, 0, self._seq(room), self._seq(room), self._seq(room), self._seq(room) + 1))
        return Join(
            *(room, self._comer(room), after, pick.choice((1, 2, 3, 10, 10, 10)), self._charge()),
            address=pick.choice((None, *ADDRESSES)),
            made_at=pick.choice((0, 0, START, START + 20_000, START + 10**9)),
        )

    def _restore(self) -> Operation[Any]:
        pick, room = self._random, self._room()
        people = {person.key: person for person in (self._comer(room) for _ in range(pick.randrange(4)))}
        seq = pick.choice((0, self._seq(room), self._seq(room) + 3))
        joining = (self._comer(room).key,) if pick.random() < 0.3 else ()
        return Restore(room, tuple(people.values()), seq, pick.choice(GRACES), pick.choice(GRACES), joining)

    def _exit(self) -> Operation[Any]:
        room = self._room()
        person = self._someone(room)
        return Exit(room, person.key, person.visitor_id)

    def _disconnect(self) -> Operation[Any]:
        pick, room = self._random, self._room()
        person = self._someone(room)
        return Disconnect(room, person.key, person.visitor_id, pick.choice(GRACES), pick.choice(GRACES))

    def _send(self) -> Operation[Any]:
        pick, room = self._random, self._room()
        person = self._someone(room)
        ref = pick.choice((UNSET, "ref", 'say ",\\"seq\\":"'))
        body = event_body(Sent(room, person.nick, f"{pick.random()}", person.tag, ref=ref))
        about = (room, person.key, person.visitor_id, pick.choice(REFS), body)
        return Send(*about, pick.choice((0, 0, 0, 500)), self._line(room) if pick.random() < 0.2 else 0)

    def _begin_delete(self) -> Operation[Any]:
        pick, person = self._random, self._host()
        if pick.random() < 0.3:
            return BeginDelete(self._room(), "moderator")
        return BeginDelete(self._room(), "deleted", person.key, person.visitor_id, pick.choice(("", *REFS)))

    def _finish_delete(self) -> Operation[Any]:
        return FinishDelete(self._room())

    def _sweep(self) -> Operation[Any]:
        pick = self._random
        return Sweep(pick.choice(GRACES), pick.choice(GRACES), pick.choice((1, 2, 500)), pick.choice((5_000, 10**12)))

    def _positions(self) -> Operation[Any]:
        return Positions((self._room(), self._room()), self._random.random() < 0.5)

    def _history(self) -> Operation[Any]:
        room = self._room()
        return History(room, self._seq(room))

    # --- hosts, moderators, lines ------------------------------------------------------------------------------------

    def _in_room(self, room: int) -> str:
        """A visitor as the room knows them."""
        return person_in(room, self._random.choice(VISITORS))

    def _actor(self, room: int) -> Actor:
        """Mostly the usual host or a moderator."""
        pick = self._random
        ref = pick.choice(("", *REFS))
        if pick.random() < 0.3:
            return Actor(ref=ref)
        person = self._host() if pick.random() < 0.8 else self._someone(room)
        return Actor(person.key, person.visitor_id, ref, pick.random() < 0.8)

    def _line(self, room: int) -> int:
        """Mostly the number of a line."""
        return self._random.choice(self._lines[room]) if self._random.random() < 0.9 else self._seq(room)

    def _examine(self) -> Operation[Any]:
        pick, room = self._random, self._room()
        target = None if pick.random() < 0.2 else self._someone(room).key
        return Examine(room, self._actor(room), target, pick.random() < 0.3)

    def _kick(self) -> Operation[Any]:
        pick, room = self._random, self._room()
        whose = pick.choice(VISITORS) if pick.random() < 0.15 else ""
        about = (self._someone(room).key, whose) if pick.random() < 0.8 else ("", pick.choice(VISITORS))
        return Kick(room, self._actor(room), *about, pick.random() < 0.7, pick.choice((0, 1000, 100_000)))

    def _lift(self) -> Operation[Any]:
        room = self._room()
        return Lift(room, self._actor(room), self._in_room(room), 7)

    def _mute(self) -> Operation[Any]:
        pick, room = self._random, self._room()
        until = pick.choice((0, START + pick.randrange(100_000), START + 10**9))
        return Mute(
            room,
            self._actor(room),
            self._someone(room).key,
            until,
            pick.choice(VISITORS) if pick.random() < 0.15 else "",
        )

    def _change(self) -> Operation[Any]:
        pick, room = self._random, self._room()
        to = pick.choice(
            ({"locked": pick.random() < 0.5}, {"slow": pick.choice((0, 1, 10))}, {"topic": pick.choice(TOPICS)})
        )
        return Change(room, self._actor(room), **to)

    def _transfer(self) -> Operation[Any]:
        pick, room = self._random, self._room()
        about = (pick.choice(GRACES), pick.choice(VISITORS) if pick.random() < 0.15 else "")
        return Transfer(room, self._actor(room), self._someone(room).key, *about)

    def _notice(self) -> Operation[Any]:
        return Notice(self._room(), self._random.choice(("", "r1")), "안내")

    def _inspect(self) -> Operation[Any]:
        return Inspect(self._room())

    def _overview(self) -> Operation[Any]:
        return Overview(ROOMS)

    def _remove(self) -> Operation[Any]:
        pick, room = self._random, self._room()
        person = self._someone(room)
        actor = self._actor(room) if pick.random() < 0.5 else Actor(person.key, person.visitor_id, pick.choice(REFS))
        return Remove(room, actor, self._line(room), pick.choice((1000, 300_000)))

    def _react(self) -> Operation[Any]:
        pick, room = self._random, self._room()
        person = self._someone(room)
        reaction, chance = pick.choice(REACTIONS[:2]), pick.random()
        ref = ("", *REFS)[int(chance * 100) % 4]
        return React(room, person.key, person.visitor_id, self._line(room), reaction, chance < 0.7, ref)

    def _quote(self) -> Operation[Any]:
        room = self._room()
        person = self._someone(room)
        return Quote(room, person.key, person.visitor_id, self._line(room))


def positions() -> Operation[Any]:
    """What asks where every room is."""
    return Positions(ROOMS)


def delete_all() -> Step:
    """The end of every room."""
    closing = tuple(BeginDelete(room, "moderator") for room in ROOMS)
    return Step(0, NODES[0], Apply((*closing, *(FinishDelete(room) for room in ROOMS))))
