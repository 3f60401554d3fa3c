"""``manage.py asyncapi``: the protocol as an AsyncAPI 3.0 document, made from the structs of ``protocol``.

Knows the protocol's structs and codes; must not know what sends or receives them. docs/asyncapi.json is what it writes
(``make schema``).
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, get_args

import msgspec
from django.core.management.base import BaseCommand
from msgspec import UNSET, Meta, Struct

from rooms import protocol
from rooms.protocol import COMMANDS, ERRORS, Answer, HostCommand, LineCommand, RoomEvent, Seq

Schema = dict[str, Any]

COMPONENT = "#/components/schemas/{name}"
CHANNEL = {"$ref": "#/channels/socket"}
JSON_SCHEMA = "application/schema+json;version=2020-12"
FRAME_ERRORS = ("bad_frame", "bad_json", "unknown_type")
"""What only a frame that could not be understood is answered with."""
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
FIELDS_OF_ERRORS = {
    "field": (("bad_field", "name_not_allowed", "not_in_room"), TEXT),
    "retryAfter": (("too_fast", "muted"), COUNT),
}
"""The further fields of refusals, with the errors that each comes with. (``room_name_taken`` has ``roomID``.)"""
_SAID_ELSEWHERE = ("type", "roomID", "userName", "ref")
"""Fields of commands that a refusal has in its own way, or has not."""


class Placed(Struct):
    """What the live store adds to every event: its number, its time in Unix milliseconds, the number of people."""

    seq: Seq
    at: Annotated[int, Meta(ge=0)]
    participants: Annotated[int, Meta(ge=0)]


class Command(BaseCommand):
    """Write the document to the standard output."""

    help = "Write the protocol as an AsyncAPI document (docs/asyncapi.json)."

    def handle(self, *args: Any, **options: Any) -> str:
        """Return the document's text, which Django writes."""
        return json.dumps(document(), ensure_ascii=False, indent=2)


def document() -> Schema:
    """The whole document, as JSON has it."""
    schemas = _schemas()
    messages = [name for name, schema in schemas.items() if "type" in schema["properties"]]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sarangbang",
            "version": "1",
            "description": "Chat rooms over one WebSocket. What the messages mean is told in docs/protocol.md.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": "/ws/",
                "description": "One JSON object in each text frame.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": _operations(schemas),
        "components": {"messages": {name: _message(name, schemas[name]) for name in messages}, "schemas": schemas},
    }


# --- schemas ---------------------------------------------------------------------------------------------------------


def _schemas() -> dict[str, Schema]:
    """Every message's schema by a name made of its type and what it is, and the objects inside messages."""
    answers, events = get_args(Answer), get_args(RoomEvent)
    made = {_name(kind): _own(kind) for kind in COMMANDS.values()}
    made |= {_name(kind, "Answer"): _sent(kind) for kind in answers}
    made |= {_name(kind, "Event"): _event(kind) for kind in events}
    made |= {_camel(kind.answer) + "Refusal": _refusal(kind) for kind in COMMANDS.values()}
    made["ServerFrameErrorRefusal"] = _frame_error()
    return made | _parts(*answers, *events)


def _camel(wire: str) -> str:
    return "".join(word.capitalize() for word in wire.split("_"))


def _name(kind: type[Struct], what: str = "") -> str:
    return _camel(str(kind.__struct_config__.tag)) + what


def _components(*kinds: type[Struct]) -> dict[str, Schema]:
    return msgspec.json.schema_components(kinds, ref_template=COMPONENT)[1]


def _own(kind: type[Struct]) -> Schema:
    schema = _components(kind)[kind.__name__]
    return {name: value for name, value in schema.items() if name != "title"}


def _parts(*kinds: type[Struct]) -> dict[str, Schema]:
    """The structs inside messages, such as a member."""
    inside = _components(*kinds).keys() - {kind.__name__ for kind in kinds}
    return {name: _components(*kinds)[name] | {"additionalProperties": False} for name in sorted(inside)}


