"""Files out of a version and into another: nothing is lost, and the modes are as the API's writes.

The plain models are `insert` and `update` of `store/examples.py`, and a reader of CSV.
"""

from __future__ import annotations

import csv
import io
import json
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exempla.errors import Conflict, PreconditionFailed, Problem, ValidationError
from exempla.files import reading
from exempla.files.export import Export
from exempla.files.formats import FORMATS, Format
from exempla.ids import ResourceId
from exempla.store import bodies as texts_of
from exempla.store import bulk, diff, digests, examples, history, schemas, verify, versions
from exempla.store import datasets as datasets_store
from exempla.store.access import OPERATOR
from exempla.store.bodies import Fields
from exempla.store.datasets import Dataset
from exempla.store.imports import UPDATED_AT_ONCE, Counts, Import, Imported, Mode, Tried
from exempla.store.incoming import PART_BYTES, Incoming
from tests.json_texts import bodies
from tests.store.conftest import Store
from tests.store.model import FIELDS, as_body, as_fields
from tests.store.values import fields, raw

EXACT: list[Format] = ["jsonl", "parquet"]
FEW = settings(max_examples=40)


def export(
    store: Store, format: Format, dataset: ResourceId, version: ResourceId | None = None
) -> bytes:
    file = Export(format, store.database.engine.scratch)
    store.database.read_bulk(bulk.read, OPERATOR, dataset, version, file.take)
    content = b"".join(file.chunks())
    file.close()
    return content


def incoming(store: Store, content: bytes, format: Format = "jsonl") -> Incoming:
    return reading.read(format, io.BytesIO(content), store.database.engine.scratch)


def create(store: Store, content: bytes, format: Format = "jsonl") -> Dataset:
    """Make a dataset of a file."""
    with incoming(store, content, format) as read:
        return bulk.create_dataset(store.database, OPERATOR, store.space.id, uuid.uuid4().hex, read)


def write(
    store: Store,
    content: bytes,
    dataset: ResourceId,
    version: ResourceId | None = None,
    *,
    mode: Mode = "insert",
    into: str | None = None,
    format: Format = "jsonl",
) -> Imported:
    with incoming(store, content, format) as read:
        return store.write(Import(read, mode, into).write, OPERATOR, dataset, version)


def attempt(
    store: Store,
    content: bytes,
    dataset: ResourceId,
    version: ResourceId | None = None,
    *,
    mode: Mode = "insert",
    into: str | None = None,
) -> Tried:
    with incoming(store, content) as read:
        return store.write(Import(read, mode, into).attempt, OPERATOR, dataset, version, 10)


def digest_of(store: Store, dataset: ResourceId, version: ResourceId | None = None) -> str:
    return store.read(digests.details, OPERATOR, dataset, version)[2].digest


def compacted(store: Store, dataset: ResourceId, version: ResourceId) -> list[str]:
    """Return bodies without white space: what differs in that alone is unchanged."""
    return [msgspec.json.format(body, indent=-1) for body in store.bodies(dataset, version)]


def emptied(store: Store) -> Dataset:
    """Make a dataset whose version holds nothing."""
    dataset, version, ids = store.dataset_of(1)
    return store.write(examples.delete, OPERATOR, dataset.id, version.id, ids).dataset


def lines(*rows: str) -> bytes:
    return "\n".join(rows).encode()


def as_given(texts: Sequence[str]) -> list[Fields]:
    """Return bodies as fields; each has one at least."""
    return [texts_of.decode(text) or raw(only="1") for text in texts]


@pytest.mark.parametrize("format", EXACT)
@given(texts=bodies())
@FEW
def test_what_is_exported_and_imported_is_the_same(
    store: Store, format: Format, texts: list[str]
) -> None:
    dataset, _ = store.new_dataset(*as_given(texts))
    content = export(store, format, dataset.id)
    expected, before = digest_of(store, dataset.id), store.examples(dataset.id)
    copy = create(store, content, format)
    assert digest_of(store, copy.id) == expected
    kept = [(one.id, one.created_at, one.updated_at) for one in before]
    assert [(o.id, o.created_at, o.updated_at) for o in store.examples(copy.id)] == kept
    other = emptied(store)
    write(store, content, other.id, format=format)
    assert digest_of(store, other.id) == expected
    assert [one.id for one in store.examples(other.id)] == [one.id for one in before]
    again = write(store, content, dataset.id, mode="update", format=format)
    assert again.counts == Counts(unchanged=len(before))
    assert store.examples(dataset.id) == before


