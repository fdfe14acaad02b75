"""What a handler can ask for by the name of a parameter: `database`, `purger`."""

from __future__ import annotations

from litestar.di import NamedDependency, Provide

from exempla.api.purging import Purger
from exempla.store.database import Database

DatabaseDependency = NamedDependency[Database]
PurgerDependency = NamedDependency[Purger]


def provide(database: Database, purger: Purger) -> dict[str, Provide]:
    """Return the providers of the application."""
    return {
        "database": Provide(lambda: database, sync_to_thread=False),
        "purger": Provide(lambda: purger, sync_to_thread=False),
    }
