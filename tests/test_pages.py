"""The pages as the server sends them, before any script has run, and the catalogues of their texts."""

import ast
import gettext
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

from rooms import node as live_node
from rooms import urls
from rooms.live.contract import Lobby, LobbyRoom, StoreUnavailable
from rooms.models import Room
from tests.pages import ADDRESSES, NO_PAGES, PAGES

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = [(to_locale(code), domain) for code, _ in settings.LANGUAGES for domain in ("django", "djangojs")]
WORD = r'"((?:[^"\\]|\\.)*)"'


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Pages look rooms up."""


@pytest.fixture
def listed() -> Iterator[mock.AsyncMock]:
    """The live store's list, in the test's hands."""
    answer = mock.AsyncMock(return_value=Lobby([], 0))
    with mock.patch.object(live_node, "current", return_value=mock.Mock(lobby=mock.Mock(current=answer))):
        yield answer


@pytest.fixture(autouse=True)
def _listed(listed: mock.AsyncMock) -> None:
    """No page of these tests starts a process."""


@pytest.fixture
def korean() -> Client:
    return Client(headers={"accept-language": "ko"})


@pytest.fixture
def english() -> Client:
    return Client(headers={"accept-language": "en-GB,en"})


def names(patterns: Iterable[object]) -> set[str | None]:
    """The names of all addresses, those of included files too."""
    nested = [names(each.url_patterns) for each in patterns if isinstance(each, URLResolver)]
    return {each.name for each in patterns if isinstance(each, URLPattern)}.union(*nested)


def test_every_address_is_listed_as_a_page_or_as_none() -> None:
    assert names(urls.urlpatterns) == set(PAGES) | NO_PAGES


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def config(client: Client, address: str) -> dict[str, Any]:
    written = re.search(r'<script id="config" type="application/json">(.*?)</script>', text(client, address))
    assert written
    values: dict[str, Any] = json.loads(written[1])
    return values


def lobby_room(**values: Any) -> LobbyRoom:
    return LobbyRoom(
        **{"room_id": 7, "name": "방", "host": "마루", "participants": 1, "locked": False, "created_at": 0, **values}
    )


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [addresses[0] for addresses in PAGES.values()])
def test_pages_are_in_the_language_of_the_browser(korean: Client, english: Client, address: str) -> None:
    assert '<html lang="ko">' in text(korean, address)
    assert '<html lang="en">' in text(english, address)
    assert not re.search("[가-힣]", re.sub(r"한국어?|사랑방|\\u\w+", "", text(english, address)))


def test_a_browser_of_another_language_gets_korean() -> None:
    assert '<html lang="ko">' in text(Client(headers={"accept-language": "fr"}), "/")


def test_the_switch_keeps_the_page_and_its_room(korean: Client) -> None:
    assert 'name="next" value="/chat/?room=%EC%82%AC%EB%9E%91"' in text(korean, "/chat/?room=%EC%82%AC%EB%9E%91")
    answer = korean.post("/i18n/setlang/", {"language": "en", "next": "/chat/?room=%EC%82%AC%EB%9E%91"})
    assert answer.headers["Location"] == "/chat/?room=%EC%82%AC%EB%9E%91"
    assert '<html lang="en">' in text(korean, "/")


@pytest.mark.parametrize("address", ADDRESSES[:-1])
def test_every_page_gives_a_visitor_a_cookie_that_scripts_cannot_read(korean: Client, address: str) -> None:
    answer = korean.get(address)
    assert answer.cookies["visitor"]["httponly"]
    assert answer.cookies["visitor"]["samesite"] == "Lax"
    assert "private" in answer.headers["Cache-Control"]
    assert "visitor" not in korean.get(address).cookies


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_page_has_scripts_styles_or_handlers_in_it_nor_another_host(korean: Client, address: str) -> None:
    page = text(korean, address)
    scripts = re.findall(r"<script(.*?)>(.*?)</script>", page, re.DOTALL)
    assert all("application/json" in attributes or not body for attributes, body in scripts)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
    assert not re.search(r"""["'](https?:)?//""", page)


def test_the_lobby_lists_rooms_before_any_script(listed: mock.AsyncMock, korean: Client) -> None:
    listed.return_value = Lobby([lobby_room(name="a/b & c", participants=3, locked=True), lobby_room(host="")], 2)
    page = text(korean, "/")
    assert 'href="/chat/?room=a%2Fb%20%26%20c"' in page
    assert "3명" in page
    assert "잠김" in page
    assert "늘 열려 있는 방" in page


