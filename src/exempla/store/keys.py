"""API keys and the users they act for. Only the SHA-256 of a secret is stored."""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple

from exempla import clock
from exempla.errors import NotFound
from exempla.ids import ResourceId, new_suffix
from exempla.store.database import Row, Transaction

PREFIX = "exk_"
"""What a made secret starts with, so that scanners for leaked secrets can know it."""

_HINT_LENGTH = 8  # of the 47 characters of a secret that `new_secret` made


class Principal(NamedTuple):
    """Who makes a request: the key, and the user it acts for."""

    key_id: ResourceId
    user_id: ResourceId


class ApiKey(NamedTuple):
    """A key without its secret; times in microseconds."""

    id: ResourceId
    name: str
    hint: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None

    def status(self, now: int) -> str:
        """Tell whether the key is `active`, `revoked` or `expired` at this time."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


_AUTHENTICATE = """
    SELECT k.id, k.suffix, u.id, u.suffix
    FROM api_keys AS k JOIN users AS u ON u.id = k.user_id
    WHERE k.secret_hash = :secret_hash AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > :now)"""

_COLUMNS = "id, suffix, name, hint, created_at, expires_at, revoked_at"

_CREATE = f"""
    INSERT INTO api_keys
        (suffix, user_id, name, hint, secret_hash, created_at, expires_at, revoked_at)
    VALUES (:suffix, :user_id, :name, :hint, :secret_hash, :now, :expires_at, NULL)
    RETURNING {_COLUMNS}"""


def new_secret() -> str:
    """Make a secret of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def authenticate(tx: Transaction, hashed: str) -> Principal | None:
    """Return who uses the secret with this hash; None if unknown, revoked or expired."""
    row = tx.one(_AUTHENTICATE, secret_hash=hashed, now=clock.now())
    if not row:
        return None
    key, key_suffix, user, user_suffix = row
    return Principal(ResourceId("ApiKey", key, key_suffix), ResourceId("User", user, user_suffix))


def create_user(tx: Transaction, name: str, email: str) -> ResourceId:
    """Make a user."""
    suffix = new_suffix()
    row = tx.exactly_one(
        "INSERT INTO users (suffix, name, email, created_at)"
        " VALUES (:suffix, :name, :email, :now) RETURNING id",
        suffix=suffix,
        name=name,
        email=email,
        now=clock.now(),
    )
    return ResourceId("User", row[0], suffix)


def create(
    tx: Transaction, user: ResourceId, name: str, secret: str, expires_at: int | None
) -> ApiKey:
    """Store a key for the user with this secret."""
    row = tx.exactly_one(
        _CREATE,
        suffix=new_suffix(),
        user_id=user.number,
        name=name,
        hint=secret[:_HINT_LENGTH] if secret.startswith(PREFIX) and len(secret) > 40 else "",
        secret_hash=secret_hash(secret),
        now=clock.now(),
        expires_at=expires_at,
    )
    return _key(row)


def list_all(tx: Transaction) -> list[ApiKey]:
    """Return all keys, oldest first, the revoked ones too."""
    return [_key(row) for row in tx.all(f"SELECT {_COLUMNS} FROM api_keys ORDER BY id")]


def revoke(tx: Transaction, id: ResourceId) -> ApiKey:
    """End a key at once; raise `NotFound` if there is none such. Twice is as good as once."""
    row = tx.one(
        "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, :now)"
        f" WHERE id = :id AND suffix = :suffix RETURNING {_COLUMNS}",
        now=clock.now(),
        id=id.number,
        suffix=id.suffix,
    )
    if not row:
        raise NotFound(f"there is no key with the id {id}")
    return _key(row)


def first_user(tx: Transaction) -> ResourceId | None:
    """Return the user that the first start made."""
    row = tx.one("SELECT id, suffix FROM users ORDER BY id LIMIT 1")
    return ResourceId("User", *row) if row else None


def _key(row: Row) -> ApiKey:
    number, suffix, *rest = row
    return ApiKey(ResourceId("ApiKey", number, suffix), *rest)
