"""The floor on SQLite: the durable work alone, without HTTP, keys, checks or JSON parsing."""

from __future__ import annotations

import json
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, repeat
from pathlib import Path

PAGE = 500
"""Examples on one page."""

END = 2_147_483_647
"""The `valid_to` of what the latest version holds."""

PageRow = tuple[str, int, int, str]
"""An example's id, `created_at`, `updated_at` and body."""


class Floor(ABC):
    """A database in the layout of Exempla's `examples` and `revisions`, and the work on it.

    A dataset is a number, its examples are numbered from 1. An update in place is only for a
    dataset that has one version, so that it need not split revisions.
    """

    @abstractmethod
    def load(self, dataset: int, first: int, ids: Sequence[str], bodies: Sequence[str]) -> None:
        """Add examples numbered from `first` on, to a new dataset if that is 1."""

    @abstractmethod
    def update(self, dataset: int, ids: Sequence[str], bodies: Sequence[str]) -> None:
        """Look up the examples, and overwrite what the latest version holds."""

    @abstractmethod
    def update_as_version(self, dataset: int, ids: Sequence[str], bodies: Sequence[str]) -> None:
        """Look up the examples, and write the new text as a new version."""

    @abstractmethod
    def rows(self, dataset: int, after: int, *, version: int | None) -> Iterable[PageRow]:
        """Fetch the page behind the example `after`, of the latest version or of this one."""

    @abstractmethod
    def settle(self) -> None:
        """Do what the database would soon do by itself after a load."""

    @abstractmethod
    def close(self) -> None:
        """Close the database."""

    def page(self, dataset: int, after: int, *, version: int | None = None) -> bytes:
        """Read a page, joined into one JSON text. Times stay numbers."""
        return as_page(self.rows(dataset, after, version=version))

    def read_whole(self, dataset: int, total: int, *, version: int | None) -> None:
        """Read all pages of a version of `total` examples."""
        for after in range(0, total, PAGE):
            self.page(dataset, after, version=version)


def as_page(found: Iterable[PageRow]) -> bytes:
    """Join examples into one JSON text."""
    items = [
        f'{{"id":"{id_}","created_at":{created},"updated_at":{updated},{body[1:]}'
        for id_, created, updated, body in found
    ]
    return f"[{','.join(items)}]".encode()


def now() -> int:
    """Return the time in microseconds."""
    return time.time_ns() // 1_000


_SCHEMA = f"""
CREATE TABLE versions (
  dataset_id INTEGER NOT NULL, number INTEGER NOT NULL, created_at INTEGER NOT NULL,
  PRIMARY KEY (dataset_id, number));
CREATE TABLE examples (
  dataset_id INTEGER NOT NULL, ordinal INTEGER NOT NULL, id TEXT NOT NULL,
  created_at INTEGER NOT NULL, PRIMARY KEY (dataset_id, ordinal), UNIQUE (dataset_id, id));
CREATE TABLE revisions (
  dataset_id INTEGER NOT NULL, ordinal INTEGER NOT NULL, valid_from INTEGER NOT NULL,
  valid_to INTEGER NOT NULL, updated_at INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (dataset_id, ordinal, valid_from, valid_to));
CREATE INDEX live ON revisions (dataset_id, ordinal) WHERE valid_to = {END};
CREATE INDEX opened ON revisions (dataset_id, valid_from) WHERE valid_from > 1;
CREATE INDEX closed ON revisions (dataset_id, valid_to) WHERE valid_to < {END};
"""
_ADD_VERSION = "INSERT INTO versions VALUES (?, ?, ?)"
_LATEST_VERSION = "SELECT max(number) FROM versions WHERE dataset_id = ?"
_ADD_EXAMPLE = "INSERT INTO examples VALUES (?, ?, ?, ?)"
_ADD_REVISION = "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?)"
# CROSS JOIN keeps the planner to this order: few ids first, then one lookup each.
_LOOK_UP = f"""
SELECT e.ordinal, r.valid_from, r.body FROM json_each(?) AS given
CROSS JOIN examples e CROSS JOIN revisions r
WHERE e.dataset_id = ? AND e.id = given.value
  AND r.dataset_id = e.dataset_id AND r.ordinal = e.ordinal AND r.valid_to = {END}"""
