"""Backups of SQLite: of one moment under load, and restored whole or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from exempla.errors import StartupError
from exempla.ids import ResourceId
from exempla.settings import DATABASE_FILE, Settings
from exempla.store import examples, setup
from exempla.store.access import OPERATOR
from exempla.store.backup import RESTORING, backup, restore
from exempla.store.check import check_dataset, check_engine, check_names, subjects
from exempla.store.engines import Sqlite
from exempla.store.migrations import HEAD
from exempla.store.transaction import Transaction
from tests.store.conftest import Store
from tests.store.values import fields

EXAMPLES = 20


@contextmanager
def opened(place: Path) -> Iterator[Store]:
    """Give the database of a folder, as a server would open it."""
    engine = setup.open_engine(Settings(data_dir=place))
    database, _ = setup.open_database(engine)
    try:
        yield Store(database)
    finally:
        database.close()


def all_faults(tx: Transaction) -> list[str]:
    found = [*check_engine(tx), *check_names(tx)]
    for subject in subjects(tx):
        found += check_dataset(tx, subject, lambda _: None)
    return [violation.fault for violation in found]


def numbers(store: Store) -> set[str]:
    """Return what the examples of the one dataset say."""
    (subject,) = store.read(subjects)
    return set(store.bodies(subject.id))


def file_of(place: Path) -> Path:
    return place / DATABASE_FILE


def set_number(store: Store, dataset: ResourceId, number: int, name: str | None = None) -> None:
    """Set all examples of a dataset to a number, in one write."""
    changes = {one.id: fields(n=number) for one in store.examples(dataset)}
    store.write(examples.update, OPERATOR, dataset, None, changes, name)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give a folder whose one dataset says 1, with a backup beside it of when it said 0."""
    place = tmp_path / "data"
    with opened(place) as store:
        dataset, _, _ = store.dataset_of(1)
        backup(Sqlite(file_of(place)), tmp_path / "0.db")
        set_number(store, dataset.id, 1)
    return place


class Load:
    """A client that sets all examples of a dataset to the next number, again and again."""

    def __init__(self, store: Store) -> None:
        self.begun = self.done = 0
        self._store = store
        dataset, _, _ = store.dataset_of(EXAMPLES)
        self._dataset = dataset.id
        self._stop = threading.Event()
        set_number(store, self._dataset, 0)

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.begun += 1
            name = None if self.begun % 5 else f"at {self.begun}"
            set_number(self._store, self._dataset, self.begun, name)
            self.done = self.begun


def test_a_backup_under_load_is_of_one_moment(tmp_path: Path) -> None:
    taken: list[tuple[Path, int, int]] = []
    with opened(tmp_path / "data") as store:
        load = Load(store)
        with load.running():
            while len(taken) < 5:
                file, before = tmp_path / f"{len(taken)}.db", load.done
                backup(Sqlite(file_of(tmp_path / "data")), file)
                taken.append((file, before, load.begun))
    assert load.done > taken[0][2]
    for file, before, after in taken:
        assert file.stat().st_mode & 0o777 == 0o600
        restore(tmp_path / file.stem, file)
        with opened(tmp_path / file.stem) as store:
            assert store.read(all_faults) == []
            (body,) = numbers(store)  # all of a write, or nothing of it
        assert before <= int(body.removeprefix('{"n":').removesuffix("}")) <= after
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_a_file_that_is_there_is_kept(place: Path) -> None:
    file = place.with_name("0.db")
    content = file.read_bytes()
    with pytest.raises(StartupError, match=r"is there already.*--force"):
        backup(Sqlite(file_of(place)), file)
    assert file.read_bytes() == content
    backup(Sqlite(file_of(place)), file, overwrite=True)
    assert file.read_bytes() != content
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_backup_needs_a_folder_and_a_database(place: Path) -> None:
    with pytest.raises(StartupError, match="No such file"):
        backup(Sqlite(file_of(place)), place / "no" / "file.db")
    file_of(place).write_bytes(b"hello" * 2_000)
    with pytest.raises(StartupError, match="damaged"):
        backup(Sqlite(file_of(place)), place / "file.db")
    assert not (place / "file.db").exists()


