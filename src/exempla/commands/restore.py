"""`exempla restore`: a backup in the place of the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exempla.commands.support import DatabaseUrl, DataDir, startup_errors
from exempla.errors import StartupError
from exempla.settings import Settings, default_data_dir


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `exempla backup` wrote.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace the database that is there.")
    ] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Check a backup and put a copy of it in the place of the database: all of it, or nothing.

    Stop the server first.
    """
    from exempla.store import backup

    with startup_errors():
        Settings(data_dir=data_dir, database_url=database_url).check()
        if database_url:
            raise StartupError(
                "PostgreSQL has its own tool for this: pg_restore --clean --dbname=URL FILE"
            )
        place = data_dir or default_data_dir()
        backup.restore(place, file, overwrite=force)
        print(f"restored {file} to {place}")
