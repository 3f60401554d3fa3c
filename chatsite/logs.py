"""What may not reach a log, and what reaches it once a minute at most however often it happens.

Knows logging and how Django and daphne word their lines; must not know rooms. The filters belong to single loggers
(``chatsite.settings``).
"""

import re
import time
from logging import Filter, LogRecord

SECONDS = 60
"""How far two lines are apart at least. Anyone can cause those lines, as many as they like."""


class OncePerMinute(Filter):
    """Lets one line of its logger through every so often, which says how many were left out before it."""

    def __init__(self) -> None:
        super().__init__()
        self._last = float("-inf")
        self._left_out = 0

    def filter(self, record: LogRecord) -> bool:
        """Whether the line is due."""
        now = time.monotonic()
        if now - self._last < SECONDS:
            self._left_out += 1
            return False
        if self._left_out:
            # Not formatted again: what comes from a client may have percent signs.
            record.msg, record.args = f"{record.getMessage()} ({self._left_out} more lines like this left out)", ()
        self._last, self._left_out = now, 0
        return True


class NoTraceback(Filter):
    """Keeps a line and leaves out its traceback."""

    def filter(self, record: LogRecord) -> bool:
        """Always."""
        record.exc_info = None
        return True


class NoPath(Filter):
    """Takes path and client out of a line of daphne or of Django's CSRF check; a path can hold a room's name."""

    def filter(self, record: LogRecord) -> bool:
        """Always."""
        if record.name == "django.security.csrf" and isinstance(record.args, tuple) and len(record.args) == 2:
            # Why, and which path.
            record.msg, record.args = f"Forbidden ({record.args[0]})", ()
        else:
            text = re.sub(r"(?:uri|path)=\S*|client=\[.*?\]", "…", record.getMessage())
            record.msg, record.args = text, ()
        return True
