"""The attackers' process: ``python -m tests.attack.attacker NAME PORT ADDRESS ROOM`` carries out one attack.

It says ``ready`` when all is prepared, begins when it reads a line, ends when its input does, and says in JSON what it
did and what that cost.
"""

import asyncio
import json
import sys

from tests.attack.attacks import ATTACKS
from tests.attack.field import Field

LONGEST = 300
"""Seconds after which an attack ends by itself, whatever has become of the process that started it."""


async def main(name: str, port: str, address: str, room: str) -> None:
    """Carry out one attack."""
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)

    async def ready() -> None:
        print("ready", flush=True)
        await orders.readline()

    field = Field(int(port), address, int(room), ready)
    attacking = asyncio.ensure_future(ATTACKS[name].run(field))
    stopped = asyncio.create_task(_end_of(orders))
    await asyncio.wait([attacking, stopped], timeout=LONGEST, return_when=asyncio.FIRST_COMPLETED)
    account = field.account()
    if attacking.done():
        account["error"] = repr(attacking.exception())
    print(json.dumps(account), flush=True)


async def _end_of(orders: asyncio.StreamReader) -> None:
    while not orders.at_eof():
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
