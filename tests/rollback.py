"""A Redis that comes back with what it knew some time ago: from its last dump, or as a replica that lagged.

Knows the components; must not know what is tested.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator

from tests.servers import Cluster
from tests.stores import Replica


class Rollback:
    """Forgets what happened between ``mark`` and ``happen``."""

    def __init__(self, system: Cluster) -> None:
        self.system = system

    def mark(self) -> None:
        """What Redis knows now is what it will come back with."""
        self.system.redis.dump()

    def happen(self) -> None:
        """Redis is killed, and comes back with its dump."""
        self.system.redis.stop()
        self.system.redis.start()

    def over(self) -> None:
        """Leave no trace for the next one."""
        self.system.redis.forget_dump()


class Failover(Rollback):
    """A replica lags, and takes over; the old primary lives on, but nobody is led to it."""

    def __init__(self, system: Cluster) -> None:
        super().__init__(system)
        self._folder = system.folder / "replica"
        self._folder.mkdir()
        self._replica = Replica(self._folder, system.redis)

    def mark(self) -> None:
        """From now on the replica lags."""
        self._replica.synchronise()
        self._replica.cut_off()

    def happen(self) -> None:
        """The replica is promoted, and everyone led to it."""
        self._replica.promote()
        for line in self.system.redis_lines:
            line.lead_to(self._replica.port)

    def over(self) -> None:
        """Lead everyone back to the old primary, as an operator may."""
        for line in self.system.redis_lines:
            line.lead_to(self.system.redis.port)
        self._replica.stop()
        shutil.rmtree(self._folder)


LOSSES: dict[str, Callable[[Cluster], Rollback]] = {"an older dump": Rollback, "a replica that lagged": Failover}


@contextlib.contextmanager
def rollback(system: Cluster, loss: str) -> Iterator[Rollback]:
    """One of ``LOSSES``, for as long as it is needed."""
    prepared = LOSSES[loss](system)
    try:
        yield prepared
    finally:
        prepared.over()
