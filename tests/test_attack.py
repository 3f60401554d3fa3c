"""Attacks that hardly cost anything hardly cost honest people anything: a quick part of ``make attack``.

Nobody knows how busy the machine is, so the attacks are held against a quiet time on the same server, before and after.
"""

import asyncio
from collections.abc import Iterator

import pytest

from tests.attack.attacks import ATTACKS
from tests.attack.stage import Row, Stage, stage

SECONDS = 3
RATE = 18
"""Lines a second of all five; the bursts that flood control allows last as long as a test."""
FACTOR = 5
NOISE = 150
"""Milliseconds that a busy machine may add to a line. Before they were mended these attacks took far more."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("attack")) as running:
        yield running


@pytest.fixture(scope="module")
def quiet(running: Stage) -> Row:
    return asyncio.run(running.measure(None, SECONDS, RATE))


@pytest.mark.parametrize("name", ["marks", "pings", "one-byte-fragments", "refused", "pages", "missing-rooms"])
def test_an_attack_is_hardly_noticed_by_others(running: Stage, quiet: Row, name: str) -> None:
    address = f"203.0.113.{100 + list(ATTACKS).index(name)}"
    attacked = asyncio.run(running.measure(ATTACKS[name], SECONDS, RATE, address))
    after = asyncio.run(running.measure(None, SECONDS, RATE))
    assert not attacked.error
    assert attacked.sent > 0
    assert attacked.lost == 0
    assert attacked.p95 < max(NOISE, FACTOR * max(quiet.p95, after.p95))
