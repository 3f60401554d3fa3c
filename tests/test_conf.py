"""The limits: read when they are used, from the settings, the environment or the default."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from rooms.conf import Setting, conf

SETTINGS = list(conf.declared())
NUMBERS = [setting for setting in SETTINGS if not isinstance(setting.default, str)]
by_variable = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
by_number = pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.variable)


def in_force(setting: Setting[Any]) -> object:
    return setting.__get__(conf)


@by_variable
def test_a_limit_nobody_sets_has_its_default(setting: Setting[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(setting.variable, raising=False)
    assert in_force(setting) == setting.default


@by_variable
def test_every_limit_can_be_set_from_the_environment(setting: Setting[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(setting.variable, "1")
    assert in_force(setting) == type(setting.default)(1)
    assert type(in_force(setting)) is type(setting.default)


@by_number
@pytest.mark.parametrize("text", ["", "many", "1,5", "0x10", "-inf", "-1", "1e9", "1000000000"])
def test_an_invalid_value_is_refused(setting: Setting[Any], text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(setting.variable, text)
    with pytest.raises(ValueError, match=setting.variable):
        in_force(setting)


@pytest.mark.parametrize("setting", [one for one in SETTINGS if isinstance(one.default, float)])
@pytest.mark.parametrize("text", ["nan", "inf"])
def test_a_number_that_is_not_finite_is_refused(setting: Setting[Any], text: str) -> None:
    with pytest.raises(ValueError, match=setting.variable):
        setting.read(text)


@by_variable
def test_the_default_of_a_limit_is_valid(setting: Setting[Any]) -> None:
    assert setting.read(str(setting.default)) == setting.default


@by_variable
def test_every_limit_says_what_it_is_for(setting: Setting[Any]) -> None:
    assert setting.text
    assert setting.unit or isinstance(setting.default, bool)


def test_a_limit_is_read_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMS_GRACE", "1.5")
    before = conf.grace
    monkeypatch.setenv("ROOMS_GRACE", "2.5")
    assert (before, conf.grace) == (1.5, 2.5)


def test_the_settings_come_before_the_environment(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("ROOMS_ROOM_SIZE", "5")
    settings.ROOMS_ROOM_SIZE = 7
    assert conf.room_size == 7


@pytest.mark.parametrize(("text", "value"), [("0", False), ("1", True), ("false", False), ("True", True)])
def test_flood_control_is_a_yes_or_a_no(text: str, value: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMS_FLOOD_CONTROL", text)
    assert conf.flood_control is value


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("ROOMS_GRACE", "soon", "ROOMS_GRACE is 'soon': it takes a number of seconds."),
        ("ROOMS_ROOM_SIZE", "1.5", "ROOMS_ROOM_SIZE is '1.5': it takes a whole number of people."),
        ("ROOMS_ROOM_SIZE", "0", "ROOMS_ROOM_SIZE is '0': it must be at least 1."),
        ("ROOMS_SWEEP", "1e9", "ROOMS_SWEEP is '1e9': it must be at most 3600."),
        ("ROOMS_FLOOD_CONTROL", "maybe", "ROOMS_FLOOD_CONTROL is 'maybe': it takes 0 or 1."),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence(variable: str, text: str, sentence: str) -> None:
    setting = next(setting for setting in SETTINGS if setting.variable == variable)
    with pytest.raises(ValueError, match="it ") as caught:
        setting.read(text)
    assert str(caught.value) == sentence
