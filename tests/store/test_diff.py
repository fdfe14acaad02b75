"""The storage contract for diffs: what differs between two versions, and nothing else."""

from __future__ import annotations

import time

import msgspec
import pytest

from exempla.errors import NotFound, Unavailable, ValidationError
from exempla.ids import ResourceId
from exempla.store import diff, examples, listing, versions
from exempla.store.access import OPERATOR
from exempla.store.diff import Counts, Page
from exempla.store.transaction import Row, Transaction
from tests.store.conftest import Store
from tests.store.values import fields, raw


def compare(
    store: Store,
    dataset: ResourceId,
    base: ResourceId | None = None,
    head: ResourceId | None = None,
    limit: int = 100,
    seconds: float = 60,
    after: int = 0,
    counts: Counts | None = None,
) -> Page:
    return store.read(
        diff.page,
        OPERATOR,
        dataset,
        base,
        head,
        after=after,
        limit=limit,
        counts=counts,
        until=time.monotonic() + seconds,
    )


def as_json(page: Page) -> object:
    """Return the changes as clients see them, without their ids."""
    changes = msgspec.json.decode(msgspec.json.encode([change for _, change in page.changes]))
    return [{k: v for k, v in change.items() if k != "id"} for change in changes]


def test_what_was_added_removed_and_changed(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(4)
    change = {ids[1]: raw(n="1.5", note='"new"'), ids[3]: {}}
    v2 = store.write(examples.update, OPERATOR, dataset.id, None, change, "v2").version
    store.write(examples.delete, OPERATOR, dataset.id, v2.id, [ids[0]])
    store.write(examples.insert, OPERATOR, dataset.id, v2.id, [raw(n="null")])
    page = compare(store, dataset.id)
    assert (page.base.id, page.head.id) == (v1.id, v2.id)
    assert page.counts == Counts(added=1, removed=1, changed=1, unchanged=2)
    assert as_json(page) == [
        {"kind": "removed", "fields": {"n": {"old": 0}}},
        {"kind": "changed", "fields": {"n": {"old": 1, "new": 1.5}, "note": {"new": "new"}}},
        {"kind": "added", "fields": {"n": {"new": None}}},
    ]
    assert [change.id for _, change in page.changes][:2] == ids[:2]
    back = compare(store, dataset.id, v2.id, v1.id)
    assert back.counts == Counts(added=1, removed=1, changed=1, unchanged=2)
    assert [change.kind for _, change in back.changes] == ["added", "changed", "removed"]


def test_values_are_compared_as_text_without_white_space(store: Store) -> None:
    dataset, _ = store.new_dataset(raw(a="[1, 2]", b="1", c='"é"', d='{"x":1,"y":2}', e='"a b"'))
    (id,) = [example.id for example in store.examples(dataset.id)]
    again = raw(a="[ 1,2 ]", b="1.0", c='"\\u00e9"', d='{"y":2,"x":1}', e='"ab"')
    store.write(examples.update, OPERATOR, dataset.id, None, {id: again}, "v2")
    ((_, change),) = compare(store, dataset.id).changes
    assert set(change.fields) == {"b", "c", "d", "e"}


def test_what_was_changed_back_does_not_differ(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(3)
    for number, name in ((9, "v2"), (0, "v3")):
        change = {ids[0]: fields(n=number)}
        store.write(examples.update, OPERATOR, dataset.id, None, change, name)
    assert compare(store, dataset.id, v1.id).counts == Counts(0, 0, 0, 3)
    assert compare(store, dataset.id).counts == Counts(0, 0, 1, 2)
    assert compare(store, dataset.id, v1.id, v1.id).counts == Counts(0, 0, 0, 3)


def test_the_base_left_out_is_what_the_head_was_made_from(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(2)
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=7)}, "v2")
    v3 = store.write(versions.branch, OPERATOR, dataset.id, v1.id, "v3", "")
    page = compare(store, dataset.id)
    assert (page.base.id, page.head.id) == (v1.id, v3.id)
    assert page.changes == []
    with pytest.raises(ValidationError, match="base"):
        compare(store, dataset.id, head=v1.id)
    with pytest.raises(NotFound):
        compare(store, dataset.id, ResourceId("DatasetVersion", 1, "abcdefghij"))


def test_a_diff_ends_at_its_time_limit(store: Store) -> None:
    dataset, _, ids = store.dataset_of(2)
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=7)}, "v2")
    with pytest.raises(Unavailable, match="took longer"):
        compare(store, dataset.id, seconds=0)
    assert compare(store, dataset.id).counts.changed == 1


def test_a_large_diff_is_read_as_it_is_found(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(1_200)
    changes = {id: fields(n=-1) for id in ids}
    v2 = store.write(examples.update, OPERATOR, dataset.id, None, changes, "v2").version
    page = compare(store, dataset.id, v1.id, v2.id, limit=700)
    assert len(page.changes) == 700
    assert page.counts == Counts(0, 0, 1_200, 0)


def test_an_example_of_neither_version_is_not_told(store: Store) -> None:
    dataset, v1, _ = store.dataset_of(2)
    v2 = store.write(versions.branch, OPERATOR, dataset.id, None, "v2", "")
    passing = store.write(examples.insert, OPERATOR, dataset.id, v2.id, [fields(n=9)])
    v3 = store.write(versions.branch, OPERATOR, dataset.id, None, "v3", "")
    store.write(examples.delete, OPERATOR, dataset.id, v3.id, passing.example_ids)
    for base, head in ((v1.id, v3.id), (v3.id, v1.id)):
        page = compare(store, dataset.id, base, head)
        assert (page.counts, page.changes) == (Counts(0, 0, 0, 2), [])


def test_a_page_ends_when_it_is_large(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_BYTES", 1_500)
    dataset, v1, ids = store.dataset_of(5)
    changes = {id: fields(text="x" * 598) for id in ids}
    v2 = store.write(examples.update, OPERATOR, dataset.id, None, changes, "v2").version
    found: list[str] = []
    after, has_more, sizes = 0, True, list[int]()
    while has_more:
        page = compare(store, dataset.id, v1.id, v2.id, after=after)
        found += [change.id for _, change in page.changes]
        sizes.append(len(page.changes))
        after, has_more = page.changes[-1][0], page.has_more
    assert (found, sizes) == (ids, [2, 2, 1])


def test_a_page_reads_no_more_bodies_than_it_tells(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, v1, ids = store.dataset_of(300)
    changes = {id: fields(n="x") for id in ids}
    v2 = store.write(examples.update, OPERATOR, dataset.id, None, changes, "v2").version
    asked: list[int] = []
    read = Transaction.all

    def counted(tx: Transaction, statement: str, **values: object) -> list[Row]:
        rows = read(tx, statement, **values)
        asked.append(len(rows))
        return rows

    monkeypatch.setattr(Transaction, "all", counted)
    known = Counts(0, 0, 300, 0)
    page = compare(store, dataset.id, v1.id, v2.id, limit=2, after=7, counts=known)
    assert [change.id for _, change in page.changes] == ids[7:9]
    assert sum(asked) < 10
