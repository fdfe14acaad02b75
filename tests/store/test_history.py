"""The storage contract for histories: every write to an example, and every one to a dataset."""

from __future__ import annotations

import time

import msgspec
import pytest

from exempla.errors import NotFound, Unavailable
from exempla.ids import ResourceId
from exempla.store import (
    annotation_configs,
    datasets,
    examples,
    history,
    listing,
    purge,
    revisions,
    tags,
    users,
    versions,
)
from exempla.store import annotations as annotations_store
from exempla.store.access import OPERATOR, Permit
from exempla.store.annotation_configs import ConfigSettings
from exempla.store.annotations import Value
from exempla.store.bodies import Fields
from exempla.store.history import Event, Write
from exempla.store.listing import FIRST
from exempla.store.transaction import Transaction
from tests.store.conftest import Store
from tests.store.values import fields, raw


def events_of(
    store: Store, dataset: ResourceId, id: str, limit: int = 100, seconds: float = 60
) -> list[Event]:
    """Read the whole history of an example, by pages."""
    found: list[Event] = []
    while True:
        page, has_more = store.read(
            history.page,
            OPERATOR,
            dataset,
            id,
            before=found[-1].place if found else FIRST,
            limit=limit,
            until=time.monotonic() + seconds,
        )
        found += page
        if not has_more:
            return found


def first_permit(store: Store) -> Permit:
    """Return the permit of the key that a first start makes."""
    user = store.read(users.first)
    assert user is not None
    key = store.read(lambda tx: tx.exactly_one("SELECT id, suffix FROM api_keys ORDER BY id"))
    return Permit(ResourceId("ApiKey", *key), user, True, {})


def log_of(store: Store, dataset: ResourceId) -> list[Write]:
    return store.read(history.log, OPERATOR, dataset, before=FIRST, limit=1_000)


def as_json(event: Event) -> tuple[str, object]:
    return event.kind, msgspec.json.decode(msgspec.json.encode(event.fields))


def test_every_edit_in_place_is_told(store: Store) -> None:
    dataset, v1 = store.new_dataset(raw(a="1", b="[ 2 ]"))
    (id,) = [example.id for example in store.examples(dataset.id)]
    for change in (raw(a="1.0", c="null"), raw(b="[2]"), raw(a="1.0")):
        store.write(examples.update, OPERATOR, dataset.id, None, {id: change}, None)
    events = events_of(store, dataset.id, id)
    assert [as_json(event) for event in events] == [
        ("updated", {}),
        ("updated", {"b": {"old": [2], "new": [2]}}),
        ("updated", {"a": {"old": 1, "new": 1.0}, "c": {"new": None}}),
        ("created", {"a": {"new": 1}, "b": {"new": [2]}}),
    ]
    old = events[1].fields["b"].old
    assert old == msgspec.Raw(b"[ 2 ]")
    assert {event.version_id for event in events} == {v1.id}
    moments = [event.at for event in events]
    assert moments == sorted(set(moments), reverse=True)
    assert moments[0] == store.read(datasets.get, OPERATOR, dataset.id).updated_at


def test_a_restored_text_is_told_with_its_white_space(store: Store) -> None:
    dataset, v1, (id,) = store.dataset_of(1)
    compact = {id: {"n": msgspec.Raw(b"[1]")}}
    store.write(
        examples.update, OPERATOR, dataset.id, v1.id, {id: {"n": msgspec.Raw(b"[ 1 ]")}}, None
    )
    store.write(examples.update, OPERATOR, dataset.id, None, compact, "v2")
    store.write(versions.branch, OPERATOR, dataset.id, v1.id, "v3", "")
    newest = events_of(store, dataset.id, id)[0]
    assert newest.kind == "restored"
    assert newest.fields["n"].new == msgspec.Raw(b"[ 1 ]")


