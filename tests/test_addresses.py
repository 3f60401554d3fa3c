"""Which address a connection counts for."""

from typing import Any

import pytest
from pytest_django import Settings

from rooms.addresses import address_of


def scope(client: str | None = None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"host", b"chat.example")] + [(b"x-forwarded-for", each.encode("latin1")) for each in forwarded]
    return {"client": [client, 50000] if client is not None else None, "headers": headers}


def test_without_a_web_server_in_front_the_connection_s_own_address_counts() -> None:
    assert address_of(scope("203.0.113.7", "198.51.100.1")) == "203.0.113.7"


def test_an_ipv6_address_counts_as_its_network_of_64_bits() -> None:
    assert address_of(scope("2001:db8:1:2:aaaa:bbbb:cccc:dddd")) == address_of(scope("2001:db8:1:2::1")) != ""
    assert address_of(scope("2001:db8:1:3::1")) != address_of(scope("2001:db8:1:2::1"))


def test_an_ipv4_address_counts_alike_when_it_is_written_as_ipv6() -> None:
    assert address_of(scope("::ffff:203.0.113.7")) == "203.0.113.7"


@pytest.mark.parametrize("client", [None, "", "127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1", "unix:/run/a.sock"])
def test_no_address_counts_where_the_connection_tells_none(client: str | None) -> None:
    assert address_of(scope(client)) == ""


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
        (["1.1.1.1", "2.2.2.2 ,203.0.113.7 "], "203.0.113.7"),
        (["127.0.0.2"], "127.0.0.2"),
        (["2001:db8::1"], "2001:db8::"),
        ([], ""),
        (["unknown"], ""),
        (["203.0.113.7, "], ""),
        (["\xa0\xff"], ""),
    ],
)
def test_behind_a_web_server_the_last_address_that_it_forwards_counts(
    forwarded: list[str], found: str, settings: Settings
) -> None:
    settings.TRUST_PROXY = True
    assert address_of(scope("127.0.0.1", *forwarded)) == found
