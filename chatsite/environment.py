"""How a variable of the environment is read: what makes no sense ends the process with a sentence.

Knows the environment only. An empty variable is as good as none.
"""

import os
import re
from collections.abc import Collection
from zoneinfo import ZoneInfo

_FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
HOST = r"\*|\.?[\w-]+(\.[\w-]+)*\.?|\[[0-9A-Fa-f:.]+\]"
ORIGIN = r"https?://(\*\.)?([\w-]+(\.[\w-]+)*|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?"
PREFIX = r"[\w:./{}-]+"
PATH = r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*/?"


def refuse(variable: str, takes: str) -> SystemExit:
    """What to raise, since the variable does not take its value.

    Args:
        variable: its name.
        takes: what it takes; goes on where a sentence begins with "it takes".
    """
    return SystemExit(f"{variable} is {os.environ.get(variable)!r}: it takes {takes}.")


def flag(variable: str, default: bool) -> bool:
    """A yes or a no."""
    text = os.environ.get(variable) or str(int(default))
    if text.lower() not in _FLAGS:
        raise refuse(variable, "0 or 1")
    return _FLAGS[text.lower()]


def number(variable: str, default: int, least: int, most: int = 2**30, unit: str = "bytes") -> int:
    """A whole number from ``least`` to ``most``."""
    text = os.environ.get(variable) or str(default)
    if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
        raise refuse(variable, f"a whole number of {unit}, at least {least} and at most {most}")
    return int(text)


def text(variable: str, default: str, pattern: str, takes: str) -> str:
    """A text that the pattern matches whole; ``takes`` as in ``refuse``."""
    found = os.environ.get(variable) or default
    if not re.fullmatch(pattern, found):
        raise refuse(variable, takes)
    return found


def path(variable: str, default: str, taken: Collection[str]) -> str:
    """A path below the site's root, with a slash at its end and none before.

    Args:
        variable: its name.
        default: what it is when there is none.
        taken: the first parts of the site's other paths.
    """
    takes = f"a path such as admin/ of letters, digits, - and _, whose first part is none of {', '.join(sorted(taken))}"
    found = text(variable, default, PATH, takes).rstrip("/") + "/"
    if found.partition("/")[0] in taken:
        raise refuse(variable, takes)
    return found


def zone(variable: str, default: str) -> str:
    """The name of a time zone that this system knows."""
    found = os.environ.get(variable) or default
    try:
        ZoneInfo(found)
    except (KeyError, ValueError, OSError):
        raise refuse(variable, "the name of a time zone, such as Asia/Seoul or UTC") from None
    return found


def words(variable: str, pattern: str, takes: str) -> list[str]:
    """Texts separated by commas, without the spaces around them; each as in ``text``."""
    found = [word.strip() for word in os.environ.get(variable, "").split(",")]
    if not all(re.fullmatch(pattern, word) for word in found if word):
        raise refuse(variable, takes)
    return [word for word in found if word]


def addresses(variable: str, default: str) -> list[str]:
    """Addresses to listen on, separated by commas, as gunicorn takes them."""
    takes = "a host and a port up to 65535, such as 127.0.0.1:8000, or unix: and a path"
    found = words(variable, r"unix:.+|fd://\d+|([\w.-]*|\[[0-9A-Fa-f:.]+\]):\d{1,5}", takes) or [default]
    if any(int(port[1]) > 65535 for address in found if (port := re.search(r"[^/]:(\d+)$", f" {address}"))):
        raise refuse(variable, takes)
    return found
