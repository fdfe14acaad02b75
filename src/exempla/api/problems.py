"""Every error as problem details (RFC 9457), and the page that explains their types."""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from litestar import MediaType, Request, Response, get
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.types import HTTPScope

from exempla.errors import (
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Problem,
    Unavailable,
)
from exempla.limits import MAX_BODY_BYTES

CONTENT_TYPE = "application/problem+json"

_log = structlog.get_logger(__name__)


class ProblemDetails(msgspec.Struct):
    """The body of every answer that is an error (contract: errors)."""

    status: int
    title: str
    type: str
    detail: str
    instance: str


def encode(problem: Problem, path: str) -> bytes:
    """Return the body that tells the client of a problem with a request to this path."""
    body = ProblemDetails(
        status=problem.status,
        title=problem.title,
        type=f"/errors#{problem.slug}",
        detail=problem.detail,
        instance=quote(path),
    )
    return msgspec.json.encode(body)


def render(problem: Problem, path: str, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Return the answer that tells the client of a problem with a request to this path."""
    return Response(
        encode(problem, path),
        status_code=problem.status,
        media_type=CONTENT_TYPE,
        headers={**problem.headers, **(headers or {})},
    )


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Render whatever a request raised, the framework's own errors included."""
    headers = error.headers if isinstance(error, HTTPException) else None
    return render(problem_of(request, error), request.scope["path"], headers)


def problem_of(request: Request[Any, Any, Any], error: Exception) -> Problem:
    """Return what to tell the client of whatever a request raised; log what it must not know."""
    path = request.scope["path"]
    if isinstance(error, Unavailable):
        _log.warning(
            "unavailable", path=path, method=request.method, cause=repr(error.__cause__ or error)
        )
    if isinstance(error, InternalError):
        _log.error("request failed", path=path, method=request.method, exc_info=error)
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _of_framework(error, request)
    if isinstance(error, InternalServerException) and "disconnected" in error.detail:
        _log.info("client left", path=path, method=request.method)
        return InvalidRequest("the body ended early")
    return failed(error, request.scope)


def failed(error: Exception, scope: HTTPScope) -> Problem:
    """Log a fault of the server, and return the problem that tells of no more than that."""
    _log.error("request failed", path=scope["path"], method=scope["method"], exc_info=error)
    return InternalError("the server failed; its log has the cause")


def _of_framework(error: HTTPException, request: Request[Any, Any, Any]) -> Problem:
    if error.status_code == NotFound.status:
        return NotFound(f"there is nothing at {request.scope['path']}")
    if error.status_code == MethodNotAllowed.status:
        return MethodNotAllowed(f"{request.scope['path']} does not answer {request.method}")
    if error.status_code == PayloadTooLarge.status:
        limit = request.route_handler.resolve_request_max_body_size() or MAX_BODY_BYTES
        if limit < 2**20:
            return PayloadTooLarge(f"the body is over {limit // 2**10} KiB; send a shorter one")
        return PayloadTooLarge(
            f"the body is over {limit // 2**20} MiB; send it in several requests"
        )
    if isinstance(error, ValidationException):  # all else that it checks is checked by us
        return InvalidRequest("the body is empty; send a JSON object")
    return InvalidRequest(error.detail)


def _entry(slug: str, problems: list[type[Problem]]) -> str:
    lines = "".join(
        f"<li><b>{p.status} {html.escape(p.title)}.</b> {html.escape(p.__doc__ or '')}</li>"
        for p in problems
    )
    return f'<section id="{slug}"><h2>{slug}</h2><ul>{lines}</ul></section>'


def _page() -> str:
    by_slug: dict[str, list[type[Problem]]] = {}
    for problem in Problem.__subclasses__():
        by_slug.setdefault(problem.slug, []).append(problem)
    sections = "".join(_entry(slug, problems) for slug, problems in by_slug.items())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Exempla: errors</title>'
        "<h1>Errors</h1><p>The <code>type</code> of a problem points to its section here; its "
        f"<code>detail</code> says what to change.</p>{sections}</html>"
    )


ERRORS_PAGE = _page()


@get("/errors", media_type=MediaType.HTML)
async def errors_page() -> str:
    """Explain the types of problems."""
    return ERRORS_PAGE
