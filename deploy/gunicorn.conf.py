"""Several server processes on one port: ``gunicorn -c deploy/gunicorn.conf.py chatsite.asgi:application``.

WEB_CONCURRENCY is the number of processes (one per core is a good start), BIND the address to listen on. ``kill -HUP``
on the first process replaces all of them with new code; ``kill -TERM`` ends them. These are gunicorn's own settings:
https://docs.gunicorn.org/en/stable/settings.html
"""

import os
import subprocess
import sys

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY") or 1)
worker_class = "chatsite.worker.DaphneWorker"
# A process takes up to 7 s to close its clients' connections.
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
