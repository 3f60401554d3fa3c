"""Our server's settings from the environment (``SERVER_…``), read once, when a process starts.

Knows the environment only. An invalid value ends the process with a sentence.
"""

import os


def _number(variable: str, default: int, least: int) -> int:
    text = os.environ.get(variable) or str(default)
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < least:
        raise SystemExit(f"{variable} is {text!r}: it takes a whole number of bytes, at least {least}.")
    return value


def _flag(variable: str, default: bool) -> bool:
    text = os.environ.get(variable) or str(int(default))
    if text.lower() not in ("0", "1", "false", "true"):
        raise SystemExit(f"{variable} is {text!r}: it takes 0 or 1.")
    return text.lower() in ("1", "true")


FRAME_MAX = _number("SERVER_FRAME_MAX", 16 * 1024, 4096)
"""Bytes in one message from a client; a larger one ends the connection with 1009. No less than a command may have."""
WAITING_MAX = _number("SERVER_WAITING_MAX", 1024 * 1024, 16 * 1024)
"""Bytes that may wait for a client to read them; with more, its connection is closed."""
QUICK_FRAMES = _flag("SERVER_QUICK_FRAMES", True)
"""Whether our server parses small unfragmented frames itself rather than leaving them to autobahn."""
