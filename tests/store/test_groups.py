"""Writes to one dataset that wait for each other: committed together, each with its own outcome."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from exempla.errors import Conflict, NotFound, PreconditionFailed, Unavailable
from exempla.ids import ResourceId
from exempla.settings import Settings
from exempla.store import datasets, examples, setup, versions
from exempla.store.access import OPERATOR, Permit
from exempla.store.database import Database
from exempla.store.engines import Postgres, Sqlite
from exempla.store.groups import Groups
from exempla.store.pools import Pool
from exempla.store.transaction import Transaction
from tests.store.conftest import Store
from tests.store.test_outcome import UNKNOWN, end_the_connection, files_writable_again, url_of
from tests.store.values import fields

WAIT_LIMIT_S = 60

Job = Callable[[Transaction, Permit, ResourceId], Any]


def at_once(
    database: Database,
    dataset: ResourceId,
    *jobs: Job,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[Any]:
    """Let the jobs wait for another one that writes to the dataset; return what came of each."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(*_: object) -> None:
        begun.set()
        assert go_on.wait(WAIT_LIMIT_S)

    async def run() -> list[Any]:
        holding = asyncio.create_task(database.write_to_dataset(hold, OPERATOR, dataset))
        assert await asyncio.to_thread(begun.wait, WAIT_LIMIT_S)
        waiting = [
            asyncio.create_task(database.write_to_dataset(job, OPERATOR, dataset)) for job in jobs
        ]
        await asyncio.sleep(0)  # they begin, in this order
        meanwhile()
        go_on.set()
        await holding
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(run())


def set_field(id: str, name: str, value: object = 1) -> Job:
    """Return a write that sets a field of an example."""

    def write(tx: Transaction, permit: Permit, dataset: ResourceId) -> str:
        changes = {id: fields(**{name: value})}
        return examples.update(tx, permit, dataset, None, changes, None).tag

    return write


def new_version(id: str, name: str) -> Job:
    """Return a write that sets a field in a new version."""

    def write(tx: Transaction, permit: Permit, dataset: ResourceId) -> str:
        return examples.update(tx, permit, dataset, None, {id: fields(made=name)}, name).tag

    return write


def test_they_commit_together_and_see_each_other(store: Store) -> None:
    dataset, _, (id,) = store.dataset_of(1)
    seen: list[tuple[int, int]] = []

    def look(tx: Transaction, permit: Permit, dataset: ResourceId) -> None:
        (body,) = store.bodies(dataset)  # as others see it
        page = examples.list_page(tx, permit, dataset, None, after=0, limit=1)
        seen.append((body.count("f"), page.examples[0].body.count("f")))

    jobs = [job for n in range(3) for job in (set_field(id, f"f{n}"), look)]
    results = at_once(store.database, dataset.id, *jobs)
    assert [result for result in results if isinstance(result, Exception)] == []
    assert seen == [(0, 1), (0, 2), (0, 3)]
    assert store.bodies(dataset.id) == ['{"n":0,"f0":1,"f1":1,"f2":1}']


def test_one_that_fails_undoes_no_other(store: Store) -> None:
    dataset, version, (id,) = store.dataset_of(1)
    stale = OPERATOR._replace(if_match=frozenset({"v1-0"}))

    def locked_away(tx: Transaction, _: Permit, id: ResourceId) -> None:
        versions.change(tx, OPERATOR, id, version.id, {"locked": True})
        raise ZeroDivisionError

    def of_no_version(tx: Transaction, permit: Permit, id: ResourceId) -> None:
        none_such = ResourceId("DatasetVersion", 7, "none")
        examples.delete(tx, permit, id, none_such, [])

    def broken(tx: Transaction, permit: Permit, id: ResourceId) -> None:
        set_field(one, "broken")(tx, permit, id)
        tx.run("SELECT 1 FROM no_such_table")

    one = id
    jobs = [
        set_field(id, "a"),
        new_version(id, "v1"),
        set_field(id, "b"),
        lambda tx, _, dataset: set_field(id, "stale")(tx, stale, dataset),
        of_no_version,
        locked_away,
        broken,
        new_version(id, "v2"),
        set_field(id, "c"),
    ]
    results = at_once(store.database, dataset.id, *jobs)
    kinds = [str if isinstance(result, str) else type(result) for result in results]
    engine_error = kinds[6]
    assert issubclass(engine_error, store.database.engine.Error)
    assert kinds == [
        str,
        Conflict,
        str,
        PreconditionFailed,
        NotFound,
        ZeroDivisionError,
        engine_error,
        str,
        str,
    ]
    assert store.bodies(dataset.id, version.id) == ['{"n":0,"a":1,"b":1}']
    assert store.bodies(dataset.id) == ['{"n":0,"a":1,"b":1,"made":"v2","c":1}']
    assert len({results[n] for n in (0, 2, 7, 8)}) == 4  # each its own state's tag
    latest = store.versions(dataset.id)[0]
    assert versions.tag_of(store.read(datasets.get, OPERATOR, dataset.id), latest) == results[8]


