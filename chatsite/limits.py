"""Our server's settings from the environment (``SERVER_…``), read once, when a process starts.

Knows the environment only. An invalid value ends the process with a sentence.
"""

from chatsite.environment import flag as _flag
from chatsite.environment import number as _number

FRAME_MAX = _number("SERVER_FRAME_MAX", 16 * 1024, 4096)
"""Bytes in one message from a client; a larger one ends the connection with 1009. No less than a command may have."""
WAITING_MAX = _number("SERVER_WAITING_MAX", 1024 * 1024, 16 * 1024)
"""Bytes that may wait for a client to read them; with more, its connection is closed."""
QUICK_FRAMES = _flag("SERVER_QUICK_FRAMES", True)
"""Whether our server parses small unfragmented frames itself rather than leaving them to autobahn."""
