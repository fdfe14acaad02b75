"""Who makes a request: the key in the header `Authorization` (contract: auth)."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import structlog
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import HTTPScope

from exempla.api.access import NEEDS, OPEN
from exempla.errors import AuthenticationRequired
from exempla.ids import ResourceId
from exempla.store import keys
from exempla.store.access import Role
from exempla.store.database import Database
from exempla.throttle import Throttle

_HELP = "send it as the header `Authorization: Bearer <key>`"

ROUTE = "route"
"""Where the scope's state has the template of the route."""

RATE = "rate"
"""Where the scope's state has the headers that tell what is left of the key's rate limit."""

_log = structlog.get_logger(__name__)

_noting: dict[ResourceId, asyncio.Task[None]] = {}
"""Writes of `last_used_at` under way, by key."""


async def authorize(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Let a request pass that has a valid key; the others get `401`.

    A guard: it runs before the body is read. It leaves the request's permit, with what the route
    needs, in `scope["auth"]`.
    """
    scope = cast("HTTPScope", connection.scope)  # there are no websockets
    route = f"{scope['method']} {scope['path_template']}"
    scope["state"][ROUTE] = scope["path_template"]
    if route in OPEN or scope["method"] == "OPTIONS":
        return
    throttle: Throttle = connection.app.state.throttle
    principal = await _authenticate(connection, throttle)
    admit(scope, throttle, principal.permit.key_id)
    scope["auth"] = principal.permit._replace(needs=NEEDS.get(route, Role.ADMINISTRATOR))


def admit(scope: HTTPScope, throttle: Throttle, key: ResourceId) -> None:
    """Count a request of this key, and leave in the scope what the answer tells of its limit.

    Raises `RateLimited`.
    """
    if left := throttle.admit(key):
        headers = [(name.lower().encode(), value.encode()) for name, value in left.items()]
        scope["state"][RATE] = headers


async def _authenticate(
    connection: ASGIConnection[Any, Any, Any, Any], throttle: Throttle
) -> keys.Principal:
    secret = secret_in(connection.headers.get("authorization", ""), _HELP)
    database: Database = connection.app.state.database
    found = await database.look_up(keys.authenticate, keys.secret_hash(secret))
    if found is None:
        throttle.wrong_key(address_of(connection))
    principal = known(found, _HELP)
    if principal.is_use_due():
        note_use(database, principal.permit.key_id)
    return principal


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the address that the request came from; "" if that is not known."""
    return connection.client.host if connection.client else ""


def secret_in(sent: str, help: str) -> str:
    """Return the key that was sent, as `Bearer <key>` or bare; `help` says how to send one."""
    sent = sent.strip()
    scheme, _, rest = sent.partition(" ")
    secret = rest.strip() if scheme.lower() == "bearer" else sent
    if not secret or scheme.lower() == sent.lower() == "bearer":
        raise AuthenticationRequired(f"no API key was sent; {help}")
    return secret


def known(principal: keys.Principal | None, help: str) -> keys.Principal:
    """Return who uses the key that was sent, or say that no one does."""
    if principal is None:
        raise AuthenticationRequired(f"the API key is unknown, revoked or expired; {help}")
    return principal


def note_use(database: Database, key: ResourceId) -> None:
    """Store that the key is in use, once, without the request waiting for it."""
    if key in _noting:
        return

    async def note() -> None:
        try:
            await database.write(keys.used, key)
        except Exception as error:
            _log.warning("use of a key not noted", key=str(key), cause=repr(error))
        finally:
            del _noting[key]

    _noting[key] = asyncio.create_task(note())
