"""Copy a SQLite database to one file, beside a running server, and put such a file in its place.

Both write a file under another name, look at it, sync it to the disk, and then rename it: what is
under the right name is whole, whenever the machine stops.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from exempla.errors import StartupError
from exempla.settings import DATABASE_FILE
from exempla.store import advice, folder, setup
from exempla.store.check.engine import check_engine
from exempla.store.engines import Sqlite
from exempla.store.transaction import Transaction

RESTORING = DATABASE_FILE + ".restoring"
"""The name of a copy in the data folder that is not checked yet."""


def backup(engine: Sqlite, target: Path, *, overwrite: bool = False) -> None:
    """Write all of the database, as it is at one moment, to a file for its owner alone.

    Raises `StartupError` if the file is there already, or cannot be written, or if the database is
    damaged.
    """
    if target.exists() and not overwrite:
        raise StartupError(f"{target} is there already; name another file, or give --force")
    with folder.hold(engine.path.parent), _storing(engine), _partial(target) as partial:
        with closing(engine.connect()) as connection:
            setup.check_known(Transaction(connection, engine))
            # Not page by page: a page that is damaged would be copied as it is.
            connection.execute("VACUUM INTO ?", [str(partial)])
        _check(Sqlite(partial, is_read_only=True))
        _sync(partial)
        _put_in_place(partial, target, overwrite=overwrite)
        _sync(target.parent)


def restore(place: Path, source: Path, *, overwrite: bool = False) -> None:
    """Put a copy of this file in the place of the database of a data folder.

    Raises `StartupError` if the file is no sound Exempla database, if the folder has one and
    `overwrite` is not set, or while a server or a command uses it.
    """
    database, copy = place / DATABASE_FILE, place / RESTORING
    if not source.is_file():
        raise StartupError(f"there is no file {source}")
    if database.exists() and source.samefile(database):
        raise StartupError(f"{source} is the database itself; name a backup")
    with _storing(Sqlite(source)):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with folder.hold(place, alone=True) as lock:
            if database.exists() and database.stat().st_size and not overwrite:
                raise StartupError(f"{place} has a database already; give --force to replace it")
            try:
                _copy(source, copy)
                _check(Sqlite(copy))
                _sync(copy)
                _forget_log(database)
                copy.replace(database)
                _sync(place)
            finally:
                copy.unlink(missing_ok=True)
            folder.mark(lock)


def _put_in_place(partial: Path, target: Path, *, overwrite: bool) -> None:
    try:
        if not overwrite:
            target.hardlink_to(partial)  # fails where another backup was faster
            return
    except FileExistsError:
        raise
    except OSError:  # the file system has no such links
        pass
    partial.replace(target)


def _copy(source: Path, copy: Path) -> None:
    copy.unlink(missing_ok=True)
    copy.touch(mode=0o600)
    with (
        closing(Sqlite(source, is_read_only=True).connect()) as given,
        closing(sqlite3.connect(copy)) as target,
    ):
        given.backup(target)


def _check(engine: Sqlite) -> None:
    """Raise `StartupError` unless the file is an Exempla database without damage."""
    with closing(engine.connect()) as connection:
        tx = Transaction(connection, engine)
        setup.check_known(tx)
        for violation in check_engine(tx):
            raise StartupError(f"{violation.fault}; nothing was changed")


def _forget_log(database: Path) -> None:
    """Move the database's log into its file, or else remove it: it is of no other file.

    Left behind, it would be read as the log of the file that comes next.
    """
    if database.exists():
        with suppress(sqlite3.Error), closing(Sqlite(database).connect()) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for end in ("-wal", "-shm", "-journal"):
        database.with_name(database.name + end).unlink(missing_ok=True)
    _sync(database.parent)


@contextmanager
def _storing(engine: Sqlite) -> Iterator[None]:
    """Raise what hinders as a `StartupError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise StartupError(advice.why(engine, error)) from error
    except OSError as error:
        raise StartupError(f"cannot write {error.filename}: {error.strerror}") from error


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """Give an empty file beside the target, and remove it afterwards, if it is there still."""
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    os.close(number)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Make a file, or the names in a folder, durable."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
