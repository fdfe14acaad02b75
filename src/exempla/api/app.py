"""The application: the resources, and what is done for each request."""

from __future__ import annotations

import re
import uuid

import structlog
from litestar import Litestar, datastructures
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from exempla.api.auth import require_key
from exempla.api.body import JsonBody
from exempla.api.datasets import DatasetsController
from exempla.api.dependencies import provide
from exempla.api.examples import ExamplesController
from exempla.api.health import healthz, readyz
from exempla.api.organizations import OrganizationsController
from exempla.api.problems import errors_page, handle
from exempla.api.purging import Purger
from exempla.api.spaces import SpacesController
from exempla.limits import MAX_BODY_BYTES
from exempla.store.database import Database

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


def create_app(database: Database) -> ASGIApp:
    """Return the application that serves this database."""
    return _with_request_id(create_litestar(database))


def create_litestar(database: Database) -> Litestar:
    """Return the resources, with what is done for each request but its id."""
    purger = Purger(database)
    return Litestar(
        route_handlers=[
            healthz,
            readyz,
            errors_page,
            OrganizationsController,
            SpacesController,
            DatasetsController,
            ExamplesController,
        ],
        state=datastructures.State({"database": database}),
        dependencies=provide(database, purger),
        guards=[require_key],
        dto=JsonBody,
        return_dto=None,
        exception_handlers={Exception: handle},
        request_max_body_size=MAX_BODY_BYTES,
        lifespan=[purger.running],
        openapi_config=None,
        logging_config=None,
    )


def _with_request_id(app: ASGIApp) -> ASGIApp:
    """Give every answer the header `X-Request-Id`: the request's own, or a new one."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        sent = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex.encode()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
            await app(scope, receive, send_with_id)

    return answer
