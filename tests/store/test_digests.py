"""The storage contract for digests: equal exactly for equal content, at the cost of a change."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from exempla.ids import ResourceId
from exempla.store import datasets, digests, examples, purge, revising, revisions, verify, versions
from exempla.store.access import OPERATOR
from exempla.store.transaction import Transaction
from exempla.store.verify import Checked, Report
from tests.store.conftest import Store
from tests.store.values import fields, raw


def digest_of(
    store: Store, dataset: ResourceId, version: ResourceId | None = None, keep: bool = True
) -> str:
    now, details, found = store.read(digests.details, OPERATOR, dataset, version)
    if keep:
        store.write(digests.keep, now.id, details.id.number, found)
    return found.digest


def check(store: Store, dataset: ResourceId) -> list[Checked]:
    return store.read(lambda tx: verify.check(tx, datasets.get(tx, OPERATOR, dataset)))


def verified(store: Store, dataset: ResourceId) -> Report | None:
    return asyncio.run(verify.verify(store.database, dataset))


def damage(store: Store, dataset: ResourceId, ordinal: int, body: str) -> None:
    """Change an example in the database past the store."""
    statement = "UPDATE revisions SET body = :body WHERE dataset_id = :id AND ordinal = :ordinal"
    values = {"body": body, "id": dataset.number, "ordinal": ordinal}
    assert store.write(lambda tx: tx.run(statement, **values)) == 1


def test_a_known_digest(store: Store) -> None:
    """Written down, so that a change of the definition cannot pass unseen."""
    element = digests.element("id", raw(b="[ 1.0, null ]", a='"é"'))
    assert f"{element:x}"[:32] == "55e0c09796478e1ae63233915b6304f1"
    assert (
        digests.Sum(0, element).digest
        == "e73a15fd3ff4235b5e49a61a02763c6f1b94f12ecdbcdfbcf984bc59ea5ea08c"
    )
    assert digests.element("id", raw(a='"é"', b="[1.0,null]")) == element


def test_other_content_has_another_digest(store: Store) -> None:
    same = digests.element("id", raw(a="1"))
    others = [
        digests.element("id2", raw(a="1")),
        digests.element("id", raw(a="1.0")),
        digests.element("id", raw(b="1")),
        digests.element("id", raw(a="1", b="1")),
        digests.element("ida", raw(a="1")),
        digests.element("id", {}),
        digests.element("id", raw(a='{"x":1,"y":2}')),
        digests.element("id", raw(a='{"y":2,"x":1}')),
        digests.element("id", raw(a='"\\u00e9"')),
        digests.element("id", raw(a='"é"')),
    ]
    assert len({same, *others}) == 11


@pytest.mark.parametrize("keep", [True, False])
def test_a_digest_follows_every_write(store: Store, keep: bool) -> None:
    dataset, v1, ids = store.dataset_of(3)
    first = digest_of(store, dataset.id, keep=keep)
    seen = {first}

    def expect_new() -> None:
        found = digest_of(store, dataset.id, keep=keep)
        assert found not in seen
        seen.add(found)

    store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=9)}, None)
    expect_new()
    store.write(examples.insert, OPERATOR, dataset.id, None, [fields(n=3)])
    expect_new()
    added = store.examples(dataset.id)[-1].id
    store.write(examples.delete, OPERATOR, dataset.id, v1.id, [ids[1]])
    expect_new()
    v2 = store.write(versions.branch, OPERATOR, dataset.id, v1.id, "v2", "").id
    assert digest_of(store, dataset.id, v2) == digest_of(store, dataset.id, v1.id)
    store.write(examples.delete, OPERATOR, dataset.id, v2, [added])
    expect_new()
    assert not [fault for one in check(store, dataset.id) for fault in one.faults]


def test_the_way_to_a_content_does_not_count(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(2)
    before = digest_of(store, dataset.id)
    for number in (5, 0):
        store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=number)}, None)
    assert digest_of(store, dataset.id) == before
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[1]: raw(n=" 1 ")}, "v2")
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[1]: fields(n=8)}, "v3")
    v4 = store.write(versions.branch, OPERATOR, dataset.id, v1.id, "v4", "").id
    assert digest_of(store, dataset.id, v4) == before
    assert {one.found.digest for one in check(store, dataset.id)[:2]} == {before}


def test_a_write_to_another_version_leaves_the_digest(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(2)
    before = digest_of(store, dataset.id)
    v2 = store.write(
        examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=7)}, "v2"
    ).version
    assert digest_of(store, dataset.id, v1.id) == before
    assert digest_of(store, dataset.id, v2.id) != before


def test_a_kept_sum_is_not_replaced_by_an_older_one(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(1)
    now, _, old = store.read(digests.details, OPERATOR, dataset.id, None)
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=7)}, None)
    newer = digest_of(store, dataset.id)
    store.write(digests.keep, now.id, v1.id.number, old)
    assert digest_of(store, dataset.id, keep=False) == newer != old.digest


def test_a_purged_dataset_leaves_no_sum(store: Store) -> None:
    dataset, v1, _ = store.dataset_of(1)
    now, _, found = store.read(digests.details, OPERATOR, dataset.id, None)

    def rows() -> int:
        statement = "SELECT COUNT(*) FROM digests WHERE dataset_id = :id"
        count = store.read(lambda tx: tx.exactly_one(statement, id=dataset.id.number))
        return int(count[0])

    store.write(digests.keep, now.id, v1.id.number, found)
    assert rows() == 1
    store.write(datasets.delete, OPERATOR, dataset.id)
    while store.write(purge.purge_some):
        pass
    store.write(digests.keep, now.id, v1.id.number, found)
    assert rows() == 0


def test_a_fold_reads_what_was_written_since_and_no_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, _, ids = store.dataset_of(600)
    first = digest_of(store, dataset.id)
    changes = {id: fields(n=-1) for id in ids[:3]}
    store.write(examples.update, OPERATOR, dataset.id, None, changes, None)
    hashed = 0
    element = digests.element

    def counting(*arguments: object) -> int:
        nonlocal hashed
        hashed += 1
        return element(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(digests, "element", counting)
    assert digest_of(store, dataset.id) != first
    assert hashed == 6
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[9]: fields(n=-1)}, "v2")
    digest_of(store, dataset.id)
    assert hashed == 8


def computed_anew(store: Store, dataset: ResourceId) -> list[str]:
    """Return the digests of all versions, oldest first, without those that are kept."""
    return [one.found.digest for one in check(store, dataset)]


def test_an_example_that_was_added_and_edited_since_counts_once(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(3)
    digest_of(store, dataset.id)
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[2]: fields(n=7)}, None)
    for added in (1, 3):
        given = [fields(n=n) for n in range(added)]
        new = store.write(examples.insert, OPERATOR, dataset.id, None, given).example_ids
        changes = {new[0]: fields(n=8), new[-1]: fields(n=9)}
        store.write(examples.update, OPERATOR, dataset.id, None, changes, None)
    store.write(examples.delete, OPERATOR, dataset.id, v1.id, [new[1], ids[0]])
    assert [digest_of(store, dataset.id)] == computed_anew(store, dataset.id)


def test_an_example_that_was_edited_before_and_since(store: Store) -> None:
    dataset, _, ids = store.dataset_of(3)
    digest_of(store, dataset.id)
    for number in (5, 6):
        changes = {ids[0]: fields(n=number)}
        store.write(examples.update, OPERATOR, dataset.id, None, changes, None)
        assert [digest_of(store, dataset.id)] == computed_anew(store, dataset.id)


def test_edits_of_many_examples_are_folded(store: Store) -> None:
    dataset, _, ids = store.dataset_of(1_000)
    digest_of(store, dataset.id)
    for start in range(0, 1_000, 250):
        changes = {id: fields(n=-1) for id in ids[start : start + 300]}
        store.write(examples.update, OPERATOR, dataset.id, None, changes, None)
    assert [digest_of(store, dataset.id)] == computed_anew(store, dataset.id)


def test_a_fold_holds_a_few_states_of_an_example_at_once(store: Store) -> None:
    dataset, _, ids = store.dataset_of(1)
    digest_of(store, dataset.id)
    count, size = 1_000, 30_000

    def edit(tx: Transaction) -> None:
        for number in range(count):
            changes = {ids[0]: fields(n=f"{number}" + "x" * size)}
            examples.update(tx, OPERATOR, dataset.id, None, changes, None)

    store.write(edit)
    tracemalloc.start()
    digest_of(store, dataset.id)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < count * size // 2


@pytest.fixture
def damaged(store: Store) -> ResourceId:
    """Give a dataset in whose database an example was changed past the store."""
    dataset, _, ids = store.dataset_of(3)
    digest_of(store, dataset.id)
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[1]: fields(n=7)}, "v2")

    damage(store, dataset.id, 1, '{"n":1}')
    return dataset.id


def test_damage_is_found(store: Store, damaged: ResourceId) -> None:
    first, second = check(store, damaged)
    assert len(first.faults) == 1
    assert "digest" in first.faults[0]
    assert second.faults == []  # its digest was never asked for
    assert second.kept is None


def test_a_lost_example_is_found(store: Store) -> None:
    dataset, version, ids = store.dataset_of(3)
    (held,) = store.read(
        lambda tx: revisions.find(tx, versions.at(dataset, version), ids[:1])
    ).values()
    store.write(lambda tx: revising.remove(tx, versions.at(dataset, version), [held]))
    (checked,) = check(store, dataset.id)
    assert checked.faults == ["it should have 3 examples but has 2"]


def test_what_was_checked_is_kept(store: Store) -> None:
    """So that damage to what was written since the digest was asked for is found too."""
    dataset, _, ids = store.dataset_of(3)
    digest_of(store, dataset.id)
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=7)}, None)
    store.write(examples.insert, OPERATOR, dataset.id, None, [fields(n=3)])
    assert verified(store, dataset.id) == Report(1, 0, [])
    for ordinal in (1, 4):
        damage(store, dataset.id, ordinal, '{"n":"other"}')
        report = verified(store, dataset.id)
        assert report
        (fault,) = report.faults
        assert fault.startswith("version v1: its digest should be")
        damage(store, dataset.id, ordinal, '{"n":7}' if ordinal == 1 else '{"n":3}')
        assert verified(store, dataset.id) == Report(1, 0, [])


def test_an_example_that_cannot_be_read_is_named_and_the_others_are_checked(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(3)
    store.write(versions.branch, OPERATOR, dataset.id, v1.id, "v2", "")
    v3 = store.write(versions.branch, OPERATOR, dataset.id, v1.id, "v3", "").id
    store.write(examples.delete, OPERATOR, dataset.id, v3, [ids[1]])
    assert verified(store, dataset.id) == Report(3, 3, [])
    damage(store, dataset.id, 2, '{"n":')
    damage(store, dataset.id, 3, '{"n":9}')
    report = verified(store, dataset.id)
    assert report
    unreadable, differing = report.faults
    assert unreadable.startswith(f"versions v1, v2: the example {ids[1]!r} cannot be read: ")
    assert differing.startswith("version v3: its digest should be")


def test_what_a_write_replaced_that_cannot_be_read_is_told(store: Store) -> None:
    dataset, _, ids = store.dataset_of(1)
    digest_of(store, dataset.id)
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=7)}, None)
    statement = "UPDATE changes SET old = '[' WHERE dataset_id = :id"
    assert store.write(lambda tx: tx.run(statement, id=dataset.id.number)) == 1
    report = verified(store, dataset.id)
    assert report
    (fault,) = report.faults
    assert "what was written since" in fault


def test_a_dataset_that_was_deleted_meanwhile_is_left_out(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)
    store.write(datasets.delete, OPERATOR, dataset.id)
    assert verified(store, dataset.id) is None
