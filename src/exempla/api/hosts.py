"""Which names the server answers to, against DNS rebinding.

A page of another site can have its own name resolve to this server, and then a browser takes the
two for one site. The browser still sends that name as `Host`. An IP address there is no name that
could have been bound anew, and `localhost` resolves to this machine alone (RFC 6761).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from exempla.errors import InvalidRequest, Misdirected, Problem

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:/?#@\s]+))(?::[0-9]*)?")
_REMEMBERED = 256
"""So many values of `Host` are remembered with what is to be said about them."""

Check = Callable[[bytes | None], Problem | None]


def checker(names: Iterable[str]) -> Check:
    """Return what tells why a request with this `Host` (None: it has none) is not served."""
    allowed = {name.lower().rstrip(".") for name in names}

    @lru_cache(_REMEMBERED)
    def check(host: bytes | None) -> Problem | None:
        match = _HOST.fullmatch((host or b"").decode("latin-1").lower())
        if not match:
            return InvalidRequest("the request needs one header Host, such as 127.0.0.1:8787")
        name = (match[1] or match[2]).rstrip(".")
        if _is_address(name) or name in allowed or name.split(".")[-1] == "localhost":
            return None
        return Misdirected(
            f"this server is not known as {name[:100]!r}; use its address, "
            f"or start it with --allowed-host {name[:100]}"
        )

    return check


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
