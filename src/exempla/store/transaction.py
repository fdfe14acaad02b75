"""A running transaction, with which the functions of the store work."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import Any

from exempla.errors import Unavailable
from exempla.store.engines import Engine

Row = tuple[Any, ...]

STOPPING = "the server is stopping; try again later"


class Transaction:
    """A running transaction. Statements have `:name` placeholders (see `engines.py`)."""

    def __init__(
        self, connection: Any, engine: Engine, stopping: threading.Event | None = None
    ) -> None:
        self.engine = engine
        self._connection = connection
        self._stopping = stopping
        self._cursor = connection.cursor()
        self._translate = engine.translate

    def time_limit(self, seconds: float) -> AbstractContextManager[None]:
        """Stop a statement that takes longer; its error is `Unavailable` for the caller."""
        return self.engine.time_limit(self._connection, seconds)

    def check_running(self) -> None:
        """Raise `Unavailable` if the server is stopping: for work that may take long."""
        if self._stopping and self._stopping.is_set():
            raise Unavailable(STOPPING)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what is done in this block, and no more, if it raises."""
        self._cursor.execute("SAVEPOINT a_part")
        try:
            yield
        except BaseException:
            with suppress(self.engine.Error):  # it may be gone with the whole transaction
                self._cursor.execute("ROLLBACK TO SAVEPOINT a_part")
                self._cursor.execute("RELEASE SAVEPOINT a_part")
            raise
        self._cursor.execute("RELEASE SAVEPOINT a_part")

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Undo what is done in this block, and no more, whatever comes of it."""
        self._cursor.execute("SAVEPOINT a_trial")
        try:
            yield
        finally:
            with suppress(self.engine.Error):  # it may be gone with the whole transaction
                self._cursor.execute("ROLLBACK TO SAVEPOINT a_trial")
                self._cursor.execute("RELEASE SAVEPOINT a_trial")

    def unanswered(self) -> AbstractContextManager[object]:
        """Send the statements of this block without waiting for what comes of each.

        It raises at its end, if not before, for one that failed. No rows and counts can be had of
        them, and nothing can be inserted by `insert`.
        """
        return self.engine.unanswered(self._connection)

    def all(self, statement: str, **values: object) -> list[Row]:
        """Return all rows of a query."""
        rows: list[Row] = self._cursor.execute(self._translate(statement), values).fetchall()
        return rows

    def each(self, statement: str, **values: object) -> Iterator[Row]:
        """Yield the rows of a query as they are found; some hundred are in memory at once."""
        with closing(self.engine.stream(self._connection)) as cursor:
            cursor.execute(self._translate(statement), values)
            yield from cursor

    def one(self, statement: str, **values: object) -> Row | None:
        """Return the first row of a query (or of a `RETURNING`), or None."""
        row: Row | None = self._cursor.execute(self._translate(statement), values).fetchone()
        return row

    def exactly_one(self, statement: str, **values: object) -> Row:
        """Return the row of a statement that always gives one."""
        row = self.one(statement, **values)
        if row is None:
            raise RuntimeError("the statement gave no row")
        return row

    def run(self, statement: str, **values: object) -> int:
        """Execute a statement and return the number of rows that it changed."""
        count: int = self._cursor.execute(self._translate(statement), values).rowcount
        return count

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Add rows, each with the values of these columns, to a table."""
        self.engine.insert(self._cursor, table, columns, rows)

    def insert_texts(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Row],
        sizes: Sequence[int],
        texts: bytes,
    ) -> None:
        """Add rows whose last column is a text.

        The texts are given apart, one behind the other in UTF-8, with the bytes that each has.
        """
        self.engine.insert_texts(self._cursor, table, columns, rows, sizes, texts)

    def run_many(self, statement: str, rows: Sequence[dict[str, object]]) -> None:
        """Execute a statement once for each row of values."""
        if rows:
            self._cursor.executemany(self._translate(statement), rows)
