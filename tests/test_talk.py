"""The raw client of the fault tests leaves nothing behind, whatever its server does."""

import asyncio
import json
import random

from websockets.asyncio.server import ServerConnection, serve

from tests.talk import Talker


async def deaf(connection: ServerConnection) -> None:
    """Answer a join, end the room, and hear nothing any more."""
    ref = json.loads(await connection.recv())["roomID"]
    for type in ("SERVER_ROOM_JOIN", "SERVER_ROOM_DELETE"):
        await connection.send(json.dumps({"type": type, "roomID": ref, "participants": 1, "seq": 1, "members": []}))
    connection.transport.pause_reading()
    await connection.wait_closed()


async def test_a_client_stopped_while_it_closes_keeps_no_socket() -> None:
    async with serve(deaf, "127.0.0.1", 0, close_timeout=0.1) as server:
        port = server.sockets[0].getsockname()[1]
        talker = Talker([f"ws://127.0.0.1:{port}/"], 1, "철수", random.Random(1)).start()
        await talker.until(lambda talker: talker.deleted is not None)
        socket = talker._socket
        assert socket is not None
        await asyncio.sleep(0)  # it begins to close, and will hear no answer
        await talker.stop()
        assert socket.transport.is_closing()
