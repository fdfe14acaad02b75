"""Whole datasets at once: made in many transactions, yet all or nothing; read as of one moment."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exempla import clock
from exempla.errors import AccessForbidden, Conflict, NotFound, Unavailable, ValidationError
from exempla.ids import ResourceId
from exempla.store import bulk, datasets, examples, purge
from exempla.store.access import OPERATOR, Permit, Role
from exempla.store.datasets import Dataset
from exempla.store.incoming import PART_ROWS, Incoming
from exempla.store.listing import FIRST
from exempla.store.revising import NewExamples
from exempla.store.tables import metadata
from exempla.store.transaction import Row
from tests.store.conftest import Store
from tests.store.values import NewExample, fields, flat

TIME = 1_700_000_000_000_000
Given = tuple[str, int]
"""The id and `created_at` of an example; its body tells its place in the stream."""


def fill(incoming: Incoming, given: Sequence[Given]) -> None:
    """Take these examples in, some at a time."""
    for start in range(0, len(given), 700):
        part = given[start : start + 700]
        times = [time for _, time in part]
        bodies = [json.dumps({"place": start + n}).encode() for n in range(len(part))]
        incoming.add(bodies, [id for id, _ in part], times, times)


def in_order(folder: Path, given: Sequence[Given]) -> list[NewExample]:
    """Return the examples as they come back."""
    with Incoming(folder) as incoming:
        fill(incoming, given)
        return flat(incoming.in_order())


def make(store: Store, given: Sequence[Given], name: str = "") -> Dataset:
    """Make a dataset of these examples."""
    with Incoming(store.database.engine.scratch) as incoming:
        fill(incoming, given)
        return bulk.create_dataset(
            store.database, OPERATOR, store.space.id, name or uuid.uuid4().hex, incoming
        )


def read(store: Store, id: ResourceId, version: ResourceId | str | None = None) -> list[Row]:
    """Read a version whole."""
    found: list[Row] = []
    store.database.read_bulk(bulk.read, OPERATOR, id, version, found.extend)
    return found


def row_counts(store: Store) -> dict[str, int]:
    """Return the number of rows of every table."""
    return {
        table: store.read(lambda tx, name: tx.exactly_one(f"SELECT count(*) FROM {name}"), table)[0]
        for table in metadata.tables
    }


DISTINCT = st.dictionaries(st.text(min_size=1), st.integers(0, 5), min_size=1, max_size=50)


@given(DISTINCT)
def test_examples_come_back_by_time_then_id(
    tmp_path_factory: pytest.TempPathFactory, given: dict[str, int]
) -> None:
    found = in_order(tmp_path_factory.getbasetemp(), list(given.items()))
    expected = sorted(given.items(), key=lambda item: (item[1], item[0].encode()))
    assert [(example.id, example.created_at) for example in found] == expected
    assert [example.ordinal for example in found] == list(range(1, len(given) + 1))
    places = list(given)
    assert [places[json.loads(example.body)["place"]] for example in found] == [
        id for id, _ in expected
    ]


def test_made_ids_and_times_keep_the_order_of_the_stream(tmp_path: Path) -> None:
    before = clock.now()
    with Incoming(tmp_path) as incoming:
        for _ in range(3):
            incoming.add([b"{}"] * 1_000, None, None, None)
        found = flat(incoming.in_order())
    times = [example.created_at for example in found]
    assert before <= times[0] <= clock.now()
    assert times == list(range(times[0], times[0] + 3_000))
    ids = [example.id for example in found]
    assert ids == sorted(ids)
    assert len(set(ids)) == 3_000
    assert all(example.updated_at == example.created_at for example in found)


def test_times_that_lack_are_made(tmp_path: Path) -> None:
    with Incoming(tmp_path) as incoming:
        incoming.add([b"{}", b"{}"], ["a", "b"], [None, TIME], None)
        found = flat(incoming.in_order())
    assert (found[0].id, found[0].created_at) == ("b", TIME)
    assert found[1].created_at > TIME
    assert found[1].updated_at == found[1].created_at


def test_parts_are_small_where_examples_are_large(tmp_path: Path) -> None:
    with Incoming(tmp_path) as incoming:
        body = json.dumps({"text": "x" * 1_000_000}).encode()
        incoming.add([body] * 10, None, None, None)
        parts = [len(part.ids) for part in incoming.in_order()]
    assert max(parts) <= 8
    assert sum(parts) == 10


@given(DISTINCT.filter(lambda given: len(given) > 1), st.data())
def test_an_id_that_comes_twice_is_named(
    tmp_path_factory: pytest.TempPathFactory, given: dict[str, int], data: st.DataObject
) -> None:
    rows = list(given.items())
    first = data.draw(st.integers(0, len(rows) - 1))
    again = data.draw(st.integers(first + 1, len(rows)))
    rows.insert(again, (rows[first][0], data.draw(st.integers(0, 5))))
    with pytest.raises(ValidationError) as caught:
        in_order(tmp_path_factory.getbasetemp(), rows)
    assert caught.value.detail.startswith(f"row {again}: the id {rows[first][0]!r}")
    assert f"row {first} too" in caught.value.detail


def test_a_dataset_is_made_in_parts(store: Store) -> None:
    given = [(f"{n:05d}", TIME + n) for n in range(2 * PART_ROWS + 500)]
    dataset = make(store, given)
    assert datasets.Dataset(*dataset) == store.read(datasets.get, OPERATOR, dataset.id)
    assert [version.name for version in store.versions(dataset.id)] == ["v1"]
    shown = store.examples(dataset.id)
    assert [(example.id, example.created_at) for example in shown] == given
    assert [(row[1], row[2]) for row in read(store, dataset.id)] == given


def test_what_is_added_later_comes_last(store: Store) -> None:
    future = clock.now() + 10**12
    dataset = make(store, [("late", future), ("early", TIME)])
    store.write(examples.insert, OPERATOR, dataset.id, None, [fields(n=1)])
    shown = store.examples(dataset.id)
    assert [example.id for example in shown][:2] == ["early", "late"]
    assert shown[2].created_at > future


def test_a_version_is_read_by_id_and_name(store: Store) -> None:
    dataset = make(store, [("a", TIME), ("b", TIME)])
    (first,) = store.versions(dataset.id)
    store.write(examples.update, OPERATOR, dataset.id, None, {"a": fields(n=1)}, "two")
    assert [row[4] for row in read(store, dataset.id)] == ['{"place":0,"n":1}', '{"place": 1}']
    assert read(store, dataset.id, "two") == read(store, dataset.id)
    assert read(store, dataset.id, "v1") == read(store, dataset.id, first.id)
    assert [row[4] for row in read(store, dataset.id, "v1")] == ['{"place": 0}', '{"place": 1}']
    with pytest.raises(NotFound, match="no version named 'three'"):
        read(store, dataset.id, "three")


def test_what_is_read_is_of_one_moment(store: Store) -> None:
    dataset = make(store, [(f"{n:05d}", TIME + n) for n in range(3_000)])
    before = read(store, dataset.id)
    found: list[Row] = []

    def take(part: list[Row]) -> None:
        if not found:
            changes = {"00001": fields(n=1), "02999": fields(n=2)}
            store.write(examples.update, OPERATOR, dataset.id, None, changes, None)
            store.write(examples.insert, OPERATOR, dataset.id, None, [fields(n=3)])
        found.extend(part)

    store.database.read_bulk(bulk.read, OPERATOR, dataset.id, None, take)
    assert found == before
    assert len(read(store, dataset.id)) == 3_001


class Interrupted(Incoming):
    """Lets something happen before the last part of the examples is given back.

    With several things: the first before the second part, and so on.
    """

    def __init__(self, folder: Path | None, *happens: Callable[[], object]) -> None:
        super().__init__(folder)
        self._happens = happens

    def in_order(self) -> Iterator[NewExamples]:
        """Return the parts as they are."""
        first, *parts = super().in_order()
        yield first
        for happens, part in zip(self._happens, parts, strict=True):
            happens()
            yield part


def interrupted(
    store: Store, name: str, *happens: Callable[[], object], permit: Permit = OPERATOR
) -> Dataset:
    """Make a dataset, while something happens."""
    with Interrupted(store.database.engine.scratch, *happens) as incoming:
        fill(incoming, [(f"{n:05d}", TIME + n) for n in range((len(happens) + 1) * PART_ROWS)])
        return bulk.create_dataset(store.database, permit, store.space.id, name, incoming)


def test_a_name_that_is_taken_meanwhile_leaves_nothing(store: Store) -> None:
    name = uuid.uuid4().hex
    before = row_counts(store)
    with pytest.raises(Conflict, match="choose another name"):
        interrupted(store, name, lambda: make(store, [("a", TIME)], name))
    added = {
        table: n - before[table] for table, n in row_counts(store).items() if n > before[table]
    }
    assert added == {"datasets": 1, "versions": 1, "examples": 1, "revisions": 1, "writes": 1}


def test_a_failure_in_between_leaves_nothing(store: Store) -> None:
    before = row_counts(store)

    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted(store, uuid.uuid4().hex, fail)
    assert row_counts(store) == before


def test_nobody_sees_a_dataset_that_is_being_filled(store: Store) -> None:
    name = uuid.uuid4().hex
    seen: list[object] = []

    def look() -> None:
        seen.extend(
            store.read(
                datasets.list_page,
                OPERATOR,
                space=None,
                space_name="",
                name=name,
                before=FIRST,
                limit=10,
            )
        )
        with pytest.raises(NotFound):
            store.read(datasets.by_name, OPERATOR, store.space.id, name)
        while store.write(purge.purge_some):  # and no purge takes it away
            pass

    dataset = interrupted(store, name, look)
    assert seen == []
    assert len(store.examples(dataset.id)) == 2 * PART_ROWS


def test_what_was_given_up_is_purged(store: Store) -> None:
    before = row_counts(store)

    def pass_an_hour() -> None:
        hour_ago = clock.now() - (purge.ABANDONED_AFTER_S + 1) * clock.MICROSECONDS
        older = "UPDATE datasets SET updated_at = :at WHERE latest_version = 0"
        # Again, while a part that is written meanwhile makes it young.
        while store.write(lambda tx: tx.run(older, at=hour_ago)):
            while store.write(purge.purge_some):
                pass

    with pytest.raises(Unavailable, match="send them again"):
        interrupted(store, uuid.uuid4().hex, pass_an_hour)
    assert row_counts(store) == before


def test_a_long_load_is_not_taken_for_one_that_was_given_up(store: Store) -> None:
    older = "UPDATE datasets SET updated_at = :at WHERE latest_version = 0 AND space_id IS NULL"

    def pass_an_hour() -> None:
        hour_ago = clock.now() - (purge.ABANDONED_AFTER_S + 1) * clock.MICROSECONDS
        assert store.write(lambda tx: tx.run(older, at=hour_ago)) == 1

    def purge_all() -> None:
        while store.write(purge.purge_some):
            pass

    dataset = interrupted(store, uuid.uuid4().hex, pass_an_hour, purge_all)
    assert len(store.examples(dataset.id)) == 3 * PART_ROWS


def test_the_role_is_looked_at_when_the_dataset_comes_to_be(store: Store) -> None:
    before = row_counts(store)
    reads = {store.space.id.number: Role.READ_ONLY}
    permit = OPERATOR._replace(is_administrator=False, roles=reads, needs=Role.MEMBER)
    with pytest.raises(AccessForbidden, match="yours is READ_ONLY here"):
        interrupted(store, uuid.uuid4().hex, lambda: None, permit=permit)
    with pytest.raises(NotFound, match="no space"):
        interrupted(store, uuid.uuid4().hex, lambda: None, permit=permit._replace(roles={}))
    assert row_counts(store) == before


def test_no_examples_make_no_dataset(store: Store) -> None:
    before = row_counts(store)
    with pytest.raises(ValidationError, match="no rows"):
        make(store, [])
    assert row_counts(store) == before
