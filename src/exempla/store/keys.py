"""API keys. A key acts as a user: `USER` keys as who made them, `SERVICE` keys as a bot.

Only the SHA-256 of a secret is stored, and of a secret made here the first characters.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from exempla import clock
from exempla.errors import (
    AccessForbidden,
    AuthenticationRequired,
    Conflict,
    NotFound,
    ValidationError,
)
from exempla.ids import ResourceId, new_suffix
from exempla.store import spaces, users
from exempla.store.access import READS, Permit, Role
from exempla.store.listing import IN_SPACE, in_space
from exempla.store.transaction import Row, Transaction

KeyType = Literal["USER", "SERVICE"]

PREFIX = "exk_"
"""What a made secret starts with, so that scanners for leaked secrets can know it."""

USED_EVERY = 300 * clock.MICROSECONDS
"""`last_used_at` is written at most so often, not with every request."""

_HINT_LENGTH = 8  # of the 47 characters of a secret that `new_secret` made


class Principal(NamedTuple):
    """Who makes a request."""

    permit: Permit
    last_used_at: int

    def is_use_due(self) -> bool:
        """Tell whether it is time to store again that the key is in use."""
        return clock.now() - self.last_used_at > USED_EVERY


class Grant(NamedTuple):
    """A role in a space of an organization."""

    organization: ResourceId
    space: ResourceId
    role: Role


class ApiKey(NamedTuple):
    """A key without its secret; times in microseconds."""

    id: ResourceId
    user_id: ResourceId
    """Who it acts as."""
    created_by: ResourceId
    key_type: KeyType
    name: str
    description: str
    hint: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    replaced_at: int | None
    """When it was refreshed; it may still work for a while."""

    def is_active(self, now: int) -> bool:
        """Tell whether the key works at this time."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


_AUTHENTICATE = """
    SELECT k.id, k.suffix, u.id, u.suffix, u.is_administrator, COALESCE(k.last_used_at, 0)
    FROM api_keys AS k JOIN users AS u ON u.id = k.user_id
    WHERE k.secret_hash = :secret_hash AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > :now)"""

_SELECT = """
    SELECT k.id, k.suffix, u.id, u.suffix, c.id, c.suffix, k.key_type, k.name, k.description,
        k.hint, k.created_at, k.expires_at, k.revoked_at, k.last_used_at, k.replaced_at
    FROM api_keys AS k JOIN users AS u ON u.id = k.user_id JOIN users AS c ON c.id = k.created_by"""

_CREATE = """
    INSERT INTO api_keys (suffix, user_id, created_by, key_type, name, description, hint,
        secret_hash, created_at, expires_at, revoked_at, last_used_at)
    VALUES (:suffix, :user_id, :created_by, :key_type, :name, :description, :hint,
        :secret_hash, :now, :expires_at, NULL, NULL)
    ON CONFLICT (secret_hash) DO NOTHING
    RETURNING id"""

_LIST = (
    _SELECT
    + f"""
    WHERE k.id < :before
      AND k.key_type = :key_type
      AND (:any_creator = 1 OR (c.id = :creator AND c.suffix = :creator_suffix))
      AND (:in_space = 0 OR EXISTS (
        SELECT 1 FROM memberships AS m JOIN spaces AS s ON s.id = m.space_id
        WHERE m.user_id = k.user_id AND {IN_SPACE} AND {READS}))
      AND (k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > :now)) = (:active = 1)
    ORDER BY k.id DESC
    LIMIT :limit"""
)


