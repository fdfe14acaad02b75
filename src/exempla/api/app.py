"""The application: the resources, and what is done for each request."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable
from urllib.parse import unquote

import structlog
from litestar import Litestar, datastructures
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    ControllerRouterHandler,
    HTTPResponseStartEvent,
    HTTPScope,
    Message,
    Receive,
    Scope,
    Send,
)

from exempla import logs, metrics
from exempla.api.annotation_configs import AnnotationConfigsController
from exempla.api.api_keys import ApiKeysController
from exempla.api.audit_logs import AuditLogsController
from exempla.api.auth import RATE, ROUTE, authorize
from exempla.api.body import JsonBody
from exempla.api.datasets import DatasetsController
from exempla.api.dependencies import provide
from exempla.api.examples import ExamplesController
from exempla.api.health import healthz, prometheus, readyz
from exempla.api.hosts import checker
from exempla.api.not_supported import not_supported_routes
from exempla.api.openapi import DocumentsController, describer
from exempla.api.organizations import OrganizationsController
from exempla.api.problems import CONTENT_TYPE, encode, errors_page, failed, handle
from exempla.api.purging import Purger
from exempla.api.spaces import SpacesController
from exempla.api.tags import DatasetTagsController, TagsController
from exempla.api.v1.columns import ColumnsController
from exempla.api.v1.diff import DiffController
from exempla.api.v1.files import FilesController
from exempla.api.v1.history import OF_AN_EXAMPLE, HistoryController
from exempla.api.v1.schemas import SchemasController
from exempla.api.v1.versions import VersionsController
from exempla.errors import NotFound, Problem
from exempla.limits import MAX_BODY_BYTES
from exempla.settings import DEFAULT_QUERY_TIMEOUT_S
from exempla.store.database import Database
from exempla.throttle import Throttle
from exempla.web.app import beside, create_pages

_log = structlog.get_logger(__name__)

_COLLAPSED = re.compile(rb"//|%2[fF]")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


_SAFETY = (
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
"""What every answer tells a browser: keep nothing, run nothing, show it in no other page.

