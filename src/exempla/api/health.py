"""`/healthz`, `/readyz` and `/metrics`, which need no key."""

from __future__ import annotations

from litestar import Response, get

from exempla import metrics
from exempla.api.dependencies import DatabaseDependency
from exempla.errors import NotFound, Unavailable
from exempla.store import setup


@get("/healthz")
async def healthz() -> dict[str, str]:
    """Answer: the process is alive."""
    return {"status": "ok"}


@get("/readyz")
async def readyz(database: DatabaseDependency) -> dict[str, str]:
    """Answer whether requests can be served: the database answers and its schema is current."""
    if not await database.read(setup.is_current, database.engine):
        raise Unavailable("the database has another schema than this release; restart Exempla")
    return {"status": "ready"}


@get("/metrics", media_type=metrics.CONTENT_TYPE)
async def prometheus(database: DatabaseDependency) -> Response[bytes]:
    """Return what this process counts and times, for Prometheus, if it was started so."""
    if not metrics.shown:
        raise NotFound("there are no metrics; start the server with --metrics to have them")
    return Response(metrics.render(database.waiting()), media_type=metrics.CONTENT_TYPE)
