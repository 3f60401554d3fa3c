"""What one client hears of its room, held against what has really happened: all of it, in order, each once.

Knows the protocol's answers and events; must not know connections. Where the server says that some is missing, or the
numbers jump to where the room's live state began anew, a new stretch begins.
"""

from tests.talk import Stretch
from tests.world.acts import stands_for
from tests.world.history import History, Message
from tests.world.limits import SETTINGS

KEPT_LINES = SETTINGS["HISTORY"]


class Hearing:
    """What a client has heard.

    Attributes:
        stretches: what it heard without a break.
        last: the number to come back with; None before it was in.
        participants: how many people it was told of last.
    """

    def __init__(self, nick: str, history: History) -> None:
        self._nick = nick
        self._history = history
        self._room = 0
        self._expected: int | None = None
        """The number that the next event must have; None when any larger one will do."""
        self._replay_end: int | None = None
        """The number of the answer, while what comes before it is being sent again."""
        self._floor = 0
        """What has this number or a smaller one was heard."""
        self.stretches: list[Stretch] = []
        self.last: int | None = None
        self.participants = 0

    def entered(self, answer: Message) -> None:
        """Take in the answer to a create or a join."""
        seq, after = answer["seq"], self.last
        recovered = answer.get("recovered")
        self._room = answer["roomID"]
        self.participants = answer["participants"]
        if recovered and after is not None:
            self._check_recovered(after, seq)
        else:
            self.stretches.append(Stretch(seq))
        if recovered is not None and after is not None and after < seq:
            self._replay_end, self._floor = seq, after
            self._expected = after + 1 if recovered else None
        else:
            self._replay_end, self._floor = None, seq
            self._expected = seq + 1
        self.last = after if recovered and self._replay_end is not None else seq

    def _check_recovered(self, after: int, seq: int) -> None:
        made = self._history.between(self._room, after, seq)
        if made != list(range(after + 1, seq + 1)):
            self._complain(f"was told that {after} to {seq} is recovered, which was {made}")

    def event(self, event: Message, repeated: bool) -> bool:
        """Take in an event; False if it is only the second answer to a ref that this client has repeated."""
        seq = event["seq"]
        made = self._history.events.get(self._room, {})
        known = made.get(seq, {})
        if stands_for(event, known, made):
            # In the place of the line, of which nobody new hears any more.
            event = known
        # The answer to a ref whose event is no longer kept says less.
        if not event.items() <= known.items() or (known != event and not repeated):
            self._complain(f"heard {event}, but {known} was said")
        if repeated and seq <= self._floor:
            return False
        self._check_order(seq, event["type"] == "SERVER_ROOM_DELETE")
        self.last = self._floor = seq
        self.participants = event["participants"]
        self.stretches[-1].events.append(event)
        return True

    def heard(self) -> list[Message]:
        """All that was heard."""
        return [event for stretch in self.stretches for event in stretch.events]

    def sent_away(self) -> None:
        """The connection was closed because events that this client needs are no longer kept: is it so?"""
        made = self._history.events.get(self._room, {})
        lines = [seq for seq, event in made.items() if seq > (self.last or 0) and event["type"] == "SERVER_CHAT_SEND"]
        if len(lines) < KEPT_LINES:
            self._complain(f"was sent away after {self.last}, but only {len(lines)} lines were said since")

    def _check_order(self, seq: int, end: bool) -> None:
        """See that an event follows the one before; a room's end may come alone."""
        if self._replay_end is not None and seq > self._replay_end:
            # The replay is over; what comes now follows the answer.
            if self._expected not in (None, self._replay_end + 1):
                self._complain(f"was to be sent events up to {self._replay_end}, and {self._expected} did not come")
            self._expected, self._replay_end = self._replay_end + 1, None
            self._begin_if_apart(self._expected - 1)
        if self._expected is None:
            if seq <= self._floor:
                self._complain(f"was sent {seq} again after {self._floor}")
            self._begin_if_apart(seq - 1)
        elif seq > self._expected and (end or seq - 1 in self._history.epochs.get(self._room, ())):
            self.stretches.append(Stretch(seq - 1))
        elif seq != self._expected:
            self._complain(f"heard {seq} in place of {self._expected}")
        if self._expected is not None:
            self._expected = seq + 1

    def _begin_if_apart(self, start: int) -> None:
        """Begin a stretch where nobody was promised that nothing is missing."""
        stretch = self.stretches[-1]
        if (stretch.events[-1]["seq"] if stretch.events else stretch.start) != start:
            self.stretches.append(Stretch(start))

    def _complain(self, what: str) -> None:
        self._history.violation(f"{self._nick} {what}")
