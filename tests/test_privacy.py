"""The traces of people who talked: neither their identity nor their messages remain."""

import asyncio
import json
import random
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect

from tests.servers import Cluster, cluster
from tests.talk import Talker

ROOM = "비밀의방"
NICK = "은하수"
MESSAGE = "아무도 모르게 하는 말"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("private"), workers=2) as running:
        asyncio.run(session(running))
        yield running


async def session(system: Cluster) -> None:
    """Two people talk on two workers, something goes wrong, one is lost and one leaves."""
    draw = random.Random(3)
    host = Talker([system.urls[0]], None, NICK, draw)
    guest = Talker([system.urls[1]], None, "별똥별", draw)
    await host.enter()
    guest.room = host.room
    await guest.enter()
    await guest.say(MESSAGE)
    await host.until(lambda host: any(e.get("message") == MESSAGE for e in host.stretches[-1].events))
    system.redis.command("CLIENT", "KILL", "TYPE", "normal")
    await host.say(MESSAGE)
    await host.until(lambda host: not host.unsent)
    await guest.stop()
    await host.until(lambda host: host.participants == 1)
    await host.leave()


def everything_in(system: Cluster) -> str:
    """All rows of all tables, as text."""
    tables = system.postgres.execute("select table_name from information_schema.tables where table_schema = 'public'")
    return "".join(str(system.postgres.execute(f'select * from "{table[0]}"')) for table in tables)


def test_the_database_knows_no_message_and_no_address(system: Cluster) -> None:
    rows = everything_in(system)
    assert MESSAGE not in rows
    assert "127.0.0.1" not in rows


def test_the_database_forgets_a_room_with_its_host(system: Cluster) -> None:
    assert NICK not in everything_in(system)


def test_no_log_tells_of_rooms_people_messages_or_addresses(system: Cluster) -> None:
    log = system.logs()
    assert [secret for secret in (MESSAGE, NICK, "별똥별", f"방 {NICK}", "127.0.0.1", "/ws/") if secret in log] == []


def test_whatever_is_in_redis_goes_by_itself(system: Cluster) -> None:
    keys = system.redis.command("KEYS", "*").split("\n")
    assert keys != [""]
    assert [key for key in keys if int(system.redis.command("PTTL", key)) <= 0] == []


async def test_no_frame_shows_anyone_elses_secret(system: Cluster) -> None:
    async with connect(system.urls[0]) as host, connect(system.urls[1]) as guest:
        await host.send(json.dumps({"type": "CLIENT_ROOM_CREATE", "roomName": ROOM, "userName": NICK}))
        made = json.loads(await host.recv())
        secret = made["token"].split(":")[0]
        await guest.send(json.dumps({"type": "CLIENT_ROOM_JOIN", "roomID": made["roomID"], "userName": "별"}))
        frames = [await guest.recv()]
        await host.send(json.dumps({"type": "CLIENT_ROOM_EXIT", "roomID": made["roomID"], "userName": NICK}))
        frames += [await guest.recv() for _ in range(2)]
    assert json.loads(frames[-1])["type"] == "SERVER_ROOM_DELETE"
    assert [frame for frame in frames if secret in frame] == []