def test_each_version_has_its_own_line(store: Store) -> None:
    dataset, v1, (id, other) = store.dataset_of(2)
    v2 = store.write(
        examples.update, OPERATOR, dataset.id, None, {id: fields(n="two")}, "v2"
    ).version
    store.write(examples.update, OPERATOR, dataset.id, v1.id, {id: fields(n="one")}, None)
    store.write(examples.delete, OPERATOR, dataset.id, v2.id, [id])
    store.write(examples.update, OPERATOR, dataset.id, v1.id, {id: fields(n="uno")}, None)
    events = events_of(store, dataset.id, id)
    assert [(as_json(event), event.version_id) for event in events] == [
        (("updated", {"n": {"old": "one", "new": "uno"}}), v1.id),
        (("deleted", {"n": {"old": "two"}}), v2.id),
        (("updated", {"n": {"old": 0, "new": "one"}}), v1.id),
        (("updated", {"n": {"old": 0, "new": "two"}}), v2.id),
        (("created", {"n": {"new": 0}}), v1.id),
    ]
    assert [event.kind for event in events_of(store, dataset.id, other)] == ["created"]
    for limit in (1, 2, 3):
        assert events_of(store, dataset.id, id, limit) == events


def test_a_restored_example_is_told_though_nothing_was_written_for_it(store: Store) -> None:
    dataset, v1, (first, second, third) = store.dataset_of(3)
    v2 = store.write(
        examples.update, OPERATOR, dataset.id, None, {first: fields(n="two")}, "v2"
    ).version
    store.write(examples.delete, OPERATOR, dataset.id, v2.id, [second])
    change = {first: fields(n="three")}
    v3 = store.write(examples.update, OPERATOR, dataset.id, v1.id, change, "v3").version
    store.write(examples.update, OPERATOR, dataset.id, v1.id, {first: fields(n="later")}, None)
    newest = events_of(store, dataset.id, first)[1:3]
    assert [(as_json(event), event.version_id) for event in newest] == [
        (("updated", {"n": {"old": 0, "new": "three"}}), v3.id),
        (("restored", {"n": {"old": "two", "new": 0}}), v3.id),
    ]
    back = events_of(store, dataset.id, second)[0]
    assert as_json(back) == ("restored", {"n": {"new": 1}})
    store.write(versions.branch, OPERATOR, dataset.id, v2.id, "v4", "")
    gone = events_of(store, dataset.id, second)[0]
    assert as_json(gone) == ("removed", {"n": {"old": 1}})
    assert [event.kind for event in events_of(store, dataset.id, third)] == ["created"]
    assert events_of(store, dataset.id, first, 1) == events_of(store, dataset.id, first)


def test_annotations_are_told(store: Store) -> None:
    dataset, _, (id, other) = store.dataset_of(2)
    for name in ("grade", "note"):
        store.write(
            annotation_configs.create,
            OPERATOR,
            store.space.id,
            f"{name} {dataset.name}",
            "FREEFORM",
            ConfigSettings(),
        )
    grade, note = f"grade {dataset.name}", f"note {dataset.name}"
    for name, text in ((grade, "good"), (grade, "bad"), (note, "seen")):
        value = Value(name, None, None, text, "")
        records = [(id, [value]), ("no", [value])]
        store.write(annotations_store.annotate, first_permit(store), dataset.id, records)
    events = events_of(store, dataset.id, id)
    assert [event.kind for event in events] == ["annotated"] * 3 + ["created"]
    said = [msgspec.json.decode(msgspec.json.encode(event.fields)) for event in events[:3]]
    assert said[0] == {note: {"new": {"score": None, "label": None, "text": "seen"}}}
    assert said[1][grade]["old"]["text"] == "good"
    assert said[1][grade]["new"]["text"] == "bad"
    assert list(said[2][grade]) == ["new"]
    assert [event.kind for event in events_of(store, dataset.id, other)] == ["created"]