def test_a_dataset_that_is_deleted_meanwhile_is_not_found(store: Store) -> None:
    dataset, _, (id,) = store.dataset_of(1)

    def delete(tx: Transaction, permit: Permit, id: ResourceId) -> None:
        datasets.delete(tx, permit, id)

    first, gone, *later = at_once(
        store.database,
        dataset.id,
        set_field(id, "a"),
        delete,
        set_field(id, "b"),
        new_version(id, "x"),
    )
    assert isinstance(first, str)
    assert gone is None
    assert [type(result) for result in later] == [NotFound, NotFound]


@contextmanager
def postgres_store(url: str) -> Iterator[Store]:
    """Open a store of this test's own on PostgreSQL."""
    database, _ = setup.open_database(setup.open_engine(Settings(database_url=url)))
    try:
        yield Store(database)
    finally:
        database.close()


def test_others_write_to_other_datasets_meanwhile(new_postgres_url: Callable[[], str]) -> None:
    with postgres_store(new_postgres_url()) as store:
        dataset, _, (id,) = store.dataset_of(1)
        other, _, (its_id,) = store.dataset_of(1)

        def write_elsewhere(*_: object) -> None:
            write = store.database.write_to_dataset
            asyncio.run(write(set_field(its_id, "there"), OPERATOR, other.id))

        assert at_once(store.database, dataset.id, set_field(id, "a"), write_elsewhere)[1] is None
        assert store.bodies(other.id) == ['{"n":0,"there":1}']


def test_a_dataset_that_is_always_written_to_keeps_no_other_waiting(
    new_postgres_url: Callable[[], str],
) -> None:
    with postgres_store(new_postgres_url()) as store:
        engine = store.database.engine
        pool = Pool(engine, None, 1, engine.begin_write, "writer")
        groups = Groups(pool, datasets.hold)
        begun, enough = threading.Event(), threading.Event()

        def write_again(_: Transaction) -> None:
            assert begun.wait(WAIT_LIMIT_S)
            if not enough.is_set():
                groups.submit(1, write_again)

        groups.submit(1, write_again)
        other = groups.submit(2, lambda tx: tx.exactly_one("SELECT 2"))
        begun.set()
        try:
            assert other.result(WAIT_LIMIT_S) == (2,)
        finally:
            enough.set()
            pool.close()


def test_groups_of_two_processes_take_turns(new_postgres_url: Callable[[], str]) -> None:
    url = new_postgres_url()
    with postgres_store(url) as store, postgres_store(url) as other:
        dataset, _, (id, other_id) = store.dataset_of(2)

        def write(to: Store, name: str) -> list[Any]:
            jobs = [set_field(one, f"{name}{n}") for n in range(20) for one in (id, other_id)]
            return at_once(to.database, dataset.id, *jobs)

        with ThreadPoolExecutor(2) as threads:
            results = [threads.submit(write, to, name) for to, name in ((store, "a"), (other, "b"))]
        tags = [tag for result in results for tag in result.result()]
        assert len(set(tags)) == len(tags) == 80
        wanted = {"n"} | {f"{name}{n}" for n in range(20) for name in "ab"}
        assert [set(json.loads(body)) for body in store.bodies(dataset.id)] == [wanted, wanted]