def test_the_lobby_tells_scripts_what_it_lists(listed: mock.AsyncMock, korean: Client) -> None:
    listed.return_value = Lobby([lobby_room()], 1)
    assert config(korean, "/")["rooms"] == [
        {"roomID": 7, "roomName": "방", "topic": "", "host": "마루", "participants": 1, "locked": False, "createdAt": 0}
    ]


def test_an_empty_lobby_says_what_to_do(korean: Client) -> None:
    assert '<div id="empty" class="card empty">' in text(korean, "/")


def test_a_lobby_without_the_live_store_says_so(listed: mock.AsyncMock, korean: Client) -> None:
    listed.side_effect = StoreUnavailable
    page = text(korean, "/")
    assert "지금은 방 목록을 보여 드릴 수 없습니다." in page
    assert '<div id="empty" class="card empty" hidden>' in page


def test_a_room_name_cannot_break_out_of_the_page(listed: mock.AsyncMock, korean: Client) -> None:
    name = "</script><img src=x>"
    listed.return_value = Lobby([lobby_room(name=name)], 1)
    for address in ("/", f"/chat/?room={name}"):
        assert name not in text(korean, address)
    assert config(korean, f"/chat/?room={name}")["roomName"] == name


def test_an_open_room_is_found_by_a_name_that_looks_like_it(korean: Client) -> None:
    room = Room.objects.create(name="Cafe")
    known = config(korean, "/chat/?room=ＣＡＦＥ")
    assert (known["roomID"], known["roomName"], known["canCreate"], known["listed"]) == (room.id, "Cafe", True, True)


def test_a_name_that_is_free_may_be_made_into_a_room(korean: Client) -> None:
    known = config(korean, "/chat/?room= 사랑방 ")
    assert (known["roomID"], known["roomName"], known["canCreate"]) == (None, "사랑방", True)


def test_a_room_by_invitation_is_made_anew_whatever_is_open(korean: Client) -> None:
    Room.objects.create(name="방")
    known = config(korean, "/chat/?room=방&unlisted=1")
    assert (known["roomID"], known["listed"]) == (None, False)


def test_a_room_by_invitation_is_found_by_its_number_only(korean: Client) -> None:
    room = Room.objects.create(name="몰래", listed=False)
    known = config(korean, f"/chat/?id={room.id}")
    assert (known["roomID"], known["roomName"], known["canCreate"], known["listed"]) == (room.id, "몰래", False, False)
    assert config(korean, "/chat/?room=몰래")["roomID"] is None


@pytest.mark.parametrize("number", ["", "0", "-1", "1", "9" * 30, "x", "١", "1e3"])
def test_a_number_of_no_room_is_a_page_that_says_so(korean: Client, number: str) -> None:
    answer = korean.get("/chat/", {"id": number})
    assert answer.status_code == 404
    assert "열려 있지 않은 방입니다." in answer.content.decode()


@pytest.mark.parametrize("name", ["", " ", "가" * 31, "\u3164", "a\u202eb", "\x00"])
def test_a_name_no_room_can_have_is_a_page_that_says_so(korean: Client, name: str) -> None:
    answer = korean.get("/chat/", {"room": name})
    assert answer.status_code == 400
    assert "방 이름으로 쓸 수 없는 이름입니다." in answer.content.decode()


def test_a_random_room_is_unlocked_and_has_people_in_it(listed: mock.AsyncMock, korean: Client) -> None:
    rooms = [lobby_room(name="빈방", participants=0), lobby_room(name="잠긴 방", locked=True), lobby_room(name="a&b")]
    listed.return_value = Lobby(rooms, 3)
    assert korean.get("/random/").headers["Location"] == "/chat/?room=a%26b"


def test_without_a_random_room_the_visitor_stays_in_the_lobby(korean: Client) -> None:
    assert korean.get("/random/").headers["Location"] == "/"


def test_the_privacy_page_tells_the_settings_in_force(english: Client, settings: Any) -> None:
    settings.ROOMS_HISTORY = 77
    settings.ROOMS_HISTORY_AGE = 7200.0
    settings.ROOMS_GRACE = 1.0
    page = text(english, "/privacy/")
    assert "308 events" in page
    assert "2 hours" in page
    assert "1 second," in page


