"""What a handler can ask for by the name of a parameter: `database`, `query_timeout`."""

from __future__ import annotations

from litestar.di import NamedDependency, Provide

from exempla.api.purging import Purger
from exempla.store.database import Database

DatabaseDependency = NamedDependency[Database]
PurgerDependency = NamedDependency[Purger]
QueryTimeoutDependency = NamedDependency[float]


def provide(database: Database, purger: Purger, query_timeout: float) -> dict[str, Provide]:
    """Return the providers of the application."""
    return {
        "database": Provide(lambda: database, sync_to_thread=False),
        "purger": Provide(lambda: purger, sync_to_thread=False),
        "query_timeout": Provide(lambda: query_timeout, sync_to_thread=False),
    }
