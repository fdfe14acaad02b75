"""Give back the space of what was deleted, beside a running server or without one.

What was deleted must have been purged before (see `purge.py`): its space is then reused, but the
database stays as large as it ever was.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exempla.errors import StartupError
from exempla.store.engines import Engine, Postgres, Sqlite
from exempla.store.tables import metadata

MIB = 1024 * 1024

CHECKPOINT_WITHIN_S = 30
"""How long to wait for readers of the old file."""


def size(engine: Engine) -> int:
    """Return the bytes that the database takes on the disk, its indexes and its log included."""
    if isinstance(engine, Sqlite):
        files = [engine.path, engine.path.with_name(engine.path.name + "-wal")]
        return sum(file.stat().st_size for file in files if file.exists())
    with engine.connect() as connection:
        total = 0
        for table in metadata.tables:
            found = connection.execute("SELECT pg_total_relation_size(%s::regclass)", [table])
            total += found.fetchall()[0][0]
        return total


def give_back(engine: Engine, show: Callable[[str], None]) -> None:
    """Give unused space back to the system; `show` is told what is done.

    Raises `StartupError` when that cannot be done now; nothing has changed then.
    """
    try:
        if isinstance(engine, Sqlite):
            _rewrite(engine, show)
        else:
            _vacuum(engine, show)
    except engine.Error as error:
        raise StartupError(f"the database cannot be compacted now: {error}; try again") from None


def _rewrite(engine: Sqlite, show: Callable[[str], None]) -> None:
    """Write the file anew. Writers wait meanwhile, readers do not."""
    _check_room(engine.path, 2 * size(engine))
    os.environ["SQLITE_TMPDIR"] = str(engine.path.parent)  # where there is room
    connection = engine.connect_to_write()
    try:
        show("writing the database anew; writes wait until it is done")
        engine.execute_when_free(connection, "VACUUM")
        give_up_at = time.monotonic() + CHECKPOINT_WITHIN_S
        while _is_busy(connection) and time.monotonic() < give_up_at:
            time.sleep(0.05)
    finally:
        connection.close()


def _is_busy(connection: Any) -> bool:
    """Move the log to the file, if no one reads what was there before; tell if someone does."""
    busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return bool(busy)


def _check_room(path: Path, needed: int) -> None:
    """Raise `StartupError` unless a copy of the file and its log have room beside it."""
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise StartupError(
            f"this needs {needed // MIB:,} MiB of free space in {path.parent}, for a copy and its "
            f"log, and there are {free // MIB:,}; make room, then try again"
        )


def _vacuum(engine: Postgres, show: Callable[[str], None]) -> None:
    """Let PostgreSQL reuse what is free, and give back what is free at the ends of its files."""
    with engine.connect() as connection:
        for number, table in enumerate(metadata.tables, 1):
            show(f"vacuuming {table} ({number} of {len(metadata.tables)})")
            connection.execute(f"VACUUM (ANALYZE) {table}".encode())
