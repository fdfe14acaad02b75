"""What differs between SQLite and PostgreSQL: connecting, beginning, placeholders, errors.

Statements are written once, in SQL that both understand, with `:name` placeholders. What they
spell differently is written so, and translated:

- `EACH(:ids) AS given (value)`: the items of a JSON array of strings, as rows;
- `CROSS JOIN LOOKUP(examples AS e WHERE ...)`, or `LEFT JOIN`: the rows of a table that belong to
  each row before it, looked up by an index. It keeps the planners from reading all of the table:
  SQLite's takes what is after a `CROSS JOIN` last, PostgreSQL's cannot merge a subquery with an
  `OFFSET`;
- `dataset_id = :dataset_id`: PostgreSQL's planner takes a dataset that is new since the last
  `ANALYZE` to have one row, and any index to do. Of the number in a subquery it knows nothing,
  so it expects a dataset like the others;
- `FOR UPDATE OF table`: SQLite's writer is alone already, and needs no lock.
"""

from __future__ import annotations

import math
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from exempla.errors import Conflict, NotFound, Problem, StartupError, Unavailable

BUSY_TIMEOUT_S = 30
"""How long a writer waits for another one before it gives up."""

_TAKEN = "the name is taken; choose another"
_GONE = "what this belongs to was deleted meanwhile"
_UNAVAILABLE = "the database cannot answer now; try again"

OUT_OF_TIME = (
    "the query took longer than this server allows (EXEMPLA_QUERY_TIMEOUT); "
    "ask for less at once, or raise the limit"
)
"""The detail of a query that was stopped at its time limit."""

_ROWS_AT_ONCE = 100
"""Rows that PostgreSQL sends at once of a query that is streamed."""

_STEPS_BETWEEN_LOOKS = 10_000
"""Steps of SQLite's machine, some 100 microseconds, between two looks at the clock."""

_PLACEHOLDER = re.compile(r"(?<!:):([a-z_]+[0-9]*)")
_EACH = re.compile(r"EACH\(:([a-z_]+)\) AS ([a-z]+) \(value\)")
_LOOKUP = re.compile(
    r"(CROSS|LEFT) JOIN LOOKUP\(([a-z_]+) AS ([a-z]+)\s+WHERE ((?:[^()]|\([^()]*\))+)\)"
)
_OF_DATASET = re.compile(r"dataset_id = :dataset_id\b")
_FOR_UPDATE = re.compile(r"\s*FOR UPDATE OF [a-z_]+")


_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
}
"""Errors of SQLite that come from around it, and may pass."""

_INTERRUPT = sqlite3.SQLITE_INTERRUPT
"""Only a time limit interrupts."""


def _primary(error: sqlite3.Error) -> int:
    """Return the error's code without its details (the lowest 8 bits)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; another start may do the same now, and SQLite does not wait for it itself."""
    give_up_at = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
        else:
            return


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
            self.path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,  # those of long filters are large
        )
        _use_wal(connection)
        for pragma in (
            "synchronous = FULL",
            "foreign_keys = ON",
            # Pages, 16 MiB: else an update of 1,000 examples pays for a checkpoint each time.
            "wal_autocheckpoint = 4000",
            "journal_size_limit = 67108864",  # give the log's space back after a large load
            "cache_size = -16384",  # KiB
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    @staticmethod
    @lru_cache(maxsize=256)
    def translate(statement: str) -> str:
        """Return the statement as this engine spells it."""
        listed = _EACH.sub(r"json_each(:\1) AS \2", statement)
        return _FOR_UPDATE.sub("", _LOOKUP.sub(r"\1 JOIN \2 AS \3 ON \4", listed))

    @staticmethod
    def insert(
        cursor: Any, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
    ) -> None:
        """Add rows to a table; the fastest way for many."""
        places = ", ".join("?" * len(columns))
        cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)

    @property
    def scratch(self) -> Path | None:
        """The folder for temporary files, which have room where the database has."""
        return self.path.parent

    @staticmethod
    def problem(error: Exception) -> Problem | None:
        """Tell which problem an error of the database is, if it is one that may pass."""
        if isinstance(error, sqlite3.IntegrityError) and "UNIQUE" in str(error):
            return Conflict(_TAKEN)
        if isinstance(error, sqlite3.OperationalError) and _primary(error) == _INTERRUPT:
            return Unavailable(OUT_OF_TIME)
        if isinstance(error, sqlite3.OperationalError) and _primary(error) in _PASSING:
            return Unavailable(_UNAVAILABLE)
        return None

    @staticmethod
    def stream(connection: Any) -> Any:
        """Return a cursor that gives rows as they are found."""
        return connection.cursor()

    @staticmethod
    @contextmanager
    def time_limit(connection: Any, seconds: float) -> Iterator[None]:
        """Stop what runs on the connection meanwhile, if it takes longer."""
        give_up_at = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > give_up_at, _STEPS_BETWEEN_LOOKS)
        try:
            yield
        finally:
            connection.set_progress_handler(None, 0)

    @staticmethod
    def is_lost(connection: Any) -> bool:
        """Tell whether the connection is of no more use."""
        return False


