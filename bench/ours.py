"""One server process of ours, on a port of its own: the real server, started directly."""

import sys

from chatsite.asgi import application
from chatsite.server import Server
from rooms.node import stop_current

if __name__ == "__main__":
    Server(application, [f"tcp:port={sys.argv[1]}:interface=127.0.0.1"], stop_current).run()
