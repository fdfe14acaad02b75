"""The storage contract for versions: made from any other, counted, described, locked."""

from __future__ import annotations

import pytest

from exempla.errors import Conflict, NotFound
from exempla.ids import ResourceId
from exempla.store import datasets, examples, users, versions
from exempla.store.access import OPERATOR, Permit
from tests.store.conftest import Store
from tests.store.values import fields


def branch(store: Store, dataset: ResourceId, base: ResourceId | None, name: str) -> ResourceId:
    return store.write(versions.branch, OPERATOR, dataset, base, name, "").id


def test_a_version_made_from_an_old_one_restores_it(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(3)
    before = store.examples(dataset.id)
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n="x")}, "v2")
    v2 = store.versions(dataset.id)[0]
    store.write(examples.delete, OPERATOR, dataset.id, v2.id, [ids[1]])
    restored = store.write(versions.branch, OPERATOR, dataset.id, v1.id, "v3", "as it was")
    assert store.examples(dataset.id) == before
    assert restored.parent_id == v1.id
    assert restored.version.description == "as it was"
    assert restored.version.example_count == 3
    assert store.bodies(dataset.id, v2.id) == ['{"n":"x"}', '{"n":2}']


def revisions_of(store: Store, dataset: ResourceId) -> int:
    statement = "SELECT COUNT(*) FROM revisions WHERE dataset_id = :dataset_id"
    found = store.read(lambda tx: tx.exactly_one(statement, dataset_id=dataset.number))
    return int(found[0])


def test_what_is_restored_again_is_not_written_again(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(5)
    before = store.examples(dataset.id)
    changes = {id: fields(n="x") for id in ids[:3]}
    store.write(examples.update, OPERATOR, dataset.id, None, changes, "v2")
    branch(store, dataset.id, v1.id, "v3")
    written = revisions_of(store, dataset.id)
    branch(store, dataset.id, v1.id, "v4")
    assert revisions_of(store, dataset.id) == written
    assert store.examples(dataset.id) == before
    v5 = store.write(
        examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n="y")}, "v5"
    ).version
    store.write(examples.delete, OPERATOR, dataset.id, v5.id, [ids[1]])
    written = revisions_of(store, dataset.id)
    branch(store, dataset.id, v1.id, "v6")
    assert revisions_of(store, dataset.id) == written + 2
    assert store.examples(dataset.id) == before
    assert store.bodies(dataset.id, v5.id) == ['{"n":"y"}', '{"n":2}', '{"n":3}', '{"n":4}']