@given(texts=bodies())
@FEW
def test_what_csv_loses(store: Store, texts: list[str]) -> None:
    """Numbers, lists and so on are strings then; null, "" and a missing field are the same.

    And a field without a name cannot come back.
    """
    given = as_given(texts)
    dataset, _ = store.new_dataset(*given)
    content = export(store, "csv", dataset.id)
    rows = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    assert len(rows) == len(given) + 1
    expected = []
    for one in given:
        values = {name: json.loads(bytes(value)) for name, value in one.items()}
        cells = {
            name: value if isinstance(value, str) else bytes(one[name]).decode()
            for name, value in values.items()
            if value not in (None, "")
        }
        expected.append(cells)
    nameless = any("" in cells for cells in expected)
    if nameless or not all(expected):
        said = "column without a name" if nameless else "has no fields"
        with pytest.raises(ValidationError, match=said):
            write(store, content, emptied(store).id, format="csv")
        return
    copy = create(store, content, "csv")
    assert [json.loads(body) for body in store.bodies(copy.id)] == expected


@given(held=st.lists(FIELDS, min_size=1, max_size=4), changes=st.lists(FIELDS, max_size=4))
@FEW
def test_an_update_is_as_patch(
    store: Store, held: list[dict[str, str]], changes: list[dict[str, str]]
) -> None:
    dataset, v1 = store.new_dataset(*map(as_fields, held))
    before = store.examples(dataset.id)
    ids = [one.id for one in before[1:]] + ["unknown"]
    change = dict(zip(ids, changes, strict=False)) or {"unknown": {}}
    rows = [as_body({"id": json.dumps(id)} | c) for id, c in change.items()]
    by_patch = store.write(
        examples.update,
        OPERATOR,
        dataset.id,
        v1.id,
        {id: as_fields(texts) for id, texts in change.items()},
        "by patch",
    )
    done = write(store, lines(*rows), dataset.id, v1.id, mode="update", into="by import")
    expected = compacted(store, dataset.id, by_patch.version.id)
    assert compacted(store, dataset.id, done.version.id) == expected
    assert store.examples(dataset.id, v1.id) == before
    assert done.counts.ignored == len(change) - len(by_patch.example_ids)
    assert sum(done.counts) == len(change)
    assert digest_of(store, dataset.id, done.version.id) == digest_of(
        store, dataset.id, by_patch.version.id
    )
    write(store, lines(*rows), dataset.id, v1.id, mode="update")
    assert compacted(store, dataset.id, v1.id) == expected


def test_examples_are_appended_as_they_come(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(2)
    rows = ['{"n":10}', "", '{"id":"b","n":[ 1.50 ]}', '{"id":null,"n":null}', '{"id":"a","é":1}']
    done = write(store, lines(*rows), dataset.id)
    assert done.counts == Counts(inserted=4)
    found = store.examples(dataset.id)
    assert [one.body for one in found[2:]] == [
        '{"n":10}',
        '{"n":[ 1.50 ]}',
        '{"n":null}',
        '{"é":1}',
    ]
    assert [one.id for one in found[:2]] == ids
    assert [one.id for one in found[3:]][0::2] == ["b", "a"]
    made = [found[2].id, found[4].id]
    assert sorted([*ids, *made]) == [*ids, *made]
    times = [one.created_at for one in found]
    assert times == sorted(set(times))
    assert done.dataset.last_created_at == done.dataset.updated_at == times[-1]
    assert done.version.example_count == store.versions(dataset.id)[0].example_count == 6
    (one,) = store.write(examples.insert, OPERATOR, dataset.id, v1.id, [fields(n=1)]).example_ids
    assert one > made[-1]


@pytest.mark.parametrize("mode", ["insert", "update"])
def test_a_new_version_leaves_the_others_as_they_were(store: Store, mode: Mode) -> None:
    dataset, v1, ids = store.dataset_of(3)
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=7)}, "v2")
    before = [store.examples(dataset.id, one.id) for one in store.versions(dataset.id)]
    row = f'{{"id":"{ids[1] if mode == "update" else "new"}","n":-1}}'
    done = write(store, lines(row), dataset.id, v1.id, mode=mode, into="from a file")
    assert [one.name for one in store.versions(dataset.id)] == ["from a file", "v2", "v1"]
    assert [store.examples(dataset.id, v.id) for v in store.versions(dataset.id)[1:]] == before
    numbers = [0, -1, 2] if mode == "update" else [0, 1, 2, -1]
    assert store.bodies(dataset.id) == [f'{{"n":{n}}}' for n in numbers]
    write_row, *_ = store.read(history.log, OPERATOR, dataset.id, before=2**62, limit=9)
    assert write_row.kind == ("updated" if mode == "update" else "inserted")
    assert (write_row.version_id, write_row.from_version_id) == (done.version.id, v1.id)
    assert write_row.example_count == 1
    with pytest.raises(Conflict, match="from a file"):
        write(store, lines(row), dataset.id, v1.id, mode="update", into="from a file")