_END_AT_COMMIT = (
    "CREATE TEMPORARY TABLE commits (n int)",
    """CREATE FUNCTION pg_temp.end_it() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'""",
    """CREATE CONSTRAINT TRIGGER ends AFTER INSERT ON commits DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION pg_temp.end_it()""",
    "INSERT INTO commits VALUES (1)",
)
"""What makes PostgreSQL end the connection amid the commit."""


def test_a_commit_that_was_not_answered_may_have_done_all_of_them(store: Store) -> None:
    dataset, _, (id,) = store.dataset_of(1)

    def lose(tx: Transaction, permit: Permit, dataset: ResourceId) -> None:
        new_version(id, "lost")(tx, permit, dataset)
        if isinstance(tx.engine, Sqlite):
            end_the_connection(tx, "")
        for statement in _END_AT_COMMIT if isinstance(tx.engine, Postgres) else ():
            tx.run(statement)

    with files_writable_again():
        results = at_once(
            store.database, dataset.id, set_field(id, "a"), new_version(id, "v1"), lose
        )
    # The one refused too: what it was refused for may be undone.
    assert [UNKNOWN in problem_of(result).detail for result in results] == [True] * 3
    store.write(set_field(id, "afterwards"), OPERATOR, dataset.id)
    (body,) = store.bodies(dataset.id)
    assert ("made" in body) == ('"a"' in body)
    assert "afterwards" in body


def test_what_is_lost_before_the_commit_was_not_done(store: Store) -> None:
    dataset, _, (id,) = store.dataset_of(1)

    def lose(tx: Transaction, permit: Permit, dataset: ResourceId) -> None:
        if isinstance(tx.engine, Sqlite):
            tx.run("PRAGMA cache_spill = 1")  # so that what follows is written before the commit
            tx.run("PRAGMA cache_size = 10")
        end_the_connection(tx, url_of(store))
        for n in range(200):
            new_version(id, f"lost {n} {'x' * 1_000}")(tx, permit, dataset)

    with files_writable_again():
        results = at_once(store.database, dataset.id, set_field(id, "a"), lose, set_field(id, "b"))
    assert [UNKNOWN in problem_of(result).detail for result in results] == [False] * 3
    store.write(lambda tx: tx.engine.name == "sqlite" and tx.run("PRAGMA cache_size = -16384"))
    assert store.bodies(dataset.id) == ['{"n":0}']
    at_once(store.database, dataset.id, set_field(id, "c"), set_field(id, "d"))
    assert store.bodies(dataset.id) == ['{"n":0,"c":1,"d":1}']


def problem_of(result: object) -> Unavailable:
    """Return what was answered, which must be that the database cannot."""
    assert isinstance(result, Unavailable), repr(result)
    return result


def test_a_refusal_on_a_connection_that_is_lost_is_no_one_s(
    new_postgres_url: Callable[[], str],
) -> None:
    with postgres_store(new_postgres_url()) as store:
        dataset, _, (id,) = store.dataset_of(1)

        def lose(tx: Transaction, *_: object) -> None:
            end_the_connection(tx, url_of(store))
            raise NotFound("this was found out before")

        results = at_once(store.database, dataset.id, set_field(id, "a"), lose)
        assert [UNKNOWN in problem_of(result).detail for result in results] == [False] * 2
        assert store.bodies(dataset.id) == ['{"n":0}']


def test_a_lock_that_is_held_for_too_long_refuses_all_of_them(
    new_postgres_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exempla.store.engines.BUSY_TIMEOUT_S", 1)
    with postgres_store(new_postgres_url()) as store:
        dataset, _, (id,) = store.dataset_of(1)

        jobs = [set_field(id, "a"), set_field(id, "b")]
        with psycopg.connect(url_of(store)) as other:

            def lock() -> None:
                other.execute("SELECT 1 FROM datasets FOR UPDATE")

            results = at_once(store.database, dataset.id, *jobs, meanwhile=lock)
        assert ["locked for too long" in problem_of(result).detail for result in results] == [
            True,
            True,
        ]
        at_once(store.database, dataset.id, *jobs)
        assert store.bodies(dataset.id) == ['{"n":0,"a":1,"b":1}']