def _sent(kind: type[Struct]) -> Schema:
    """A struct as it is sent: every field is there but those left unset, no others are, and ``status`` is true."""
    schema = _own(kind)
    properties = {
        name: {key: value for key, value in each.items() if key != "default"}
        for name, each in schema["properties"].items()
    }
    if "status" in properties:
        properties["status"] = {"const": True}
    unset = {field.name for field in msgspec.structs.fields(kind) if field.default is UNSET}
    return schema | _object(properties, unset)


def _event(kind: type[Struct]) -> Schema:
    schema = _sent(kind)
    properties = schema["properties"] | _own(Placed)["properties"]
    return schema | _object(properties, schema["properties"].keys() - set(schema["required"]))


def _refusal(kind: type[protocol.Command]) -> Schema:
    echoed: Schema = {name: COUNT if isinstance(nothing, int) else TEXT for name, nothing in kind.echoed.items()}
    if kind.answer == "SERVER_ROOM_LIST":
        echoed = {"rooms": {"type": "array", "maxItems": 0}, "total": {"const": 0}}
    said: Schema = {}
    if issubclass(kind, get_args(HostCommand) + get_args(LineCommand)):
        # All that was valid in the command is said again.
        said = {name: each for name, each in _own(kind)["properties"].items() if name not in _SAID_ELSEWHERE}
    possible = [error for error in ERRORS if error not in FRAME_ERRORS]
    more = {name: schema for name, (_, schema) in FIELDS_OF_ERRORS.items()}
    rules = {name: {"properties": {"error": {"enum": list(errors)}}} for name, (errors, _) in FIELDS_OF_ERRORS.items()}
    return {
        "description": f"{kind.__struct_config__.tag} is refused.",
        **_object(_refused(kind.answer, echoed, possible) | said | more, {*said, *more, "ref"}),
        "dependentSchemas": rules,
    }


def _frame_error() -> Schema:
    properties = _refused("SERVER_FRAME_ERROR", {}, FRAME_ERRORS)
    return {"description": "A frame that could not be understood at all.", **_object(properties, {"ref"})}


def _refused(wire: str, echoed: Schema, errors: Sequence[str]) -> Schema:
    error = {"error": {"enum": list(errors)}, "detail": TEXT, "ref": TEXT}
    return {"type": {"enum": [wire]}, "status": {"const": False}, **echoed, **error}


def _object(properties: Schema, optional: set[str]) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


# --- messages and operations -----------------------------------------------------------------------------------------


def _message(name: str, schema: Schema) -> Schema:
    (wire,) = schema["properties"]["type"]["enum"]
    payload = {"schemaFormat": JSON_SCHEMA, "schema": {"$ref": COMPONENT.format(name=name)}}
    return {"name": wire, "summary": schema["description"], "payload": payload}


def _operations(schemas: dict[str, Schema]) -> Schema:
    """Each command with what answers it, and what is sent without being asked for."""
    operations: Schema = {}
    for kind in COMMANDS.values():
        # Where there is no answer, the event that everyone gets is the caller's answer.
        answer = next(name for name in (_camel(kind.answer) + what for what in ("Answer", "Event")) if name in schemas)
        replies = (answer, _camel(kind.answer) + "Refusal", "ServerFrameErrorRefusal")
        operations[_name(kind)] = {
            "action": "receive",
            "channel": CHANNEL,
            "messages": _references(_name(kind)),
            "reply": {"channel": CHANNEL, "messages": _references(*replies)},
        }
    answered = {_camel(kind.answer) + "Answer" for kind in COMMANDS.values()}
    events = [name for name in schemas if name.endswith(("Answer", "Event")) and name not in answered]
    return operations | {"events": {"action": "send", "channel": CHANNEL, "messages": _references(*events)}}


def _references(*names: str) -> list[Schema]:
    return [{"$ref": f"#/channels/socket/messages/{name}"} for name in names]
