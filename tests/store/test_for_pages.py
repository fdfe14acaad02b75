"""What the store tells for the pages: sessions, neighbours, what a version changed."""

from __future__ import annotations

import time
import uuid

import pytest

from exempla import clock, filters
from exempla.errors import NotFound
from exempla.ids import ResourceId
from exempla.store import (
    diff,
    examples,
    history,
    keys,
    overview,
    revisions,
    search,
    sessions,
    tags,
    versions,
)
from exempla.store.access import OPERATOR, Permit, Role
from exempla.store.keys import ApiKey
from exempla.store.listing import FIRST
from exempla.store.versions import Version
from tests.store.conftest import Store
from tests.store.values import fields

ADDRESS = "127.0.0.1"


def new_key(store: Store, expires_at: int | None = None) -> tuple[ApiKey, str]:
    """Make a key of the first user; return it with its hash."""
    (first, *_) = store.read(keys.list_all)
    secret = keys.new_secret()
    made = store.write(
        keys.create, first.user_id, first.user_id, "USER", "a key", "", secret, expires_at
    )
    return made, keys.secret_hash(secret)


def test_a_session_stands_for_its_key_until_one_of_them_ends(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, hashed = new_key(store)
    tokens = [store.write(sessions.begin, hashed, ADDRESS) for _ in range(2)]
    first, second = tokens
    assert first
    assert second
    visitor = store.read(sessions.find, first)
    assert visitor
    assert visitor.principal.permit.key_id == key.id
    assert (visitor.name, visitor.key_name) == ("admin@localhost", "a key")
    store.write(sessions.end, first)
    assert store.read(sessions.find, first) is None
    assert store.read(sessions.find, second)
    held = store.read(lambda tx: tx.all("SELECT token_hash FROM sessions"))
    assert (second,) not in held
    store.write(keys.revoke, OPERATOR, key.id)
    assert store.read(sessions.find, second) is None
    assert store.write(sessions.begin, hashed, ADDRESS) is None
    assert store.write(sessions.begin, keys.secret_hash("unknown"), ADDRESS) is None


def test_a_session_ends_with_time_and_is_removed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    _, hashed = new_key(store)
    token = store.write(sessions.begin, hashed, ADDRESS)
    assert token
    later = now + 15 * 86_400 * clock.MICROSECONDS
    monkeypatch.setattr(clock, "now", lambda: later)
    assert store.read(sessions.find, token) is None
    assert store.write(sessions.begin, hashed, ADDRESS)
    rows = store.read(lambda tx: tx.all("SELECT token_hash FROM sessions"))
    assert (keys.secret_hash(token),) not in rows


def test_neighbours_backwards_are_those_of_the_way_forwards(store: Store) -> None:
    dataset, first, ids = store.dataset_of(12)
    store.write(examples.delete, OPERATOR, dataset.id, first.id, [ids[4]])
    changes = {ids[7]: fields(n=100)}
    latest = store.write(examples.update, OPERATOR, dataset.id, None, changes, "v2").version
    for version in (first, latest):
        forwards = store.examples(dataset.id, version.id)
        even = filters.parse("n IN (0, 2, 4, 6, 8, 10, 100)")
        until = time.monotonic() + 60
        matching = store.read(
            search.page, OPERATOR, dataset.id, version.id, filter=even, limit=50, until=until
        ).examples
        for before in range(1, 15):
            for limit in (1, 3, 50):
                page = store.read(
                    examples.list_page,
                    OPERATOR,
                    dataset.id,
                    version.id,
                    before=before,
                    limit=limit,
                )
                assert page.examples == [e for e in forwards if e.ordinal < before][-limit:]
                found = store.read(
                    search.page,
                    OPERATOR,
                    dataset.id,
                    version.id,
                    filter=even,
                    before=before,
                    limit=limit,
                    until=until,
                )
                assert found.examples == [e for e in matching if e.ordinal < before][-limit:]


def test_one_example_is_as_its_page_has_it(store: Store) -> None:
    dataset, version, ids = store.dataset_of(3)
    page = store.read(examples.one, OPERATOR, dataset.id, None, ids[1])
    assert page.examples == store.examples(dataset.id)[1:2]
    store.write(examples.delete, OPERATOR, dataset.id, version.id, [ids[1]])
    for unknown in (ids[1], "not there", "\0"):
        with pytest.raises(NotFound):
            store.read(examples.one, OPERATOR, dataset.id, None, unknown)


def test_who_made_a_write_is_known_by_its_moment(store: Store) -> None:
    dataset, version, (id,) = store.dataset_of(1)
    key, _ = new_key(store)
    permit = OPERATOR._replace(user_id=key.user_id, key_id=key.id)
    store.write(examples.update, permit, dataset.id, version.id, {id: fields(n=1)}, None)
    (changed,) = store.versions(dataset.id)
    moments = [version.updated_at, changed.updated_at, changed.updated_at + 1]
    writers = store.read(history.writers, dataset.id.number, moments)
    assert set(writers) == set(moments[:2])
    assert writers[version.updated_at] is None  # who works on the database itself has no key
    by = writers[changed.updated_at]
    assert by
    assert (by.key_id, by.user_id) == (key.id, key.user_id)


def compared(store: Store, dataset: ResourceId, version: Version) -> diff.Counts:
    """Return what differs from the version before on the line."""
    before = next(v for v in store.versions(dataset) if v.id.number == version.id.number - 1)
    until = time.monotonic() + 60
    page = store.read(
        diff.page,
        OPERATOR,
        dataset,
        before.id,
        version.id,
        after=0,
        limit=1,
        counts=None,
        until=until,
    )
    return page.counts


def test_the_turnover_of_a_version_is_what_differs_from_the_one_before(store: Store) -> None:
    dataset, first, ids = store.dataset_of(8)

    def update(version: Version | None, name: str | None, *which: int) -> Version:
        changes = {ids[n]: fields(n=uuid.uuid4().hex) for n in which}
        id = version.id if version else None
        return store.write(examples.update, OPERATOR, dataset.id, id, changes, name).version

    second = update(None, "second", 0, 1, 2)
    store.write(examples.insert, OPERATOR, dataset.id, second.id, [fields(n=1), fields(n=2)])
    third = update(None, "third", 3)
    store.write(examples.delete, OPERATOR, dataset.id, third.id, [ids[5]])
    store.write(versions.branch, OPERATOR, dataset.id, first.id, "restored", "")
    update(second, None, 6)  # in place, in an older version
    update(first, None, 7)
    store.write(examples.insert, OPERATOR, dataset.id, second.id, [fields(n=9)])
    for version in store.versions(dataset.id)[:-1]:
        counts = compared(store, dataset.id, version)
        found = store.read(revisions.turnover, dataset.id.number, version.id.number, 100)
        assert found == (counts.added, counts.changed, counts.removed), version.name
    added, changed, removed = store.read(revisions.turnover, dataset.id.number, second.id.number, 2)
    assert (added + changed, removed) == (2, 0)


def test_datasets_are_listed_with_their_size_tags_and_last_change(store: Store) -> None:
    dataset, _, ids = store.dataset_of(3)
    tag = store.write(tags.create, OPERATOR, store.space.id, uuid.uuid4().hex, None, "RED")
    store.write(tags.attach, OPERATOR, dataset.id, [tag.id])
    key, _ = new_key(store)
    permit = Permit(key.id, key.user_id, True, {}, Role.ADMINISTRATOR)
    store.write(examples.update, permit, dataset.id, None, {ids[0]: fields(n=7)}, "second")
    listed = store.read(
        overview.list_page, OPERATOR, space=None, name=dataset.name, before=FIRST, limit=5
    )
    (one,) = listed
    assert (one.id, one.name, one.space_name) == (dataset.id, dataset.name, store.space.name)
    assert (one.version_name, one.version_count, one.example_count) == ("second", 2, 3)
    assert one.updated_by == "admin@localhost"
    assert one.tags == [(tag.name, "RED")]
    assert tag in store.read(tags.of_space, OPERATOR, store.space.id, 500)


def test_a_stranger_to_a_space_sees_nothing_of_it(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)
    stranger = OPERATOR._replace(is_administrator=False, needs=Role.READ_ONLY)
    listed = store.read(
        overview.list_page, stranger, space=None, name=dataset.name, before=FIRST, limit=5
    )
    assert listed == []
    with pytest.raises(NotFound):
        store.read(tags.of_space, stranger, store.space.id, 5)
    reader = stranger._replace(roles={store.space.id.number: Role.READ_ONLY})
    listed = store.read(
        overview.list_page, reader, space=store.space.id, name=dataset.name, before=FIRST, limit=5
    )
    assert [one.id for one in listed] == [dataset.id]