def new_secret() -> str:
    """Make a secret of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def authenticate(tx: Transaction, hashed: str) -> Principal | None:
    """Return who uses the secret with this hash; None if unknown, revoked or expired.

    How long the index takes to find a hash may tell of the hashes that are stored, but no one can
    make a secret that has a wanted beginning of its SHA-256. The secret itself is never compared.
    """
    row = tx.one(_AUTHENTICATE, secret_hash=hashed, now=clock.now())
    if not row:
        return None
    key, key_suffix, user, user_suffix, is_administrator, last_used_at = row
    permit = Permit(
        ResourceId("ApiKey", key, key_suffix),
        ResourceId("User", user, user_suffix),
        bool(is_administrator),
        {} if is_administrator else users.roles_of(tx, user),
    )
    return Principal(permit, last_used_at)


def check_works(tx: Transaction, permit: Permit) -> None:
    """Raise `AuthenticationRequired` if the key of the permit was ended meanwhile."""
    if not permit.key_id.number:  # `OPERATOR`
        return
    key = own(tx, permit)
    if not key.is_active(clock.now()):
        raise AuthenticationRequired("the API key was revoked, or has expired, meanwhile")


def used(tx: Transaction, key: ResourceId) -> None:
    """Store that the key is in use now."""
    tx.run("UPDATE api_keys SET last_used_at = :now WHERE id = :id", now=clock.now(), id=key.number)


def create(
    tx: Transaction,
    user: ResourceId,
    created_by: ResourceId,
    key_type: KeyType,
    name: str,
    description: str,
    secret: str,
    expires_at: int | None,
) -> ApiKey:
    """Store a key with this secret, which acts as `user`."""
    suffix = new_suffix()
    row = tx.one(
        _CREATE,
        suffix=suffix,
        user_id=user.number,
        created_by=created_by.number,
        key_type=key_type,
        name=name,
        description=description,
        hint=secret[:_HINT_LENGTH] if secret.startswith(PREFIX) and len(secret) > 40 else "",
        secret_hash=secret_hash(secret),
        now=clock.now(),
        expires_at=expires_at,
    )
    if not row:
        raise Conflict("there is a key with this secret already")
    return _one(tx, row[0], suffix)


def create_user_key(
    tx: Transaction, permit: Permit, name: str, description: str, expires_at: int | None
) -> tuple[ApiKey, str]:
    """Make a key that acts as the caller; return it with its secret.

    A bot has the one key it was made with: another would outlive it.
    """
    expires_at = _within_own(tx, permit, expires_at, "USER")
    secret = new_secret()
    user = permit.user_id
    return create(tx, user, user, "USER", name, description, secret, expires_at), secret


def create_service_key(
    tx: Transaction,
    permit: Permit,
    name: str,
    description: str,
    expires_at: int | None,
    grants: Sequence[Grant],
) -> tuple[ApiKey, str]:
    """Make a key that acts as a new bot with these roles; return it with its secret.

    Who makes it must be `ADMIN` of each of the spaces, which must be in the organization named.
    """
    expires_at = _within_own(tx, permit, expires_at, None)
    for organization, space, _ in grants:
        spaces.get(tx, permit._replace(needs=Role.ADMIN), space)
        if spaces.organization_of(tx, space) != organization:
            raise ValidationError(f"the space {space} is not in the organization {organization}")
    bot = users.create_bot(tx, name, {grant.space.number: grant.role for grant in grants})
    secret = new_secret()
    key = create(tx, bot.id, permit.user_id, "SERVICE", name, description, secret, expires_at)
    return key, secret


def list_page(
    tx: Transaction,
    permit: Permit,
    *,
    key_type: KeyType | None,
    active: bool,
    space: ResourceId | None,
    creator: ResourceId | None,
    before: int,
    limit: int,
) -> list[ApiKey]:
    """Return keys, newest first, whose number is below `before`.

    With a space: the service keys that have a role in it, unless a type is given; none if the
    caller cannot read the space. Else the user keys, unless a type is given, that the caller
    made; an administrator may ask for those of another `creator`, or for all service keys.
    """
    if not space:
        if creator and creator != permit.user_id and not permit.is_administrator:
            raise AccessForbidden("only an administrator may list the keys of other users")
        if not permit.is_administrator or key_type != "SERVICE":
            creator = creator or permit.user_id
    key_type = key_type or ("SERVICE" if space else "USER")
    rows = tx.all(
        _LIST,
        before=before,
        key_type=key_type,
        any_creator=int(creator is None),
        creator=creator.number if creator else 0,
        creator_suffix=creator.suffix if creator else "",
        **in_space(space),
        **permit.spaces,
        active=int(active),
        now=clock.now(),
        limit=limit,
    )
    return [_key(row) for row in rows]


def list_all(tx: Transaction) -> list[ApiKey]:
    """Return all keys, oldest first, the revoked ones too."""
    return [_key(row) for row in tx.all(_SELECT + " ORDER BY k.id")]


def refresh(
    tx: Transaction, permit: Permit, id: ResourceId, expires_at: int | None, grace_s: int
) -> tuple[ApiKey, str]:
    """Replace a key by one with another secret; return that with its secret.

    The old one ends now, or after the grace period. The new one expires with it, or sooner if
    `expires_at` says so; only a key that never expires can be replaced by one of any expiry.
    """
    old = _managed(tx, permit, id)
    if old.replaced_at is not None:
        raise ValidationError(f"the key {old.name!r} was replaced already; use the new one")
    if not old.is_active(clock.now()):
        raise ValidationError(f"the key {old.name!r} is revoked or expired; make a new one")
    expires_at = _expiry(expires_at, old, "the key expires; make a new key to have it longer")
    now = clock.now()
    grace_end = now + grace_s * clock.MICROSECONDS
    tx.run(
        "UPDATE api_keys SET expires_at = :expires_at, revoked_at = :revoked_at,"
        " replaced_at = :now WHERE id = :id",
        now=now,
        expires_at=min(old.expires_at or grace_end, grace_end) if grace_s else old.expires_at,
        revoked_at=None if grace_s else now,
        id=id.number,
    )
    secret = new_secret()
    made = create(
        tx, old.user_id, old.created_by, old.key_type, old.name, old.description, secret, expires_at
    )
    return made, secret


def revoke(tx: Transaction, permit: Permit, id: ResourceId) -> ApiKey:
    """End a key at once; twice is as good as once."""
    key = _managed(tx, permit, id)
    now = clock.now()
    tx.run(
        "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, :now) WHERE id = :id",
        now=now,
        id=id.number,
    )
    return key._replace(revoked_at=key.revoked_at or now)


def may_end(permit: Permit, key: ApiKey, theirs: Mapping[int, Role]) -> bool:
    """Tell whether the caller may end a key whose user has these roles, by number of space."""
    if permit.is_administrator or permit.user_id in {key.created_by, key.user_id}:
        return True
    return bool(theirs) and all(permit.roles.get(space) == Role.ADMIN for space in theirs)


def own(tx: Transaction, permit: Permit) -> ApiKey:
    """Return the key that the caller uses."""
    return _one(tx, permit.key_id.number, permit.key_id.suffix)


def _managed(tx: Transaction, permit: Permit, id: ResourceId) -> ApiKey:
    """Return a key that the caller may end: its own, or one of spaces that it is `ADMIN` of."""
    # FOR UPDATE: two refreshes at once must not make two keys.
    row = tx.one(
        _SELECT + " WHERE k.id = :id AND k.suffix = :suffix FOR UPDATE OF k",
        id=id.number,
        suffix=id.suffix,
    )
    if row:
        key = _key(row)
        theirs = users.roles_of(tx, key.user_id.number)
        if may_end(permit, key, theirs):
            return key
        if any(permit.reads(space) for space in theirs):
            raise AccessForbidden("only who made the key, or an admin of its spaces, may do this")
    raise NotFound(f"there is no key with the id {id}")


def _within_own(
    tx: Transaction, permit: Permit, expires_at: int | None, must_be: KeyType | None
) -> int | None:
    """Return the expiry of a key that the caller makes: not after that of the caller's own key."""
    used = own(tx, permit)
    if must_be and used.key_type != must_be:
        raise AccessForbidden(f"a {used.key_type} key cannot make a {must_be} key")
    return _expiry(expires_at, used, "your own key expires")


def _expiry(wanted: int | None, source: ApiKey, why: str) -> int | None:
    """Return when a key made from `source` expires: as wanted, or with it, and never after it."""
    if wanted is not None and wanted <= clock.now():
        raise ValidationError("expires_at is in the past")
    if source.expires_at is None or wanted is None:
        return source.expires_at if wanted is None else wanted
    if wanted > source.expires_at:
        raise ValidationError(f"expires_at is after {clock.rfc3339(source.expires_at)}, when {why}")
    return wanted


def _one(tx: Transaction, number: int, suffix: str) -> ApiKey:
    statement = _SELECT + " WHERE k.id = :id AND k.suffix = :suffix"
    return _key(tx.exactly_one(statement, id=number, suffix=suffix))


def _key(row: Row) -> ApiKey:
    key, key_suffix, user, user_suffix, creator, creator_suffix, *rest = row
    return ApiKey(
        ResourceId("ApiKey", key, key_suffix),
        ResourceId("User", user, user_suffix),
        ResourceId("User", creator, creator_suffix),
        *rest,
    )