def test_the_privacy_page_says_how_long_reports_and_bans_are_kept(english: Client, settings: Any) -> None:
    settings.ROOMS_REPORT_DAYS = 14
    assert text(english, "/privacy/").count("14 days") == 2


def test_the_privacy_page_says_where_the_live_state_is(korean: Client, settings: Any) -> None:
    settings.REDIS_URL = ""
    assert "Redis" not in text(korean, "/privacy/")
    settings.REDIS_URL = "redis://somewhere"
    assert "Redis" in text(korean, "/privacy/")


@pytest.mark.parametrize(("language", "sentence"), [("ko", "방이 닫혔습니다."), ("en", "The room is closed.")])
def test_scripts_get_their_texts_in_the_page_s_language(language: str, sentence: str) -> None:
    catalogue = text(Client(headers={"accept-language": language}), "/jsi18n/")
    assert json.dumps(sentence) in catalogue


# --- catalogues ------------------------------------------------------------------------------------------------------


def catalogue(language: str, domain: str) -> dict[str, list[str]]:
    """The texts of a .po file by their source text; the header is left out."""
    written = (ROOT / f"locale/{language}/LC_MESSAGES/{domain}.po").read_text()
    entries: dict[str, list[str]] = {}
    for block in written.split("\n\n"):
        fields = re.findall(rf"^(msg\w+)(?:\[\d\])? ((?:{WORD}\s*)+)", block, re.MULTILINE)
        texts = [(field, "".join(ast.literal_eval(line) for line in body.splitlines())) for field, body, *_ in fields]
        source = dict(texts).get("msgid")
        if source:
            entries[source] = [value for field, value in texts if field == "msgstr"]
    return entries


def used(domain: str) -> set[str]:
    """The source texts in the code (of plurals the first)."""
    if domain == "djangojs":
        scripts = [path.read_text() for path in (ROOT / "rooms/static").rglob("*.js")]
        return {
            ast.literal_eval(f'"{found}"') for code in scripts for found in re.findall(rf"gettext\(\s*{WORD}", code)
        }
    modules = [
        ast.parse(path.read_text()) for folder in ("rooms", "chatsite") for path in (ROOT / folder).rglob("*.py")
    ]
    pages = [ast.parse(_python_of(path)) for path in (ROOT / "templates").rglob("*.html")]
    return {source for tree in modules + pages for source in _called(tree)}


def _python_of(template: Path) -> str:
    calls = re.findall(
        r"""n?gettext\((?:u?'(?:[^'\\]|\\.)*'|u?"(?:[^"\\]|\\.)*"|[^)'"])*\)""", templatize(template.read_text())
    )
    return "\n".join(calls)


def _called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            first = node.args[0]
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                continue
            if re.fullmatch(r"_|n?gettext(_lazy|_noop)?", node.func.id):
                yield first.value


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_every_text_is_translated(language: str, domain: str) -> None:
    entries = catalogue(language, domain)
    assert used(domain) - set(entries) == set()
    assert [source for source, texts in entries.items() if not texts or not all(texts)] == []


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_no_text_is_fuzzy_or_left_over(language: str, domain: str) -> None:
    written = (ROOT / f"locale/{language}/LC_MESSAGES/{domain}.po").read_text()
    assert not re.search(r"^#,.*fuzzy|^#~", written, re.MULTILINE)
    assert set(catalogue(language, domain)) - used(domain) == set()


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_translations_keep_the_places_for_values(language: str, domain: str) -> None:
    for source, texts in catalogue(language, domain).items():
        for translated in texts:
            assert set(re.findall(r"%\(\w+\)s", translated)) == set(re.findall(r"%\(\w+\)s", source))


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_the_compiled_catalogue_is_that_of_the_source(language: str, domain: str) -> None:
    with (ROOT / f"locale/{language}/LC_MESSAGES/{domain}.mo").open("rb") as compiled:
        known = gettext.GNUTranslations(compiled)
    for source, texts in catalogue(language, domain).items():
        plural = [known.ngettext(source, "", count) for count in (1, 2)][: len(texts)]
        assert texts in ([known.gettext(source)], plural)


def test_english_says_what_the_source_says() -> None:
    for domain in ("django", "djangojs"):
        assert all(source == texts[0] for source, texts in catalogue("en", domain).items())
