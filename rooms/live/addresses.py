"""Addresses as the live store knows them, and what is counted by them.

Knows nothing else; an address itself never comes here, only its hash.
"""

from msgspec import Struct

MINUTE, TEN_MINUTES = 60_000, 600_000


class Address(Struct, frozen=True):
    """Where a connection comes from, as it may be known: hashed with a key that is gone two days later.

    Args:
        day: the day of the key, in days since 1970 by the store's clock.
        name: the hash, 16 hexadecimal digits.
        before: the same address under the key of the day before, "" where there was none.
    """

    day: int
    name: str
    before: str = ""


class Charge(Struct, frozen=True):
    """What an operation counts for: at most ``most`` in ``window`` ms from one address, 0 for any number.

    Whatever is refused has not been counted.
    """

    address: Address
    most: int
    window: int


class DayKeys(Struct, frozen=True):
    """The keys by which addresses are hashed, 64 hexadecimal digits each.

    Args:
        day: which day it is by the store's clock, in days since 1970.
        today: the key of that day.
        yesterday: the one before; "" when there was none.
    """

    day: int
    today: str
    yesterday: str
