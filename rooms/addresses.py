"""The address that a request or a handshake came from, as limits count it.

Knows ASGI's scope and whether a web server in front is believed; must not know what is limited. Nothing keeps an
address: it is looked at once, when the connection or the request comes in, and only its hash goes further.
"""

import hashlib
import hmac
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from django.conf import settings

from rooms.live.addresses import Address, DayKeys

NETWORK_BITS = 64
"""What a provider gives to one customer of IPv6 at least: the rest of an address is the customer's to choose."""
HASH_DIGITS = 16


def address_of(scope: Mapping[str, Any]) -> str:
    """The address behind a scope.

    It is the connection's own, or with ``TRUST_PROXY`` the one that the web server in front saw, which is the last
    entry of ``X-Forwarded-For``.

    Args:
        scope: ASGI's, of a request or a WebSocket.

    Returns:
        An IPv4 address, or the first address of an IPv6 network of 64 bits; "" where nothing is told: on a unix
        socket, on loopback without ``TRUST_PROXY``, and behind a web server that sends no address.
    """
    try:
        address = ip_address(_forwarded(scope) if settings.TRUST_PROXY else _own(scope))
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback and not settings.TRUST_PROXY:
        return ""
    return str(address) if isinstance(address, IPv4Address) else str(_network(address))


def hashed(address: str, keys: DayKeys) -> Address:
    """An address as the live store may know it: 64 bits of its hash, under the keys of two days."""
    return Address(keys.day, _hash(keys.today, address), _hash(keys.yesterday, address) if keys.yesterday else "")


def _hash(key: str, address: str) -> str:
    return hmac.digest(bytes.fromhex(key), address.encode(), hashlib.sha256).hex()[:HASH_DIGITS]


def _own(scope: Mapping[str, Any]) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _forwarded(scope: Mapping[str, Any]) -> str:
    entries = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return entries[-1].decode("latin1").rpartition(",")[2].strip() if entries else ""


def _network(address: IPv6Address) -> IPv6Address:
    rest = 128 - NETWORK_BITS
    return IPv6Address(int(address) >> rest << rest)