An answer that says otherwise itself is left to: the pages have scripts (`web/rendering.py`). No
answer allows another site to read it (CORS).
"""


def create_app(
    database: Database,
    query_timeout: float = DEFAULT_QUERY_TIMEOUT_S,
    hosts: Iterable[str] = (),
    throttle: Throttle | None = None,
) -> ASGIApp:
    """Return the application that serves this database; a search may take so many seconds.

    `hosts` are the names that it is known by, beside addresses and `localhost`.
    """
    api = create_litestar(database, query_timeout, throttle)
    pages = create_pages(database, query_timeout, api.state.purger.wake, api.state.throttle)
    app = beside(_with_head_and_options(api), _with_head_and_options(pages), api, pages)
    exact = _with_exact_paths(app)
    return _with_request_id(_with_known_hosts(exact, hosts))


def create_litestar(
    database: Database,
    query_timeout: float = DEFAULT_QUERY_TIMEOUT_S,
    throttle: Throttle | None = None,
) -> Litestar:
    """Return the resources, with what is done for each request but its id."""
    purger = Purger(database)
    dependencies = provide(database, purger, query_timeout)
    handlers: list[ControllerRouterHandler] = [
        healthz,
        readyz,
        prometheus,
        errors_page,
        OrganizationsController,
        SpacesController,
        DatasetsController,
        ExamplesController,
        AnnotationConfigsController,
        TagsController,
        DatasetTagsController,
        ApiKeysController,
        AuditLogsController,
        VersionsController,
        DiffController,
        FilesController,
        HistoryController,
        SchemasController,
        ColumnsController,
        DocumentsController,
    ]
    describe = describer(handlers, dependencies)
    return Litestar(
        route_handlers=[*handlers, *not_supported_routes()],
        state=datastructures.State(
            {
                "database": database,
                "describe": describe,
                "purger": purger,
                "throttle": throttle or Throttle(),
            }
        ),
        dependencies=dependencies,
        guards=[authorize],
        dto=JsonBody,
        return_dto=None,
        exception_handlers={Exception: handle},
        request_max_body_size=MAX_BODY_BYTES,
        lifespan=[purger.running],
        openapi_config=None,
        logging_config=None,
    )


def _with_head_and_options(app: Litestar) -> ASGIApp:
    """Answer HEAD as GET, whose body the server leaves out (RFC 9110, section 9.3.2).

    And name in the answer to OPTIONS every method of the path, of which Litestar names a part.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}

        async def send_with_allow(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 204:
                path = scope["path_template"]
                methods = {m for r in app.routes if r.path_format == path for m in r.methods}
                allow = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
                headers = [pair for pair in message["headers"] if pair[0] != b"allow"]
                message["headers"] = [*headers, (b"allow", allow.encode())]
            await send(message)

        asked = scope["type"] == ScopeType.HTTP and scope["method"] == "OPTIONS"
        await app(scope, receive, send_with_allow if asked else send)

    return answer


def _with_exact_paths(app: ASGIApp) -> ASGIApp:
    """Answer `404` for a path with an empty segment or an encoded slash.

    Litestar would collapse them, and `DELETE /v2/datasets/{id}//examples` or `.../{id}/%2F`
    reach another route than the one that was asked for. An example's id may have slashes.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and _COLLAPSED.search(scope["raw_path"]):
            if not OF_AN_EXAMPLE.fullmatch(scope["raw_path"]):
                await _send(send, NotFound(f"there is nothing at {scope['path']}"), scope["path"])
                return
            segments = scope["raw_path"].decode("latin-1").split("/")
            path = "/".join(unquote(segment).replace("/", "%2F") for segment in segments)
            scope = {**scope, "path": path}
        await app(scope, receive, send)

    return answer


def _with_known_hosts(app: ASGIApp, hosts: Iterable[str]) -> ASGIApp:
    """Answer `421` to requests for a name that the server is not known by (see `hosts.py`)."""
    check = checker(hosts)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            sent = [value for name, value in scope["headers"] if name == b"host"]
            needed = sent or scope["http_version"] != "1.0"  # which knows no Host
            if needed and (problem := check(sent[0] if len(sent) == 1 else None)):
                await _send(send, problem, scope["path"])
                return
        await app(scope, receive, send)

    return answer


def _with_request_id(app: ASGIApp) -> ASGIApp:
    """Give every answer the header `X-Request-Id`: the request's own, or a new one.

    And what it tells a browser, and what is left of its key's rate limit. Count and time it.

    What the framework fails to handle itself is answered as a problem here.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        sent = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex.encode()
        scope.setdefault("state", {})  # which not every server gives
        began, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id),
                    *[pair for pair in _SAFETY if pair[0] not in own],
                    *scope["state"].get(RATE, ()),
                ]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
            try:
                await app(scope, receive, send_with_id)
            except Exception as error:
                if status:
                    raise
                await _send(send_with_id, failed(error, scope), scope["path"])
            finally:
                seconds = time.perf_counter() - began
                route = scope["state"].get(ROUTE, "")
                if metrics.shown:
                    metrics.request(route, scope["method"], status, seconds)
                if logs.shows_requests:
                    _log_request(scope, route, status, seconds)

    return answer


def _log_request(scope: HTTPScope, route: str, status: int, seconds: float) -> None:
    _log.debug(
        "request",
        route=route,
        path=scope["path"],
        method=scope["method"],
        status=status,
        milliseconds=round(seconds * 1_000, 3),
    )


async def _send(send: Send, problem: Problem, path: str) -> None:
    body = encode(problem, path)
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    start: HTTPResponseStartEvent = {
        "type": "http.response.start",
        "status": problem.status,
        "headers": headers,
    }
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})
