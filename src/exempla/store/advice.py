"""What to tell a person about a database that cannot be opened: why, and what to do."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError

from exempla.store.engines import Engine, Sqlite, primary_code

RESTORE = "restore a backup of it, with `exempla restore` or PostgreSQL's own tools"

_DAMAGED = "it is damaged, or no database at all; restore a backup with `exempla restore`"

_OF_SQLITE = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_FULL: "make room on the disk, then try again",
    sqlite3.SQLITE_IOERR: "look at the disk: it may be full or failing",
    sqlite3.SQLITE_BUSY: "another program keeps it locked; end that one, then try again",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable",
    sqlite3.SQLITE_CANTOPEN: "make the file and its folder readable and writable",
}


def name(engine: Engine) -> str:
    """Name the database, without its password."""
    if isinstance(engine, Sqlite):
        return str(engine.path)
    return engine.url.set(query={}).render_as_string(hide_password=True)


def why(engine: Engine, error: Exception) -> str:
    """Say in one line why the database cannot be opened, and what to do, if that is known."""
    if isinstance(error, DBAPIError):  # while the schema was migrated
        reason, advice = (
            _first_line(error.orig or error),
            (f"its tables are not those of its schema, so it was left as it is; {RESTORE}"),
        )
        if isinstance(error.orig, sqlite3.Error):
            advice = _OF_SQLITE.get(primary_code(error.orig), advice)
    else:
        reason, advice = _first_line(error), ""
        if isinstance(error, sqlite3.Error):
            advice = _OF_SQLITE.get(primary_code(error), "")
    said = f"cannot open the database {name(engine)}: {reason}"
    return f"{said}; {advice}" if advice else said


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
