"""Our WebSocket server: daphne's, with what it lacks for a chat. ``Server`` is what everyone else needs of it.

Data flows one way: ``daphne`` makes the connections (``connection``), which hold little (``lean``) and read quickly
(``frames``), and bounds the bodies of pages (``pages``). Knows daphne, autobahn and Twisted; must not know the rooms.
"""

from chatsite.server.daphne import Server

__all__ = ["Server"]
