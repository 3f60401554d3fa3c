"""Every limit of the rooms, with its unit and default.

Knows Django's settings and the environment; must not know anything else of ``rooms``. A value is read when it is
used: first ``settings.ROOMS_<NAME>`` (tests override that), then the environment's ``ROOMS_<NAME>``, then the default.
"""

import math
import os
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar, cast

from django.conf import settings

T = TypeVar("T", int, float, bool, str)


class Setting(Generic[T]):
    """One limit.

    Args:
        default: the value when nobody sets one; its type decides how the environment's text is read.
        unit: the unit of the number, or what a text is, for the documentation.
        text: what the limit does, for the documentation.
        at_least: the smallest valid value.
        at_most: the largest; an hour for most times, which is how long what nobody touches stays in the live store.
    """

    def __init__(self, default: T, unit: str, text: str, at_least: float = 0, at_most: float = 0) -> None:
        self.default: T = default
        self.unit = unit
        self.text = text
        self.at_least = at_least
        self.at_most = at_most or (3600 if unit == "seconds" else 1_000_000)

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn the environment's name from the attribute's."""
        self.variable = f"ROOMS_{name.upper()}"

    def __get__(self, instance: object, owner: type | None = None) -> T:
        """The value in force.

        Raises:
            ValueError: the environment's text is not of the setting's type, or is outside its bounds.
        """
        if hasattr(settings, self.variable):
            return cast(T, getattr(settings, self.variable))
        text = os.environ.get(self.variable)
        return self.default if text is None else self.read(text)

    def read(self, text: str) -> T:
        """Turn the environment's text into a value; what a text means is for ``words`` to check.

        Raises:
            ValueError: with a sentence that names the variable and what it takes.
        """
        if isinstance(self.default, str):
            return text.strip()
        kind: Callable[[str], Any] = _flag if isinstance(self.default, bool) else type(self.default)
        try:
            value = kind(text)
        except ValueError:
            raise ValueError(f"{self.variable} is {text!r}: it takes {self.takes}.") from None
        if not math.isfinite(value):
            raise ValueError(f"{self.variable} is {text!r}: it takes {self.takes}.")
        if value < self.at_least:
            raise ValueError(f"{self.variable} is {text!r}: it must be at least {self.at_least:g}.")
        if value > self.at_most:
            raise ValueError(f"{self.variable} is {text!r}: it must be at most {self.at_most:.0f}.")
        return cast(T, value)

    @property
    def takes(self) -> str:
        """What values the setting takes, in words."""
        if isinstance(self.default, bool):
            return "0 or 1"
        return f"a {'whole ' if isinstance(self.default, int) else ''}number of {self.unit}"


def _flag(text: str) -> bool:
    if text.lower() not in ("0", "1", "false", "true"):
        raise ValueError(text)
    return text.lower() in ("1", "true")


class Conf:
    """The limits. ``conf.grace`` is the value in force of ``ROOMS_GRACE``."""

    grace = Setting(10.0, "seconds", "how long a person whose connection was lost stays in the room")
    host_grace = Setting(30.0, "seconds", "the same for the host, announced to the room")
    lease = Setting(15.0, "seconds", "after how long without a beat a server process counts as dead", 0.1)
    beat = Setting(5.0, "seconds", "how often a server process renews its lease", 0.02)
    sweep = Setting(1.0, "seconds", "how often due departures are looked for", 0.02)
    position_check = Setting(3.0, "seconds", "how often a process compares its rooms with the live store", 0.02)
    reconcile = Setting(4.0, "seconds", "how often the live store is compared with the database", 0.02)
    reorder_wait = Setting(0.03, "seconds", "how long an event that came too early waits for the missing one")
    lobby_period = Setting(0.5, "seconds", "the shortest time between two updates of a watched list of rooms", 0.02)
    lobby_size = Setting(200, "rooms", "how many of the fullest rooms a list shows", 1, 10_000)
    history = Setting(256, "lines", "how many recent lines of a room are kept, and three times as many other events", 1)
    history_age = Setting(600.0, "seconds", "how long a recent event is kept at most", 1, 86_400)
    ref_age = Setting(120.0, "seconds", "how long a repeated ref is recognised", 1)
    token_age = Setting(86400.0, "seconds", "how long a program's token is good", 1, 31_536_000)
    room_size = Setting(1000, "people", "how many people a room holds", 1)
    rooms_per_visitor = Setting(5, "rooms", "how many rooms one visitor may host at once", 1)
    rooms_per_connection = Setting(20, "names", "how many names one connection may have in rooms at once", 1)
    connections_per_visitor = Setting(20, "connections", "how many connections one visitor may have per process", 1)
    connections_per_address = Setting(1000, "connections", "how many connections one address may have at once (0: any)")
    arrivals_per_address = Setting(400, "connections", "how many may come from one address in a minute (0: any)")
    creates_per_address = Setting(30, "rooms", "how many may be made from one address in ten minutes (0: any)")
    joins_per_address = Setting(1500, "joins", "how many may come from one address in ten minutes (0: any)")
    kick_address = Setting(
        600.0, "seconds", "how long newer visitors from the address of a person put out are kept out too (0: not)"
    )
    outbox = Setting(20_000, "operations", "how many operations may wait for the live store in one process", 1)
    report_days = Setting(30, "days", "how long a report is kept, and a ban after its end", 1, 3650)
    flood_control = Setting(True, "", "whether anything is counted and slowed down (0 for benchmarks)")
    chat_burst = Setting(10, "messages", "how many messages a visitor may send at once", 1)
    chat_rate = Setting(2.0, "messages a second", "how many messages a visitor may send in the long run", 0.01)
    command_burst = Setting(60, "frames", "how many frames a connection may send at once", 1)
    command_rate = Setting(20.0, "frames a second", "how many frames a connection may send in the long run", 0.01)
    pages_per_second = Setting(20.0, "pages a second", "how many pages one address may ask a process for; 0 for any")
    logins = Setting(10, "attempts", "how many wrong passwords of moderators one address may send in ten minutes")
    flood_close = Setting(200, "refusals", "after how many too_fast in a row a connection is closed (4501)", 1)

    reserved_names = Setting(
        "",
        "names, separated by commas",
        "more names that nobody may have in a room, besides admin, 방장 and their like",
    )
    words_file = Setting("", "the path of a file", "words that names of people and rooms, and topics, may not have")
    line_words_file = Setting("", "the path of a file", "words with which a line is not said")

    def declared(self) -> Iterator[Setting[Any]]:
        """Every setting, in the order in which they are written here."""
        return (value for value in vars(type(self)).values() if isinstance(value, Setting))


conf = Conf()
