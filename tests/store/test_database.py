"""The owner of the database: transactions, group commit, and what a failure undoes."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from exempla.errors import NotFound, Unavailable
from exempla.settings import Settings
from exempla.store import datasets, examples, organizations, purge, setup
from exempla.store.access import OPERATOR
from exempla.store.database import Database
from exempla.store.listing import FIRST
from exempla.store.transaction import Transaction
from tests.store.conftest import Store
from tests.store.values import fields

REFUSED = "refused"


def names(tx: Transaction) -> set[str]:
    page = organizations.list_page(tx, OPERATOR, name="", before=FIRST, limit=1_000)
    return {organization.name for organization in page}


def add(tx: Transaction, name: str) -> None:
    organizations.create(tx, OPERATOR, name, "")
    if name.startswith(REFUSED):
        raise NotFound("this write fails after it wrote")


def rows_of(tx: Transaction, table: str, dataset: int) -> int:
    count: int
    (count,) = tx.exactly_one(f"SELECT COUNT(*) FROM {table} WHERE dataset_id = :id", id=dataset)
    return count


def test_writes_that_wait_together_fail_alone(store: Store) -> None:
    wanted = [
        f"{kind} {store.database.engine.name} {n}" for n in range(20) for kind in ("ok", REFUSED)
    ]

    async def all_at_once() -> list[BaseException | None]:
        return await asyncio.gather(
            *[store.database.write(add, name) for name in wanted], return_exceptions=True
        )

    results = asyncio.run(all_at_once())
    for name, result in zip(wanted, results, strict=True):
        assert isinstance(result, NotFound) == name.startswith(REFUSED)
    there = store.read(names)
    assert [name for name in wanted if name in there] == [n for n in wanted if n.startswith("ok")]


def test_a_failed_write_leaves_nothing_of_itself(store: Store) -> None:
    dataset, _, ids = store.dataset_of(2)
    before = store.read(datasets.get, OPERATOR, dataset.id)

    def fail_at_the_end(tx: Transaction) -> None:
        examples.update(tx, OPERATOR, dataset.id, None, {ids[0]: fields(n="lost")}, "lost")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.write(fail_at_the_end)
    assert store.bodies(dataset.id) == ['{"n":0}', '{"n":1}']
    assert store.read(datasets.get, OPERATOR, dataset.id) == before


def test_statements_whose_answers_no_one_waits_for_are_done_or_fail(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)
    rename = "UPDATE datasets SET name = :name WHERE id = :id"
    name = f"sent {store.database.engine.name}"

    def write(tx: Transaction, *statements: str) -> None:
        with tx.unanswered():
            for statement in statements:
                tx.run(statement, name=name, id=dataset.id.number)
            tx.run_many(rename, [{"name": name, "id": dataset.id.number}] * 2)

    broken = "UPDATE no_such_table SET name = :name WHERE id = :id"
    for statements in ([broken], [broken, rename], [rename, broken], [rename, broken, rename]):
        with pytest.raises(store.database.engine.Error, match="no_such_table"):
            store.write(write, *statements)
        assert store.read(datasets.get, OPERATOR, dataset.id).name != name
    store.write(write, rename)
    assert store.read(datasets.get, OPERATOR, dataset.id).name == name


def test_a_write_whose_caller_leaves_is_still_done(store: Store) -> None:
    dataset, _, ids = store.dataset_of(1)
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        datasets.lock(tx, OPERATOR, dataset.id)
        begun.set()
        go_on.wait(10)
        examples.update(tx, OPERATOR, dataset.id, None, {ids[0]: fields(n="done")}, None)

    async def leave() -> None:
        task = asyncio.create_task(store.database.write(slow))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()

    asyncio.run(leave())
    store.write(datasets.lock, OPERATOR, dataset.id)  # it waits for the one before
    assert store.bodies(dataset.id) == ['{"n":"done"}']


def test_a_reader_sees_one_moment(store: Store) -> None:
    dataset, _, ids = store.dataset_of(1)

    def read_twice(tx: Transaction) -> list[str]:
        first = examples.list_page(tx, OPERATOR, dataset.id, None, after=0, limit=1)
        store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n="later")}, None)
        second = examples.list_page(tx, OPERATOR, dataset.id, None, after=0, limit=1)
        return [page.examples[0].body for page in (first, second)]

    assert store.read(read_twice) == ['{"n":0}', '{"n":0}']
    assert store.bodies(dataset.id) == ['{"n":"later"}']


def test_a_look_up_sees_what_another_process_has_just_written(store: Store) -> None:
    other = Database(store.database.engine)
    for number in range(3):
        name = f"looked up {store.database.engine.name} {number}"
        assert name not in asyncio.run(store.database.look_up(names))
        asyncio.run(other.write(add, name))
        assert name in asyncio.run(store.database.look_up(names))
    other.close()


def test_a_look_up_that_fails_here_is_left_to_a_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = setup.open_engine(Settings(data_dir=tmp_path))
    elsewhere = sqlite3.connect(":memory:", check_same_thread=False)
    monkeypatch.setattr(type(engine), "connect_to_look", lambda _: elsewhere)
    database: Database = setup.open_database(engine)[0]
    assert asyncio.run(database.look_up(names)) == {"Default"}
    database.close()


def test_writers_to_one_dataset_keep_each_other_s_fields(store: Store) -> None:
    dataset, _, ids = store.dataset_of(1)
    wanted = {f"field {n}": n for n in range(40)}

    async def all_at_once() -> None:
        await asyncio.gather(
            *[
                store.database.write(
                    examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(**{name: n})}, None
                )
                for name, n in wanted.items()
            ]
        )

    asyncio.run(all_at_once())
    (body,) = store.bodies(dataset.id)
    assert all(f'"{name}":{n}' in body for name, n in wanted.items())


def test_deleted_datasets_are_purged_and_the_others_kept(store: Store) -> None:
    kept, _, _ = store.dataset_of(5)
    gone, _, ids = store.dataset_of(5)
    store.write(examples.update, OPERATOR, gone.id, None, {ids[0]: fields(n=1)}, "v2")
    store.write(datasets.delete, OPERATOR, gone.id)
    with pytest.raises(NotFound):
        store.read(datasets.get, OPERATOR, gone.id)
    while store.write(purge.purge_some):
        pass
    for table in ("revisions", "examples", "versions"):
        assert store.read(rows_of, table, gone.id.number) == 0
    assert len(store.bodies(kept.id)) == 5


def test_purging_goes_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    while store.write(purge.purge_some):
        pass
    monkeypatch.setattr(purge, "ROWS_AT_ONCE", 3)
    dataset, _, _ = store.dataset_of(10)
    store.write(datasets.delete, OPERATOR, dataset.id)
    parts = 0
    while store.write(purge.purge_some):
        parts += 1
    assert parts == 5  # 4 + 4 revisions; the last 2, 4 examples; 4 examples; the last 2


def test_a_locked_database_is_a_problem_that_may_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exempla.store.engines.BUSY_TIMEOUT_S", 0.1)
    engine = setup.open_engine(Settings(data_dir=tmp_path))
    database: Database = setup.open_database(engine)[0]
    other = sqlite3.connect(tmp_path / "exempla.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        asyncio.run(database.write(add, "while locked"))
    other.execute("ROLLBACK")
    asyncio.run(database.write(add, "afterwards"))
    assert "afterwards" in asyncio.run(database.read(names))
    assert "while locked" not in asyncio.run(database.read(names))
    other.close()
    database.close()
