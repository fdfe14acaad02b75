"""`/v2/api-keys`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

import msgspec
from litestar import Controller, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from exempla import clock
from exempla.api import fields, pages
from exempla.api.dependencies import DatabaseDependency, PermitDependency, WritingDependency
from exempla.errors import InvalidRequest, ValidationError
from exempla.ids import ResourceId, parse_id
from exempla.limits import MAX_ASSIGNMENTS, MAX_GRACE_S, MAX_KEY_NAME_LENGTH
from exempla.store import keys
from exempla.store.access import Role
from exempla.store.keys import ApiKey, Grant, KeyType

Status = Literal["ACTIVE", "REVOKED"]
"""Whether a key works; one that is expired or was replaced counts as revoked."""


class RoleAssignment(msgspec.Struct, forbid_unknown_fields=True):
    """A role, by its name; custom roles do not exist here."""

    type: Literal["PREDEFINED"]
    name: Literal["ADMIN", "MEMBER", "READ_ONLY"]


class AccountRole(msgspec.Struct, forbid_unknown_fields=True):
    """The role of a bot beyond its spaces: always `MEMBER`, which allows nothing more."""

    type: Literal["PREDEFINED"]
    name: Literal["MEMBER"]


class OrganizationRole(msgspec.Struct, forbid_unknown_fields=True):
    """The role of a bot in an organization: always `READ_ONLY`; its spaces say what it may do."""

    type: Literal["PREDEFINED"]
    name: Literal["READ_ONLY"]


class SpaceAssignment(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A space that a service key may use, and its role there (`MEMBER` if omitted)."""

    space_id: str
    role: RoleAssignment | None = None


class OrganizationAssignment(msgspec.Struct, forbid_unknown_fields=True):
    """Spaces of an organization that a service key may use."""

    org_id: str
    spaces: list[SpaceAssignment]
    role: OrganizationRole | None = None


class CreateKey(msgspec.Struct, forbid_unknown_fields=True):
    """A new key; `organizations` and `account_role` are for `SERVICE` keys alone."""

    key_type: KeyType
    name: str
    description: str | None = None
    expires_at: datetime | None = None
    account_role: AccountRole | None = None
    organizations: list[OrganizationAssignment] | None = None


class RefreshKey(msgspec.Struct, forbid_unknown_fields=True):
    """When the new key expires, and for how long the old one still works."""

    expires_at: datetime | None = None
    grace_period_seconds: int | None = None


class BotUser(msgspec.Struct):
    """Who a service key acts as."""

    id: str
    name: str
    account_role: AccountRole
    organizations: list[OrganizationAssignment]


class KeyAnswer(msgspec.Struct, omit_defaults=True):
    """A key as clients see it; `key` is its secret, shown when it is made and never again."""

    id: str
    name: str
    description: str
    key_type: KeyType
    status: Status
    redacted_key: str
    created_at: str
    created_by_user_id: str
    expires_at: str | None = None
    last_used_at: str | None = None
    key: str | None = None
    bot_user: BotUser | None = None


class KeysAnswer(msgspec.Struct):
    """A page of keys, newest first."""

    api_keys: list[KeyAnswer]
    pagination: pages.Pagination


