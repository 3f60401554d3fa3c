"""File descriptors: as many as the system lets a process have, and a line in the log when all of them are in use.

Knows the process's limit and how Twisted accepts connections; must not know what they are for. Twisted says that it
cannot accept a connection where nobody reads it, and with the client's address.
"""

import logging
import os
import resource
import time
from typing import Any

from twisted.internet import tcp
from twisted.logger import globalLogPublisher

logger = logging.getLogger(__name__)

MACOS_MAX = 10_240
"""What macOS takes where it calls the hard limit infinite."""
QUIET_SECONDS = 10
"""After so long without a refused connection there are descriptors again."""
PAUSE_SECONDS = 1
_OURS = "twisted.internet.tcp.Port"
_NONE_LEFT = ("EMFILE", "ENFILE")


def raise_limit() -> None:
    """Let this process open as many files and connections as the system allows it to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, MACOS_MAX):
        try:
            if soft != hard:
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return
        except (ValueError, OSError):
            pass


class Watch:
    """Listens to what Twisted says of accepting connections, and says once when that fails and once when it is over."""

    def __init__(self) -> None:
        self._refused_at = 0.0
        self._failing = False

    def __call__(self, event: dict[str, Any]) -> None:
        """Take in one of Twisted's log events; all but few are about something else."""
        if event.get("log_namespace") != _OURS:
            return
        is_stuck = event.get("acceptError") in _NONE_LEFT
        if not is_stuck and not str(event.get("log_format")).startswith("EMFILE"):
            return
        self._refused_at = time.monotonic()
        if not self._failing:
            self._failing = True
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            logger.warning(
                "all %d file descriptors are in use: new connections are refused until others end; "
                "raise the limit (ulimit -n, or LimitNOFILE= of systemd)",
                limit,
            )
            _later(QUIET_SECONDS, self._look)
        if is_stuck:
            _pause()

    def _look(self) -> None:
        if time.monotonic() - self._refused_at < QUIET_SECONDS or not _is_one_left():
            _later(1, self._look)
            return
        self._failing = False
        logger.warning("there are file descriptors again")


def watch() -> None:
    """Begin to say when no descriptor is left."""
    globalLogPublisher.addObserver(Watch())  # type: ignore[arg-type]


def _is_one_left() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    # The one that Twisted keeps to refuse connections with. If something else takes it, Twisted never does so again.
    tcp._reservedFD.reserve()  # type: ignore[no-untyped-call]
    return True


def _pause() -> None:
    """Accept nothing for a moment. Who waits would only be found again at once, and cannot be refused either."""
    for port in _reactor().getReaders():
        if isinstance(port, tcp.Port):
            port.stopReading()  # type: ignore[no-untyped-call]
            _later(PAUSE_SECONDS, _go_on, port)


def _go_on(port: tcp.Port) -> None:
    _is_one_left()
    if port.connected:
        port.startReading()  # type: ignore[no-untyped-call]


def _later(seconds: float, call: Any, *arguments: Any) -> None:
    _reactor().callLater(seconds, call, *arguments)


def _reactor() -> Any:
    # Imported here: a server installs the one that it wants.
    from twisted.internet import reactor

    return reactor