def test_restoring_needs_force(place: Path) -> None:
    file = place.with_name("0.db")
    with pytest.raises(StartupError, match="--force"):
        restore(place, file)
    with opened(place) as store:
        assert numbers(store) == {'{"n":1}'}
    restore(place, file, overwrite=True)
    with opened(place) as store:
        assert numbers(store) == {'{"n":0}'}


def test_restoring_is_for_no_one_else_s_database(place: Path) -> None:
    with opened(place) as store:
        with pytest.raises(StartupError, match="a server or a command uses"):
            restore(place, place.with_name("0.db"), overwrite=True)
        assert numbers(store) == {'{"n":1}'}


def test_a_log_that_a_crash_left_is_not_of_the_restored(place: Path) -> None:
    log = file_of(place).with_name(DATABASE_FILE + "-wal")
    with opened(place) as store:
        store.dataset_of(1)
        left, before = log.read_bytes(), file_of(place).read_bytes()
    assert left
    file_of(place).write_bytes(before)
    log.write_bytes(left)
    restore(place, place.with_name("0.db"), overwrite=True)
    with opened(place) as store:
        assert numbers(store) == {'{"n":0}'}
        assert store.read(all_faults) == []


@pytest.mark.parametrize("damage", [b"no database" * 1_000, b""])
def test_a_damaged_database_and_its_log_are_replaced(place: Path, damage: bytes) -> None:
    file_of(place).write_bytes(damage)
    file_of(place).with_name(DATABASE_FILE + "-wal").write_bytes(b"no log")
    restore(place, place.with_name("0.db"), overwrite=True)
    with opened(place) as store:
        assert numbers(store) == {'{"n":0}'}


def foreign(path: Path, *statements: str) -> bytes:
    """Return a SQLite database that is not of Exempla."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return path.read_bytes()


def test_only_a_sound_backup_is_restored(place: Path, tmp_path: Path) -> None:
    good, before = place.with_name("0.db").read_bytes(), file_of(place).read_bytes()
    versioned = "CREATE TABLE alembic_version (version_num TEXT)"
    newer = "INSERT INTO alembic_version VALUES ('9999')"
    current = f"INSERT INTO alembic_version VALUES ('{HEAD}')"
    said = {
        b"": "no Exempla database",
        b"hello" * 1_000: "damaged, or no database",
        good[: len(good) // 2]: "damaged",
        good[:8192] + b"\xff" * 4096 + good[12288:]: "damaged",
        foreign(tmp_path / "1.db", "CREATE TABLE notes (text)"): "no Exempla database",
        foreign(tmp_path / "2.db", versioned, newer): "newer",
        foreign(tmp_path / "3.db", versioned, current): "lacks the column",
    }
    bad = tmp_path / "bad.db"
    for content, reason in said.items():
        bad.write_bytes(content)
        with pytest.raises(StartupError, match=reason) as caught:
            restore(place, bad, overwrite=True)
        assert "\n" not in str(caught.value)
        assert file_of(place).read_bytes() == before
        assert not (place / RESTORING).exists()
    with pytest.raises(StartupError, match="there is no file"):
        restore(place, tmp_path / "no.db", overwrite=True)
    with pytest.raises(StartupError, match="is the database itself"):
        restore(place, file_of(place), overwrite=True)


def test_a_copy_with_its_log_is_restored_with_it(place: Path, tmp_path: Path) -> None:
    """As the folder of a server that was killed is, or one on a snapshot of a disk."""
    copy, log = tmp_path / "copy.db", file_of(place).with_name(DATABASE_FILE + "-wal")
    with opened(place) as store:
        (subject,) = store.read(subjects)
        set_number(store, subject.id, 2)
        copy.write_bytes(file_of(place).read_bytes())
        copy.with_name("copy.db-wal").write_bytes(log.read_bytes())
    restore(place, copy, overwrite=True)
    with opened(place) as store:
        assert numbers(store) == {'{"n":2}'}


def test_one_lock_is_enough_for_many(place: Path) -> None:
    with opened(place) as one, opened(place) as other:
        dataset, _, _ = one.dataset_of(1)
        assert asyncio.run(
            other.database.read(examples.list_page, OPERATOR, dataset.id, None, after=0, limit=1)
        ).examples
