"""A line between two programs that can be hurt: cut, slowed, swallowed, held back and let go, led elsewhere.

Knows TCP only. It runs in a thread of its own, so that a test may do what it likes meanwhile; its methods are called
from any other thread. A program at either end sees an open connection for as long as the line is not cut.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

BEGINNING = 8192
"""How many bytes of what a client has said first are remembered."""


class Proxy:
    """Listens on a free port of this machine and leads to ``target``, another port.

    What is hurt stays so until ``heal``; connections that were swallowed are dead for good, as on a real line.
    """

    def __init__(self, target: int) -> None:
        self.delay = 0.0
        """Seconds that every answer takes longer."""
        self.lost = 0
        """How many answers were lost."""
        self._target = target
        self._swallowing = False
        self._lose: list[bytes] = []
        self._connections: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self._open = asyncio.Event()
        self._open.set()
        self._server = self._run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def instead_of(self, url: str) -> str:
        """The address of a service, with this line put before it."""
        parts = urlsplit(url)
        return url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{self.port}")

    # --- what can be done to it ---------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Break all connections."""
        self._do(self._abort_all)

    def _abort_all(self) -> None:
        for connection in self._connections:
            connection.abort()

    def lead_to(self, target: int) -> None:
        """Lead to another port: new connections at once, those that are open are cut."""
        self._target = target
        self.cut()

    def swallow(self, said: bytes = b"") -> None:
        """Go silently dead: nothing comes out at either end, and nothing is closed.

        Args:
            said: only what has said this at its beginning; without it, everything, new connections too.
        """

        def swallow() -> None:
            self._swallowing = not said
            for connection in self._connections:
                connection.dead = connection.dead or said in connection.beginning

        self._do(swallow)

    def lose_the_answer_to(self, words: bytes) -> None:
        """Once, when these bytes are sent next: they arrive, and their connection is silently dead from then on."""
        self._do(lambda: self._lose.append(words))

    def hold(self) -> None:
        """Let nothing through in either direction for now; ``heal`` delivers what was held, closed or not."""
        self._do(self._open.clear)

    def heal(self) -> None:
        """Let everything through again that is not dead."""

        def heal() -> None:
            self._swallowing = False
            self.delay = 0.0
            self._lose.clear()
            self._open.set()

        self._do(heal)

    def stop(self) -> None:
        """End it."""
        self._do(self._server.close)
        self.heal()
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    # --- in its thread ------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        self._loop.run_forever()
        # Here, not in ``stop``: that may be called where another loop is running.
        for task in asyncio.all_tasks(self._loop):
            self._loop.run_until_complete(asyncio.wait([task]))
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _do(self, act: Callable[[], object]) -> None:
        async def done() -> None:
            act()

        self._run(done())

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(writer)
        self._connections.add(connection)
        connection.dead = self._swallowing
        try:
            there, away = await asyncio.open_connection("127.0.0.1", self._target)
            connection.writers.append(away)
            await asyncio.gather(
                self._carry(connection, reader, away, True), self._carry(connection, there, writer, False)
            )
        except OSError:
            pass
        finally:
            connection.abort()
            self._connections.discard(connection)

    async def _carry(
        self, connection: "_Connection", reader: asyncio.StreamReader, writer: asyncio.StreamWriter, up: bool
    ) -> None:
        """Carry one direction to its end; ``up`` is from the client to the target."""
        while data := await reader.read(65536):
            if up:
                connection.beginning = (connection.beginning + data)[:BEGINNING]
            elif self.delay:
                await asyncio.sleep(self.delay)
            await self._open.wait()
            if connection.dead:
                continue
            writer.write(data)
            await writer.drain()
            for words in [words for words in self._lose if up and words in data]:
                self._lose.remove(words)
                self.lost += 1
                connection.dead = True
        await self._open.wait()
        if not connection.dead:
            with contextlib.suppress(OSError):
                writer.write_eof()


class _Connection:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writers = [writer]
        self.beginning = b""
        self.dead = False

    def abort(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
