"""What differs between SQLite and PostgreSQL: connecting, beginning, placeholders, errors.

Statements are written once, in SQL that both understand, with `:name` placeholders. What they
spell differently is written so, and translated:

- `EACH(:ids) AS given (value)`: the items of a JSON array of strings, as rows; the array may also
  be a column;
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
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import psycopg
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from exempla.errors import Conflict, InternalError, NotFound, Problem, StartupError, Unavailable

BUSY_TIMEOUT_S = 30
"""How long a writer waits for another one before it gives up."""

CONNECT_TIMEOUT_S = 10
"""How long PostgreSQL may take to answer a new connection; at least 2."""

SILENT_S = 45
"""How long PostgreSQL's machine may acknowledge nothing that was sent to it. Longer than a writer
waits for another: what it is sent meanwhile may find no room."""

_TAKEN = "the name is taken; choose another"
_GONE = "what this belongs to was deleted meanwhile"
UNAVAILABLE = "the database cannot answer now; try again"
_FULL = "the server's disk is full: nothing was written; reading works, so try again later"
_LOCKED = "another program has kept the database locked for too long; try again later"
_READ_ONLY = "the server's database takes no writes now; reading works, so try again later"
_DAMAGED = "the database is damaged; whoever runs this server finds out more with `exempla check`"

OUTCOME_UNKNOWN = (
    "the database failed while it stored this request, so it may or may not have been done: look "
    "before you send it again, or send it again if it had an Idempotency-Key"
)
"""The detail of a write whose commit was not answered."""

OUT_OF_TIME = (
    "the query took longer than this server allows (EXEMPLA_QUERY_TIMEOUT); "
    "ask for less at once, or raise the limit"
)
"""The detail of a query that was stopped at its time limit."""

_ROWS_AT_ONCE = 100
"""Rows that PostgreSQL sends at once of a query that is streamed."""

_STEPS_BETWEEN_LOOKS = 10_000
"""Steps of SQLite's machine, some 100 microseconds, between two looks at the clock."""

_BETWEEN_TRIES_S = 0.0005
"""How long to wait before trying again to get a lock of SQLite."""

_PLACEHOLDER = re.compile(r"(?<!:):([a-z_]+[0-9]*)")
_EACH = re.compile(r"EACH\((:?[a-z_.]+)\) AS ([a-z]+) \(value\)")
_LOOKUP = re.compile(
    r"(CROSS|LEFT) JOIN LOOKUP\(([a-z_]+) AS ([a-z]+)\s+WHERE ((?:[^()]|\([^()]*\))+)\)"
)
_OF_DATASET = re.compile(r"dataset_id = :dataset_id\b")
_FOR_UPDATE = re.compile(r"\s*FOR UPDATE OF [a-z_]+")


_PASSING = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: UNAVAILABLE,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: UNAVAILABLE,
    sqlite3.SQLITE_NOMEM: UNAVAILABLE,
    sqlite3.SQLITE_PROTOCOL: UNAVAILABLE,
}
"""Errors of SQLite that come from around it, and may pass."""

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_INTERRUPT = sqlite3.SQLITE_INTERRUPT
"""Only a time limit interrupts."""


