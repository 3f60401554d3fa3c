"""Redis or the database stands still: whoever waits is told so in time, and the log says it once."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.servers import Cluster, cluster
from tests.standstill import FAULTS, Standstill, standstill

BOUND = 4
REDIS = [name for name in FAULTS if "Redis" in name]
DATABASE = [name for name in FAULTS if "PostgreSQL" in name]
ANY = pytest.mark.parametrize("fault", FAULTS)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("standstill"), workers=2, quick=False, lines=True, pages=True) as running:
        yield running


@pytest.fixture(scope="module")
def seen(system: Cluster) -> dict[str, Standstill]:
    """What was seen of each fault, one after the other."""
    return {fault: asyncio.run(standstill(system, fault)) for fault in FAULTS}


@ANY
def test_every_command_is_answered_in_time(seen: dict[str, Standstill], fault: str) -> None:
    assert [str(told) for told in seen[fault].commands if told.answer is None or told.seconds > BOUND] == []


@pytest.mark.parametrize("fault", REDIS)
def test_without_redis_everything_is_unavailable(seen: dict[str, Standstill], fault: str) -> None:
    told = [str(told) for told in seen[fault].commands if (told.answer or {}).get("error") != "unavailable"]
    # A list may be half a second old: the first asker may get one from before.
    assert [each for each in told if not each.startswith("CLIENT_ROOM_LIST: done")] == []
    assert len(told) <= 1


@pytest.mark.parametrize("fault", DATABASE)
def test_without_the_database_only_creating_is_unavailable(seen: dict[str, Standstill], fault: str) -> None:
    created = seen[fault].of("CLIENT_ROOM_CREATE")
    assert [str(told) for told in created if (told.answer or {}).get("error") != "unavailable"] == []
    others = seen[fault].of("CLIENT_ROOM_JOIN", "CLIENT_ROOM_LIST")
    assert [str(told) for told in others if "error" in (told.answer or {"error": ""}) or told.seconds > 1] == []


@ANY
def test_every_page_comes_in_time_with_what_it_can_show(seen: dict[str, Standstill], fault: str) -> None:
    assert [str(told) for told in seen[fault].pages if told.answer not in (200, 503) or told.seconds > BOUND] == []
    shown = [told for told in seen[fault].pages if told.what != "a room by its number"]
    assert [str(told) for told in shown if told.answer != 200] == []


@ANY
def test_the_log_says_once_that_it_began_and_once_that_it_ended(seen: dict[str, Standstill], fault: str) -> None:
    part = "live store" if fault in REDIS else "database"
    # A subscription that died with the fault before is noticed a little later.
    asked, other = ([line for line in lines if "subscription" not in line] for lines in seen[fault].lines)
    assert [part in line for line in asked] == [True] * 2, "\n".join(asked)
    assert "is back" not in asked[0]
    assert f"the {part} is back" in asked[1]
    # Nobody asked the other worker for anything: of the database it need not know, nor say more than this.
    assert len(other) in ((2,) if fault in REDIS else (0, 2))


@ANY
def test_people_talk_as_before_when_it_is_over(seen: dict[str, Standstill], fault: str) -> None:
    assert seen[fault].talked
