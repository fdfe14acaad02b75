"""The application: the resources, and what is done for each request."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from exempla.api.auth import require_key
from exempla.api.body import JsonBody
from exempla.api.datasets import DatasetsController
from exempla.api.examples import ExamplesController
from exempla.api.health import healthz, readyz
from exempla.api.organizations import OrganizationsController
from exempla.api.problems import errors_page, handle
from exempla.api.spaces import SpacesController
from exempla.api.state import State
from exempla.errors import Problem
from exempla.limits import MAX_BODY_BYTES
from exempla.store.database import Database
from exempla.store.purge import purge_some

PURGE_AGAIN_AFTER_S = 10
"""How long to wait after the database could not purge."""

_log = structlog.get_logger(__name__)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


def create_app(database: Database) -> ASGIApp:
    """Return the application that serves this database."""
    state = State({"database": database, "purge_wanted": asyncio.Event()})
    return _with_request_id(
        Litestar(
            route_handlers=[
                healthz,
                readyz,
                errors_page,
                OrganizationsController,
                SpacesController,
                DatasetsController,
                ExamplesController,
            ],
            state=state,
            guards=[require_key],
            dto=JsonBody,
            return_dto=None,
            exception_handlers={Exception: handle},
            request_max_body_size=MAX_BODY_BYTES,
            lifespan=[_purging],
            openapi_config=None,
            logging_config=None,
        )
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


@asynccontextmanager
async def _purging(app: Litestar) -> AsyncIterator[None]:
    """Remove the rows of deleted datasets while the application runs."""
    task = asyncio.create_task(_purge(app.state.database, app.state.purge_wanted))
    yield
    task.cancel()


async def _purge(database: Database, wanted: asyncio.Event) -> None:
    wanted.set()  # for what an earlier run left
    while True:
        await wanted.wait()
        wanted.clear()
        try:
            while await database.write(purge_some):
                await asyncio.sleep(0)
        except Problem as problem:
            _log.warning("purge put off", reason=problem.detail)
            await asyncio.sleep(PURGE_AGAIN_AFTER_S)
            wanted.set()
