"""What our logs leave out: room names, tracebacks of what is no fault, and the same line a thousand times."""

import logging
import time

import pytest
from django.test import Client

from chatsite import logs
from chatsite.logs import OncePerMinute

NAME = "%EB%B9%84%EB%B0%80"


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line is due."""
    monkeypatch.setattr(logs, "SECONDS", 0)


@pytest.mark.parametrize(
    "connection",
    [
        f"<WebRequest at 0x7f method=GET uri=/chat/?room={NAME} clientproto=HTTP/1.1>",
        f"<WebSocketProtocol client=['192.0.2.7', 5] path=b'/{NAME}/'>",
    ],
)
def test_what_daphne_gives_up_is_logged_without_address_and_client(
    connection: str, caplog: pytest.LogCaptureFixture
) -> None:
    # As daphne.server has it.
    text = "Application instance %r for connection %s took too long to shut down and was killed."
    logging.getLogger("daphne.server").warning(text, "<Task pending>", connection)
    assert "took too long" in caplog.text
    assert NAME not in caplog.text
    assert "192.0.2.7" not in caplog.text


@pytest.mark.django_db
@pytest.mark.usefixtures("often")
def test_a_form_that_is_refused_is_logged_without_its_address(caplog: pytest.LogCaptureFixture) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"Origin": "http://evil.example"})
    for _ in range(2):
        assert browser.post(f"/admin/{NAME}/login/").status_code in (302, 403)
        assert browser.post("/admin/login/").status_code == 403
    assert "Forbidden (Origin checking failed" in caplog.text
    assert "login" not in caplog.text
    assert NAME not in caplog.text


@pytest.mark.usefixtures("often")
def test_a_request_for_another_host_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    Client().get("/", headers={"Host": "evil.example"})
    [record] = caplog.records
    assert "Invalid HTTP_HOST header" in record.getMessage()
    assert record.exc_info is None


@pytest.mark.parametrize("name", ["django.security.DisallowedHost", "django.security.csrf", "rooms.consumers.origin"])
def test_what_anyone_can_cause_is_logged_once_a_minute_with_the_number_of_those_left_out(
    name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1e6]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    logger = logging.getLogger(name)
    fresh = [OncePerMinute() if isinstance(one, OncePerMinute) else one for one in logger.filters]
    monkeypatch.setattr(logger, "filters", fresh)
    for seconds in (0, 1, 1, 57.9, 0.2, 59.9, 0.1, 60):
        now[0] += seconds
        logger.warning("100% foreign")
    said = [record.getMessage().removeprefix("100% foreign").strip() for record in caplog.records]
    assert said == ["", "(3 more lines like this left out)", "(1 more lines like this left out)", ""]


def test_an_error_of_ours_is_logged_every_time(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        logging.getLogger("rooms.consumers").error("a command could not be carried out")
    assert len(caplog.records) == 3
