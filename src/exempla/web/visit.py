"""One request of a person who is logged in: who it is, what was asked, and the way to the store."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency

from exempla.api.access import HAS_EXAMPLES, NEEDS, NOT_IN_AUDIT_LOG
from exempla.api.auth import address_of, admit, note_use
from exempla.errors import (
    AuthenticationRequired,
    PreconditionFailed,
    Problem,
)
from exempla.ids import ResourceId
from exempla.store import audit, idempotency, sessions
from exempla.store.access import Permit, Role
from exempla.store.audit import Act
from exempla.store.database import Database
from exempla.store.idempotency import Answer, Asked
from exempla.store.sessions import Visitor
from exempla.store.transaction import Transaction
from exempla.throttle import Throttle
from exempla.web import rendering
from exempla.web.forms import FORM_TOKEN, ONCE, SENT, Form, OldForm, form_token, read_form

P = ParamSpec("P")
T = TypeVar("T")

COOKIE = "exempla_session"
LOGIN = "/login"

_CHANGED = (
    "someone else changed it meanwhile; send it once more to put what you typed in place of theirs"
)


class Visit:
    """A request to a page by someone who is logged in."""

    def __init__(
        self,
        request: Request[Any, Any, Any],
        database: Database,
        visitor: Visitor,
        token: str,
        query_timeout: float,
        purge: Callable[[], None],
    ) -> None:
        self.request = request
        self.visitor = visitor
        self.purge = purge
        """Say that something was deleted."""
        self.database = database
        self._permit = visitor.principal.permit
        self.form_token = form_token(token, self._permit.user_id)
        self._sent = Form()
        self._query_timeout = query_timeout

    def asked(self, name: str) -> str:
        """Return a parameter of the address; "" if it lacks."""
        value: str = self.request.query_params.get(name, "")
        return value

    @property
    def base_url(self) -> str:
        """The address of the server, as the browser knows it."""
        return str(self.request.base_url).rstrip("/")

    def may(self, route: str, space: ResourceId | None = None) -> bool:
        """Tell whether the person may do in this space (or anywhere) what the route does."""
        permit = self._permit
        if permit.is_administrator:
            return True
        roles = permit.roles.values() if space is None else [permit.roles.get(space.number, 0)]
        return any(role >= NEEDS[route] for role in roles)

    def permit(self, route: str, if_match: frozenset[str] | None = None) -> Permit:
        """Return the permit of the person for what this route of the API does."""
        return self._permit._replace(needs=NEEDS[route], if_match=if_match)

    @property
    def user_id(self) -> ResourceId:
        """Who is logged in."""
        return self._permit.user_id

    @property
    def is_administrator(self) -> bool:
        """Whether the person may do everything."""
        return self._permit.is_administrator

    def administers(self, space: ResourceId) -> bool:
        """Tell whether the person may change this space, and give keys to it."""
        return self.is_administrator or self._permit.roles.get(space.number, 0) >= Role.ADMIN

    async def read(
        self,
        route: str,
        function: Callable[Concatenate[Transaction, Permit, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function of the store that reads, as this route of the API would."""
        return await self.database.read(function, self.permit(route), *args, **kwargs)

    async def search(
        self,
        route: str,
        function: Callable[Concatenate[Transaction, Permit, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function of the store that may read for long."""
        return await self.database.search(function, self.permit(route), *args, **kwargs)

    async def write(
        self,
        route: str,
        function: Callable[Concatenate[Transaction, Permit, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function of the store that writes, as this route of the API would."""
        return await self.write_if(None, route, function, *args, **kwargs)

    async def write_if(
        self,
        tag: str | None,
        route: str,
        function: Callable[Concatenate[Transaction, Permit, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function of the store that writes, if what it changes still has this tag."""
        permit = self.permit(route, None if tag is None else frozenset({tag}))
        recorded = audit.recorded(function, self.act(route))
        try:
            return await self.database.write(recorded, permit, *args, **kwargs)
        except PreconditionFailed:
            if tag is None:
                raise
            # The words of the store are for who sends `If-Match`.
            raise PreconditionFailed(_CHANGED) from None

    async def once(
        self,
        route: str,
        render: Callable[[T], str],
        function: Callable[Concatenate[Transaction, Permit, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> str:
        """Write as `write` does, and return what `render` makes of it.

        When the same form comes again, as browsers send it that load a page anew, nothing is
        written, and the same is returned: it is stored, so that it must be no secret. A form is the
        same if it has the same fields, of which `ONCE` is random, also after another log-in.
        """
        if ONCE not in self._sent:
            return render(await self.write(route, function, *args, **kwargs))
        recorded = audit.recorded(function, self.act(route))
        permit = self.permit(route)

        def write(tx: Transaction) -> Answer:
            return Answer(303, "", render(recorded(tx, permit, *args, **kwargs)).encode())

        def refused(problem: Problem) -> Answer:
            raise problem  # and nothing is stored: the form can be corrected

        key = f"form {self._sent.digest()}"
        asked = Asked(permit.user_id.number, key, self.request.scope["path"])
        return (await idempotency.run(self.database, asked, write, refused)).body.decode()

    def act(self, route: str) -> Act | None:
        """Return what the audit log tells of this request, if what the route does goes there."""
        if route in NOT_IN_AUDIT_LOG:
            return None
        sent = self._sent
        given = {name: sent.all(name) for name in sent if name not in (FORM_TOKEN, ONCE)}
        return Act(
            self._permit.user_id,
            self._permit.key_id,
            address_of(self.request),
            route,
            None if route in HAS_EXAMPLES else msgspec.json.encode(given).decode(),
            {"page": self.request.scope["path"]},
        )

    def until(self) -> float:
        """Return when a search that begins now must be done, as `time.monotonic()` tells it."""
        return time.monotonic() + self._query_timeout

    async def form(self) -> Form:
        """Return the form that was sent; it must be one that this session was given."""
        form = await read_form(self.request)
        self.request.scope["state"][SENT] = form
        return self.check_form(form)

    def check_form(self, form: Form) -> Form:
        """Return the form if this session was given it, else raise `OldForm`."""
        if not hmac.compare_digest(form.get(FORM_TOKEN).encode(), self.form_token.encode()):
            raise OldForm("nothing was saved: there was another log-in since the page was loaded")
        self._sent = form
        return form

    def render(self, template: str, status: int = 200, **values: Any) -> Response[Any]:
        """Return a page."""
        return rendering.page(self.request, template, status, visit=self, **values)

    def go(self, path: str, said: str = "") -> Response[Any]:
        """Send the browser to another page, which tells what was done."""
        return rendering.redirect(rendering.address(path, said=said) if said else path)


VisitDependency = NamedDependency[Visit]


async def find(
    request: Request[Any, Any, Any], database: Database, throttle: Throttle
) -> tuple[Visitor, str]:
    """Return who is logged in, and the session's token; raise `AuthenticationRequired` if none.

    Or `RateLimited`, when the key has made all of its requests.
    """
    found = await look(request, database)
    if found is None:
        raise AuthenticationRequired(
            "log in to see this page"
            if request.method == "GET"
            else "nothing was saved: the session is over, or its key was revoked; log in again"
        )
    key = found[0].principal.permit.key_id
    admit(request.scope, throttle, key)
    if found[0].principal.is_use_due():
        note_use(database, key)
    return found


async def look(request: Request[Any, Any, Any], database: Database) -> tuple[Visitor, str] | None:
    """Return who is logged in, and the session's token; None if no one is."""
    token = request.cookies.get(COOKIE, "")
    visitor = await database.look_up(sessions.find, token) if token else None
    return (visitor, token) if visitor else None


def local_path(path: str) -> str:
    """Return a path of this server as it is, and `/` for anything else."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else "/"


def asked_for(request: Request[Any, Any, Any]) -> str:
    """Return the path that was asked for, with its query."""
    query = request.scope["query_string"].decode("latin-1")
    return request.scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")


def to_login(path: str) -> str:
    """Return the address of the log-in that leads to this path."""
    return f"{LOGIN}?next={quote(path, safe='')}"
