"""What may import what (the table in docs/architecture.md), how large things may be, where docstrings lead."""

import ast
import re
import sys
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("rooms", "chatsite")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts and path.read_text()
}
ROW = re.compile(r"^\| `((?:rooms|chatsite)(?:\.[\w.]+)?)` \|[^|]*\|([^|]*)\|$", re.MULTILINE)
ALLOWED = {
    module: {word.strip(" `") for word in words.split(",") if word.strip()}
    for module, words in ROW.findall((ROOT / "docs/architecture.md").read_text())
}
LARGE = {"rooms.protocol", "rooms.live.operations"}
"""Modules that read better whole than in parts of less than 300 lines."""


def imports(module: str) -> set[str]:
    """What ``module`` imports, anywhere in it, as the table has it: modules of ours, and packages of others."""
    path = SOURCES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            below = {f"{origin}.{alias.name}" for alias in node.names}
            found |= (below & SOURCES.keys()) | ({origin} if below - SOURCES.keys() else set())
    return {_in_the_table(name) for name in found if name.partition(".")[0] not in sys.stdlib_module_names}


def _in_the_table(name: str) -> str:
    package, _, rest = name.partition(".")
    return rest or name if package == "rooms" else name if package == "chatsite" else package


@pytest.mark.parametrize("module", [name for name in SOURCES if name not in ("rooms.live",)])
def test_a_module_imports_exactly_what_the_table_allows(module: str) -> None:
    assert imports(module) == ALLOWED[module]


def test_the_table_has_no_module_that_is_gone() -> None:
    assert ALLOWED.keys() <= SOURCES.keys()


@pytest.mark.parametrize("module", SOURCES)
def test_every_module_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(ast.parse(SOURCES[module].read_text()))


@pytest.mark.parametrize("module", SOURCES.keys() - LARGE)
def test_a_module_can_be_held_in_the_head(module: str) -> None:
    assert len(SOURCES[module].read_text().splitlines()) <= 300


@pytest.mark.parametrize("module", SOURCES)
def test_no_function_is_longer_than_forty_lines(module: str) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(SOURCES[module].read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: length for name, length in lengths.items() if length > 40} == {}


@pytest.mark.parametrize("module", SOURCES)
def test_every_section_that_a_docstring_refers_to_exists(module: str) -> None:
    found = re.findall(r"\((docs/\w+\.md), \"([^\"]+)\"", re.sub(r"\s+", " ", SOURCES[module].read_text()))
    headings = {path: re.findall(r"^#+ (.*)$", (ROOT / path).read_text(), re.MULTILINE) for path, _ in found}
    assert [section for path, section in found if section not in headings[path]] == []


def test_an_import_is_seen_in_whatever_way_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "some.py"
    source.write_text("import a.b as c\nfrom d import e\nfrom . import hub\ndef g():\n    from .live import redis\n")
    monkeypatch.setitem(SOURCES, "rooms.some", source)
    assert imports("rooms.some") == {"a", "d", "hub", "live.redis"}
