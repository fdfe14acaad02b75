"""`/healthz` and `/readyz`, which need no key."""

from __future__ import annotations

from litestar import get

from exempla.api.dependencies import DatabaseDependency
from exempla.errors import Unavailable
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
