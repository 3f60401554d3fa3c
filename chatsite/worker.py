"""A gunicorn worker that is our daphne server: gunicorn keeps several of them on one port and replaces dead ones.

Knows gunicorn, the server, and how a process of rooms is stopped; must know nothing else of the rooms. Use it through
``deploy/gunicorn.conf.py``.
"""

import os
import signal
import sys

from gunicorn.workers.base import Worker

PARENT_SECONDS = 1
"""How often a worker looks whether gunicorn's first process is alive."""


class DaphneWorker(Worker):  # type: ignore[misc]
    """Serves on the sockets that gunicorn has opened."""

    def init_signals(self) -> None:
        """Leave SIGTERM and SIGINT to the reactor; gunicorn's other signals mean nothing here."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGWINCH, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    def run(self) -> None:
        """Serve until told to stop."""
        # Imported here, in the worker: a reactor must not be shared between processes.
        from twisted.internet.task import LoopingCall

        from chatsite.server import Server
        from rooms.node import stop_current

        # gunicorn kills a worker that is not heard of for ``timeout`` seconds.
        LoopingCall(self.notify).start(max(self.timeout / 4, 0.5))
        LoopingCall(self._look_at_parent).start(PARENT_SECONDS)
        endpoints = [f"fd:fileno={listening.fileno()}" for listening in self.sockets]
        Server(self.wsgi, endpoints, stop_current).run()
        sys.exit(0)

    def _look_at_parent(self) -> None:
        """End in good order when gunicorn's first process was killed: nobody else would end this one."""
        if os.getppid() != self.ppid:
            os.kill(os.getpid(), signal.SIGTERM)