def test_the_log_has_every_write_and_who_made_it(store: Store) -> None:
    permit = first_permit(store)
    name = f"log {store.database.engine.name}"
    given = [fields(n=n) for n in range(3)]
    dataset, v1 = store.write(examples.create_dataset, permit, store.space.id, name, given)
    ids = [example.id for example in store.examples(dataset.id)]
    tag = store.write(tags.create, permit, store.space.id, name, None, None)
    store.write(examples.insert, permit, dataset.id, None, given[:2])
    store.write(examples.update, permit, dataset.id, None, {ids[0]: fields(n=9)}, None)
    v2 = store.write(examples.update, permit, dataset.id, None, {}, "v2").version
    v3 = store.write(
        examples.update, permit, dataset.id, v1.id, {id: fields(n=9) for id in ids}, "v3"
    ).version
    store.write(examples.delete, permit, dataset.id, v2.id, ids[:2])
    store.write(versions.change, permit, dataset.id, v2.id, {"locked": True, "name": "v2"})
    store.write(datasets.rename, permit, dataset.id, name + "!")
    store.write(tags.attach, permit, dataset.id, [tag.id])
    store.write(tags.attach, permit, dataset.id, [tag.id])
    store.write(tags.delete, permit, tag.id)
    log = log_of(store, dataset.id)
    assert [(w.kind, w.example_count, w.version_id, w.from_version_id) for w in reversed(log)] == [
        ("created", 3, v1.id, None),
        ("inserted", 2, v1.id, None),
        ("updated", 1, v1.id, None),
        ("branched", 0, v2.id, v1.id),
        ("updated", 3, v3.id, v1.id),
        ("deleted", 2, v2.id, None),
        ("version_changed", 0, v2.id, None),
        ("renamed", 0, None, None),
        ("tagged", 0, None, None),
        ("tagged", 0, None, None),
    ]
    said = [msgspec.json.decode(msgspec.json.encode(w.fields)) for w in reversed(log)]
    assert said[3:5] == [{"name": {"new": "v2"}, "description": {"new": ""}}, {}]
    assert said[6:] == [
        {"locked": {"old": False, "new": True}},
        {"name": {"old": name, "new": name + "!"}},
        {"tags": {"old": [], "new": [name]}},
        {"tags": {"old": [name], "new": []}},
    ]
    assert all(w.by and w.by.email == "admin@localhost" for w in log)
    assert all(w.by and (w.by.key_id, w.by.user_id) == permit[:2] for w in log)
    assert log[0].at == store.read(datasets.get, OPERATOR, dataset.id).updated_at
    older = store.read(history.log, OPERATOR, dataset.id, before=log[3].place, limit=2)
    assert older == log[4:6]


def test_adding_many_is_one_row(store: Store) -> None:
    dataset, _, ids = store.dataset_of(500)

    def rows(table: str) -> int:
        statement = f"SELECT COUNT(*) FROM {table} WHERE dataset_id = :id"
        found = store.read(lambda tx: tx.exactly_one(statement, id=dataset.id.number))
        return int(found[0])

    assert (rows("writes"), rows("changes")) == (1, 0)
    assert as_json(events_of(store, dataset.id, ids[250])[0]) == ("created", {"n": {"new": 250}})
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=1)}, "v2")
    store.write(versions.branch, OPERATOR, dataset.id, store.versions(dataset.id)[1].id, "v3", "")
    assert (rows("writes"), rows("changes")) == (3, 1)
    store.write(datasets.delete, OPERATOR, dataset.id)
    while store.write(purge.purge_some):
        pass
    assert (rows("writes"), rows("changes")) == (0, 0)


def test_what_is_not_there(store: Store) -> None:
    dataset, _, (id,) = store.dataset_of(1)
    for missing in ("no", "with\0nul", ""):
        with pytest.raises(NotFound):
            events_of(store, dataset.id, missing)
    with pytest.raises(Unavailable):
        events_of(store, dataset.id, id, seconds=0)


