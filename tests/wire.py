"""Frames held against docs/asyncapi.json.

Knows the committed document only; must not know the program, whose frames are to be held against it.
"""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

DOCUMENT = json.loads((Path(__file__).resolve().parent.parent / "docs/asyncapi.json").read_text())
REGISTRY = Registry().with_resource("urn:wire", DRAFT202012.create_resource(DOCUMENT))
VALIDATORS = {
    name: Draft202012Validator({"$ref": f"urn:wire#/components/schemas/{name}"}, registry=REGISTRY)
    for name in DOCUMENT["components"]["messages"]
}


def mistakes(frame: dict[str, Any]) -> dict[str, list[str]]:
    """What is wrong with a frame, by each message of its type; empty when it is just one of them."""
    found = {
        name: [error.message for error in VALIDATORS[name].iter_errors(frame)]
        for name, message in DOCUMENT["components"]["messages"].items()
        if message["name"] == frame.get("type")
    }
    fitting = [name for name, errors in found.items() if not errors]
    return {} if len(fitting) == 1 else found or {str(frame.get("type")): ["an unknown type"]}


def checked(frame: dict[str, Any]) -> dict[str, Any]:
    """The frame itself, which must be one of the document's messages."""
    assert mistakes(frame) == {}, frame
    return frame
