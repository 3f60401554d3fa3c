"""Clients that do what docs/protocol.md says, and notice at once when something is not as it was promised.

Knows the protocol by its texts only. What a client hears is held against ``History``, what has really happened.
"""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

from rooms.protocol import CLOSE_LOST
from tests.world.acts import Acts, is_out, may_be_out
from tests.world.hearing import Hearing
from tests.world.history import History, Message
from tests.world.line import Line, cookie_headers
from tests.world.loop import Clock
from tests.world.process import Process
from tests.world.room import Room

OPEN_SECONDS, ANSWER_SECONDS = 1.0, 5.0
"""How long a client waits for a handshake, and how long a command may be without its answer."""
LONGEST_PAUSE, RETRY_SECONDS = 0.8, 0.3
NEVER_AGAIN = range(4500, 5000)
"""The codes of closing after which a client must not come back."""


@dataclass
class Client:
    """One person in one room, with one connection at a time.

    Args:
        host: whether they make the room.
        browser: whether they are known by a cookie; otherwise by the token they were given.
        quick: whether their server offers its quick ways in and out.
        impatient: whether they repeat what they said when it does not come back at once.
    """

    nick: str
    room: Room
    host: bool
    browser: bool
    quick: bool
    impatient: bool
    clock: Clock
    history: History
    processes: list[Process]
    draw: Random

    acknowledged: dict[str, Message] = field(default_factory=dict)
    unsent: dict[str, str] = field(default_factory=dict)
    """By ref, what was said and not seen to come back."""
    repeated: set[str] = field(default_factory=set)
    pending: dict[str, float] = field(default_factory=dict)
    """By ref, when a command was sent that this connection has not answered."""
    present: bool = False
    """Whether they want to be in the room, and have a network."""
    trying_since: float = 0.0
    line: Line | None = None
    joined: bool = False
    finished: bool = False
    """Whether they will not come again: they left, or the room is over."""
    _opened: Line | None = None
    _token: str | None = None
    _pause: float = 0.1
    _number: int = 0
    leaving: str = ""
    """The command by which they leave, once they want to."""

    def __post_init__(self) -> None:
        self.hearing = Hearing(self.nick, self.history)
        self.stretches = self.hearing.stretches
        self.acts = Acts(self)

    # --- what they do -------------------------------------------------------------------------------------------------

    def come(self) -> None:
        """Come, or come back after having been away."""
        if not self.present and not self.finished:
            self.present = True
            self.trying_since = self.clock.now
            self._connect()

    def say(self) -> None:
        """Say something, as often as it takes."""
        if self.present and not self.finished and not self.leaving:
            ref = self._ref("say")
            self.unsent[ref] = f"{len(self.acknowledged)}번째 말"
            self._send_line(ref)
            if self.impatient:
                self.clock.after(self.draw.uniform(0, 0.1), self._again, ref)

    def lose_line(self, noticed_after: float = 0.0) -> None:
        """The connection breaks; the server notices later."""
        if self.line is not None:
            line = self.line
            self._forget_line()
            line.drop(noticed_after)
            self._come_back()

    def go_away(self, seconds: float) -> None:
        """Have no network for a while."""
        if self.present and not self.leaving:
            self._be_gone()
            self.clock.after(seconds, self.come)

    def vanish(self) -> None:
        """Be gone for good, without a word."""
        self._be_gone()
        self.finished = True
        self.room.over = self.room.over or self.host

    def _be_gone(self) -> None:
        self.present = False
        if self.line is not None:
            self.line.drop()
            self._forget_line()

    def leave(self) -> None:
        """Leave in good order."""
        self._part("CLIENT_ROOM_EXIT")

    def delete(self) -> None:
        """Delete the room."""
        self._part("CLIENT_ROOM_DELETE")

    def _part(self, how: str) -> None:
        if not self.finished:
            self.leaving = how
            self.unsent.clear()
            self.room.over = self.room.over or self.host
            if self.joined:
                self.command(how)
            elif not self.present:
                self.vanish()

    # --- the connection -----------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if not self.present or self.line is not None or self.finished:
            return
        if self.room.id is None and not self.host:
            self.clock.after(0.1, self._connect)
            return
        process = self.draw.choice(self.processes)
        sent = cookie_headers(self.nick) if self.browser else []
        self.line = Line(self.clock, self.draw, process, self, sent, self.quick)
        self.clock.after(OPEN_SECONDS, self._look_whether_open, self.line)
        self._opened = None

    def _look_whether_open(self, line: Line) -> None:
        if self.line is line and self._opened is not line:
            self.lose_line()

    def _come_back(self) -> None:
        if self.present:
            self.clock.after(self.draw.uniform(0, self._pause), self._connect)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _forget_line(self) -> None:
        self.line = None
        self.joined = False
        self.pending.clear()

    def opened(self, line: Line) -> None:
        """The handshake is done."""
        if self.line is line:
            self._opened = line
            self._enter()

    def broken(self, line: Line, code: int) -> None:
        """The server has closed, or is no more."""
        if self.line is line:
            self.history.trace(self.nick, "is closed with", code)
            if code == CLOSE_LOST and self.joined:
                self.hearing.sent_away()
            self._forget_line()
            if code in NEVER_AGAIN:
                self.history.violation(f"{self.nick} was closed with {code}")
            self._come_back()

    def _enter(self) -> None:
        if self.room.id is None:
            self.command("CLIENT_ROOM_CREATE", roomName=self.room.name, ref=f"make {self.nick}")
            return
        fields: dict[str, Any] = {} if self.hearing.last is None else {"after": self.hearing.last}
        if self._token is not None and not self.browser:
            fields["token"] = self._token
        self.command("CLIENT_ROOM_JOIN", **fields)

    def _ref(self, kind: str) -> str:
        self._number += 1
        return f"{self.nick} {kind} {self._number}"

    def command(self, type: str, **fields: Any) -> None:
        """Send a command of this client's in its room."""
        if self.line is None:
            return
        ref = fields.setdefault("ref", self._ref("asks"))
        self.pending[ref] = self.clock.now
        frame = {"type": type, "roomID": self.room.id, "userName": self.nick, **fields}
        if self.room.id is None:
            del frame["roomID"]
        self.line.send(json.dumps(frame))

    def _send_line(self, ref: str) -> None:
        if self.joined and ref in self.unsent:
            self.command("CLIENT_CHAT_SEND", message=self.unsent[ref], ref=ref)

    def check_waits(self) -> None:
        """See that nothing is waited for without end."""
        if self.line is not None and not self.line.process.responsive:
            # Nobody can know that it does not answer, and nobody there hears that they are here.
            self.trying_since = self.clock.now
            self.pending = dict.fromkeys(self.pending, self.clock.now)
        for ref, sent_at in self.pending.items():
            if self.clock.now - sent_at > ANSWER_SECONDS:
                self.history.violation(f"{self.nick} got no answer to {ref!r}")

    # --- what they hear -----------------------------------------------------------------------------------------------

    def heard(self, line: Line, text: str) -> None:
        """A frame has come."""
        if self.line is not line:
            return
        self.history.trace(self.nick, "hears", text)
        try:
            message = json.loads(text)
        except ValueError:
            self.history.violation(f"{self.nick} heard {text!r}, which is no message")
            return
        ref = message.get("ref")
        self.pending.pop(ref, None)
        self.acts.answered(message)
        if message["type"] in ("SERVER_ROOM_JOIN", "SERVER_ROOM_CREATE") and "members" in message:
            self._entered(message)
        elif message.get("status") is False:
            self._refused(message)
        elif "seq" in message:
            self._event(message)
        elif message["type"] == "SERVER_ROOM_EXIT":
            self._finish()

    def _finish(self) -> None:
        self.finished = True
        self.present = False
        if self.line is not None:
            self.line.drop()
            self._forget_line()

    def _entered(self, answer: Message) -> None:
        self.room.id = answer["roomID"]
        self._token = answer.get("token", self._token)
        self.joined = True
        self._pause = 0.1
        self.hearing.entered(answer)
        if self.leaving:
            self.command(self.leaving)
        for ref in list(self.unsent):
            self.repeated.add(ref)
            self._send_line(ref)
        self.acts.again()

    def _refused(self, answer: Message) -> None:
        error, ref = answer["error"], answer.get("ref")
        if self.acts.refused(answer):
            return
        if answer["type"] == "SERVER_CHAT_SEND":
            if error in ("unavailable", "not_in_room", "room_not_found", "too_fast"):
                self.clock.after(RETRY_SECONDS, self._again, ref)
                return
        elif answer["type"] in ("SERVER_ROOM_EXIT", "SERVER_ROOM_DELETE"):
            if error == "room_not_found":
                self._ended(answer)
            elif self.line is not None:
                self.clock.after(RETRY_SECONDS, self._try_again, self.line)
            return
        elif error == "room_not_found":
            return self._ended(answer)
        elif error == "banned" and may_be_out(self):
            return self._finish()
        elif error in ("unavailable", "name_taken", "room_name_taken"):
            if self.line is not None:
                self.clock.after(RETRY_SECONDS, self._try_again, self.line)
            return
        self.history.violation(f"{self.nick} was refused with {error}: {answer}")

    def _again(self, ref: str) -> None:
        self.repeated.add(ref)
        self._send_line(ref)

    def _try_again(self, line: Line) -> None:
        if self.line is line and not self.joined:
            self._enter()
        elif self.line is line and self.leaving:
            self.command(self.leaving)

    def _event(self, event: Message) -> None:
        ref = event.get("ref")
        if ref in self.unsent:
            del self.unsent[ref]
            self.acknowledged[ref] = event
        if self.hearing.event(event, ref in self.repeated) and event["type"] == "SERVER_ROOM_DELETE":
            self._ended(event)
        elif is_out(event, self.nick):
            self._finish()

    def _ended(self, message: Message) -> None:
        self.room.judge(self.history, self.clock.now)
        if not self.room.over:
            self.history.violation(f"{self.nick} was told {message}, though the host has not given the room up")
        self._finish()
