"""docs/asyncapi.json says what is sent: it is made from the structs, and refuses what they do not have."""

import json
from typing import Any

import pytest

from rooms.management.commands.asyncapi import document
from rooms.protocol import CLIENT_TYPES, SERVER_TYPES
from tests.test_docs import ANSWERS_AND_EVENTS, COMMANDS
from tests.wire import DOCUMENT, mistakes

EVENT = {"type": "SERVER_HOST_BACK", "roomID": 1, "nickName": "달빛", "seq": 2, "at": 3, "participants": 4}
REFUSAL = {"type": "SERVER_ROOM_JOIN", "status": False, "roomID": 1, "error": "room_full", "detail": "full"}


def test_the_document_is_the_one_that_make_schema_writes() -> None:
    assert document() == DOCUMENT


def test_the_document_has_every_type_of_message_and_no_other() -> None:
    named = {message["name"] for message in DOCUMENT["components"]["messages"].values()}
    assert named == {*CLIENT_TYPES, *SERVER_TYPES}


def test_every_reference_leads_somewhere() -> None:
    def references(part: Any) -> list[str]:
        inside = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
        own = [part["$ref"]] if isinstance(part, dict) and "$ref" in part else []
        return own + [found for each in inside for found in references(each)]

    for reference in references(DOCUMENT):
        place = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


@pytest.mark.parametrize("frame", [*map(json.loads, COMMANDS), *ANSWERS_AND_EVENTS], ids=lambda frame: frame["type"])
def test_every_example_of_the_protocol_is_one_of_its_messages(frame: dict[str, Any]) -> None:
    assert mistakes(frame) == {}


@pytest.mark.parametrize(
    "more",
    [{"sky": "blue"}, {"seq": "2"}, {"seq": -1}, {"participants": None}, {"status": False}, {"type": "SERVER_NEWS"}],
)
def test_an_event_with_something_wrong_is_found(more: dict[str, Any]) -> None:
    assert mistakes(EVENT) == {}
    assert mistakes(EVENT | more) != {}


@pytest.mark.parametrize("missing", EVENT)
def test_an_event_without_one_of_its_fields_is_found(missing: str) -> None:
    assert mistakes({name: value for name, value in EVENT.items() if name != missing}) != {}


@pytest.mark.parametrize(
    "more", [{"error": "room_ful"}, {"error": "bad_json"}, {"retryAfter": 5}, {"field": "roomID"}, {"nickName": ""}]
)
def test_a_refusal_with_something_wrong_is_found(more: dict[str, Any]) -> None:
    assert mistakes(REFUSAL) == {}
    assert mistakes(REFUSAL | more) != {}