def test_a_page_ends_when_it_is_large(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, _, (id,) = store.dataset_of(1)
    for n in range(5):
        store.write(examples.update, OPERATOR, dataset.id, None, {id: fields(n=str(n) * 598)}, None)
    whole = events_of(store, dataset.id, id)
    monkeypatch.setattr(listing, "PAGE_BYTES", 1_000)
    until = time.monotonic() + 60
    page, has_more = store.read(
        history.page, OPERATOR, dataset.id, id, before=FIRST, limit=100, until=until
    )
    assert (page, has_more) == (whole[:1], True)
    assert events_of(store, dataset.id, id) == whole


def test_no_more_bodies_are_held_than_are_needed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, _, (id,) = store.dataset_of(1)
    for n in range(20):
        store.write(
            examples.update, OPERATOR, dataset.id, None, {id: fields(n=f"new {n}")}, f"v{n + 2}"
        )
    most = 0
    held_by = history._Past.held_by

    def looking(past: history._Past, version: int | None) -> Fields | None:
        nonlocal most
        fields = held_by(past, version)
        most = max(most, len(past._held))
        return fields

    monkeypatch.setattr(history._Past, "held_by", looking)
    assert len(events_of(store, dataset.id, id)) == 21
    assert 0 < most <= 2


def test_a_history_looks_at_no_version_that_restored_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, v1, (id, other) = store.dataset_of(2)
    for n in range(10):
        store.write(
            examples.update, OPERATOR, dataset.id, None, {other: fields(n=f"new {n}")}, f"edit {n}"
        )
        store.write(versions.branch, OPERATOR, dataset.id, v1.id, f"restored {n}", "")
    assert len(events_of(store, dataset.id, other)) == 21
    looked: list[int] = []
    body_of = revisions.body_of

    def looking(tx: Transaction, dataset_id: int, version: int, ordinal: int) -> str | None:
        looked.append(version)
        return body_of(tx, dataset_id, version, ordinal)

    monkeypatch.setattr(revisions, "body_of", looking)
    assert [event.kind for event in events_of(store, dataset.id, id)] == ["created"]
    assert looked == [1]


def test_a_restored_example_that_was_deleted_from_both_versions(store: Store) -> None:
    dataset, v1, (id, _) = store.dataset_of(2)
    v2 = store.write(examples.update, OPERATOR, dataset.id, None, {id: fields(n=9)}, "v2").version
    v3 = store.write(versions.branch, OPERATOR, dataset.id, v1.id, "v3", "")
    for version in (v3, v2):
        store.write(examples.delete, OPERATOR, dataset.id, version.id, [id])
    kinds = [event.kind for event in events_of(store, dataset.id, id)]
    assert kinds == ["deleted", "deleted", "restored", "updated", "created"]


def test_of_a_version_that_is_not_known_no_fields_are_told(store: Store) -> None:
    dataset, _, (id,) = store.dataset_of(1)
    name = f"note {dataset.name}"
    store.write(
        annotation_configs.create, OPERATOR, store.space.id, name, "FREEFORM", ConfigSettings()
    )
    value = Value(name, None, None, "seen", "here")
    store.write(annotations_store.annotate, first_permit(store), dataset.id, [(id, [value])])

    def as_an_older_release_left_it(tx: Transaction) -> None:
        for statement in (
            "UPDATE writes SET version = NULL WHERE dataset_id = :dataset_id AND kind = 'created'",
            "DELETE FROM writes WHERE dataset_id = :dataset_id AND kind = 'annotated'",
            "DELETE FROM changes WHERE dataset_id = :dataset_id",
        ):
            tx.run(statement, dataset_id=dataset.id.number)

    store.write(as_an_older_release_left_it)
    (created,) = events_of(store, dataset.id, id)
    assert (created.kind, created.version_id, created.fields) == ("created", None, {})