def test_an_edit_in_place_in_between_is_not_undone_by_a_copy(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(5)
    v2 = branch(store, dataset.id, None, "v2")
    branch(store, dataset.id, None, "v3")
    changes = {id: fields(n="odd") for id in ids}
    store.write(examples.update, OPERATOR, dataset.id, v2, changes, None)
    written = revisions_of(store, dataset.id)
    branch(store, dataset.id, v1.id, "v4")
    assert revisions_of(store, dataset.id) == written
    branch(store, dataset.id, v2, "v5")
    assert store.bodies(dataset.id) == ['{"n":"odd"}'] * 5


def test_an_edit_in_place_is_in_no_later_version(store: Store) -> None:
    dataset, v1, (id, _) = store.dataset_of(2)
    v2 = branch(store, dataset.id, None, "v2")
    store.write(examples.update, OPERATOR, dataset.id, v1.id, {id: fields(n="x")}, None)
    assert store.bodies(dataset.id, v1.id) == ['{"n":"x"}', '{"n":1}']
    assert store.bodies(dataset.id, v2) == ['{"n":0}', '{"n":1}']
    branch(store, dataset.id, None, "v3")
    store.write(examples.update, OPERATOR, dataset.id, v2, {id: fields(n="y")}, None)
    assert [store.bodies(dataset.id, version.id)[0] for version in store.versions(dataset.id)] == [
        '{"n":0}',
        '{"n":"y"}',
        '{"n":"x"}',
    ]


def test_counts_follow_every_write(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(3)
    v2 = branch(store, dataset.id, None, "v2")
    store.write(examples.insert, OPERATOR, dataset.id, v1.id, [fields(n=8), fields(n=9)])
    store.write(examples.delete, OPERATOR, dataset.id, v2, [ids[0], "unknown"])
    store.write(examples.update, OPERATOR, dataset.id, v2, {ids[1]: fields(n=7)}, "v3")
    counts = {v.name: v.example_count for v in store.versions(dataset.id)}
    assert counts == {"v1": 5, "v2": 2, "v3": 2}


def test_a_locked_version_refuses_writes_until_it_is_unlocked(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(2)
    store.write(versions.change, OPERATOR, dataset.id, v1.id, {"locked": True})
    before = store.read(datasets.get, OPERATOR, dataset.id)
    for address in (None, v1.id):
        with pytest.raises(Conflict, match=r"locked.*new_version"):
            store.write(examples.insert, OPERATOR, dataset.id, address, [fields(n=1)])
        with pytest.raises(Conflict, match="locked"):
            store.write(examples.update, OPERATOR, dataset.id, address, {ids[0]: fields(n=1)}, None)
    with pytest.raises(Conflict, match="locked"):
        store.write(examples.delete, OPERATOR, dataset.id, v1.id, ids)
    assert store.read(datasets.get, OPERATOR, dataset.id) == before
    assert store.bodies(dataset.id) == ['{"n":0}', '{"n":1}']
    store.write(examples.update, OPERATOR, dataset.id, v1.id, {ids[0]: fields(n=5)}, "v2")
    assert store.bodies(dataset.id) == ['{"n":5}', '{"n":1}']
    assert not store.versions(dataset.id)[0].locked
    store.write(versions.change, OPERATOR, dataset.id, v1.id, {"locked": False})
    store.write(examples.update, OPERATOR, dataset.id, v1.id, {ids[0]: fields(n=6)}, None)
    assert store.bodies(dataset.id, v1.id) == ['{"n":6}', '{"n":1}']


def test_a_version_is_described_and_renamed(store: Store) -> None:
    dataset, v1, _ = store.dataset_of(1)
    branch(store, dataset.id, None, "other")
    before = store.read(datasets.get, OPERATOR, dataset.id)
    changes = {"name": "golden", "description": "what we ship against"}
    changed = store.write(versions.change, OPERATOR, dataset.id, v1.id, changes).version
    assert (changed.name, changed.description) == ("golden", "what we ship against")
    after = store.read(datasets.get, OPERATOR, dataset.id)
    assert after.updated_at == changed.updated_at > before.updated_at
    again = store.write(versions.change, OPERATOR, dataset.id, v1.id, changes).version
    assert again == changed
    with pytest.raises(Conflict, match="'other'"):
        store.write(versions.change, OPERATOR, dataset.id, v1.id, {"name": "other"})
    with pytest.raises(Conflict, match="'other'"):
        branch(store, dataset.id, None, "other")
    assert len(store.versions(dataset.id)) == 2


def test_versions_come_newest_first_by_pages(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)
    for number in range(2, 6):
        branch(store, dataset.id, None, f"v{number}")
    found: list[str] = []
    before = 2**62
    while page := store.read(versions.list_page, OPERATOR, dataset.id, before=before, limit=2):
        found += [one.version.name for one in page]
        before = page[-1].id.number
    assert found == ["v5", "v4", "v3", "v2", "v1"]


def test_a_version_knows_who_made_it(store: Store) -> None:
    user = store.read(users.first)
    assert user is not None
    permit = Permit(ResourceId("ApiKey", 1, "suffix"), user, True, {})
    dataset, _ = store.write(
        examples.create_dataset, permit, store.space.id, "who made it", [fields(n=1)]
    )
    made = store.read(versions.details, permit, dataset.id, None)
    assert made.created_by == (user, "admin@localhost")


def test_a_version_that_is_not_there(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)
    missing = ResourceId("DatasetVersion", 1, "abcdefghij")
    with pytest.raises(NotFound):
        store.read(versions.details, OPERATOR, dataset.id, missing)
    with pytest.raises(NotFound):
        branch(store, dataset.id, missing, "from nothing")
