"""What the live store is asked when connections come and go.

Knows addresses and what an operation is; must not know sockets.
"""

from rooms.live.addresses import Address, Charge
from rooms.live.operations import Operation


class Arrive(Operation[None], frozen=True):
    """A connection from an address comes in, unless that has too many, which is refused with ``too_fast``.

    Args:
        charge: for how many may come in within a time.
        held: how many connections from there the asking node has with this one. If it is known to have so many, this
            was carried out before.
        open: how many there may be at all nodes that have a lease, 0 for any number.
    """

    charge: Charge
    held: int
    open: int


class Depart(Operation[None], frozen=True):
    """The asking node has so many connections from an address now: one has gone, or the store had forgotten them."""

    address: Address
    held: int
