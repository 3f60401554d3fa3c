"""What a page weighs and where it comes from: production's files, policy and headers, in a real browser."""

import gzip
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import Browser, Response, expect

from rooms.views import ICONS, MODULES
from tests.browser_support import People, Server
from tests.pages import ADDRESSES

pytest_plugins = ["tests.browsing"]

LOBBY_MAX, ROOM_MAX = 35 * 1024, 60 * 1024
STATIC = Path(__file__).resolve().parent.parent / "rooms/static/rooms"
POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
    "manifest-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
}  # fmt: skip


def loaded(people: People, address: str, ready: str) -> dict[str, Response]:
    """Everything a page fetches for somebody who has never been here."""
    page = people.person()
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))
    page.goto(address)
    page.locator(ready).wait_for()
    page.wait_for_load_state("networkidle")
    return {response.url: response for response in responses}


@pytest.mark.parametrize(
    ("address", "ready", "most"), [("/chat/?room=가벼운 방", "#asking", ROOM_MAX), ("/", "#enter-form", LOBBY_MAX)]
)
def test_a_page_weighs_little_in_all(people: People, address: str, ready: str, most: int) -> None:
    weights = {url: len(gzip.compress(response.body())) for url, response in loaded(people, address, ready).items()}
    assert len(weights) > 10
    assert sum(weights.values()) < most, weights


def test_every_file_has_a_name_that_changes_with_it_and_is_kept_for_ever(people: People) -> None:
    files = [
        response for url, response in loaded(people, "/chat/?room=가벼운 방", "#asking").items() if "/static/" in url
    ]
    assert len(files) > len(MODULES["main"])
    for response in files:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", response.url)
        assert "immutable" in response.headers["cache-control"]
    scripts = [response for response in files if response.url.endswith((".js", ".css"))]
    assert {response.headers.get("content-encoding") for response in scripts} == {"gzip"}


def test_a_page_that_was_here_before_fetches_no_file_again(people: People) -> None:
    page = people.person()
    page.goto("/chat/?room=가벼운 방")
    page.locator("#asking").wait_for()
    page.goto("/chat/?room=다른 방")
    page.locator("#asking").wait_for()
    fetched = page.evaluate("""performance.getEntriesByType("resource")
        .filter((entry) => entry.name.includes("/static/") && entry.transferSize > 0).map((entry) => entry.name)""")
    assert fetched == []


@pytest.mark.parametrize(("page", "entry"), [("/", "lobby"), ("/chat/?room=방", "main")])
def test_a_page_names_every_module_its_script_imports(people: People, page: str, entry: str) -> None:
    def imported(name: str) -> set[str]:
        found = re.findall(r'from "\./(\w+)\.js";', (STATIC / f"{name}.js").read_text())
        return {each for direct in found for each in {direct} | imported(direct)}

    assert MODULES[entry] == sorted(f"rooms/{name}.js" for name in imported(entry))


def test_words_are_on_the_screen_before_any_script_has_come(browser: Browser, site: Server) -> None:
    context = browser.new_context(base_url=site.url, locale="ko-KR")
    page = context.new_page()
    held = []
    page.route("**/*.js", lambda route: held.append(route))
    page.route("**/jsi18n/", lambda route: held.append(route))
    page.goto("/", wait_until="commit")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("#enter-form")).to_be_visible()
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    assert held
    for route in held:
        route.abort()
    context.close()


def test_the_policy_lets_a_page_use_its_own_files_only(people: People) -> None:
    for address in ADDRESSES:
        page = people.person()
        response = page.goto(address)
        assert response
        assert set(response.headers["content-security-policy"].split("; ")) == POLICY


def test_what_is_written_into_a_page_is_not_run(browser: Browser, site: Server) -> None:
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    page.goto("/")
    page.evaluate("""() => {
        globalThis.broken = [];
        document.addEventListener("securitypolicyviolation", (event) => broken.push(event.effectiveDirective));
        const image = document.createElement("img");
        image.setAttribute("onerror", "globalThis.run = true");
        image.src = "/nothing.png";
        document.body.append(image);
        const script = document.createElement("script");
        script.textContent = "globalThis.run = true";
        document.body.append(script);
    }""")
    page.wait_for_function("broken.length >= 2")
    assert page.evaluate("globalThis.run") is None
    assert set(page.evaluate("broken")) <= {"script-src-attr", "script-src-elem"}
    context.close()


def test_the_site_can_be_put_among_a_phone_s_programs(people: People) -> None:
    page = people.person()
    page.goto("/")
    address = page.locator("link[rel=manifest]").get_attribute("href")
    assert address
    answer = page.request.get(address)
    assert answer.headers["content-type"] == "application/manifest+json"
    about = answer.json()
    assert (about["name"], about["lang"], about["display"], about["start_url"]) == ("사랑방", "ko", "standalone", "/")
    for icon in about["icons"]:
        image = page.request.get(icon["src"])
        assert image.ok
        assert "immutable" in image.headers["cache-control"]


def test_the_manifest_speaks_the_visitor_s_language(settings: object) -> None:
    about = Client(headers={"accept-language": "en"}).get("/manifest.webmanifest").json()
    assert (about["name"], about["lang"]) == ("Sarangbang", "en")


@pytest.mark.parametrize(
    ("path", "sizes"), [(path, sizes) for path, sizes, _ in ICONS] + [("rooms/icon-180.png", "180x180")]
)
def test_an_icon_is_as_large_as_it_says(path: str, sizes: str) -> None:
    header = (STATIC.parent / path).read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    width, height = (int.from_bytes(header[place : place + 4]) for place in (16, 20))
    assert f"{width}x{height}" == sizes


def test_nothing_the_page_fetches_is_from_elsewhere(people: People, site: Server) -> None:
    hosts = {urlsplit(url).netloc for url in loaded(people, "/chat/?room=방", "#asking")}
    assert hosts == {urlsplit(site.url).netloc}
