"""The server's own settings: the README has them, and an invalid value is refused in a sentence."""

import os
import re
import subprocess
import sys

import pytest

from chatsite import limits
from tests.servers import ROOT

SOURCE = (ROOT / "chatsite/limits.py").read_text()
VARIABLES = re.findall(r'_(?:number|flag)\("(SERVER_\w+)"', SOURCE)
README = (ROOT / "README.md").read_text()


def import_application(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SERVER_")}
    return subprocess.run(
        [sys.executable, "-c", "import chatsite.asgi"],
        cwd=ROOT,
        env=environment | {"DJANGO_SETTINGS_MODULE": "chatsite.settings", "DEBUG": "1"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_is_in_the_readme_with_its_default(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variable, raising=False)
    (default,) = re.findall(rf"^\| `{variable}` \| (\d+) \|", README, re.MULTILINE)
    assert int(default) == int(getattr(limits, variable.removeprefix("SERVER_")))


def test_the_readme_names_no_variable_that_does_not_exist() -> None:
    assert set(re.findall(r"`(SERVER_\w+)`", README)) == set(VARIABLES)


@pytest.mark.parametrize("text", ["many", "-1", "1.5", "4095"])
@pytest.mark.parametrize("variable", VARIABLES)
def test_what_makes_no_sense_is_refused_in_a_sentence(variable: str, text: str) -> None:
    done = import_application(**{variable: text})
    assert done.returncode == 1
    assert re.fullmatch(rf"{variable} is '{re.escape(text)}': it takes [^\n]*\.\n", done.stderr)


@pytest.mark.parametrize("variable", VARIABLES)
def test_an_empty_variable_is_as_good_as_none(variable: str) -> None:
    assert import_application(**{variable: ""}).returncode == 0
