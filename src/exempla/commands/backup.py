"""`exempla backup`: the whole database in one file, beside a running server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exempla.commands.support import DatabaseUrl, DataDir, startup_errors
from exempla.errors import StartupError
from exempla.settings import Settings


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write a copy of the database to a file: all of it, as it is at one moment.

    It works beside a running server, which goes on writing meanwhile.
    """
    from exempla.store import backup, setup
    from exempla.store.engines import Sqlite

    with startup_errors():
        chosen = Settings(data_dir=data_dir, database_url=database_url)
        engine = setup.open_engine(chosen, make=False)
        if not isinstance(engine, Sqlite):
            raise StartupError(
                "PostgreSQL has its own tool for this: pg_dump --format=custom --file=FILE URL"
            )
        backup.backup(engine, file, overwrite=force)
        print(f"wrote {file} ({file.stat().st_size:,} bytes)")
