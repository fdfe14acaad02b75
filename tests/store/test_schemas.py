"""The storage contract for schemas: what every write must satisfy, and what does not."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

import msgspec
import pytest

from exempla.errors import PreconditionFailed, Unavailable, ValidationError
from exempla.filters import deadline
from exempla.ids import ResourceId
from exempla.schemas import Fault
from exempla.store import datasets, examples, history, purge, schema_report, schemas, versions
from exempla.store.access import OPERATOR
from exempla.store.bodies import Fields
from exempla.store.listing import FIRST
from exempla.store.schema_report import Failing, Report
from tests.store.conftest import Store
from tests.store.values import fields, over_at, raw

WHOLE = raw(properties='{"n":{"type":"integer"}}', required='["n"]')
HEAVY = raw(n=f"[{','.join(f'1e{n}' for n in range(400, 1_400))}]")
NOT_WHOLE = Fault("/n", '"x" is not of type "integer"')


def put(store: Store, dataset: ResourceId, schema: Fields | None) -> str | None:
    return store.write(schemas.put, OPERATOR, dataset, schema).schema


def insert(store: Store, dataset: ResourceId, *given: Fields) -> list[str]:
    return store.write(examples.insert, OPERATOR, dataset, None, given).example_ids


def report(
    store: Store,
    dataset: ResourceId,
    version: ResourceId | None = None,
    after: int = 0,
    limit: int = 100,
    seconds: float = 60,
) -> Report:
    return store.read(
        schema_report.page,
        OPERATOR,
        dataset,
        version,
        after=after,
        limit=limit,
        until=time.monotonic() + seconds,
    )


def test_a_schema_is_kept_as_it_was_sent(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)
    assert store.read(schemas.get, OPERATOR, dataset.id).schema is None
    given = raw(maximum="1e400", const="[ 1.0 ]")
    assert put(store, dataset.id, given) == '{"maximum":1e400,"const":[ 1.0 ]}'
    found = store.read(schemas.get, OPERATOR, dataset.id)
    assert found.schema == '{"maximum":1e400,"const":[ 1.0 ]}'
    assert found.dataset.schema_at == found.dataset.updated_at > dataset.updated_at
    assert put(store, dataset.id, given) == found.schema
    assert store.read(datasets.get, OPERATOR, dataset.id) == found.dataset  # nothing written
    assert put(store, dataset.id, None) is None
    assert store.read(schemas.get, OPERATOR, dataset.id).dataset.schema_at == 0


def test_the_log_tells_what_the_schema_was(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)
    for schema in (WHOLE, raw(minProperties="1"), None):
        put(store, dataset.id, schema)
    log = store.read(history.log, OPERATOR, dataset.id, before=FIRST, limit=9)
    assert [write.kind for write in log] == ["schema_changed"] * 3 + ["created"]
    told = msgspec.json.decode(msgspec.json.encode([write.fields["schema"] for write in log[:3]]))
    whole = {"properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert told == [
        {"old": {"minProperties": 1}, "new": None},
        {"old": whole, "new": {"minProperties": 1}},
        {"old": None, "new": whole},
    ]


def test_a_schema_is_set_only_on_what_was_seen(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)
    insert(store, dataset.id, fields(n=1))
    permit = OPERATOR._replace(if_match=frozenset([dataset.tag]))
    with pytest.raises(PreconditionFailed):
        store.write(schemas.put, permit, dataset.id, WHOLE)
    assert store.read(schemas.get, OPERATOR, dataset.id).schema is None


def test_an_example_that_is_added_must_satisfy_the_schema(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)
    put(store, dataset.id, WHOLE)
    before = store.examples(dataset.id)
    with pytest.raises(ValidationError) as raised:
        insert(store, dataset.id, fields(n=1), fields(n=2), fields(n="x"), fields(n=4))
    assert raised.value.detail == (
        'examples[2] does not satisfy the dataset\'s schema at \'/n\': "x" is not of type "integer"'
    )
    assert store.examples(dataset.id) == before
    insert(store, dataset.id, fields(n=1), raw(n="1.0"), raw(n="1e400"), fields(n=2, other="x"))
    put(store, dataset.id, None)
    insert(store, dataset.id, fields(n="x"))
    assert len(store.examples(dataset.id)) == 6


def test_an_update_is_checked_as_it_would_be_stored(store: Store) -> None:
    dataset, version, (first, second) = store.dataset_of(2)
    put(store, dataset.id, raw(required='["n"]', maxProperties="2"))

    def update(new_version: str | None, change: Fields) -> None:
        given = {"unknown": fields(a=1, b=2, c=3), first: fields(m=1), second: change}
        store.write(examples.update, OPERATOR, dataset.id, None, given, new_version)

    before = store.examples(dataset.id)
    for name in (None, "new"):
        with pytest.raises(ValidationError, match=r"^examples\[2\] .* at the top: .*more than 2"):
            update(name, fields(a=1, b=2))
    assert store.examples(dataset.id) == before
    assert [one.id for one in store.versions(dataset.id)] == [version.id]
    update("new", fields(a=1))
    assert store.bodies(dataset.id) == ['{"n":0,"m":1}', '{"n":1,"a":1}']


def test_what_writes_no_example_is_not_checked(store: Store) -> None:
    dataset, version, ids = store.dataset_of(3)
    put(store, dataset.id, raw(required='["m"]'))
    store.write(versions.branch, OPERATOR, dataset.id, None, "branched", "")
    store.write(examples.delete, OPERATOR, dataset.id, version.id, ids[:1])
    written = store.write(
        examples.update, OPERATOR, dataset.id, None, {ids[1]: fields(), ids[2]: fields(m=1)}, None
    )
    assert written.example_ids == ids[1:]


def test_no_write_slips_by_a_schema_that_is_being_set(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)

    def insert_until_refused() -> int:
        for count in range(10_000):
            try:
                insert(store, dataset.id, fields(n="x"))
            except ValidationError:
                return count
        raise AssertionError("never refused")

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(insert_until_refused) for _ in range(4)]
        time.sleep(0.2)
        put(store, dataset.id, WHOLE)
    count = sum(writer.result() for writer in writers)
    log = store.read(history.log, OPERATOR, dataset.id, before=FIRST, limit=100_000)
    assert [write.kind for write in log] == ["schema_changed", *["inserted"] * count, "created"]
    assert count > 0


def test_checking_for_too_long_is_given_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, _, _ = store.dataset_of(1)
    put(store, dataset.id, WHOLE)
    monkeypatch.setattr(schemas, "MAX_CHECK_S", 0)
    with pytest.raises(Unavailable, match=r"examples\[0\]"):
        insert(store, dataset.id, fields(n=1))
    assert len(store.examples(dataset.id)) == 1


def test_an_example_that_would_take_long_is_refused_unchecked(store: Store) -> None:
    dataset, _ = store.new_dataset(HEAVY, fields(n="x"))
    ids = [example.id for example in store.examples(dataset.id)]
    put(store, dataset.id, raw(properties='{"n":{"uniqueItems":true,"not":{"type":"string"}}}'))
    found = report(store, dataset.id)
    assert [failing.id for failing in found.failing] == ids
    assert found.looked_up_to is None
    (fault,) = found.failing[0].faults
    assert (fault.path, fault.message[:43]) == ("", "it is too large to be checked with this sch")
    with pytest.raises(ValidationError, match=r"^examples\[1\]: it is too large to be checked"):
        insert(store, dataset.id, fields(n=1), HEAVY)
    assert len(store.examples(dataset.id)) == 2


def test_a_report_names_what_was_there_before(store: Store) -> None:
    dataset, v1 = store.new_dataset(fields(n=1), fields(n="x"), fields(m=1, n=2), fields(m=1))
    ids = [example.id for example in store.examples(dataset.id)]
    assert report(store, dataset.id) == Report(v1, [], None)
    put(store, dataset.id, WHOLE)
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[1]: fields(n=5)}, "repaired")
    missing = Failing(ids[3], [Fault("", '"n" is a required property')])
    assert report(store, dataset.id).failing == [missing]
    found = report(store, dataset.id, v1.id)
    assert found.failing == [Failing(ids[1], [NOT_WHOLE]), missing]
    assert found.looked_up_to is None


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_a_report_comes_by_pages(store: Store, limit: int) -> None:
    dataset, _ = store.new_dataset(*[fields(n="x" if n % 3 else n) for n in range(12)])
    ids = [example.id for example in store.examples(dataset.id)]
    put(store, dataset.id, WHOLE)
    found: list[str] = []
    after: int | None = 0
    while after is not None:
        page = report(store, dataset.id, after=after, limit=limit)
        assert 1 <= len(page.failing) <= limit
        found += [one.id for one in page.failing]
        after = page.looked_up_to
    assert found == [id for n, id in enumerate(ids) if n % 3]


def test_a_report_without_much_time_gets_further_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, _ = store.new_dataset(*[fields(n=n) for n in range(5)], fields(n="x"))
    put(store, dataset.id, WHOLE)
    found: list[list[Failing]] = []
    after: int | None = 0
    while after is not None:
        moments = itertools.count(time.monotonic(), 20)  # each look at the clock takes 20 s
        slow = SimpleNamespace(monotonic=partial(next, moments))
        monkeypatch.setattr(schema_report, "time", slow)
        page = report(store, dataset.id, after=after)
        found.append(page.failing)
        after = page.looked_up_to
    assert [len(failing) for failing in found] == [0, 0, 1, 0]  # two in each, and the end
    with pytest.raises(Unavailable):
        report(store, dataset.id, seconds=0)


def test_a_report_ends_at_its_time_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, _, _ = store.dataset_of(3)
    put(store, dataset.id, WHOLE)
    monkeypatch.setattr(deadline, "check", over_at(3))
    with pytest.raises(Unavailable, match="took longer"):
        report(store, dataset.id)


def test_a_schema_goes_with_its_dataset(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)
    put(store, dataset.id, WHOLE)
    store.write(datasets.delete, OPERATOR, dataset.id)
    while store.write(purge.purge_some):
        pass
    count = "SELECT COUNT(*) FROM schemas WHERE dataset_id = :id"
    assert store.read(lambda tx: tx.one(count, id=dataset.id.number)) == (0,)
