"""What a client of the world does beyond coming, talking and going: what hosts may, and what anyone may with a line.

Knows the protocol by its texts only. A command of which nobody knows whether it was carried out is sent again with its
ref; ``History`` sees whether it was done twice.
"""

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from tests.world.history import Message

if TYPE_CHECKING:
    from tests.world.clients import Client

ACTS = ("topic", "slow", "mute", "kick", "remove", "react")
BY_HOSTS = ("topic", "slow", "mute", "kick")
RETRY_SECONDS = 0.3
OVERTAKEN = ("not_in_room", "room_not_found", "bad_field", "banned", "muted")
"""What a command may be refused with because of what happened meanwhile."""


@dataclass
class Acts:
    """The acts of one client."""

    client: "Client"
    asked: dict[str, tuple[str, Message]] = field(default_factory=dict)
    """By ref, the commands that have no answer yet."""
    number: int = 0

    def do(self, what: str, draw: Random) -> None:
        """Do something, if there is anything to do it to."""
        client = self.client
        if not client.joined or (what in BY_HOSTS and not client.host):
            return
        made = self._command(what, draw)
        if made is not None:
            type, fields = made
            self.number += 1
            ref = f"{client.nick} {what} {self.number}"
            self.asked[ref] = type, fields
            client.command(type, **fields, ref=ref)

    def _command(self, what: str, draw: Random) -> tuple[str, Message] | None:
        others = [each.nick for each in self.client.room.people if each is not self.client and not each.finished]
        lines = [event for event in self.client.hearing.heard() if event["type"] == "SERVER_CHAT_SEND"]
        own = [event for event in lines if self.client.host or event["nickname"] == self.client.nick]
        match what:
            case "topic":
                return "CLIENT_ROOM_TOPIC", {"topic": draw.choice(["", "봄", "여름"])}
            case "slow":
                return "CLIENT_ROOM_SLOW", {"seconds": 0}
            case "mute" if others:
                return "CLIENT_MEMBER_MUTE", {"target": draw.choice(others), "seconds": 0}
            case "kick" if others:
                return "CLIENT_MEMBER_KICK", {"target": draw.choice(others)}
            case "remove" if own:
                return "CLIENT_CHAT_REMOVE", {"line": draw.choice(own)["seq"]}
            case "react" if lines:
                on = draw.random() < 0.7
                return "CLIENT_CHAT_REACT", {"line": draw.choice(lines)["seq"], "reaction": "like", "on": on}
        return None

    def answered(self, message: Message) -> None:
        """Something with a ref has come."""
        if message.get("status") is not False:
            self.asked.pop(message.get("ref", ""), None)

    def refused(self, answer: Message) -> bool:
        """Whether a refusal is of one of these, and may be."""
        ref = answer.get("ref", "")
        if ref not in self.asked:
            return False
        if answer["error"] == "unavailable":
            if self.asked[ref][0] == "CLIENT_MEMBER_KICK":
                self.client.room.perhaps_out.add(self.asked[ref][1]["target"])
            self.client.clock.after(RETRY_SECONDS, self._again, ref)
            return True
        del self.asked[ref]
        return answer["error"] in OVERTAKEN

    def again(self) -> None:
        """The client is in again: what had no answer is asked again."""
        for ref in list(self.asked):
            self._again(ref)

    def _again(self, ref: str) -> None:
        if self.client.joined and ref in self.asked:
            type, fields = self.asked[ref]
            self.client.repeated.add(ref)
            self.client.command(type, **fields, ref=ref)


def is_out(message: Message, nick: str) -> bool:
    """Whether an event says that a name was put out."""
    return (message["type"], message.get("reason"), message.get("nickName")) == ("SERVER_ROOM_EXIT", "kicked", nick)


def may_be_out(client: "Client") -> bool:
    """Whether a client was put out of its room, as it heard or somebody else did, or nobody can know."""
    room, events = client.room, client.history.events[client.room.id or 0]
    return client.nick in room.perhaps_out or any(is_out(event, client.nick) for event in events.values())


def stands_for(event: Message, known: Message, all_events: dict[int, Message]) -> bool:
    """Whether an event stands in the place of a line that was taken back."""
    if (event["type"], known.get("type")) != ("SERVER_CHAT_REMOVE", "SERVER_CHAT_SEND"):
        return False
    taken_back = [each["line"] for each in all_events.values() if each["type"] == "SERVER_CHAT_REMOVE"]
    return event["line"] == event["seq"] and event["seq"] in taken_back
