"""A database of each earlier revision of the schema opens with all of its data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exempla.store import datasets, history, keys, migrations, schemas, setup, verify, versions
from exempla.store.access import OPERATOR
from exempla.store.check import check_dataset, check_engine, check_names, subjects
from exempla.store.database import Database
from exempla.store.engines import Engine
from exempla.store.listing import FIRST
from exempla.store.transaction import Transaction
from tests.conftest import ENGINES
from tests.store import older
from tests.store.conftest import Store, settings_for


@pytest.fixture(params=ENGINES)
def engine(
    request: pytest.FixtureRequest, tmp_path: Path, new_postgres_url: Callable[[], str]
) -> Engine:
    """Give an engine whose database is still empty."""
    return setup.open_engine(settings_for(request.param, tmp_path, new_postgres_url))


def write_older(engine: Engine, last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a database up to a revision: each brings its tables, then its data."""

    def begin(connection: Any) -> None:
        connection.execute(engine.begin_write)

    for revision, statements in older.steps():
        with monkeypatch.context() as patched:
            patched.setattr(migrations, "HEAD", revision)
            migrations.upgrade(engine, begin)
        connection: Any = engine.connect()
        for statement in statements:
            connection.execute(statement)
        connection.close()
        if revision == last:
            return


@pytest.fixture
def written(request: pytest.FixtureRequest) -> str:
    """Give the revision that a test names."""
    return str(request.param)


@pytest.fixture
def opened(engine: Engine, written: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Give a database of the revision `written`, opened with today's code."""
    write_older(engine, written, monkeypatch)
    database, secret = setup.open_database(engine)
    assert secret is None
    yield database
    database.close()


def all_faults(tx: Transaction) -> list[str]:
    found = [*check_engine(tx), *check_names(tx)]
    for subject in subjects(tx):
        found += check_dataset(tx, subject, lambda _: None)
    return [f"{violation.where}: {violation.fault}" for violation in found]


@pytest.mark.parametrize("written", migrations.KNOWN, indirect=True)
def test_every_earlier_revision_opens_with_its_data(opened: Database, written: str) -> None:
    store = Store(opened)
    assert store.read(setup.is_current, opened.engine)
    assert store.read(all_faults) == []
    assert store.read(keys.authenticate, keys.secret_hash(older.SECRET))
    dataset = store.read(datasets.get, OPERATOR, older.DATASET)
    found = store.versions(older.DATASET)[::-1]
    assert [(v.name, v.last_ordinal, v.example_count) for v in found] == [
        ("v1", 3, 2),
        ("v2", 4, 4),
        ("v3", 3, 2),
    ]
    for version in found:
        held = {one.id: one.body for one in store.examples(older.DATASET, version.id)}
        assert held == older.HELD[version.id.number]
    kept = written >= "0003"
    assert (found[0].locked, found[0].description) == (kept, "kept" if kept else "")
    checked = store.read(lambda tx: verify.check(tx, dataset))
    assert [one.faults for one in checked] == [[], [], []]
    assert all(bool(one.kept) == (written >= "0005") for one in checked)
    assert store.read(versions.details, OPERATOR, older.DATASET, None).version.name == "v3"


@pytest.mark.parametrize("written", ["0001"], indirect=True)
def test_a_key_of_the_first_revision_is_its_user_s(opened: Database) -> None:
    store = Store(opened)
    principal = store.read(keys.authenticate, keys.secret_hash(older.SECRET))
    assert principal
    assert principal.permit.is_administrator
    (key,) = store.read(keys.list_all)
    assert (key.key_type, key.created_by, key.user_id) == ("USER", key.user_id, key.created_by)


@pytest.mark.parametrize("written", ["0003"], indirect=True)
def test_what_is_known_of_writes_before_there_was_a_history(opened: Database) -> None:
    store = Store(opened)
    log = store.read(history.log, OPERATOR, older.DATASET, before=FIRST, limit=9)
    assert [(w.kind, w.at, w.version_id and w.version_id.number, w.example_count) for w in log] == [
        ("branched", 90, 3, 0),
        ("inserted", 40, 2, 1),
        ("branched", 35, 2, 0),
        ("inserted", 30, 1, 1),
        ("inserted", 25, 2, 1),
        ("created", 20, 1, 1),
    ]
    for id, version in (("example-3", 1), ("example-4", 2)):
        until = time.monotonic() + 60
        events, _ = store.read(
            history.page, OPERATOR, older.DATASET, id, before=FIRST, limit=9, until=until
        )
        (created,) = [event for event in events if event.kind == "created"]
        assert created.by is None
        assert created.version_id
        assert created.version_id.number == version
    found = store.read(versions.list_page, OPERATOR, older.DATASET, before=FIRST, limit=9)
    assert [v.parent_id and v.parent_id.number for v in found] == [1, 1, None]
    assert all(v.created_by is None for v in found)
    assert store.read(schemas.get, OPERATOR, older.DATASET).schema is None
    store.write(schemas.put, OPERATOR, older.DATASET, {})
    assert store.read(schemas.get, OPERATOR, older.DATASET).schema == "{}"


def test_the_data_covers_every_revision() -> None:
    assert [revision for revision, _ in older.steps()] == list(migrations.KNOWN)
