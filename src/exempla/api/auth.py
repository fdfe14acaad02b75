"""Who makes a request: the key in the header `Authorization` (contract: auth)."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from exempla.errors import AuthenticationRequired
from exempla.store import keys
from exempla.store.database import Database

_HELP = "send it as the header `Authorization: Bearer <key>`"


async def require_key(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Let a request pass that has a valid key; the others get `401`.

    A guard: it runs before the body is read. A route with `opt={"open": True}` needs no key.
    """
    if handler.opt.get("open"):
        return
    sent = connection.headers.get("authorization", "").strip()
    scheme, _, rest = sent.partition(" ")
    secret = rest.strip() if scheme.lower() == "bearer" else sent
    if not secret or scheme.lower() == sent.lower() == "bearer":
        raise AuthenticationRequired(f"no API key was sent; {_HELP}")
    database: Database = connection.app.state.database
    principal = await database.read(keys.authenticate, keys.secret_hash(secret))
    if principal is None:
        raise AuthenticationRequired(f"the API key is unknown, revoked or expired; {_HELP}")
    connection.scope["auth"] = principal