def test_many_rows_are_one_write(store: Store) -> None:
    count = 2 * UPDATED_AT_ONCE + 7
    dataset = create(store, lines(*[f'{{"id":"{n}","n":0}}' for n in range(count)]))
    first = digest_of(store, dataset.id)
    change = lines(*[f'{{"id":"{n}","n":{n}}}' for n in range(count + 3)])
    done = write(store, change, dataset.id, mode="update")
    assert done.counts == Counts(0, count - 1, 1, 3)
    log = store.read(history.log, OPERATOR, dataset.id, before=2**62, limit=9)
    assert [(one.kind, one.example_count) for one in log] == [
        ("updated", count - 1),
        ("created", count),
    ]
    (event, _), _ = store.read(
        history.page, OPERATOR, dataset.id, "9", before=2**62, limit=9, until=time.monotonic() + 60
    )
    assert {n: bytes(f.old) for n, f in event.fields.items()} == {"n": b"0"}  # type: ignore[arg-type]
    assert digest_of(store, dataset.id) != first
    checked = store.read(lambda tx: verify.check(tx, datasets_store.get(tx, OPERATOR, dataset.id)))
    assert not any(one.faults for one in checked)
    back = lines(*[f'{{"id":"{n}","n":0}}' for n in range(count)])
    write(store, back, dataset.id, mode="update")
    assert digest_of(store, dataset.id) == first


@given(
    held=st.lists(FIELDS, min_size=1, max_size=4),
    changes=st.lists(FIELDS, min_size=1, max_size=5),
    mode=st.sampled_from(["insert", "update"]),
    into=st.sampled_from([None, "next"]),
)
@FEW
def test_a_trial_tells_what_would_differ_and_writes_nothing(
    store: Store,
    held: list[dict[str, str]],
    changes: list[dict[str, str]],
    mode: Mode,
    into: str | None,
) -> None:
    dataset, v1 = store.new_dataset(*map(as_fields, held))
    known = [one.id for one in store.examples(dataset.id)] if mode == "update" else []
    rows = [
        as_body({"id": json.dumps(id)} | texts)
        for id, texts in zip([*known, *"abcde"], changes, strict=False)
    ]
    branch = store.write(versions.branch, OPERATOR, dataset.id, v1.id, "twin", "")

    def state() -> object:
        log = store.read(history.log, OPERATOR, dataset.id, before=2**62, limit=99)
        return store.versions(dataset.id), store.examples(dataset.id, v1.id), log

    before = state()
    tried = attempt(store, lines(*rows), dataset.id, v1.id, mode=mode, into=into)
    assert state() == before
    assert tried.version.id == v1.id
    done = write(store, lines(*rows), dataset.id, v1.id, mode=mode, into=into)
    assert tried.counts == done.counts
    base, head = (v1.id, done.version.id) if into else (branch.version.id, v1.id)
    real = store.read(
        diff.page,
        OPERATOR,
        dataset.id,
        base,
        head,
        after=0,
        limit=10,
        counts=None,
        until=time.monotonic() + 60,
    )
    assert tried.differing == real.counts
    assert tried.changes == [change for _, change in real.changes]
    assert not tried.has_more


def test_a_trial_shows_the_first_changes(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)
    tried = attempt(store, lines(*[f'{{"n":{n}}}' for n in range(11)]), dataset.id)
    assert (tried.differing.added, len(tried.changes), tried.has_more) == (11, 10, True)


@pytest.mark.parametrize("mode", ["insert", "update"])
def test_a_locked_version_and_a_changed_one_are_refused(store: Store, mode: Mode) -> None:
    dataset, v1, ids = store.dataset_of(1)
    row = lines(f'{{"id":"{ids[0] if mode == "update" else "new"}","n":1}}')
    store.write(versions.change, OPERATOR, dataset.id, v1.id, {"locked": True})
    for refused in (write, attempt):
        with pytest.raises(Conflict, match="locked"):
            refused(store, row, dataset.id, mode=mode)
    seen = OPERATOR._replace(if_match=frozenset({"another"}))
    with incoming(store, row) as read, pytest.raises(PreconditionFailed):
        store.write(Import(read, mode, "next").write, seen, dataset.id, None)
    assert write(store, row, dataset.id, mode=mode, into="next").version.name == "next"
    assert store.bodies(dataset.id, v1.id) == ['{"n":0}']


