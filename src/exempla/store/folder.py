"""The data folder of a SQLite database: who uses it now, and whether it ever held a database.

Whatever opens the database, a server or a command, holds a shared lock (flock(2)) on the file
`exempla.lock`; `exempla restore` needs it alone. The system ends a lock with its process, however
that ends. The file is empty until the folder holds a whole database.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import BinaryIO

from exempla.errors import StartupError

LOCK_FILE = "exempla.lock"


def hold(folder: Path, *, alone: bool = False) -> BinaryIO:
    """Take the folder's lock, which lasts until the file that is returned is closed.

    Raises `StartupError` when another process has it alone, or, with `alone`, has it at all.
    """
    path = folder / LOCK_FILE
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    except OSError as error:
        raise StartupError(f"cannot open {path}: {error.strerror}") from None
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise StartupError(
            f"a server or a command uses the folder {folder}; stop it, then try again"
            if alone
            else f"the database in {folder} is being restored; try again when that is done"
        ) from None
    except OSError as error:
        file.close()
        raise StartupError(f"cannot lock {path}: {error.strerror}") from None
    return file


def check_not_emptied(database: Path, lock: BinaryIO) -> None:
    """Raise `StartupError` if there was a database in this file, which is now empty."""
    if lock.read(1) and database.exists() and not database.stat().st_size:
        raise StartupError(
            f"the database {database} is empty, but it was not: restore a backup with "
            f"`exempla restore`, or remove {LOCK_FILE} beside it to begin with a new database"
        )


def mark(lock: BinaryIO) -> None:
    """Note that the folder holds a whole database."""
    lock.seek(0)
    if not lock.read(1):
        lock.write(b"This folder holds an Exempla database.\n")
        lock.flush()
