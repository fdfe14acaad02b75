"""Open a database: make or migrate its schema, and fill a new one with what the first user needs.

Safe when several processes start at once: SQLite's write lock, or an advisory lock of
PostgreSQL, lets one of them work while the others wait and then find it done.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from exempla.errors import StartupError
from exempla.settings import DATABASE_FILE, Settings, default_data_dir
from exempla.store import audit, keys, organizations, spaces, users
from exempla.store.access import OPERATOR
from exempla.store.database import Database, Transaction
from exempla.store.engines import Engine, Postgres, Sqlite, engine_for_url
from exempla.store.migrations import HEAD, KNOWN, upgrade

_log = structlog.get_logger(__name__)

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
    folder = settings.data_dir or default_data_dir()
    path = folder / DATABASE_FILE
    if not make and not path.exists():
        raise StartupError(
            f"there is no database in {folder}; start `exempla serve` with it first, "
            "or name another folder with --data-dir"
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        _check_writable(folder)
    except OSError as error:
        raise StartupError(f"cannot write to the data folder {folder}: {error.strerror}") from None
    return Sqlite(path)


def open_database(
    engine: Engine, bootstrap_key: str | None = None, *, make: bool = True
) -> tuple[Database, str | None]:
    """Bring the schema up to date and return the open database.

    Beside it: the secret of the admin key, if the database is new and no key was given.
    Raises `StartupError` when it cannot be opened, was written by a newer release, or, with
    `make=False`, holds nothing yet.
    """
    try:
        made = _prepare(engine, bootstrap_key, make=make)
    except (sqlite3.Error, psycopg.Error, SQLAlchemyError) as error:
        raise StartupError(_why(engine, error)) from error
    return Database(engine), made


def is_current(tx: Transaction, engine: Engine) -> bool:
    """Tell whether the schema is the one that this release works with."""
    return _schema_revision(tx, engine) == HEAD


def _prepare(engine: Engine, bootstrap_key: str | None, *, make: bool) -> str | None:
    connection: Any = engine.connect()
    try:
        revision = _begin(engine, connection)
        if revision is None and not make:
            raise StartupError(
                f"{_name(engine)} holds no Exempla database; start `exempla serve` with it first"
            )
        if revision != HEAD:
            connection.execute("ROLLBACK")
            upgrade(engine, lambda other: _begin(engine, other))
            _begin(engine, connection)
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
    revision = _schema_revision(tx, engine)
    if revision not in {None, *KNOWN}:
        raise StartupError(
            f"the database {_name(engine)} was written by a newer Exempla (its schema is "
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


def _check_writable(folder: Path) -> None:
    probe = folder / ".writable"
    probe.touch()
    probe.unlink(missing_ok=True)  # of another start at the same time


def _name(engine: Engine) -> str:
    if isinstance(engine, Sqlite):
        return str(engine.path)
    return engine.url.set(query={}).render_as_string(hide_password=True)


def _why(engine: Engine, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"cannot open the database {_name(engine)}: {reason}"
