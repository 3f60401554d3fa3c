"""The limits in force in a world. Knows nothing else."""

from typing import Any

SETTINGS: dict[str, Any] = {
    "GRACE": 1.0,
    "HOST_GRACE": 7.5,
    "LEASE": 1.5,
    "BEAT": 0.5,
    "SWEEP": 0.25,
    "POSITION_CHECK": 0.5,
    "RECONCILE": 1.0,
    "REORDER_WAIT": 0.03,
    "LOBBY_PERIOD": 0.5,
    "LOBBY_SIZE": 200,
    "HISTORY": 30,
    "HISTORY_AGE": 60.0,
    "REF_AGE": 60.0,
    "TOKEN_AGE": 86400.0,
    "ROOM_SIZE": 1000,
    "ROOMS_PER_VISITOR": 5,
    "ROOMS_PER_CONNECTION": 20,
    "CONNECTIONS_PER_VISITOR": 20,
    "CONNECTIONS_PER_ADDRESS": 0,
    "ARRIVALS_PER_ADDRESS": 0,
    "CREATES_PER_ADDRESS": 0,
    "JOINS_PER_ADDRESS": 0,
    "KICK_ADDRESS": 0.0,
    "OUTBOX": 20_000,
    "FLOOD_CONTROL": False,
}
"""Leases and graces about a tenth of the real ones. All are set, so that the environment is not asked."""