_HERE = f"WHERE dataset_id = ? AND ordinal = ? AND valid_from = ? AND valid_to = {END}"
_OVERWRITE = f"UPDATE revisions SET body = ?, updated_at = ? {_HERE}"
_CLOSE = f"UPDATE revisions SET valid_to = ? {_HERE}"
_PAGE = """
SELECT e.id, e.created_at, r.updated_at, r.body FROM revisions r CROSS JOIN examples e
WHERE r.dataset_id = ? AND r.ordinal > ? AND {condition}
  AND e.dataset_id = r.dataset_id AND e.ordinal = r.ordinal
ORDER BY r.ordinal LIMIT {limit}"""
_LATEST_PAGE = _PAGE.format(condition=f"r.valid_to = {END}", limit=PAGE)
_OLD_PAGE = _PAGE.format(condition="r.valid_from <= ? AND r.valid_to > ?", limit=PAGE)


class SqliteFloor(Floor):
    """Raw SQLite through the standard library, every commit synced to the disk."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA cache_size = -16384")
        self._db.executescript(_SCHEMA)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        yield self._db  # an error ends the benchmark, and with it the transaction
        self._db.execute("COMMIT")

    def load(self, dataset: int, first: int, ids: Sequence[str], bodies: Sequence[str]) -> None:
        """Add examples; see `Floor`."""
        at = now()
        same = repeat(dataset)
        with self._transaction() as db:
            if first == 1:
                db.execute(_ADD_VERSION, (dataset, 1, at))
            db.executemany(_ADD_EXAMPLE, zip(same, count(first), ids, count(at)))
            lives = zip(same, count(first), repeat(1), repeat(END), count(at), bodies)
            db.executemany(_ADD_REVISION, lives)

    def _look_up(self, dataset: int, ids: Sequence[str]) -> list[tuple[int, int, str]]:
        return self._db.execute(_LOOK_UP, (json.dumps(ids), dataset)).fetchall()

    def update(self, dataset: int, ids: Sequence[str], bodies: Sequence[str]) -> None:
        """Update in place; see `Floor`."""
        at = now()
        with self._transaction() as db:
            found = self._look_up(dataset, ids)
            new = [
                (body, at, dataset, ordinal, valid_from)
                for body, (ordinal, valid_from, _) in zip(bodies, found, strict=True)
            ]
            db.executemany(_OVERWRITE, new)

    def update_as_version(self, dataset: int, ids: Sequence[str], bodies: Sequence[str]) -> None:
        """Update as a new version; see `Floor`."""
        at = now()
        with self._transaction() as db:
            number = db.execute(_LATEST_VERSION, (dataset,)).fetchone()[0] + 1
            db.execute(_ADD_VERSION, (dataset, number, at))
            found = self._look_up(dataset, ids)
            old = [(number, dataset, ordinal, valid_from) for ordinal, valid_from, _ in found]
            db.executemany(_CLOSE, old)
            new = [
                (dataset, ordinal, number, END, at, body)
                for body, (ordinal, _, _) in zip(bodies, found, strict=True)
            ]
            db.executemany(_ADD_REVISION, new)

    def rows(self, dataset: int, after: int, *, version: int | None) -> Iterable[PageRow]:
        """Fetch a page; see `Floor`."""
        if version is None:
            return self._db.execute(_LATEST_PAGE, (dataset, after))
        return self._db.execute(_OLD_PAGE, (dataset, after, version, version))

    def settle(self) -> None:
        """Nothing to do: SQLite does nothing by itself."""

    def close(self) -> None:
        """Close the database."""
        self._db.close()
