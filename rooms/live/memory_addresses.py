"""What the memory store counts by address, which refs have reserved a room, and the keys of the days.

Knows the operations and what they are charged; must not know rooms, members or leases. Times are the store's clock,
Unix time in milliseconds. The script of the same is ``scripts/addresses.lua``.
"""

from collections.abc import Collection
from typing import Any

from rooms.live.addresses import Address, Charge, DayKeys
from rooms.live.arrivals import Arrive, Depart
from rooms.live.contract import Done, TooMuch
from rooms.live.operations import Cancel, Operation, Reserve

DAY = 86_400_000
STEPS = 10
"""Times are counted in tenths of the window: what falls out of it does so at most a tenth late."""


class Paces:
    """How often each address has done each thing lately."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], dict[int, int]] = {}
        """By kind and address, how often in each step of time."""
        self._ends: dict[tuple[str, str], int] = {}
        """When the last of them counts no more."""

    def spend(self, kind: str, charge: Charge, now: int) -> None:
        """Count once more.

        Raises:
            TooMuch: that would be too often, and it is not counted.
        """
        if not charge.most:
            return
        length = charge.window // STEPS
        step = now // length
        used = 0
        oldest = step
        for name in (charge.address.name, charge.address.before):
            counts = self._counts.get((kind, name), {})
            for each in [each for each in counts if not step - STEPS <= each <= step]:
                del counts[each]
            used += sum(counts.values())
            oldest = min(oldest, *counts, step)
        if used >= charge.most:
            raise TooMuch((oldest + STEPS + 1) * length - now)
        mine = self._counts.setdefault((kind, charge.address.name), {})
        mine[step] = mine.get(step, 0) + 1
        self._ends[kind, charge.address.name] = (step + STEPS + 1) * length

    def refund(self, kind: str, address: Address) -> None:
        """Count once less: the last time does not count."""
        counts = self._counts.get((kind, address.name))
        if counts:
            last = max(counts)
            counts[last] -= 1
            if not counts[last]:
                del counts[last]

    def forget_old(self, now: int) -> None:
        """Let go of what counts no more."""
        for each in [each for each, end in self._ends.items() if end <= now]:
            del self._ends[each]
            self._counts.pop(each, None)


class Addresses:
    """Everything that is known of addresses.

    Args:
        ref_age: how long a ref is recognised, in ms.
    """

    def __init__(self, ref_age: int) -> None:
        self.paces = Paces()
        self._ref_age = ref_age
        self._open: dict[tuple[int, str], dict[str, int]] = {}
        """By node within day, how many connections it has from each address."""
        self._reserved: dict[tuple[str, str], tuple[int, int]] = {}
        """By visitor and ref, when which room was reserved."""
        self._keys: dict[int, str] = {}

    def day_keys(self, fresh: str, now: int) -> DayKeys:
        """``LiveStore.day_keys``."""
        day = now // DAY
        self._keys = {each: key for each, key in self._keys.items() if each >= day - 1}
        return DayKeys(day, self._keys.setdefault(day, fresh), self._keys.get(day - 1, ""))

    def apply(self, node_id: str, op: Operation[Any], alive: Collection[str], now: int) -> Done[Any]:
        """Carry out an operation; ``alive`` are the nodes that have a lease.

        Raises:
            TooMuch: the address has too many.
        """
        match op:
            case Arrive():
                self._arrive(node_id, op, alive, now)
            case Depart():
                self._hold(node_id, op.address, op.held, now)
            case Reserve():
                return Done(self._reserve(op, now))
            case Cancel():
                self._cancel(op, now)
        return Done(None)

    def _arrive(self, node_id: str, op: Arrive, alive: Collection[str], now: int) -> None:
        address = op.charge.address
        if self._held(node_id, address.day, address.name) >= op.held:
            return
        elsewhere = sum(self._held(node, address.day, address.name) for node in alive if node != node_id)
        before = sum(self._held(node, address.day - 1, address.before) for node in {*alive, node_id})
        if op.open and elsewhere + before + op.held > op.open:
            raise TooMuch(0)
        self.paces.spend("arrivals", op.charge, now)
        self._hold(node_id, address, op.held, now)

    def _hold(self, node_id: str, address: Address, held: int, now: int) -> None:
        for key in [key for key in self._open if key[0] < now // DAY - 1]:
            del self._open[key]
        if address.day < now // DAY - 1:
            # Its key is gone, so nothing can be known of it.
            return
        counts = self._open.setdefault((address.day, node_id), {})
        if held:
            counts[address.name] = held
        else:
            counts.pop(address.name, None)

    def _held(self, node_id: str, day: int, name: str) -> int:
        return self._open.get((day, node_id), {}).get(name, 0)

    def _reserve(self, op: Reserve, now: int) -> int:
        cutoff = now - self._ref_age
        self._reserved = {key: made for key, made in self._reserved.items() if made[0] >= cutoff}
        made = self._reserved.get((op.visitor_id, op.ref))
        if made is not None:
            return made[1]
        if op.charge is not None:
            self.paces.spend("creates", op.charge, now)
        self._reserved[op.visitor_id, op.ref] = now, op.room_id
        return op.room_id

    def _cancel(self, op: Cancel, now: int) -> None:
        reserved_at, room_id = self._reserved.get((op.visitor_id, op.ref), (0, 0))
        if room_id == op.room_id and reserved_at >= now - self._ref_age:
            del self._reserved[op.visitor_id, op.ref]
            if op.charge is not None:
                self.paces.refund("creates", op.charge.address)
