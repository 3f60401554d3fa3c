"""A real server process and real browsers for the tests of the pages.

Knows how to start and end them; must not know what is tested. Nothing here waits for a fixed time.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tests.servers import ROOT
from tests.stores import free_port, wait_for_port

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)
# Short enough to be waited for, long enough for a page to be loaded again on a slow machine.
QUICK = {"ROOMS_GRACE": "6", "ROOMS_HOST_GRACE": "8", "ROOMS_SWEEP": "0.2", "ROOMS_LOBBY_PERIOD": "0.1"}
# All the browsers of a test are one address, and type quicker than people.
QUICK |= {"ROOMS_CHAT_BURST": "1000", "ROOMS_CHAT_RATE": "1000"}


@dataclass
class Server:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    static: str
    environment: dict[str, str]

    def kill(self) -> None:
        """End it without a warning, as a crash would."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def server(folder: Path, port: int | None = None, **variables: str) -> Iterator[Server]:
    """A server process as in production, with its own database and static files in ``folder``, ended at the end.

    ``STATIC_ROOT`` among the ``variables`` is where another one has already collected them.
    """
    port = port or free_port()
    log = folder / f"server-{port}.log"
    environment = {**os.environ, **_production(folder), **QUICK, **variables}
    environment.pop("REDIS_URL", None)
    if not (Path(environment["STATIC_ROOT"]) / "staticfiles.json").exists():
        _manage(environment, "collectstatic", "--noinput", "-v0", "-i", "admin")
    _manage(environment, "migrate", "-v0")
    command = [sys.executable, "-m", "daphne", "-v0", "-b", "127.0.0.1", "-p", str(port), "chatsite.asgi:application"]
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_for_port(port, process, log=log)
        yield Server(f"http://127.0.0.1:{port}", process, log, environment["STATIC_ROOT"], environment)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait()


def collect(folder: Path) -> str:
    """Collect all static files, those of the admin too; returns where they are."""
    _manage({**os.environ, **_production(folder)}, "collectstatic", "--noinput", "-v0")
    return _production(folder)["STATIC_ROOT"]


def _production(folder: Path) -> dict[str, str]:
    return {
        "DEBUG": "0",
        "DJANGO_SETTINGS_MODULE": "chatsite.settings",
        "SECRET_KEY": "only-for-tests-" * 3,
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "STATIC_ROOT": str(folder / "static"),
    }


def _manage(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True)


def launch(playwright: Playwright) -> Browser:
    """The system's Chromium.

    Raises:
        RuntimeError: there is none.
    """
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        raise RuntimeError(f"No Chromium found under the names {', '.join(CHROMIUM_NAMES)}: please install one.")
    sandbox = os.geteuid() != 0  # Chromium's own sandbox does not work for root.
    return playwright.chromium.launch(executable_path=path, args=QUIET, chromium_sandbox=sandbox)


@dataclass
class People:
    """People, each with a browser profile of their own; errors in any of their pages are noted."""

    browser: Browser
    url: str
    problems: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def person(self, **options: Any) -> Page:
        """A new person's empty page. ``options`` are Playwright's, for the context."""
        context = self.browser.new_context(**{"locale": "ko-KR", "base_url": self.url, **options})
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        self.watch(page)
        return page

    def watch(self, page: Page) -> None:
        """Note errors, what the page's own policy forbids, and requests to other hosts."""
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", lambda message: self._said(message.text))
        page.on("request", lambda request: self._requested(request.url))

    def _said(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.problems.append(text)

    def _requested(self, url: str) -> None:
        if not url.startswith((self.url, self.url.replace("http", "ws", 1), "data:", "blob:")):
            self.problems.append(f"request to another host: {url}")

    def enter(self, nickname: str, room: str, **options: Any) -> Page:
        """A new person in a room, by its link."""
        page = self.person(**options)
        self.enter_on(page, nickname, room)
        return page

    def enter_on(self, page: Page, nickname: str, room: str) -> None:
        """Into a room by its link, on this page."""
        page.goto(f"/chat/?room={quote(room)}")
        page.locator("#nickname").fill(nickname)
        page.locator("#nickname").press("Enter")
        expect(page.locator("#message")).to_be_enabled()

    def leave(self) -> None:
        """Close all profiles."""
        while self._contexts:
            self._contexts.pop().close()