@pytest.mark.parametrize(
    ("mode", "rows", "said"),
    [
        ("insert", [], "no rows"),
        ("insert", ["{}"], "line 1 has no fields"),
        ("insert", ['{"n":1}', '{"id":"x"}'], "line 2 has no fields"),
        ("insert", ['{"id":"x","n":1}', "", '{"id":"x","n":2}'], "line 3: the id 'x' is .* line 1"),
        ("update", ['{"id":"x","n":1}', '{"id":"x","n":2}'], "line 2: the id 'x' is .* line 1"),
        ("update", ['{"id":"x","n":1}', '{"n":2}'], "line 2: the id is missing"),
    ],
)
def test_what_cannot_be_written_is_told_by_its_line(
    store: Store, mode: Mode, rows: list[str], said: str
) -> None:
    dataset, _, _ = store.dataset_of(2)
    before = store.versions(dataset.id), store.examples(dataset.id)
    for into in (None, "next"):
        with pytest.raises(Problem, match=said):
            write(store, lines(*rows), dataset.id, mode=mode, into=into)
        with pytest.raises(Problem, match=said):
            attempt(store, lines(*rows), dataset.id, mode=mode, into=into)
    assert (store.versions(dataset.id), store.examples(dataset.id)) == before


def test_an_id_that_the_dataset_has_is_told_by_its_line(store: Store) -> None:
    dataset, v1, ids = store.dataset_of(2)
    store.write(examples.delete, OPERATOR, dataset.id, v1.id, ids[:1])
    for id in ids:  # also one that no version holds now
        rows = [*[f'{{"n":{n}}}' for n in range(6_000)], f'{{"id":"{id}","n":1}}']
        with pytest.raises(ValidationError, match=f"line 6001: .*{id}"):
            write(store, lines(*rows), dataset.id)
    assert store.bodies(dataset.id) == ['{"n":1}']


@pytest.mark.parametrize("format", FORMATS)
def test_large_examples_come_in_parts(store: Store, tmp_path: Path, format: Format) -> None:
    """What is in memory at once follows from bytes, not from rows."""
    row = msgspec.json.encode({"text": "x" * 1_000_000})
    with incoming(store, b"\n".join([row] * 20)) as read:
        parts = list(read.as_given())
        assert max(sum(map(len, part.bodies)) for part in parts) <= PART_BYTES
        dataset = bulk.create_dataset(
            store.database, OPERATOR, store.space.id, uuid.uuid4().hex, read
        )
    file = Export(format, tmp_path)
    sizes: list[int] = []

    def take(part: list[tuple[object, ...]]) -> None:
        sizes.append(sum(len(str(one[-1])) for one in part))
        file.take(part)

    store.database.read_bulk(bulk.read, OPERATOR, dataset.id, None, take)
    assert max(sizes[1:]) <= PART_BYTES + 2_000_000
    pieces = list(file.chunks())
    assert max(map(len, pieces)) < 24_000_000
    file.close()
    assert sum(sizes) > 20_000_000


@pytest.mark.parametrize("into", [None, "next"])
def test_an_example_against_the_schema_is_told_by_its_line(store: Store, into: str | None) -> None:
    dataset, _, (first, second) = store.dataset_of(2)
    schema = raw(properties='{"n":{"type":"integer"}}', required='["n"]')
    store.write(schemas.put, OPERATOR, dataset.id, schema)
    before = store.versions(dataset.id), store.examples(dataset.id)
    added = lines(*['{"n":1}'] * 6_000, "", '{"n":"x"}')
    changes = lines(f'{{"id":"{first}","n":7}}', f'{{"id":"{second}","n":null}}')
    said = "line {} does not satisfy the dataset's schema at '/n'"
    for refused in (write, attempt):
        with pytest.raises(ValidationError, match=said.format(6_002)):
            refused(store, added, dataset.id, into=into)
        with pytest.raises(ValidationError, match=said.format(2)):
            refused(store, changes, dataset.id, mode="update", into=into)
    assert (store.versions(dataset.id), store.examples(dataset.id)) == before
    whole = lines('{"n":1}', '{"id":"new","n":2,"other":"x"}')
    assert write(store, whole, dataset.id, into=into).counts == Counts(inserted=2)
