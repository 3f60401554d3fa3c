"""Several server processes on one port: ``gunicorn -c deploy/gunicorn.conf.py chatsite.asgi:application``.

WEB_CONCURRENCY says how many (one for each core is a good start), BIND where. ``kill -HUP`` on the first process
replaces all of them with new code; ``kill -TERM`` ends them. What is set here is gunicorn's own:
https://docs.gunicorn.org/en/stable/settings.html
"""

import os
import subprocess
import sys

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY") or 1)
worker_class = "chatsite.worker.DaphneWorker"
# A process takes up to 7 s to close its connections (SHUTDOWN_SECONDS in chatsite/server/daphne.py).
graceful_timeout = 10
timeout = 30
# A client's address and the name of its room are nobody's business.
accesslog = None
# Nothing here is managed through a socket in somebody's home.
control_socket_disable = True


def on_starting(server: object) -> None:
    """Look at the settings before any worker is started, so that a mistake is said once and ends it."""
    check = subprocess.run([sys.executable, "-c", "import chatsite.asgi"], capture_output=True, text=True)
    if check.returncode:
        print(check.stderr, end="", file=sys.stderr)
        sys.exit(1)
