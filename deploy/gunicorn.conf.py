"""Several server processes on one port: ``gunicorn -c deploy/gunicorn.conf.py chatsite.asgi:application``.

WEB_CONCURRENCY is the number of processes (one per core is a good start), BIND the address to listen on. ``kill -HUP``
on the first process replaces all of them with new code; ``kill -TERM`` ends them. These are gunicorn's own settings:
https://docs.gunicorn.org/en/stable/settings.html
"""

import subprocess
import sys
from pathlib import Path

# gunicorn's own command does not look for modules in the folder it is started in.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chatsite.environment import addresses, number

bind = addresses("BIND", "127.0.0.1:8000")
workers = number("WEB_CONCURRENCY", 1, 1, 1000, "processes")
worker_class = "chatsite.worker.DaphneWorker"
# A process takes up to 7 s to close its clients' connections (SHUTDOWN_SECONDS in chatsite/server/daphne.py).
graceful_timeout = 10
timeout = 30
# It would hold clients' addresses and the names of their rooms.
accesslog = None
# gunicorn would open a control socket in the home directory; nothing here uses it.
control_socket_disable = True


def on_starting(server: object) -> None:
    """Check the settings before any worker starts, so that a mistake is reported once and ends the start."""
    check = subprocess.run([sys.executable, "-c", "import chatsite.asgi"], capture_output=True, text=True)
    if check.returncode:
        print(check.stderr, end="", file=sys.stderr)
        sys.exit(1)
