"""Who may import whom (docs/architecture.md, "Where things are"), read from the sources."""

import ast
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("rooms", "chatsite")
    for path in sorted((ROOT / package).rglob("*.py"))
}
MODULES = [name for name in SOURCES if "migrations" not in name]

# The first of each pair, and all that is below it, never imports any of the second.
NEVER = {
    "rooms.protocol": ("django", "channels", "rooms"),
    "rooms.names": ("django", "channels", "rooms"),
    "rooms.conf": ("channels", "rooms"),
    "rooms.visitors": ("channels", "rooms.live", "rooms.models", "rooms.services", "rooms.hub", "rooms.consumers"),
    "rooms.models": ("channels", "rooms.protocol", "rooms.live", "rooms.hub", "rooms.services", "rooms.consumers"),
    "rooms.live": ("channels", "django.db", "rooms.models", "rooms.consumers", "rooms.hub", "rooms.services"),
    "rooms.services": ("channels", "rooms.consumers", "rooms.hub", "rooms.keeper", "rooms.process"),
    "rooms.hub": ("django.db", "rooms.models", "rooms.services", "rooms.consumers", "rooms.keeper"),
    "rooms.consumers": ("django.db", "rooms.models", "rooms.live", "json", "msgspec"),
    "rooms.keeper": ("channels", "rooms.consumers"),
    "rooms.flood": ("django", "channels", "rooms.live", "rooms.models", "rooms.protocol", "rooms.consumers"),
    "chatsite.settings": ("rooms", "channels"),
}
PAIRS = [(module, other) for module, others in NEVER.items() for other in others]


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def imports(module: str) -> set[str]:
    """Every module that ``module`` imports, anywhere in it; of ``from a import b`` both ``a`` and ``a.b``."""
    path = SOURCES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            found |= {origin} | {f"{origin}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(("module", "other"), PAIRS)
def test_a_module_never_imports_what_it_must_not_know(module: str, other: str) -> None:
    those = [name for name in MODULES if is_below(name, module)]
    assert those
    assert not [(name, found) for name in those for found in imports(name) if is_below(found, other)]


def test_the_rooms_never_import_the_site() -> None:
    rooms = [name for name in MODULES if is_below(name, "rooms")]
    assert not [(name, found) for name in rooms for found in imports(name) if is_below(found, "chatsite")]


@pytest.mark.parametrize("module", [name for name in MODULES if SOURCES[name].read_text()])
def test_every_module_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(ast.parse(SOURCES[module].read_text()))


def test_an_import_is_seen_in_whatever_way_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "some.py"
    source.write_text("import a.b as c\nfrom d import e\nfrom . import f\ndef g():\n    from .live import h\n")
    monkeypatch.setitem(SOURCES, "rooms.some", source)
    assert imports("rooms.some") >= {"a.b", "d", "d.e", "rooms.f", "rooms.live.h"}
