"""Flood control: the tokens of a bucket, and the state that a visitor's connections share."""

import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from rooms.flood import Bucket, Visits

Pass = Callable[[float], None]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Stops the clock of the buckets; calling it lets seconds pass."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def test_a_full_bucket_gives_its_burst_at_once(wait: Pass) -> None:
    bucket = Bucket(burst=3, rate=2)
    assert [bucket.retry_after_ms() for _ in range(3)] == [0, 0, 0]


def test_an_empty_bucket_says_how_many_milliseconds_to_wait(wait: Pass) -> None:
    bucket = Bucket(burst=1, rate=2)
    bucket.retry_after_ms()
    assert 500 <= bucket.retry_after_ms() <= 501


def test_after_the_time_it_said_there_is_one(wait: Pass) -> None:
    bucket = Bucket(burst=1, rate=3)
    bucket.retry_after_ms()
    wait(bucket.retry_after_ms() / 1000)
    assert bucket.retry_after_ms() == 0


def test_a_refused_take_takes_nothing(wait: Pass) -> None:
    bucket = Bucket(burst=1, rate=2)
    waits = [bucket.retry_after_ms() for _ in range(10)]
    assert set(waits[1:]) == {waits[1]}


def test_a_bucket_holds_no_more_than_its_burst(wait: Pass) -> None:
    bucket = Bucket(burst=2, rate=10)
    wait(3600)
    assert [bucket.retry_after_ms() > 0 for _ in range(3)] == [False, False, True]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    burst=st.integers(1, 20),
    rate=st.floats(0.01, 100),
    pauses=st.lists(st.floats(0, 10), max_size=50),
)
def test_in_any_time_a_bucket_gives_at_most_its_burst_and_its_rate(
    wait: Pass, burst: int, rate: float, pauses: list[float]
) -> None:
    bucket, taken = Bucket(burst, rate), 0
    for pause in pauses:
        wait(pause)
        taken += bucket.retry_after_ms() == 0
    assert taken <= burst + rate * sum(pauses) + 1e-6


def test_the_connections_of_one_visitor_share_one_bucket() -> None:
    visits = Visits()
    assert visits.arrive("one").chat is visits.arrive("one").chat


def test_two_visitors_have_two_buckets() -> None:
    visits = Visits()
    assert visits.arrive("one").chat is not visits.arrive("other").chat


def test_a_visit_counts_its_connections() -> None:
    visits = Visits()
    visits.arrive("one")
    visits.arrive("one")
    visits.depart("one")
    assert visits.arrive("one").connections == 2


def test_a_visit_is_over_with_its_last_connection() -> None:
    visits = Visits()
    first = visits.arrive("one")
    visits.depart("one")
    assert visits.arrive("one") is not first


def test_a_bucket_for_messages_has_the_limits_in_force(settings: Settings) -> None:
    settings.ROOMS_CHAT_BURST, settings.ROOMS_CHAT_RATE = 3, 0.5
    bucket = Visits().arrive("one").chat
    assert bucket is not None
    assert (bucket.burst, bucket.rate) == (3, 0.5)