def primary_code(error: sqlite3.Error) -> int:
    """Return the error's code without its details (the lowest 8 bits)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


class Sqlite:
    """A database in one file, in WAL mode, every commit synced to the disk."""

    name: ClassVar = "sqlite"
    begin_read: ClassVar = "BEGIN"
    begin_write: ClassVar = "BEGIN IMMEDIATE"
    Error: ClassVar = sqlite3.Error

    def __init__(self, path: Path, *, is_read_only: bool = False) -> None:
        """Name the file; one that is read only, such as a backup, is left as it is."""
        self.path = path
        self.url = URL.create("sqlite", database=str(path))
        self._is_read_only = is_read_only

    def connect(self) -> sqlite3.Connection:
        """Open a connection that leaves transactions to its user."""
        connection = sqlite3.connect(
            self._read_only_uri() if self._is_read_only else self.path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,  # those of long filters are large
            uri=self._is_read_only,
        )
        if self._is_read_only:
            return connection
        self.execute_when_free(connection, "PRAGMA journal_mode = WAL")
        for pragma in (
            "synchronous = FULL",
            "foreign_keys = ON",
            # Pages, 16 MiB: else an update of 1,000 examples pays for a checkpoint each time.
            "wal_autocheckpoint = 4000",
            "journal_size_limit = 16777216",  # give the space of a longer log back
            "cache_size = -16384",  # KiB
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def connect_to_look(self) -> sqlite3.Connection:
        """Open a connection that reads what is there, and fails rather than wait."""
        connection = self.connect_to_write()
        connection.execute("PRAGMA query_only = ON")
        return connection

    def connect_to_write(self) -> sqlite3.Connection:
        """Open a connection whose writes begin with `begin`, which waits for others."""
        connection = self.connect()
        connection.execute("PRAGMA busy_timeout = 0")
        return connection

    def begin(self, connection: sqlite3.Connection) -> None:
        """Begin a write."""
        self.execute_when_free(connection, self.begin_write)

    @staticmethod
    def execute_when_free(connection: sqlite3.Connection, statement: str) -> None:
        """Execute a statement, waiting for other processes that hold the database.

        SQLite itself waits for not all locks, and looks for some only ten times a second.
        """
        give_up_at = time.monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                connection.execute(statement)
            except sqlite3.OperationalError as error:
                if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                    raise
                time.sleep(_BETWEEN_TRIES_S)
            else:
                return

    def _read_only_uri(self) -> str:
        # Without a log beside it, all is in the file: SQLite need not make one then.
        has_log = self.path.with_name(self.path.name + "-wal").exists()
        return f"{self.path.absolute().as_uri()}?mode=ro{'' if has_log else '&immutable=1'}"

    @staticmethod
    @lru_cache(maxsize=256)
    def translate(statement: str) -> str:
        """Return the statement as this engine spells it."""
        listed = _EACH.sub(r"json_each(\1) AS \2", statement)
        return _FOR_UPDATE.sub("", _LOOKUP.sub(r"\1 JOIN \2 AS \3 ON \4", listed))

    @staticmethod
    def insert(
        cursor: Any, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
    ) -> None:
        """Add rows to a table; the fastest way for many."""
        places = ", ".join("?" * len(columns))
        cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)

    @staticmethod
    def insert_texts(
        cursor: Any,
        table: str,
        columns: Sequence[str],
        rows: Iterable[tuple[Any, ...]],
        sizes: Sequence[int],
        texts: bytes,
    ) -> None:
        """Add rows; see `Transaction.insert_texts`.

        One statement takes all of them, so that other threads of Python can run meanwhile.
        """
        starts = accumulate(sizes, initial=1)
        placed = [
            (start, size, *row) for start, size, row in zip(starts, sizes, rows, strict=False)
        ]
        values = ", ".join(f"json_extract(value, '$[{n}]')" for n in range(2, len(columns) + 1))
        text = "substr(?, json_extract(value, '$[0]'), json_extract(value, '$[1]'))"
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) "
            f"SELECT {values}, CAST({text} AS TEXT) FROM json_each(?)",
            (texts, msgspec.json.encode(placed).decode()),
        )

    @property
    def scratch(self) -> Path | None:
        """The folder for temporary files, which have room where the database has."""
        return self.path.parent

    @staticmethod
    def problem(error: Exception) -> Problem | None:
        """Tell which problem an error of the database is, if it is no fault of this program."""
        if isinstance(error, sqlite3.IntegrityError) and "UNIQUE" in str(error):
            return Conflict(_TAKEN)
        if isinstance(error, sqlite3.OperationalError) and primary_code(error) == _INTERRUPT:
            return Unavailable(OUT_OF_TIME)
        if isinstance(error, sqlite3.OperationalError) and primary_code(error) in _PASSING:
            return Unavailable(_PASSING[primary_code(error)])
        if isinstance(error, sqlite3.DatabaseError) and primary_code(error) in _DAMAGE:
            return InternalError(_DAMAGED)
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
    def unanswered(connection: Any) -> AbstractContextManager[object]:
        """Do nothing: there is no one to wait for."""
        return nullcontext()

    @staticmethod
    def is_lost(connection: Any) -> bool:
        """Tell whether the connection is of no more use."""
        return False

    @staticmethod
    def may_be_done(connection: Any, error: Exception) -> bool:
        """Tell whether a commit that failed so may be found done after a crash.

        All of it may have been written when the disk failed to say that it is durable.
        """
        return isinstance(error, sqlite3.Error) and primary_code(error) == sqlite3.SQLITE_IOERR


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
            connect_timeout=CONNECT_TIMEOUT_S,
            options=f"-c lock_timeout={BUSY_TIMEOUT_S}s",
            keepalives_idle=SILENT_S // 3,  # seconds
            keepalives_interval=SILENT_S // 9,
            keepalives_count=6,
            tcp_user_timeout=SILENT_S * 1_000,  # milliseconds
        )

    @staticmethod
    @lru_cache(maxsize=256)
    def translate(statement: str) -> str:
        """Return the statement as this engine spells it."""
        items = r"json_array_elements_text(CAST(\1 AS json)) AS \2 (value)"
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

    @classmethod
    def insert_texts(
        cls,
        cursor: Any,
        table: str,
        columns: Sequence[str],
        rows: Iterable[tuple[Any, ...]],
        sizes: Sequence[int],
        texts: bytes,
    ) -> None:
        """Add rows; see `Transaction.insert_texts`."""
        edges = pairwise(accumulate(sizes, initial=0))
        each = (texts[start:end].decode() for start, end in edges)
        cls.insert(cursor, table, columns, ((*r, t) for r, t in zip(rows, each, strict=False)))

    scratch: ClassVar[Path | None] = None
    """The folder for temporary files: the system's own, whatever that is."""

    @staticmethod
    def problem(error: Exception) -> Problem | None:
        """Tell which problem an error of the database is, if it is no fault of this program."""
        if isinstance(error, psycopg.errors.UniqueViolation):
            return Conflict(_TAKEN)
        if isinstance(error, psycopg.errors.ForeignKeyViolation):
            return NotFound(_GONE)
        if isinstance(error, psycopg.errors.QueryCanceled):
            return Unavailable(OUT_OF_TIME)
        if isinstance(error, psycopg.errors.LockNotAvailable):
            return Unavailable(_LOCKED)
        if isinstance(error, psycopg.errors.DiskFull):
            return Unavailable(_FULL)
        if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):  # a standby took over
            return Unavailable(_READ_ONLY)
        if isinstance(error, (psycopg.errors.DataCorrupted, psycopg.errors.IndexCorrupted)):
            return InternalError(_DAMAGED)
        if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
            return Unavailable(UNAVAILABLE)
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
    def unanswered(connection: Any) -> AbstractContextManager[object]:
        """Send statements without waiting for the answer to each; see `Transaction.unanswered`."""
        pipeline: AbstractContextManager[object] = connection.pipeline()
        return pipeline

    @staticmethod
    def is_lost(connection: Any) -> bool:
        """Tell whether the connection is of no more use."""
        return bool(connection.closed or connection.broken)

    @staticmethod
    def may_be_done(connection: Any, error: Exception) -> bool:
        """Tell whether a commit that failed so may have been done: its answer was lost."""
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
