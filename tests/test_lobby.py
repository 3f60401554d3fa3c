"""The list of rooms of one process: how old it may be, and how often it is read."""

import asyncio

import pytest
from pytest_django import Settings

from rooms.live.contract import Lobby
from rooms.lobby import LobbyWatch


class Store:
    """A live store whose list is longer each time that it is read."""

    def __init__(self) -> None:
        self.reads = 0

    async def lobby(self, most: int) -> Lobby:
        await asyncio.sleep(0)
        self.reads += 1
        return Lobby([], self.reads)


@pytest.fixture
def lobby(settings: Settings) -> LobbyWatch:
    settings.ROOMS_LOBBY_PERIOD = 0.05
    return LobbyWatch(Store())  # type: ignore[arg-type]


async def test_a_list_is_read_once_for_all_who_ask_within_the_period(lobby: LobbyWatch) -> None:
    found = await asyncio.gather(*(lobby.current() for _ in range(9)))
    assert {each.total for each in (*found, await lobby.current())} == {1}


async def test_a_list_is_no_older_than_the_period(lobby: LobbyWatch) -> None:
    await lobby.current()
    await asyncio.sleep(0.06)
    assert (await lobby.current()).total == 2
