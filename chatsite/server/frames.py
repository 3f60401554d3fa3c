"""Small whole text frames from a client, unmasked quickly; nearly everything that a client sends is one.

Knows the wire format of RFC 6455; must not know connections, nor any library. What is unusual in any way is left alone.
"""

from collections.abc import Callable

TEXT = 0x81
"""The first byte of a whole, uncompressed text frame."""

_number = int.from_bytes


def feed_texts(data: bytes, limit: int, feed: Callable[[str], bool]) -> bytes:
    """Feed the texts of the frames at the beginning of ``data``, one after the other.

    Args:
        data: begins where a frame begins.
        limit: bytes in a text at most, no less than 125; a larger frame is left alone.
        feed: is given each text; returns whether the next may be fed.

    Returns:
        What was not fed: all from the first byte that is not of a small whole masked frame of valid UTF-8 text.
    """
    length, at = len(data), 0
    while length - at >= 8 and data[at] == TEXT:
        size, start = data[at + 1] - 128, at + 6
        if size == 126:
            size, start = data[at + 2] << 8 | data[at + 3], at + 8
            if not 126 <= size <= limit:
                break
        elif not 0 <= size < 126:
            # Unmasked, or larger still.
            break
        end = start + size
        if end > length:
            break
        # As two large integers: there is no quicker way to mask many bytes in plain Python.
        mask = data[start - 4 : start] * (size // 4 + 1)
        unmasked = _number(data[start:end], "little") ^ _number(mask[:size], "little")
        try:
            text = unmasked.to_bytes(size, "little").decode()
        except UnicodeDecodeError:
            break
        at = end
        if not feed(text):
            break
    return data[at:] if at else data
