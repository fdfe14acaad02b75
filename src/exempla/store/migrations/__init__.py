"""The schema's history, kept by Alembic and applied at start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

KNOWN = ("0001",)
"""The revisions of the schema that this release can upgrade from, oldest first."""

HEAD = KNOWN[-1]
"""The revision that this release works with. (Alembic is only loaded when there is work.)"""


def upgrade(url: URL, connection: Any) -> None:
    """Bring the schema to `HEAD` in the transaction that runs on this connection, and commit it."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import StaticPool, create_engine

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    engine = create_engine(url, creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as adopted:
        config.attributes["connection"] = adopted
        command.upgrade(config, HEAD)
        adopted.commit()
