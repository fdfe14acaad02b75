"""Open a database: make or migrate its schema, and fill a new one with what the first user needs.

Safe when several processes start at once: SQLite's write lock, or an advisory lock of
PostgreSQL, lets one of them work while the others wait and then find it done.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from exempla.errors import StartupError
from exempla.settings import DATABASE_FILE, Settings, default_data_dir
from exempla.store import advice, audit, folder, keys, organizations, spaces, users
from exempla.store.access import OPERATOR
from exempla.store.database import Database
from exempla.store.engines import Engine, Postgres, Sqlite, engine_for_url
from exempla.store.migrations import HEAD, KNOWN, upgrade
from exempla.store.tables import metadata
from exempla.store.transaction import Transaction

_log = structlog.get_logger(__name__)

_COLUMNS = {
    "sqlite": """
        SELECT t.name, c.name FROM sqlite_master AS t CROSS JOIN pragma_table_info(t.name) AS c
        WHERE t.type = 'table'""",
    "postgresql": """
        SELECT c.relname, a.attname
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
          AND a.attnum > 0 AND NOT a.attisdropped""",
}
"""The tables and columns that a database has."""

DEFAULT_NAME = "Default"
"""The name of the organization and the space that a new database has."""

_LOCK_NUMBER = 4_967_211_043  # of our own choice: no one else's advisory lock in this database


def open_engine(settings: Settings, *, make: bool = True) -> Engine:
    """Return the engine that the settings name.

    Make the data folder and an empty database file, for their owner alone, if there is none;
    or, with `make=False`, raise `StartupError` then.
    """
    settings.check()
    if settings.database_url:
        return engine_for_url(settings.database_url)
    place = settings.data_dir or default_data_dir()
    path = place / DATABASE_FILE
    if not make and not path.exists():
        raise StartupError(
            f"there is no database in {place}; start `exempla serve` with it first, "
            "or name another folder with --data-dir"
        )
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        _check_writable(place)
    except OSError as error:
        raise StartupError(f"cannot write to the data folder {place}: {error.strerror}") from None
    return Sqlite(path)


class Prepared(NamedTuple):
    """A database that can be used: the first key's secret, and what is held of its folder."""

    secret: str | None
    """Of the admin key, if the database is new and no key was given."""
    lock: BinaryIO | None
    """To close when the database is no longer used; None for PostgreSQL."""


def open_database(
    engine: Engine, bootstrap_key: str | None = None, *, make: bool = True
) -> tuple[Database, str | None]:
    """Do as `prepare`, and return the open database, and the secret."""
    secret, lock = prepare(engine, bootstrap_key, make=make)
    return Database(engine, lock), secret


def prepare(engine: Engine, bootstrap_key: str | None = None, *, make: bool = True) -> Prepared:
    """Bring the schema up to date, and a new database to where it can be used.

    Raises `StartupError` when it cannot be opened, is damaged, was written by a newer release, or,
    with `make=False`, holds nothing yet or is not up to date: its servers may be running.
    """
    with ExitStack() as unless_prepared:
        lock = None
        if isinstance(engine, Sqlite):
            lock = unless_prepared.enter_context(folder.hold(engine.path.parent))
            folder.check_not_emptied(engine.path, lock)
        try:
            secret = _prepare(engine, bootstrap_key, make=make)
        except (sqlite3.Error, psycopg.Error, SQLAlchemyError) as error:
            raise StartupError(advice.why(engine, error)) from error
        if lock:
            folder.mark(lock)
        unless_prepared.pop_all()
    return Prepared(secret, lock)


def is_current(tx: Transaction, engine: Engine) -> bool:
    """Tell whether the schema is the one that this release works with."""
    return _schema_revision(tx, engine) == HEAD


def check_known(tx: Transaction) -> str:
    """Return the revision of the schema; raise `StartupError` unless it is whole and known."""
    revision = _known_revision(tx)
    if revision is None:
        raise StartupError(f"{advice.name(tx.engine)} holds no Exempla database")
    if revision == HEAD:
        _check_whole(tx)
    return revision