def _lateral(lookup: re.Match[str]) -> str:
    join, table, alias, condition = lookup.groups()
    rows = f"LATERAL (SELECT * FROM {table} AS {alias} WHERE {condition} OFFSET 0) AS {alias}"
    return f"{join} JOIN {rows}" + (" ON TRUE" if join == "LEFT" else "")


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
        return psycopg.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=10,
            options=f"-c lock_timeout={BUSY_TIMEOUT_S}s",
        )

    @staticmethod
    @lru_cache(maxsize=256)
    def translate(statement: str) -> str:
        """Return the statement as this engine spells it."""
        items = r"json_array_elements_text(CAST(:\1 AS json)) AS \2 (value)"
        listed = _LOOKUP.sub(_lateral, _EACH.sub(items, statement))
        listed = _OF_DATASET.sub("dataset_id = (SELECT CAST(:dataset_id AS BIGINT))", listed)
        return _PLACEHOLDER.sub(r"%(\1)s", listed.replace("%", "%%"))

    @staticmethod
    def insert(
        cursor: Any, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
    ) -> None:
        """Add rows to a table; the fastest way for many."""
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    scratch: ClassVar[Path | None] = None
    """The folder for temporary files: the system's own, whatever that is."""

    @staticmethod
    def problem(error: Exception) -> Problem | None:
        """Tell which problem an error of the database is, if it is one that may pass."""
        if isinstance(error, psycopg.errors.UniqueViolation):
            return Conflict(_TAKEN)
        if isinstance(error, psycopg.errors.ForeignKeyViolation):
            return NotFound(_GONE)
        if isinstance(error, psycopg.errors.QueryCanceled):
            return Unavailable(OUT_OF_TIME)
        if isinstance(error, psycopg.OperationalError):
            return Unavailable(_UNAVAILABLE)
        return None

    @staticmethod
    def stream(connection: Any) -> Any:
        """Return a cursor that gives rows as they are found; one at a time may be open."""
        cursor = connection.cursor(name="stream")
        cursor.itersize = _ROWS_AT_ONCE
        return cursor

    @staticmethod
    @contextmanager
    def time_limit(connection: Any, seconds: float) -> Iterator[None]:
        """Stop each statement in the rest of the transaction that takes longer."""
        milliseconds = str(max(1, math.ceil(seconds * 1_000)))
        connection.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])
        yield

    @staticmethod
    def is_lost(connection: Any) -> bool:
        """Tell whether the connection is of no more use."""
        return bool(connection.closed or connection.broken)


Engine = Sqlite | Postgres


def engine_for_url(text: str) -> Engine:
    """Return the engine of a `postgresql://` URL, or raise `StartupError`."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StartupError("the database URL cannot be read; " + _URL_HELP) from None
    if url.get_backend_name() in {"postgresql", "postgres"}:
        return Postgres(url)
    raise StartupError(f"a database URL starts with postgresql://, not {url.drivername}://")


_URL_HELP = "write it as postgresql://user:password@host:5432/name"