class ApiKeysController(Controller):
    """Make, list, refresh and revoke keys."""

    path = "/v2/api-keys"

    @get()
    async def list_api_keys(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        key_type: FromQuery[str | None] = None,
        status: FromQuery[str | None] = None,
        space_id: FromQuery[str | None] = None,
        user_id: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> KeysAnswer:
        """List keys, newest first: the caller's own, or the service keys of a space."""
        size = pages.limit(limit)
        found = await database.read(
            keys.list_page,
            permit,
            key_type=fields.one_of(key_type, ("USER", "SERVICE"), "key_type"),
            active=fields.one_of(status, ("ACTIVE", "REVOKED"), "status") != "REVOKED",
            space=fields.optional_id(space_id, "Space", "space_id"),
            creator=fields.optional_id(user_id, "User", "user_id"),
            before=pages.before(cursor, "keys"),
            limit=size + 1,
        )
        page, pagination = pages.newest_first(found, size, "keys")
        return KeysAnswer([_answer(one) for one in page], pagination)

    @post()
    async def create_api_key(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        data: JSONBody[CreateKey],
    ) -> KeyAnswer:
        """Make a key; its secret is in the answer, and never shown again."""
        writing.without_key()
        name = fields.name(data.name, longest=MAX_KEY_NAME_LENGTH)
        description = fields.description(data.description)
        expires_at = _moment(data.expires_at)
        if data.key_type == "SERVICE":
            grants = _grants(data.organizations or [])
            key, secret = await writing.run(
                keys.create_service_key, permit, name, description, expires_at, grants
            )
            return _answer(key, secret, _bot(key, data.organizations or []))
        if data.organizations is not None or data.account_role is not None:
            raise ValidationError("organizations and account_role are for SERVICE keys alone")
        key, secret = await writing.run(keys.create_user_key, permit, name, description, expires_at)
        return _answer(key, secret)

    @post("/{api_key_id:str}/refresh", status_code=200)
    async def refresh_api_key(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        api_key_id: FromPath[str],
        data: JSONBody[RefreshKey],
    ) -> KeyAnswer:
        """Replace a key by a new one; the old one ends now, or after the grace period."""
        writing.without_key()
        grace = data.grace_period_seconds or 0
        if not 0 <= grace <= MAX_GRACE_S:
            raise ValidationError(f"grace_period_seconds must lie from 0 to {MAX_GRACE_S}")
        key, secret = await writing.run(
            keys.refresh, permit, _id(api_key_id), _moment(data.expires_at), grace
        )
        return _answer(key, secret)

    @put("/{api_key_id:str}/revoke", status_code=204)
    async def revoke_api_key(
        self, writing: WritingDependency, permit: PermitDependency, api_key_id: FromPath[str]
    ) -> None:
        """End a key at once."""
        await writing.run(keys.revoke, permit, _id(api_key_id))


def _id(text: str) -> ResourceId:
    return parse_id(text, "ApiKey", "api_key_id")


def _moment(value: datetime | None) -> int | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise InvalidRequest("expires_at needs a time zone, as in 2030-01-31T09:30:00Z")
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise ValidationError("expires_at lies outside the years 1 to 9999") from None
    return clock.microseconds(moment)


def _grants(organizations: Iterable[OrganizationAssignment]) -> list[Grant]:
    """Return a role for each space, or raise `ValidationError` for none, too many, or one twice."""
    grants: dict[ResourceId, Grant] = {}
    for index, organization in enumerate(organizations):
        where = f"organizations[{index}]"
        id = parse_id(organization.org_id, "Organization", f"{where}.org_id")
        for number, assigned in enumerate(organization.spaces):
            field = f"{where}.spaces[{number}].space_id"
            space = parse_id(assigned.space_id, "Space", field)
            if space in grants:
                raise ValidationError(f"{field} is a space that an earlier item has too")
            role = Role[assigned.role.name] if assigned.role else Role.MEMBER
            grants[space] = Grant(id, space, role)
    if not 1 <= len(grants) <= MAX_ASSIGNMENTS:
        raise ValidationError(
            f"organizations must name 1 to {MAX_ASSIGNMENTS} spaces that the key may use"
        )
    return list(grants.values())


def _bot(key: ApiKey, organizations: list[OrganizationAssignment]) -> BotUser:
    for organization in organizations:
        organization.role = OrganizationRole("PREDEFINED", "READ_ONLY")
        for space in organization.spaces:
            space.role = space.role or RoleAssignment("PREDEFINED", "MEMBER")
    return BotUser(str(key.user_id), key.name, AccountRole("PREDEFINED", "MEMBER"), organizations)


def _answer(key: ApiKey, secret: str | None = None, bot: BotUser | None = None) -> KeyAnswer:
    return KeyAnswer(
        id=str(key.id),
        name=key.name,
        description=key.description,
        key_type=key.key_type,
        status="ACTIVE" if key.is_active(clock.now()) else "REVOKED",
        redacted_key=f"{key.hint}...",
        created_at=clock.rfc3339(key.created_at),
        created_by_user_id=str(key.created_by),
        expires_at=None if key.expires_at is None else clock.rfc3339(key.expires_at),
        last_used_at=None if key.last_used_at is None else clock.rfc3339(key.last_used_at),
        key=secret,
        bot_user=bot,
    )
