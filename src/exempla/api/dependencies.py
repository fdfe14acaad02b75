"""What a handler can ask for by the name of a parameter."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.di import NamedDependency, Provide

from exempla.api.preconditions import if_match
from exempla.api.purging import Purger
from exempla.api.writing import Writing
from exempla.errors import PreconditionFailed
from exempla.store.access import Permit
from exempla.store.database import Database
from exempla.store.digesting import Digester

DatabaseDependency = NamedDependency[Database]
PermitDependency = NamedDependency[Permit]
WritingDependency = NamedDependency[Writing]
PurgerDependency = NamedDependency[Purger]
DigesterDependency = NamedDependency[Digester]
QueryTimeoutDependency = NamedDependency[float]


_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def _permit(request: Request[Any, Any, Any], database: DatabaseDependency) -> Permit:
    """Return what `auth.py` found out about the request, and what it is sent on condition of."""
    permit: Permit = request.scope["auth"]
    if request.method in _SAFE:
        return permit
    tags = if_match(request.headers.getall("if-match", []))
    if tags is not None and "dataset_id" not in request.path_params:
        raise PreconditionFailed(
            "If-Match cannot be kept here: only datasets and versions have an ETag; leave it out"
        )
    return permit._replace(if_match=tags)


def provide(database: Database, purger: Purger, query_timeout: float) -> dict[str, Provide]:
    """Return the providers of the application.

    Each that a route may need beside others takes one of them, whether it uses it or not: what
    does not hang on each other Litestar resolves in tasks, which costs 100 microseconds.
    """
    digester = Digester(database)

    async def writing(request: Request[Any, Any, Any], permit: PermitDependency) -> Writing:
        return await Writing.of(request, database)

    def timeout(permit: PermitDependency) -> float:
        return query_timeout

    def digesting(permit: PermitDependency) -> Digester:
        return digester

    return {
        "database": Provide(lambda: database, sync_to_thread=False),
        "permit": Provide(_permit, sync_to_thread=False),
        "writing": Provide(writing),
        "purger": Provide(lambda: purger, sync_to_thread=False),
        "query_timeout": Provide(timeout, sync_to_thread=False),
        "digester": Provide(digesting, sync_to_thread=False),
    }
