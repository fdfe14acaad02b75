"""Rate limits: of what one key may ask for, and of wrong keys from one address.

Kept in memory, by each process for itself.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import structlog

from exempla.errors import RateLimited
from exempla.ids import ResourceId
from exempla.settings import Rate

SECOND = 1_000_000_000

_log = structlog.get_logger(__name__)


WRONG_KEYS = Rate(60, 60)
"""Wrong keys that one address may send; more are `429` instead of `401`."""

NAMES = 10_000
"""Keys, or addresses, that are remembered; of more, the one seen longest ago is forgotten."""


class Verdict(NamedTuple):
    """Whether there is a wait, and what is left until `reset`; all in whole seconds."""

    remaining: int
    reset: int
    wait: int


class Limiter:
    """Lets each name have `rate.number` at once, and as many again each `rate.seconds`, evenly.

    This is the generic cell rate algorithm: all that it keeps of a name is the moment when all
    that was taken is given back.
    """

    def __init__(
        self, rate: Rate, names: int = NAMES, now: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.rate = rate
        self._each = rate.seconds * SECOND // rate.number
        self._all = self._each * rate.number
        self._names = names
        self._now = now
        self._whole_at: dict[object, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._whole_at)

    def take(self, name: object) -> Verdict:
        """Take one for this name, unless there is none left."""
        with self._lock:
            now = self._now()
            debt = max(self._whole_at.pop(name, 0) - now, 0)
            wait = debt + self._each - self._all
            if wait <= 0:
                debt += self._each
            elif len(self._whole_at) >= self._names:
                del self._whole_at[next(iter(self._whole_at))]
            self._whole_at[name] = now + debt
            if len(self._whole_at) > self._names:
                del self._whole_at[next(iter(self._whole_at))]
        return Verdict((self._all - debt) // self._each, _seconds(debt), _seconds(max(wait, 0)))


def _seconds(nanoseconds: int) -> int:
    return -(-nanoseconds // SECOND)


class Throttle:
    """What the servers ask before they serve a key, and when a key is wrong."""

    def __init__(self, rate: Rate | None = None) -> None:
        self._keys = Limiter(rate) if rate else None
        self._wrong = Limiter(WRONG_KEYS)

    def admit(self, key: ResourceId) -> dict[str, str]:
        """Count a request of this key; return the headers that tell what it has left.

        Raises `RateLimited`, with the same headers, if that is nothing.
        """
        if self._keys is None:
            return {}
        rate = self._keys.rate
        remaining, reset, wait = self._keys.take(key.number)
        headers = {
            "RateLimit-Policy": f'"key";q={rate.number};w={rate.seconds}',
            "RateLimit": f'"key";r={remaining};t={reset}',
        }
        if wait:
            raise RateLimited(
                f"the key has made its {rate.number} requests in {rate.seconds} s; "
                f"try again in {wait} s",
                headers | {"Retry-After": str(wait)},
            )
        return headers

    def wrong_key(self, address: str) -> None:
        """Count a wrong key from this address; raise `RateLimited` if there were too many.

        A right one is never counted, so no one is locked out by another user of the address.
        """
        _, _, wait = self._wrong.take(_network(address))
        if wait:
            raise RateLimited(
                f"too many wrong keys came from your address; try again in {wait} s",
                {"Retry-After": str(wait)},
            )
        _log.warning("wrong key", address=address)


def _network(address: str) -> str:
    """Return what one client has for itself: an IPv4 address, or a /64 of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
