"""What a person is told of a request that failed: what happened, what was typed, what to do next.

What a form brought is shown again, so that it can be copied. Where it is worth it, it can be sent
again from there, with the token of the session that there is now.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from litestar import Request, Response
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException
from litestar.types import Scope

from exempla.api import problems
from exempla.errors import (
    AccessForbidden,
    AuthenticationRequired,
    Conflict,
    InternalError,
    NotFound,
    PreconditionFailed,
    Problem,
    RateLimited,
    Unavailable,
    ValidationError,
)
from exempla.limits import MAX_STRANGER_FORM_BYTES
from exempla.web import rendering
from exempla.web.forms import FORM_TOKEN, SENT, ForeignForm, Form, OldForm, read_form
from exempla.web.text import came_back
from exempla.web.visit import LOGIN, Visit, asked_for, local_path, to_login

VISIT = "visit"
"""Where the scope's state has the `Visit`, if someone is logged in."""


class Advice(NamedTuple):
    """What the page of a kind of problem says beside its detail."""

    title: str
    next: str


_ADVICE: dict[type[Problem], Advice] = {
    AuthenticationRequired: Advice("You are logged out", ""),
    OldForm: Advice(
        "This form is from an earlier log-in",
        "Send it again from here, or load its page again.",
    ),
    ForeignForm: Advice("This form is from another site", ""),
    AccessForbidden: Advice(
        "You may not do this", "Ask someone who manages the space for a role that may."
    ),
    NotFound: Advice(
        "Not found",
        "It may have been deleted, the address may be incomplete, or your key has no role in its "
        "space.",
    ),
    Conflict: Advice("This is not possible now", ""),
    ValidationError: Advice("This is not possible", ""),
    PreconditionFailed: Advice("Someone else was faster", ""),
    RateLimited: Advice("Too many requests", "Wait a moment, then try again."),
    Unavailable: Advice("Not available at the moment", "Try again in a moment."),
    InternalError: Advice(
        "The server failed", "Try again. If it fails again, tell who runs the server."
    ),
}

_AGAIN = (AuthenticationRequired, OldForm, RateLimited, Unavailable)
"""Problems that may be over when the same form is sent once more."""

_GIVEN = {
    FORM_TOKEN,
    "action",
    "back",
    "id",
    "into",
    "once",
    "pinned",
    "seen",
    "tag",
    "version_seen",
}
"""Fields that the page gave to the form: they are sent again, but tell a person nothing."""

_OF_A_FIELD = re.compile(r"(name|kind|new|choice|value)\.(\d+)")


class Sent(NamedTuple):
    """A field of a form that was sent."""

    name: str
    text: str
    label: str
    """What people call it; "" if it was not typed, but given by the page."""


async def keep_form(request: Request[Any, Any, Any]) -> None:
    """Keep what the form brought, if it is small, of who may not send it (any more)."""
    kind, _ = request.content_type
    length = request.content_length
    if kind != RequestEncodingType.URL_ENCODED or length is None:
        return
    if request.method == "POST" and length <= MAX_STRANGER_FORM_BYTES:
        request.scope["state"][SENT] = await read_form(request)


def looker(
    look: Callable[[Request[Any, Any, Any]], Awaitable[Visit | None]],
) -> Callable[[Exception, Scope], Awaitable[None]]:
    """Return what finds out who asks, where no route did, so that their page has its frame."""

    async def find(error: Exception, scope: Scope) -> None:
        if isinstance(error, HTTPException) and VISIT not in scope["state"]:
            with suppress(Problem):  # the database is down: then the page has no frame
                scope["state"][VISIT] = await look(Request(scope))

    return find


def render(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Render whatever a page raised: as a page, or as problem details for our scripts."""
    if isinstance(error, AuthenticationRequired) and request.method == "GET":
        login = to_login(asked_for(request))
        if request.headers.get("sec-fetch-site") == "cross-site":
            # The cookie does not come with a link on another site, but with one on this page.
            return rendering.page(request, "through.html", login=login)
        return rendering.redirect(login)
    problem = problems.problem_of(request, error)
    if "text/html" not in request.headers.get("accept", "text/html"):
        return problems.render(problem, request.scope["path"], rendering.HEADERS)
    more = error.headers if isinstance(error, HTTPException) else None
    headers = {**problem.headers, **(more or {})}
    return _page(request, problem, headers)


def _page(
    request: Request[Any, Any, Any], problem: Problem, headers: dict[str, str]
) -> Response[Any]:
    state = request.scope["state"]
    visit: Visit | None = state.get(VISIT)
    # A session that is known gives the form a new token; else the one it had may still be right.
    fields = [
        one for one in _fields(state.get(SENT, Form())) if one.name != FORM_TOKEN or visit is None
    ]
    back = _back(request)
    return rendering.page(
        request,
        "problem.html",
        problem.status,
        headers,
        visit=visit,
        problem=problem,
        advice=_ADVICE.get(type(problem), Advice(problem.title, "")),
        fields=fields if any(one.label for one in fields) else [],
        target=local_path(asked_for(request)),
        is_kept=request.method != "POST" or SENT in state or request.scope["path"] == LOGIN,
        most_kept=MAX_STRANGER_FORM_BYTES // 1024**2,
        may_work_again=isinstance(problem, _AGAIN),
        back=back,
        is_page=request.method == "GET",
        login=to_login(back) if isinstance(problem, AuthenticationRequired) else "",
    )


def _fields(form: Form) -> list[Sent]:
    """Return the fields of the form, those of one name in their order."""
    return [
        Sent(name, text, _label(form, name) if text else "")
        for name in form
        for text in form.all(name)
    ]


def _label(form: Form, name: str) -> str:
    part = _OF_A_FIELD.fullmatch(name)
    if not part:
        return "" if name in _GIVEN else name.replace("_", " ").capitalize()
    if part[1] == "value":
        return came_back(form.get(f"name.{part[2]}")) or "The new field"
    return "Name of the new field" if part[1] == "name" and f"new.{part[2]}" in form else ""


def _back(request: Request[Any, Any, Any]) -> str:
    """Return where the person was: the page with the form, else the dataset, else the start."""
    from_ = urlsplit(request.headers.get("referer", ""))
    if request.method != "GET" and from_.netloc == request.headers.get("host"):
        return local_path(from_.path + (f"?{from_.query}" if from_.query else ""))
    _, first, *rest = request.scope["path"].split("/")
    is_part = len(rest) > 1 or (len(rest) == 1 and request.scope["query_string"] != b"")
    return f"/datasets/{rest[0]}" if first == "datasets" and is_part else "/"
