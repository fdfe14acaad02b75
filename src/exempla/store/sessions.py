"""Sessions of the pages: a browser's random token stands for the key that was logged in with.

Only the token's hash is stored, and the key is looked up again with each request, so that a key
that was revoked or has expired stops at once.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from exempla import clock
from exempla.limits import SESSION_S
from exempla.store import audit, keys, users
from exempla.store.audit import Act
from exempla.store.keys import Principal
from exempla.store.transaction import Transaction

LOG_IN = "POST /login"
"""What the audit log calls it."""


class Visitor(NamedTuple):
    """Who looks at the pages."""

    principal: Principal
    name: str
    """What people call this user."""
    key_name: str


_BEGIN = """
    INSERT INTO sessions (token_hash, key_id, expires_at)
    VALUES (:token_hash, :key_id, :expires_at)"""

_FIND = """
    SELECT k.secret_hash, u.email, u.name, k.name
    FROM sessions AS s JOIN api_keys AS k ON k.id = s.key_id JOIN users AS u ON u.id = k.user_id
    WHERE s.token_hash = :token_hash AND s.expires_at > :now"""


def begin(tx: Transaction, secret_hash: str, address: str, before: str = "") -> str | None:
    """Begin a session with the key of this hash; return its token, None if the key does not work.

    It takes the place of the session `before` that the browser had, if any: that one is ended.
    Sessions that are over are removed. The audit log has who logged in, from which address.
    """
    principal = keys.authenticate(tx, secret_hash)
    if principal is None:
        return None
    now = clock.now()
    tx.run("DELETE FROM sessions WHERE expires_at <= :now", now=now)
    end(tx, before)
    token = secrets.token_urlsafe(32)
    tx.run(
        _BEGIN,
        token_hash=keys.secret_hash(token),
        key_id=principal.permit.key_id.number,
        expires_at=now + SESSION_S * clock.MICROSECONDS,
    )
    permit = principal.permit
    audit.record(tx, Act(permit.user_id, permit.key_id, address, LOG_IN, None, {}))
    return token


def find(tx: Transaction, token: str) -> Visitor | None:
    """Return whose session this is; None if it is over, or its key does not work any more."""
    row = tx.one(_FIND, token_hash=keys.secret_hash(token), now=clock.now())
    principal = keys.authenticate(tx, row[0]) if row else None
    return Visitor(principal, users.called(row[2], row[1]), row[3]) if row and principal else None


def end(tx: Transaction, token: str) -> None:
    """End the session, if there is one."""
    tx.run(
        "DELETE FROM sessions WHERE token_hash = :token_hash", token_hash=keys.secret_hash(token)
    )
