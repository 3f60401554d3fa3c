"""The simulated world (tests/world): schedules of faults in virtual time, each drawn from a seed."""

import pytest

from tests.mutations import ROOT
from tests.world.mutations import KINDS, MUTATIONS
from tests.world.schedule import Schedule, Step, drawn
from tests.world.shrink import shrunk
from tests.world.store import Server
from tests.world.world import play

pytestmark = pytest.mark.django_db


def violations(schedule: Schedule) -> list[str]:
    return play(schedule).violations


@pytest.mark.parametrize("first", range(1, 301, 20))
def test_nothing_promised_is_broken_in_any_world(first: int) -> None:
    for seed in range(first, first + 20):
        schedule = drawn(seed)
        if found := violations(schedule):
            pytest.fail(f"seed {seed}: {found[0]}\n{shrunk(schedule, violations)}")


FOUND = {
    "the last beat of a dead process is carried out after a pause": Schedule(
        5110, 4, (Step(1.476, "say", 0), Step(1.898, "hang", 2, 7.361), Step(2.022, "terminate", 2, 0.628))
    ),
    "a message is carried out late, and its echo takes its time": Schedule(
        8591,
        7,
        (
            Step(1.088, "say", 4),
            Step(1.133, "hang", 1, 0.71),
            Step(1.634, "hang", 1, 1.673),
            Step(3.066, "hang", 0, 0.477),
            Step(3.119, "say", 6),
            Step(3.657, "hang", 0, 2.303),
            Step(5.526, "hang", 1, 7.38),
        ),
    ),
    "a room that was made anew ends before all know of it": Schedule(
        1159, 4, (Step(4.076, "freeze", 2, 1.712), Step(4.201, "roll back", 2, 2.001), Step(5.626, "leave", 1))
    ),
    "the host leaves, whom a dead process holds too": Schedule(
        7495, 4, (Step(5.367, "say", 2), Step(5.764, "kill", 1, 2.314), Step(5.92, "leave", 1))
    ),
}
"""Worlds in which something promised was broken once."""


@pytest.mark.parametrize("what", FOUND)
def test_what_was_found_once_is_mended(what: str) -> None:
    assert violations(FOUND[what]) == []


def test_the_same_seed_is_the_same_world() -> None:
    first, again, other = (play(drawn(seed)).digest() for seed in (5, 5, 6))
    assert first == again != other


def test_a_failing_schedule_is_made_short(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if the keys of a restored dump were found again.
    monkeypatch.setattr(Server, "life", property(lambda _: 0, lambda _, life: None), raising=False)
    schedule = drawn(1, ("roll back",))
    short = shrunk(schedule, violations)
    assert violations(short)
    assert len(short.steps) < 5 < len(schedule.steps)


def test_a_process_that_was_stopped_renews_its_lease_as_soon_as_it_goes_on() -> None:
    lines: list[str] = []
    play(Schedule(2, 2, (Step(1.7, "freeze", 2, 2.3),)), lines.append)
    node = [line for line in lines if "begins as" in line][2].split("'")[-2]
    beats = [float(line.split()[0]) for line in lines if "'beat'" in line and node in line]
    assert any(4.0 < moment < 4.1 for moment in beats)


def test_every_mended_thing_can_be_taken_out() -> None:
    assert {mutation.name for mutation in MUTATIONS} == KINDS.keys()
    for mutation in MUTATIONS:
        assert (ROOT / "rooms/live" / mutation.file).read_text().count(mutation.old) == 1, mutation.name
