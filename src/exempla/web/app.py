"""The pages as one application beside the API, and which of the two answers a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from exempla.api.auth import ROUTE
from exempla.errors import AuthenticationRequired, RateLimited, Unavailable
from exempla.limits import MAX_BODY_BYTES
from exempla.store.database import Database
from exempla.throttle import Throttle
from exempla.web import (
    annotating,
    columns,
    creating,
    datasets,
    diffs,
    example,
    failures,
    files,
    help,
    keys,
    login,
    saving,
    settings,
    spaces,
    table,
    versions,
)
from exempla.web import visit as visiting
from exempla.web.static import static_file
from exempla.web.visit import Visit

HANDLERS: list[HTTPRouteHandler] = [
    static_file,
    *login.HANDLERS,
    *datasets.HANDLERS,
    *table.HANDLERS,
    *example.HANDLERS,
    *saving.HANDLERS,
    *annotating.HANDLERS,
    *help.HANDLERS,
    *versions.HANDLERS,
    *diffs.HANDLERS,
    *files.HANDLERS,
    *columns.HANDLERS,
    *creating.HANDLERS,
    *settings.HANDLERS,
    *spaces.HANDLERS,
    *keys.HANDLERS,
]


def create_pages(
    database: Database, query_timeout: float, purge: Callable[[], None], throttle: Throttle
) -> Litestar:
    """Return the pages of this database; `purge` is called when something was deleted."""
    kept_columns = columns.Kept()

    async def visit(request: Request[Any, Any, Any]) -> Visit:
        try:
            visitor, token = await visiting.find(request, database, throttle)
        except (AuthenticationRequired, RateLimited, Unavailable):
            await failures.keep_form(request)
            raise
        visit = Visit(request, database, visitor, token, query_timeout, purge)
        request.scope["state"][failures.VISIT] = visit
        return visit

    async def look(request: Request[Any, Any, Any]) -> Visit | None:
        found = await visiting.look(request, database)
        return Visit(request, database, *found, query_timeout, purge) if found else None

    return Litestar(
        route_handlers=HANDLERS,
        dependencies={
            "database": Provide(lambda: database, sync_to_thread=False),
            "throttle": Provide(lambda: throttle, sync_to_thread=False),
            "visit": Provide(visit),
            "kept_columns": Provide(lambda: kept_columns, sync_to_thread=False),
        },
        guards=[_note_route],
        exception_handlers={Exception: failures.render},
        after_exception=[failures.looker(look)],  # which runs before the handlers
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )


def _note_route(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Tell the log and the metrics which route it is: a guard, which runs first."""
    connection.scope["state"][ROUTE] = connection.scope["path_template"]


def beside(api: ASGIApp, pages: ASGIApp, api_routes: Litestar, page_routes: Litestar) -> ASGIApp:
    """Return what lets the pages answer for their own paths, and the API for all others.

    Where neither has anything, a browser gets a page that says so.
    """
    of_api = {_first_part(route.path) for route in api_routes.routes}
    of_pages = {_first_part(route.path) for route in page_routes.routes}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            part = _first_part(scope["path"])
            if part in of_pages or (part not in of_api and _wants_html(scope)):
                await pages(scope, receive, send)
                return
        await api(scope, receive, send)

    return answer


def _first_part(path: str) -> str:
    return path.split("/", 2)[1]


def _wants_html(scope: Any) -> bool:
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
