"""The documents agree with the program: every message, refusal, close code and setting, with the right numbers."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rooms import names, protocol
from rooms.conf import Setting, conf
from rooms.live import operations

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
PROTOCOL = (ROOT / "docs/protocol.md").read_text()
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()

FRAMES = re.findall(r"^(=>|<-|<~|<=) (\{.*)$", PROTOCOL, re.MULTILINE)
COMMANDS = [frame for arrow, frame in FRAMES if arrow == "=>"]
ANSWERS_AND_EVENTS = [json.loads(frame) for arrow, frame in FRAMES if arrow != "=>"]
ACCEPTED = [frame for frame in ANSWERS_AND_EVENTS if frame.get("status", True)]
REFUSED = [frame for frame in ANSWERS_AND_EVENTS if not frame.get("status", True)]
STRUCTS = [kind for kind in vars(protocol).values() if inspect.isclass(kind) and issubclass(kind, msgspec.Struct)]
EVENT_FIELDS = {"seq", "at", "participants"}
CLOSE_CODES = [value for name, value in vars(protocol).items() if name.startswith("CLOSE_")]
SETTINGS = list(conf.declared())


def rows(document: str) -> dict[str, list[str]]:
    """The cells of every table row that begins with something in backquotes."""
    found = re.findall(r"^ *\| `?(\w+)`? \| (.*) \|$", document, re.MULTILINE)
    return {first: [cell.strip() for cell in rest.split(" | ")] for first, rest in found}


def is_sent(frame: dict[str, Any]) -> bool:
    """Whether the program has a struct with just these fields, of these types."""
    for kind in STRUCTS:
        fields = msgspec.structs.fields(kind)
        added = EVENT_FIELDS if kind in protocol.RoomEvent.__args__ else set()
        known = {field.name for field in fields} | added | {"type"}
        optional = {field.name for field in fields if field.default is msgspec.UNSET}
        if kind.__struct_config__.tag == frame["type"] and known - optional <= set(frame) <= known:
            msgspec.convert(frame, kind)
            return True
    return False


@pytest.mark.parametrize("name", protocol.CLIENT_TYPES + protocol.SERVER_TYPES)
def test_every_message_has_an_example(name: str) -> None:
    assert any(json.loads(frame)["type"] == name for _, frame in FRAMES)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_of_a_command_is_understood(command: str) -> None:
    assert protocol.decode(command)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_of_a_command_keeps_to_the_limits(command: str) -> None:
    frame = json.loads(command)
    assert names.clean(frame.get("roomName", "room"), protocol.ROOM_NAME_MAX)
    assert names.clean(frame.get("userName", "user"), protocol.USER_NAME_MAX)
    assert names.clean_message(frame.get("message", "text"), protocol.MESSAGE_MAX)


@pytest.mark.parametrize("frame", ACCEPTED, ids=lambda frame: frame["type"])
def test_every_example_of_an_answer_or_event_has_the_fields_that_are_sent(frame: dict[str, Any]) -> None:
    assert is_sent(frame)


@pytest.mark.parametrize("frame", REFUSED, ids=lambda frame: frame["error"])
def test_every_example_of_a_refusal_has_the_fields_that_are_sent(frame: dict[str, Any]) -> None:
    echoed = next((kind.echoed for kind in protocol.COMMANDS.values() if kind.answer == frame["type"]), {})
    assert frame["error"] in protocol.ERRORS
    assert {"type", "status", "error", "detail", *echoed} <= set(frame)


def test_the_refusals_in_the_docs_are_those_of_the_program() -> None:
    refusals = PROTOCOL.partition("\n## Refusals")[2]
    assert sorted(set(rows(refusals)) - {"error"}) == sorted(protocol.ERRORS)


@pytest.mark.parametrize("code", CLOSE_CODES)
def test_every_close_code_is_explained(code: int) -> None:
    assert str(code) in rows(PROTOCOL)


def test_the_example_client_is_a_short_program() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PROTOCOL, re.DOTALL)
    assert compile(program, "example", "exec")
    assert len(program.splitlines()) <= 25


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_every_limit_is_in_the_readme_with_its_default_and_unit(setting: Setting[Any]) -> None:
    default, unit, _ = rows(README)[setting.variable]
    assert default == ("none" if setting.default == "" else f"{setting.default:g}")
    assert unit == (setting.unit or "0 or 1")


def test_the_readme_names_no_limit_that_does_not_exist() -> None:
    assert set(re.findall(r"ROOMS_\w+", README)) == {setting.variable for setting in SETTINGS}


def test_every_variable_of_the_settings_is_in_the_readme() -> None:
    settings = (ROOT / "chatsite/settings.py").read_text()
    variables = re.findall(r'\b(?:env\.\w+|addresses|flag|number|text|words)\(\s*"(\w+)"', settings)
    assert len(variables) > 10
    assert set(variables) <= set(rows(README))


@pytest.mark.parametrize("path", sorted((ROOT / "rooms").glob("**/[a-z]*.py")), ids=lambda path: path.stem)
def test_every_module_has_its_place_in_the_architecture(path: Path) -> None:
    module = path.relative_to(ROOT / "rooms").with_suffix("").as_posix()
    assert f"`rooms.{module.replace('/', '.')}`" in ARCHITECTURE


@pytest.mark.parametrize("operation", operations.Operation.__subclasses__(), ids=lambda operation: operation.__name__)
def test_every_operation_of_the_live_store_is_in_the_architecture(operation: type) -> None:
    assert f"`{operation.__name__}`" in ARCHITECTURE


@pytest.mark.parametrize(
    "document", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")), ids=lambda path: path.name
)
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize(
    "document", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/*.md")), ids=lambda path: path.name
)
def test_every_file_that_a_document_names_is_there(document: Path) -> None:
    folders = "bench|chatsite|deploy|docs|locale|rooms|templates|tests"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", document.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []
