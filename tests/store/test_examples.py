"""The storage contract for examples: what a write changes, and what it leaves alone."""

from __future__ import annotations

import time

import pytest

from exempla import clock, filters
from exempla.errors import Conflict, NotFound
from exempla.ids import ResourceId
from exempla.store import datasets, examples, listing, revisions, search
from exempla.store.access import OPERATOR
from tests.store.conftest import Store
from tests.store.values import fields, raw


def test_a_new_dataset_holds_its_examples_in_order(store: Store) -> None:
    dataset, version = store.new_dataset(fields(n=1), fields(n=2), fields(n=3))
    found = store.examples(dataset.id)
    assert [example.body for example in found] == ['{"n":1}', '{"n":2}', '{"n":3}']
    assert [example.ordinal for example in found] == [1, 2, 3]
    assert store.versions(dataset.id) == [version]
    assert version.name == "v1"


def test_times_and_ids_sort_as_the_examples_were_added(store: Store) -> None:
    dataset, _, _ = store.dataset_of(5)
    store.write(examples.insert, OPERATOR, dataset.id, None, [fields(n=n) for n in range(5, 8)])
    found = store.examples(dataset.id)
    assert [e.body for e in found] == [f'{{"n":{n}}}' for n in range(8)]
    times = [example.created_at for example in found]
    assert times == sorted(set(times))
    assert [e.id for e in found] == sorted(e.id for e in found)
    assert all(e.updated_at == e.created_at for e in found)


def test_times_go_on_when_the_clock_goes_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, _, ids = store.dataset_of(2)
    before = store.read(datasets.get, OPERATOR, dataset.id)
    monkeypatch.setattr(clock, "now", lambda: 1_000_000)
    inserted = store.write(examples.insert, OPERATOR, dataset.id, None, [fields(n=2)])
    updated = store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=9)}, None)
    assert before.updated_at < inserted.dataset.updated_at < updated.dataset.updated_at
    last = store.examples(dataset.id)[-1]
    assert last.created_at > before.last_created_at
    assert last.body == '{"n":2}'


def test_an_update_replaces_and_adds_fields_and_keeps_the_others(store: Store) -> None:
    dataset, _ = store.new_dataset(raw(a="1", b='"x"', c="null"))
    (id,) = [example.id for example in store.examples(dataset.id)]
    changes = {id: raw(b="[ 1,  2 ]", d="1e400", c="1.0")}
    store.write(examples.update, OPERATOR, dataset.id, None, changes, None)
    assert store.bodies(dataset.id) == ['{"a":1,"b":[ 1,  2 ],"c":1.0,"d":1e400}']


def test_an_update_in_place_is_seen_by_its_version_alone(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(2)
    v2 = store.write(examples.update, OPERATOR, dataset.id, None, {}, "v2").version
    v3 = store.write(examples.update, OPERATOR, dataset.id, None, {}, "v3").version
    store.write(examples.update, OPERATOR, dataset.id, v2.id, {ids[0]: fields(n="two")}, None)
    assert store.bodies(dataset.id, v1.id) == ['{"n":0}', '{"n":1}']
    assert store.bodies(dataset.id, v2.id) == ['{"n":"two"}', '{"n":1}']
    assert store.bodies(dataset.id, v3.id) == ['{"n":0}', '{"n":1}']
    store.write(examples.update, OPERATOR, dataset.id, v1.id, {ids[0]: fields(n="one")}, None)
    store.write(examples.update, OPERATOR, dataset.id, v3.id, {ids[0]: fields(n="three")}, None)
    store.write(examples.update, OPERATOR, dataset.id, v2.id, {ids[0]: fields(n="deux")}, None)
    assert [store.bodies(dataset.id, v.id)[0] for v in (v1, v2, v3)] == [
        '{"n":"one"}',
        '{"n":"deux"}',
        '{"n":"three"}',
    ]


def test_a_new_version_leaves_the_one_it_came_from(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(3)
    before = store.examples(dataset.id, v1.id)
    written = store.write(
        examples.update, OPERATOR, dataset.id, None, {ids[1]: fields(n="new")}, "v2"
    )
    assert store.examples(dataset.id, v1.id) == before
    assert store.bodies(dataset.id) == ['{"n":0}', '{"n":"new"}', '{"n":2}']
    assert written.example_ids == [ids[1]]
    assert [version.name for version in store.versions(dataset.id)] == ["v2", "v1"]


def test_a_new_version_from_an_old_one_holds_what_that_one_holds(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(4)
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n="changed")}, "v2")
    store.write(examples.insert, OPERATOR, dataset.id, None, [fields(n="added")])
    v2 = store.versions(dataset.id)[0]
    store.write(examples.delete, OPERATOR, dataset.id, v2.id, [ids[1]])
    v3 = store.write(
        examples.update, OPERATOR, dataset.id, v1.id, {ids[2]: fields(n="third")}, "v3"
    ).version
    assert store.bodies(dataset.id, v3.id) == ['{"n":0}', '{"n":1}', '{"n":"third"}', '{"n":3}']
    assert store.bodies(dataset.id) == store.bodies(dataset.id, v3.id)
    assert store.bodies(dataset.id, v2.id) == [
        '{"n":"changed"}',
        '{"n":2}',
        '{"n":3}',
        '{"n":"added"}',
    ]
    assert store.bodies(dataset.id, v1.id) == [f'{{"n":{n}}}' for n in range(4)]


def test_unknown_ids_are_ignored(store: Store) -> None:
    dataset, _, ids = store.dataset_of(1)
    changes = {id: fields(n=1) for id in ("missing", "with\0nul", "\U0001f600", ids[0], 'quo"te')}
    written = store.write(examples.update, OPERATOR, dataset.id, None, changes, None)
    assert written.example_ids == [ids[0]]
    assert store.bodies(dataset.id) == ['{"n":1}']


def test_a_write_that_changes_nothing_leaves_no_trace(store: Store) -> None:
    dataset, version, ids = store.dataset_of(1)
    before = store.read(datasets.get, OPERATOR, dataset.id)
    assert (
        store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: {}}, None).example_ids
        == ids
    )
    assert (
        store.write(examples.update, OPERATOR, dataset.id, None, {"no": fields(n=1)}, None)[2] == []
    )
    assert store.write(examples.delete, OPERATOR, dataset.id, version.id, ["no"])[2] == []
    assert store.read(datasets.get, OPERATOR, dataset.id) == before


def test_every_change_moves_updated_at(store: Store) -> None:
    dataset, version, ids = store.dataset_of(2)
    seen = [store.read(datasets.get, OPERATOR, dataset.id).updated_at]
    for change in (
        lambda: store.write(
            examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=5)}, None
        ),
        lambda: store.write(examples.update, OPERATOR, dataset.id, None, {}, "next"),
        lambda: store.write(examples.delete, OPERATOR, dataset.id, version.id, [ids[1]]),
        lambda: store.write(examples.insert, OPERATOR, dataset.id, version.id, [fields(n=6)]),
        lambda: store.write(datasets.rename, OPERATOR, dataset.id, dataset.name + "!"),
    ):
        change()
        seen.append(store.read(datasets.get, OPERATOR, dataset.id).updated_at)
    assert seen == sorted(set(seen))


def test_deleting_takes_from_one_version_only(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(3)
    v2 = store.write(examples.update, OPERATOR, dataset.id, None, {}, "v2").version
    assert store.write(examples.delete, OPERATOR, dataset.id, v1.id, [ids[1], "no"])[2] == [ids[1]]
    assert store.write(examples.delete, OPERATOR, dataset.id, v1.id, [ids[1]])[2] == []
    assert store.bodies(dataset.id, v1.id) == ['{"n":0}', '{"n":2}']
    assert store.bodies(dataset.id, v2.id) == ['{"n":0}', '{"n":1}', '{"n":2}']
    store.write(examples.delete, OPERATOR, dataset.id, v2.id, ids)
    assert store.bodies(dataset.id, v2.id) == []
    assert store.bodies(dataset.id, v1.id) == ['{"n":0}', '{"n":2}']


def test_inserting_into_an_old_version_is_seen_by_it_alone(store: Store) -> None:
    dataset, v1, _ = store.dataset_of(1)
    store.write(examples.update, OPERATOR, dataset.id, None, {}, "v2")
    store.write(examples.insert, OPERATOR, dataset.id, v1.id, [fields(n="old only")])
    assert store.bodies(dataset.id, v1.id) == ['{"n":0}', '{"n":"old only"}']
    assert store.bodies(dataset.id) == ['{"n":0}']


def test_a_taken_version_name_changes_nothing(store: Store) -> None:
    dataset, _, ids = store.dataset_of(1)
    with pytest.raises(Conflict, match="'v1'"):
        store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=1)}, "v1")
    assert store.bodies(dataset.id) == ['{"n":0}']
    assert len(store.versions(dataset.id)) == 1


def test_a_version_is_found_only_in_its_dataset(store: Store) -> None:
    one, _, ids = store.dataset_of(1)
    _, other_version, _ = store.dataset_of(1)
    with pytest.raises(NotFound):
        store.write(
            examples.update, OPERATOR, one.id, other_version.id, {ids[0]: fields(n=1)}, None
        )
    with pytest.raises(NotFound):
        store.examples(one.id, other_version.id)
    guessed = ResourceId("DatasetVersion", 1, "abcdefghij")
    with pytest.raises(NotFound):
        store.examples(one.id, guessed)


def test_pages_of_any_size_give_the_same_version(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(17)
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[3]: fields(n="x")}, "v2")
    store.write(examples.delete, OPERATOR, dataset.id, v1.id, ids[4:9])
    for version in store.versions(dataset.id):
        whole = store.examples(dataset.id, version.id)
        for limit in (1, 2, 5, 12, 17, 18):
            assert store.examples(dataset.id, version.id, limit) == whole


def test_storage_grows_by_what_changed(store: Store) -> None:
    dataset, _, ids = store.dataset_of(100)
    for number in range(10):
        change = {ids[number]: fields(n="changed")}
        store.write(examples.update, OPERATOR, dataset.id, None, change, f"version {number}")
    rows = store.read(
        lambda tx: tx.one(
            "SELECT COUNT(*) FROM revisions WHERE dataset_id = :id", id=dataset.id.number
        )
    )
    assert rows == (110,)


@pytest.mark.parametrize("filter", ["", "n LIKE '%'"], ids=["listed", "searched"])
def test_a_page_ends_before_it_is_too_large(
    store: Store, monkeypatch: pytest.MonkeyPatch, filter: str
) -> None:
    monkeypatch.setattr(listing, "PAGE_BYTES", 1_000)
    sizes = [300, 300, 300, 300, 5_000, 300, 300]
    dataset, _ = store.new_dataset(*[fields(n="x" * size) for size in sizes])
    found: list[list[int]] = []
    after, has_more = 0, True
    while has_more:
        if filter:
            until = time.monotonic() + 60
            page = store.read(
                search.page,
                OPERATOR,
                dataset.id,
                None,
                filter=filters.parse(filter),
                after=after,
                limit=6,
                until=until,
            )
        else:
            page = store.read(examples.list_page, OPERATOR, dataset.id, None, after=after, limit=6)
        found.append([example.ordinal for example in page.examples])
        after, has_more = page.examples[-1].ordinal, page.has_more
    assert found == [[1, 2, 3], [4], [5], [6, 7]]


def test_a_page_is_read_in_parts_that_are_not_too_large(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "FIRST_PART", 2)
    monkeypatch.setattr(revisions, "PART_SIZE", 200)
    dataset, _ = store.new_dataset(*[fields(n=n) for n in range(9)], fields(n="x" * 500))
    store.write(examples.insert, OPERATOR, dataset.id, None, [fields(n=n) for n in range(10)])
    for limit in range(1, 22):
        page = store.read(examples.list_page, OPERATOR, dataset.id, None, after=0, limit=limit)
        assert [example.ordinal for example in page.examples] == list(range(1, min(limit, 20) + 1))
        assert page.has_more == (limit < 20)
