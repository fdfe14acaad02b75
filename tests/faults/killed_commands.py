"""Kill `exempla backup` and `exempla restore` before each of their lines, and look what is there.

`python -m tests.faults.killed_commands FOLDER` does it: a process of its own, since it forks.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

from exempla.store import backup
from exempla.store.engines import Sqlite
from tests.store.test_backup import all_faults, file_of, numbers, opened, set_number

OLD, NEW = '{"n":0}', '{"n":1}'


def said_by(place: Path) -> str:
    """Return what the one example of a folder says, as a server would; "" without a database."""
    if not file_of(place).exists():
        return ""
    with opened(place) as store:
        assert store.read(all_faults) == []
        (said,) = numbers(store)
    return said


def said_by_file(file: Path) -> str:
    """Return what the one example of a backup says; "" if there is none."""
    if not file.exists():
        return ""
    place = file.with_suffix(".opened")
    backup.restore(place, file, overwrite=True)
    return said_by(place)


def killed_before(line: int, work: Callable[[], object]) -> bool:
    """Do the work in another process, killed before so many lines of `backup.py` have run."""
    pid = os.fork()
    if not pid:
        _kill_before(line)
        work()
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, -signal.SIGKILL), status
    return status != 0


def _kill_before(line: int) -> None:
    left = line

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != backup.__file__:
            return None
        left -= event == "line"
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


def at_each_line(prepare: Callable[[], object], work: Callable[[], object], look: Any) -> list[str]:
    """Return what was there after a kill before each line; then the work must still be done."""
    seen: list[str] = []
    for line in count(1):
        prepare()
        if not killed_before(line, work):
            return seen
        seen.append(look())
        work()
        assert look() == NEW
    raise AssertionError


def main(folder: Path) -> None:
    """Kill both commands, with something to replace and with nothing, and print what they left."""
    old, new, crashed = folder / "old.db", folder / "new.db", folder / "crashed"
    with opened(folder / "data") as store:
        dataset, _, _ = store.dataset_of(1)
        set_number(store, dataset.id, 1)
        backup.backup(Sqlite(file_of(folder / "data")), new)
        set_number(store, dataset.id, 0)
        backup.backup(Sqlite(file_of(folder / "data")), old)
        shutil.copytree(folder / "data", crashed)  # with its log, as after a crash
    shutil.copytree(crashed, folder / "source")
    source, place, file = Sqlite(file_of(folder / "source")), folder / "place", folder / "file.db"
    with opened(folder / "source") as store:
        set_number(store, dataset.id, 1)

    def clean() -> None:
        shutil.rmtree(place, ignore_errors=True)
        file.unlink(missing_ok=True)

    def copy_database() -> None:
        clean()
        shutil.copytree(crashed, place)

    def copy_backup() -> None:
        clean()
        shutil.copy(old, file)

    def show(what: str, seen: list[str], allowed: set[str]) -> None:
        assert set(seen) <= allowed, set(seen) - allowed
        print(f"{what}: {len(seen)} kills, {sorted(set(seen))}")

    def restore() -> None:
        backup.restore(place, new, overwrite=True)

    def save() -> None:
        backup.backup(source, file, overwrite=True)

    show("restore", at_each_line(clean, restore, lambda: said_by(place)), {"", NEW})
    show(
        "restore over a database",
        at_each_line(copy_database, restore, lambda: said_by(place)),
        {OLD, NEW},
    )
    show("backup", at_each_line(clean, save, lambda: said_by_file(file)), {"", NEW})
    show(
        "backup over a backup",
        at_each_line(copy_backup, save, lambda: said_by_file(file)),
        {OLD, NEW},
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