def check_current(tx: Transaction) -> None:
    """Raise `StartupError` unless the schema is whole and the one that this release works with."""
    revision = check_known(tx)
    if revision != HEAD:
        raise _older(tx.engine, revision)


def _older(engine: Engine, revision: str) -> StartupError:
    return StartupError(
        f"{advice.name(engine)} was written by an older Exempla (its schema is {revision}, "
        f"this release works with {HEAD}); stop its servers, then start `exempla serve` of this "
        "release, which brings it up to date"
    )


def _prepare(engine: Engine, bootstrap_key: str | None, *, make: bool) -> str | None:
    connection: Any = engine.connect()
    try:
        revision = _begin(engine, connection)
        if revision is None and not make:
            raise StartupError(
                f"{advice.name(engine)} holds no Exempla database; "
                "start `exempla serve` with it first"
            )
        if revision and revision != HEAD and not make:
            raise _older(engine, revision)
        if revision != HEAD:
            connection.execute("ROLLBACK")
            upgrade(engine, lambda other: _begin(engine, other))
            _begin(engine, connection)
        _check_whole(Transaction(connection, engine))
        made = _bootstrap(Transaction(connection, engine), bootstrap_key)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return made


def _begin(engine: Engine, connection: Any) -> str | None:
    """Begin a transaction that no other process sets up the database beside.

    Return the schema's revision; raise `StartupError` for one that this release does not know.
    """
    connection.execute(engine.begin_write)
    tx = Transaction(connection, engine)
    if isinstance(engine, Postgres):
        tx.one("SELECT pg_advisory_xact_lock(:number)", number=_LOCK_NUMBER)
    return _known_revision(tx)


def _known_revision(tx: Transaction) -> str | None:
    revision = _schema_revision(tx, tx.engine)
    if revision not in {None, *KNOWN}:
        raise StartupError(
            f"the database {advice.name(tx.engine)} was written by a newer Exempla (its schema is "
            f"{revision}, this release knows up to {HEAD}); install a newer release"
        )
    return revision


def _schema_revision(tx: Transaction, engine: Engine) -> str | None:
    exists = (
        "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        if isinstance(engine, Sqlite)
        else "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL"
    )
    row = tx.one(exists) and tx.one("SELECT version_num FROM alembic_version")
    return str(row[0]) if row else None


def _check_whole(tx: Transaction) -> None:
    """Raise `StartupError` unless the database has all that its revision says it has."""
    there = {(table, column) for table, column in tx.all(_COLUMNS[tx.engine.name])}
    for table in metadata.sorted_tables:
        for column in table.columns:
            if (table.name, column.name) not in there:
                raise StartupError(
                    f"the database {advice.name(tx.engine)} lacks the column {column.name} of "
                    f"the table {table.name}, so someone changed it by hand or a copy of it "
                    f"ended early; {advice.RESTORE}"
                )


def _bootstrap(tx: Transaction, bootstrap_key: str | None) -> str | None:
    if users.first(tx):
        if bootstrap_key and not keys.authenticate(tx, keys.secret_hash(bootstrap_key)):
            _log.warning("EXEMPLA_BOOTSTRAP_KEY is not used: this database has keys already")
        return None
    user = users.create(tx, "Admin", "admin@localhost", is_administrator=True).id
    secret = bootstrap_key or keys.new_secret()
    key = keys.create(tx, user, user, "USER", "admin", "", secret, None)
    audit.record(tx, audit.by_operator("exempla serve", name=key.name), key.id)
    organization = organizations.create(tx, OPERATOR, DEFAULT_NAME, "")
    spaces.create(tx, OPERATOR, organization.id, DEFAULT_NAME, "")
    return None if bootstrap_key else secret


def _check_writable(place: Path) -> None:
    probe = place / ".writable"
    probe.touch()
    probe.unlink(missing_ok=True)  # of another start at the same time
