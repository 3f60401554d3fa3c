"""The request of a page: how large its body may be.

Knows daphne and Twisted; must not know what pages there are. Everything else of a request is daphne's, which keeps a
body in a file, however large it is, until all of it has come.
"""

from io import BytesIO
from typing import Any

from daphne.http_protocol import WebRequest

BODY_MAX = 64 * 1024
"""Bytes; the largest form of the site is a moderator's list of ticked rooms. As in deploy/nginx.conf."""
_TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class PageRequest(WebRequest):  # type: ignore[misc]
    """One request; a client that sends a larger body is told so, and its connection ends."""

    _size = 0
    _refused = False

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """How large the body will be, as the client says; None when it comes in chunks."""
        self.content = BytesIO()
        if length is not None and length > BODY_MAX:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Keep a piece of the body."""
        self._size += len(data)
        if self._size > BODY_MAX:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802 - Twisted's name
        """All of it is here: give it to the application."""
        if not self._refused:
            super().requestReceived(command, path, version)

    def _refuse(self) -> None:
        if not self._refused:
            self._refused = True
            channel: Any = self.channel
            channel.transport.write(_TOO_LARGE)
            # Reading ends here too.
            channel.loseConnection()
