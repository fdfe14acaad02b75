"""What differs between SQLite and PostgreSQL: connecting, beginning, placeholders, errors.

Statements are written once, in SQL that both understand, with `:name` placeholders. What they
spell differently is written so, and translated:

- `EACH(:ids) AS given (value)`: the items of a JSON array of strings, as rows;
- `FOR UPDATE OF table`: SQLite's writer is alone already, and needs no lock.
"""

from __future__ import annotations

import re
import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from sqlalchemy.engine import URL, make_url

from exempla.errors import Conflict, Problem, StartupError, Unavailable

BUSY_TIMEOUT_S = 30
"""How long a SQLite writer waits for another process's write before it gives up."""

_TAKEN = "the name is taken; choose another"
_UNAVAILABLE = "the database cannot answer now; try again"

_PLACEHOLDER = re.compile(r"(?<!:):([a-z_]+)")
_EACH = re.compile(r"EACH\(:([a-z_]+)\) AS ([a-z]+) \(value\)")
_FOR_UPDATE = re.compile(r"\s*FOR UPDATE OF [a-z_]+")


class Sqlite:
    """A database in one file, in WAL mode, every commit synced to the disk."""

    name: ClassVar = "sqlite"
    begin_read: ClassVar = "BEGIN"
    begin_write: ClassVar = "BEGIN IMMEDIATE"
    Error: ClassVar = sqlite3.Error

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = URL.create("sqlite", database=str(path))

    def connect(self) -> sqlite3.Connection:
        """Open a connection that leaves transactions to its user."""
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "journal_size_limit = 67108864",  # give the log's space back after a large load
            "cache_size = -16384",  # KiB
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    @staticmethod
    @lru_cache(maxsize=1_024)
    def translate(statement: str) -> str:
        """Return the statement as this engine spells it."""
        return _FOR_UPDATE.sub("", _EACH.sub(r"json_each(:\1) AS \2", statement))

    @staticmethod
    def problem(error: Exception) -> Problem | None:
        """Tell which problem an error of the database is, if it is one that may pass."""
        if isinstance(error, sqlite3.IntegrityError) and "UNIQUE" in str(error):
            return Conflict(_TAKEN)
        if isinstance(error, sqlite3.OperationalError):
            return Unavailable(_UNAVAILABLE)
        return None

    @staticmethod
    def is_lost(connection: Any) -> bool:
        """Tell whether the connection is of no more use."""
        return False


class Postgres:
    """A PostgreSQL database."""

    name: ClassVar = "postgresql"
    begin_read: ClassVar = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    begin_write: ClassVar = "BEGIN"
    Error: ClassVar = psycopg.Error

    def __init__(self, url: URL) -> None:
        self.url = url.set(drivername="postgresql+psycopg")
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)

    def connect(self) -> psycopg.Connection:
        """Open a connection that leaves transactions to its user."""
        return psycopg.connect(self._dsn, autocommit=True, connect_timeout=10)

    @staticmethod
    @lru_cache(maxsize=1_024)
    def translate(statement: str) -> str:
        """Return the statement as this engine spells it."""
        items = r"json_array_elements_text(CAST(:\1 AS json)) AS \2 (value)"
        listed = _EACH.sub(items, statement)
        return _PLACEHOLDER.sub(r"%(\1)s", listed.replace("%", "%%"))

    @staticmethod
    def problem(error: Exception) -> Problem | None:
        """Tell which problem an error of the database is, if it is one that may pass."""
        if isinstance(error, psycopg.errors.UniqueViolation):
            return Conflict(_TAKEN)
        if isinstance(error, psycopg.OperationalError):
            return Unavailable(_UNAVAILABLE)
        return None

    @staticmethod
    def is_lost(connection: Any) -> bool:
        """Tell whether the connection is of no more use."""
        return bool(connection.closed or connection.broken)


Engine = Sqlite | Postgres


def engine_for_url(text: str) -> Engine:
    """Return the engine of a `postgresql://` URL, or raise `StartupError`."""
    try:
        url = make_url(text)
    except Exception:
        raise StartupError("the database URL cannot be read; " + _URL_HELP) from None
    if url.get_backend_name() in {"postgresql", "postgres"}:
        return Postgres(url)
    raise StartupError(f"a database URL starts with postgresql://, not {url.drivername}://")


_URL_HELP = "write it as postgresql://user:password@host:5432/name"
