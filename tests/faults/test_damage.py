"""Damage that a start finds: it refuses, says in one line what to do, and changes nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyarrow.flight import FlightInternalError

from exempla.errors import StartupError
from exempla.settings import DATABASE_FILE, Settings
from exempla.store import setup
from exempla.store.folder import LOCK_FILE
from tests.cli.support import Place, client, running
from tests.conftest import ENGINES
from tests.faults import disks
from tests.flight.client import read
from tests.serving import KEY
from tests.store.conftest import Store, settings_for
from tests.store.values import fields


def open_at(settings: Settings) -> None:
    """Open a database as a server does, and close it."""
    database, _ = setup.open_database(setup.open_engine(settings))
    database.close()


def refusal(settings: Settings) -> str:
    """Return the one line that a start says."""
    with pytest.raises(StartupError) as caught:
        open_at(settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a SQLite database of some hundred pages."""
    database, _ = setup.open_database(setup.open_engine(Settings(data_dir=tmp_path)), KEY)
    Store(database).new_dataset(*[fields(n=n, text="x" * 500) for n in range(500)])
    database.close()
    return tmp_path / DATABASE_FILE


@pytest.mark.parametrize("left", [100, 4_096, 40_960, -4_096])
def test_a_truncated_file(file: Path, left: int) -> None:
    content = file.read_bytes()[:left]
    file.write_bytes(content)
    said = refusal(Settings(data_dir=file.parent))
    assert "damaged" in said
    assert "exempla restore" in said
    assert file.read_bytes() == content


def test_an_emptied_file(file: Path) -> None:
    file.write_bytes(b"")
    said = refusal(Settings(data_dir=file.parent))
    assert "is empty, but it was not" in said
    assert "exempla restore" in said
    assert file.read_bytes() == b""
    (file.parent / LOCK_FILE).unlink()  # as the line says, to begin anew
    open_at(Settings(data_dir=file.parent))


def test_an_empty_file_of_a_first_start_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).touch()
    open_at(Settings(data_dir=tmp_path))


def test_a_file_that_is_no_database(file: Path) -> None:
    file.write_bytes(b"hello" * 10_000)
    assert "no database at all" in refusal(Settings(data_dir=file.parent))


def test_a_page_that_is_damaged_is_no_wrong_answer(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for start in range(0, len(content), 4_096):
        if b"x" * 500 in content[start : start + 4_096]:
            content[start : start + 64] = b"\xff" * 64
    file.write_bytes(content)
    with running("--data-dir", str(file.parent)) as served, client(served) as http:
        (dataset,) = http.get("/v2/datasets").raise_for_status().json()["datasets"]
        answer = http.get(f"/v2/datasets/{dataset['id']}/examples", params={"limit": "500"})
        assert answer.status_code == 500
        assert answer.json()["detail"].startswith("the database is damaged")
        with pytest.raises(FlightInternalError, match="the database is damaged"):
            read(served, datasetId=dataset["id"])
        assert served.stop() == 0
    assert served.output.count("disk image is malformed") >= 2  # the log has the cause


@pytest.fixture(params=ENGINES)
def place(
    request: pytest.FixtureRequest, tmp_path: Path, new_postgres_url: Callable[[], str]
) -> Place:
    """Give a new database, on each engine."""
    settings = settings_for(request.param, tmp_path, new_postgres_url)
    open_at(settings)
    return Place(tmp_path, settings.database_url or "")


def test_a_migration_that_was_half_run(place: Place) -> None:
    place.execute("UPDATE alembic_version SET version_num = '0006'")  # whose tables are newer
    place.execute("DROP INDEX ix_answers_created_at")
    before = place.tables()
    said = refusal(place.settings)
    assert "already exists" in said
    assert "it was left as it is" in said
    assert "restore a backup" in said
    assert place.execute("SELECT version_num FROM alembic_version") == [("0006",)]
    assert place.tables() == before


def test_a_table_or_a_column_that_is_lost(place: Place) -> None:
    place.execute("ALTER TABLE versions RENAME COLUMN locked TO locked_away")
    assert "lacks the column locked of the table versions" in refusal(place.settings)
    place.execute("ALTER TABLE versions RENAME COLUMN locked_away TO locked")
    place.execute("DROP TABLE digests")
    assert "of the table digests" in refusal(place.settings)


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """Give a folder that is read only: this one, if root may mount or there are permissions."""
    if disks.can_have(disks.small_disk):
        subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    elif os.geteuid() == 0:
        yield Path("/proc/self")
    else:
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def test_a_folder_that_is_read_only(file: Path) -> None:
    content = file.read_bytes()
    with read_only(file.parent) as folder:
        assert f"cannot write to the data folder {folder}" in refusal(Settings(data_dir=folder))
    assert file.read_bytes() == content
