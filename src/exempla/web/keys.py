"""API keys: a person's own, and the service keys of spaces."""

from __future__ import annotations

from typing import Any, NamedTuple

from litestar import Response, get, post

from exempla import clock
from exempla.api import fields
from exempla.errors import AccessForbidden, Conflict, ValidationError
from exempla.ids import ResourceId, parse_id
from exempla.limits import MAX_KEY_NAME_LENGTH
from exempla.store import key_overview, keys, spaces
from exempla.store.access import Permit, Role
from exempla.store.key_overview import Overview
from exempla.store.keys import ApiKey, Grant, KeyType
from exempla.store.listing import FIRST
from exempla.store.spaces import Space
from exempla.store.transaction import Transaction
from exempla.web.datasets import all_spaces
from exempla.web.forms import NOT_REFUSED, Form, Refused
from exempla.web.visit import Visit, VisitDependency

MOST = 500
"""Keys that are listed, the newest ones."""

MAX_DAYS = 3_650

LIST = "GET /v2/api-keys"
CREATE = "POST /v2/api-keys"
REVOKE = "PUT /v2/api-keys/{api_key_id}/revoke"

_ROLES = ("READ_ONLY", "MEMBER", "ADMIN")


class _Known(NamedTuple):
    own: list[Overview]
    service: list[Overview]
    spaces: list[Space]
    used: ApiKey
    """What the person logged in with."""


@get("/admin/keys")
async def list_keys(visit: VisitDependency) -> Response[Any]:
    """List the keys that a person made, and the service keys of a space."""
    return await _show(visit)


async def _show(visit: Visit, refused: Refused = NOT_REFUSED, secret: str = "") -> Response[Any]:
    space = fields.optional_id(visit.asked("space"), "Space", "space")
    known = await visit.read(LIST, _find, space)
    return visit.render(
        "keys.html",
        refused.status,
        known=known,
        manageable=[one for one in known.spaces if visit.administers(one.id)],
        space=visit.asked("space"),
        refused=refused,
        secret=secret,
        now=clock.now(),
    )


def _find(tx: Transaction, permit: Permit, space: ResourceId | None) -> _Known:
    def listed(key_type: KeyType, of: ResourceId | None) -> list[Overview]:
        found = keys.list_page(
            tx,
            permit,
            key_type=key_type,
            active=True,
            space=of,
            creator=None,
            before=FIRST,
            limit=MOST,
        )
        return key_overview.of(tx, permit, found)

    spaces = all_spaces(tx, permit)
    return _Known(listed("USER", None), listed("SERVICE", space), spaces, keys.own(tx, permit))


@post("/admin/keys", status_code=200)
async def change_keys(visit: VisitDependency) -> Response[Any]:
    """Make or revoke a key; a new one is shown once."""
    form = await visit.form()
    try:
        if form.get("action") == "revoke":
            await visit.write(REVOKE, keys.revoke, parse_id(form.get("id"), "ApiKey", "key"))
            return visit.go("/admin/keys", "revoked")
        return await _show(visit, secret=await _create(visit, form))
    except (AccessForbidden, Conflict, ValidationError) as problem:
        return await _show(visit, Refused(form, problem))


async def _create(visit: Visit, form: Form) -> str:
    name = fields.name(form.get("name").strip(), longest=MAX_KEY_NAME_LENGTH)
    description = fields.description(form.get("description"))
    days = fields.whole_number(form.get("days"), "the number of days", 0, MAX_DAYS)
    expires_at = clock.now() + days * 86_400 * clock.MICROSECONDS if days else None
    made: list[str] = []

    def keep(done: tuple[ApiKey, str]) -> str:
        made.append(done[1])
        return ""  # the secret is stored nowhere

    if form.get("space") == "":
        await visit.once(CREATE, keep, keys.create_user_key, name, description, expires_at)
        return _shown_once(made)
    space = parse_id(form.get("space"), "Space", "space")
    role = fields.one_of(form.get("role"), _ROLES, "role") or "MEMBER"
    home = await visit.read("GET /v2/spaces/{space_id}", _organization_of, space)
    grants = [Grant(home, space, Role[role])]
    await visit.once(CREATE, keep, keys.create_service_key, name, description, expires_at, grants)
    return _shown_once(made)


def _shown_once(made: list[str]) -> str:
    """Return the secret; raise `Conflict` when the form was sent before."""
    if not made:
        raise Conflict(
            "this form was sent before and made a key, which is shown once alone; if you do not "
            "have it, revoke it and make another"
        )
    return made[0]


def _organization_of(tx: Transaction, permit: Permit, space: ResourceId) -> ResourceId:
    spaces.get(tx, permit, space)
    return spaces.organization_of(tx, space)


HANDLERS = [list_keys, change_keys]
