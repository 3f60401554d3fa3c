"""What is left in Redis of a room in which a host used every tool, once the room has gone: nothing of its people."""

import asyncio
from typing import Any

import pytest
from pytest_django import Settings

from rooms import bans, moderation, names
from rooms.live.moderation import Inspect
from rooms.node import Node
from tests.conftest import Connect, Message, a_cookie
from tests.stores import RedisServer

NICKS = ("은하수지기", "별똥별이", "달그림자", "새벽이슬")


@pytest.fixture(autouse=True)
def quick_sweeps(settings: Settings) -> None:
    """Before the node starts."""
    settings.ROOMS_SWEEP = 0.02


def everything_in(server: RedisServer) -> str:
    """Every key of Redis with what it holds, as text."""
    read = {
        "string": ("GET",),
        "hash": ("HGETALL",),
        "set": ("SMEMBERS",),
        "zset": ("ZRANGE", "0", "-1", "WITHSCORES"),
        "stream": ("XRANGE", "-", "+"),
        "list": ("LRANGE", "0", "-1"),
    }
    found = []
    for key in server.command("KEYS", "*").split("\n"):
        if command := read.get(server.command("TYPE", key)):
            found += [key, server.command("--raw", command[0], key, *command[1:])]
    return "\n".join(found)


@pytest.mark.parametrize("live_store", ["redis"], indirect=True)
async def test_a_moderated_room_leaves_nothing_of_its_people(
    server: Node, connect: Connect, redis: RedisServer
) -> None:
    host, first, second, third = [await connect(a_cookie()) for _ in NICKS]
    room = (await host.create("비밀의 방", NICKS[0]))["roomID"]
    for client, nick in zip((first, second, third), NICKS[1:], strict=True):
        await client.join(room, nick)

    async def by_host(command: str, **fields: Any) -> Message:
        answer = await host.ask(f"CLIENT_{command}", roomID=room, userName=NICKS[0], **fields)
        assert answer["status"] is True, answer
        return answer

    lines = [(await first.say(room, NICKS[1], f"아무도 모르게 {number}"))["seq"] for number in range(3)]
    people = await server.hub.do(Inspect(room))
    secrets = [
        *("아무도 모르게", "비밀의 방", "은밀한 주제"),
        *NICKS,
        *(names.key(nick) for nick in NICKS),
        *(each for who in people for each in (who.visitor_id, who.person, who.tag)),
    ]
    await by_host("ROOM_TOPIC", topic="은밀한 주제")
    await by_host("CHAT_REACT", line=lines[1], reaction="like", on=True, ref="a")
    await by_host("CHAT_REPORT", line=lines[1], reason="abuse", note="은밀한 주제")
    await by_host("CHAT_REMOVE", line=lines[0])
    await by_host("MEMBER_MUTE", target=NICKS[2], seconds=600)
    await by_host("ROOM_SLOW", seconds=300)
    await second.say(room, NICKS[2], "아무도 모르게")
    await first.say(room, NICKS[1], "아무도 모르게")
    tag = (await by_host("MEMBER_KICK", target=NICKS[1], ref="k"))["tag"]
    await by_host("BLOCK_LIFT", tag=tag, ref="l")
    await by_host("MEMBER_KICK", target=NICKS[2])
    await bans.ban(server.hub, people[3].visitor_id, "도배", None)
    await moderation.notice(server.hub, room, "아무도 모르게")
    await by_host("ROOM_LOCK", locked=True)
    held = everything_in(redis)
    assert all(secret in held for secret in ("아무도 모르게", "은밀한 주제", NICKS[0], people[0].person))
    await host.ask("CLIENT_ROOM_DELETE", roomID=room, userName=NICKS[0])
    await asyncio.sleep(1)
    left = everything_in(redis)
    assert [secret for secret in secrets if secret in left] == []
