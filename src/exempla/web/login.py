"""Log in with a key, and out again."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from exempla.api.auth import address_of, secret_in
from exempla.api.dependencies import DatabaseDependency
from exempla.errors import AuthenticationRequired, RateLimited
from exempla.limits import MAX_LOGIN_BYTES, SESSION_S
from exempla.store import keys, sessions
from exempla.throttle import Throttle
from exempla.web import rendering
from exempla.web.forms import read_form
from exempla.web.visit import COOKIE, VisitDependency, find, local_path


@get("/login")
async def show_login(
    request: Request[Any, Any, Any],
    database: DatabaseDependency,
    throttle: NamedDependency[Throttle],
) -> Response[Any]:
    """Show the form that asks for a key, unless someone is logged in."""
    target = local_path(request.query_params.get("next", "/"))
    try:
        await find(request, database, throttle)
    except AuthenticationRequired:
        return rendering.page(request, "login.html", target=target, wrong="")
    return rendering.redirect(target)


@post("/login", request_max_body_size=MAX_LOGIN_BYTES)
async def log_in(
    request: Request[Any, Any, Any],
    database: DatabaseDependency,
    throttle: NamedDependency[Throttle],
) -> Response[Any]:
    """Begin a session with the key that was given, and go where it was asked for."""
    form = await read_form(request)
    target = local_path(form.get("next", "/"))
    try:
        secret = secret_in(form.get("key"), "paste it into the field")
        hash = keys.secret_hash(secret)
        address = address_of(request)
        # A wrong key does not wait for the writers.
        known = await database.look_up(keys.authenticate, hash)
        before = request.cookies.get(COOKIE, "")
        token = await database.write(sessions.begin, hash, address, before) if known else None
        if token is None:
            throttle.wrong_key(address)
            raise AuthenticationRequired("this key is unknown, revoked or expired")
    except (AuthenticationRequired, RateLimited) as problem:
        status, headers, wrong = problem.status, problem.headers, problem.detail
        return rendering.page(request, "login.html", status, headers, target=target, wrong=wrong)
    answer = rendering.redirect(target)
    answer.set_cookie(_cookie(request, token, SESSION_S))
    return answer


@post("/logout")
async def log_out(
    request: Request[Any, Any, Any], database: DatabaseDependency, visit: VisitDependency
) -> Response[Any]:
    """End the session."""
    await visit.form()
    await database.write(sessions.end, request.cookies[COOKIE])
    answer = rendering.redirect("/login")
    answer.set_cookie(_cookie(request, "", 0))
    return answer


def _cookie(request: Request[Any, Any, Any], token: str, seconds: int) -> Cookie:
    return Cookie(
        COOKIE,
        value=token,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.scope["scheme"] == "https",
    )


HANDLERS = [show_login, log_in, log_out]
