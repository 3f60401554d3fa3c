"""One line in the log when something that the server needs fails, and one when it works again.

Knows logging; must not know what it is that fails.
"""

import logging

logger = logging.getLogger(__name__)


class Outage:
    """What is known of one part of the world.

    Several duties use it. It has failed when the first of them fails, and works again when none does any longer: one
    that succeeds while another fails says nothing.

    Args:
        part: what it is, for the log.
    """

    def __init__(self, part: str) -> None:
        self._part = part
        self._failing: set[object] = set()

    def failed(self, duty: object, reason: str) -> None:
        """A duty could not be done because of it.

        Args:
            duty: which one.
            reason: what is wrong; goes on where a sentence begins with the part.
        """
        if not self._failing:
            logger.warning("the %s %s; connections stay open, and it is tried again", self._part, reason)
        self._failing.add(duty)

    def works(self, duty: object) -> None:
        """A duty was done."""
        if duty in self._failing:
            self._failing.discard(duty)
            if not self._failing:
                logger.warning("the %s is back", self._part)
