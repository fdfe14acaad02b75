"""The schema's history, kept by Alembic and applied at start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from exempla.store.engines import Engine

KNOWN = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
"""The revisions of the schema that this release can upgrade from, oldest first."""

HEAD = KNOWN[-1]
"""The revision that this release works with. (Alembic is only loaded when there is work.)"""


def upgrade(engine: Engine, begin: Callable[[Any], str | None]) -> None:
    """Bring the schema to `HEAD` in one transaction.

    `begin` gets a DBAPI connection, begins the transaction on it, and returns the schema's
    revision then: another process may have been faster.
    """
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import NullPool, create_engine

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    pool = create_engine(engine.url, creator=engine.connect, poolclass=NullPool)
    with pool.connect() as connection:  # its first use ends any transaction, so begin after it
        if begin(connection.connection.driver_connection) != HEAD:
            with connection.begin():  # Alembic commits each step, but for a transaction not its own
                config.attributes["connection"] = connection
                command.upgrade(config, HEAD)
