"""The checks of ``tests.siege`` find what must not be seen after a host has acted, each with a short story."""

from typing import Any

import pytest

from tests.siege.people import Laws

JOIN, LINE, OUT = "SERVER_ROOM_JOIN", "SERVER_CHAT_SEND", "SERVER_ROOM_EXIT"


def broken(*events: dict[str, Any]) -> list[str]:
    """What the checks find, of events a second apart."""
    laws = Laws("host")
    for number, event in enumerate(events, 1):
        laws.see({"tag": "a", "at": number * 1000, **event})
    return laws.broken


@pytest.mark.parametrize("then", [JOIN, LINE])
def test_somebody_who_was_put_out_is_found(then: str) -> None:
    assert broken({"type": OUT, "reason": "kicked"}, {"type": then}) == [f"{then} of somebody who was put out"]
    assert not broken({"type": OUT, "reason": "left"}, {"type": then})


def test_a_line_of_somebody_muted_is_found() -> None:
    mute = {"type": "SERVER_MEMBER_MUTE", "until": 1500}
    assert broken({**mute, "until": 2500}, {"type": LINE}) == ["a muted person was heard"]
    assert not broken(mute, {"type": LINE})


def test_somebody_who_comes_into_a_locked_room_is_found() -> None:
    lock = {"type": "SERVER_ROOM_LOCK", "locked": True}
    assert broken(lock, {"type": JOIN}) == ["somebody came into a locked room"]
    assert not broken(lock, {**lock, "locked": False}, {"type": JOIN})


def test_a_line_too_soon_in_slow_mode_is_found() -> None:
    slow, line = {"type": "SERVER_ROOM_SLOW", "seconds": 2}, {"type": LINE}
    assert broken(slow, line, line) == ["somebody spoke too soon in slow mode"]
    assert not broken(slow, line, {**line, "tag": "host"}, {**line, "tag": "host"}, line)
