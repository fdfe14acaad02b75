"""`exempla compact`: give back the space of what was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exempla.commands.support import DatabaseUrl, DataDir, note, run

if TYPE_CHECKING:
    from exempla.store.database import Database


def compact(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Give back the space of what was deleted, beside a running server or without one.

    On SQLite this writes the file anew: it needs room for a copy, and writes wait meanwhile. On
    PostgreSQL it is a VACUUM of the tables, and nothing waits.
    """
    run(data_dir, database_url, _compact)


async def _compact(database: Database) -> None:
    from exempla.store import compact as store
    from exempla.store.purge import purge_all

    before = store.size(database.engine)
    note("removing what was deleted")
    await purge_all(database)
    store.give_back(database.engine, note)
    after = store.size(database.engine)
    print(f"{before / store.MIB:,.1f} MiB before, {after / store.MIB:,.1f} MiB after")
