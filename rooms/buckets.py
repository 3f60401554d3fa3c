"""A token bucket for each of many names, such as addresses.

Knows one bucket; must not know what a name is or what is limited. A name is kept as a hash under a random key that only
this object has, and not for long.
"""

import secrets
import time
from hashlib import blake2b

from rooms.flood import Bucket

NAMES_MAX = 50_000
"""Names of which a bucket is kept, and as many older ones; with more, the older ones are forgotten, so full again."""


class Buckets:
    """Token buckets by name. One that nobody has used for as long as it takes to fill is full, and forgotten.

    Args:
        burst: how many tokens may be taken at once.
        rate: how many tokens come back per second.
    """

    def __init__(self, burst: float, rate: float) -> None:
        self._burst = burst
        self._rate = rate
        self._key = secrets.token_bytes(16)
        self._used: dict[bytes, Bucket] = {}
        self._used_before: dict[bytes, Bucket] = {}
        self._since = time.monotonic()

    def retry_after_ms(self, name: str, cost: float = 1) -> int:
        """Take ``cost`` tokens from a name's bucket.

        Returns:
            0, or, when none were taken, the milliseconds until they are there.
        """
        return self._bucket(name).retry_after_ms(cost)

    def give_back(self, name: str) -> None:
        """Put back one token that was taken."""
        self._bucket(name).give_back()

    def _bucket(self, name: str) -> Bucket:
        now = time.monotonic()
        if now - self._since > self._burst / self._rate or len(self._used) >= NAMES_MAX:
            if now - self._since > 2 * self._burst / self._rate:
                self._used = {}
            self._used, self._used_before, self._since = {}, self._used, now
        key = blake2b(name.encode(), key=self._key, digest_size=8).digest()
        bucket = self._used.get(key)
        if bucket is None:
            bucket = self._used_before.pop(key, None) or Bucket(self._burst, self._rate)
            self._used[key] = bucket
        return bucket
