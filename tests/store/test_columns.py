"""The storage contract for columns, and what is told of them, beside a plain evaluator."""

from __future__ import annotations

import json
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exempla.errors import Unavailable, ValidationError
from exempla.filters import deadline
from exempla.ids import ResourceId
from exempla.limits import MAX_COLUMNS
from exempla.store import columns, examples
from exempla.store.access import OPERATOR
from exempla.store.columns import (
    FIELDS_OF_KEPT,
    KEPT,
    Column,
    Distinct,
    Lengths,
    Page,
    Seen,
    TopValue,
)
from tests.store.conftest import Store
from tests.store.model import NAMES, TEXTS, as_body, without_space
from tests.store.values import fields, over_at, raw

TYPES = {str: "string", bool: "boolean", type(None): "null", dict: "object", list: "array"}
NUMBERS = st.one_of(
    st.integers(-(10**25), 10**25).map(str), st.sampled_from(["1.50", "-1e400", "1E-7", "0.0"])
)
STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5).flatmap(
    lambda text: st.booleans().map(lambda ascii: json.dumps(text, ensure_ascii=ascii))
)
BODIES = st.lists(
    st.dictionaries(NAMES, st.one_of(TEXTS, NUMBERS, STRINGS), max_size=4), min_size=1, max_size=12
)


def type_of(text: str) -> str:
    value = json.loads(text, parse_int=Decimal, parse_float=Decimal)
    if isinstance(value, Decimal):
        return "number" if set(text) & set(".eE") else "integer"
    return TYPES[type(value)]


def plainly(bodies: list[dict[str, str]]) -> dict[str, dict[str, Any]]:
    """Return what is to be told of each field, found in another way."""
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(name for body in bodies for name in body):
        texts = [body[name] for body in bodies if name in body]
        kinds = [type_of(text) for text in texts]
        lengths = [
            len(json.loads(text))
            for text, kind in zip(texts, kinds, strict=True)
            if kind == "string"
        ]
        numbers = [
            Decimal(text)
            for text, kind in zip(texts, kinds, strict=True)
            if kind in ("integer", "number")
        ]
        found[name] = {
            "count": len(texts),
            "fill_rate": len(texts) / len(bodies),
            "null_count": texts.count("null"),
            "types": {kind: kinds.count(kind) for kind in kinds},
            "distinct": len({without_space(text) for text in texts}),
            "histogram": histogram(lengths),
            "top": top(texts),
            "lengths": lengths and (min(lengths), max(lengths), sum(lengths) / len(lengths)),
            "range": numbers and (min(numbers), max(numbers)),
        }
    return found


def histogram(lengths: list[int]) -> list[int]:
    bounds = [(0, 1)] + [(2**bits, 2 ** (bits + 1)) for bits in range(20)]
    counts = [sum(low <= length < high for length in lengths) for low, high in bounds]
    while counts and not counts[-1]:
        counts.pop()
    return counts


def top(texts: list[str]) -> list[int] | None:
    """Return how often the ten most frequent values are there."""
    counts = Counter(map(without_space, texts))
    if any(len(text.encode()) > 200 for text in counts):
        return None
    return [count for _, count in counts.most_common(10)]


def as_told(column: Column) -> dict[str, Any]:
    lengths, range = column.string_length, column.number_range
    assert column.distinct_is_exact
    return {
        "count": column.count,
        "fill_rate": column.fill_rate,
        "null_count": column.null_count,
        "types": column.types,
        "histogram": lengths.histogram if lengths else [],
        "top": None if column.top_values is None else [one.count for one in column.top_values],
        "distinct": column.distinct_count,
        "lengths": (lengths.min, lengths.max, pytest.approx(lengths.mean)) if lengths else [],
        "range": [Decimal(bytes(end).decode()) for end in (range.min, range.max)] if range else [],
    }


@given(BODIES)
def test_columns_are_what_a_plain_evaluator_finds(bodies: list[dict[str, str]]) -> None:
    seen = Seen()
    for body in bodies:
        seen.look_at([as_body(body)])
    told = {column.name: as_told(column) for column in seen.columns()}
    expected = plainly(bodies)
    assert list(told) == list(expected)
    for name, one in expected.items():
        assert told[name] | {"range": list(told[name]["range"])} == one | {
            "range": list(one["range"])
        }


def test_values_are_counted_until_there_are_too_many() -> None:
    seen = Seen()
    seen.look_at(f'{{"few":{n % 20},"many":{n},"long":"{"x" * 200}"}}' for n in range(300))
    few, many, long = seen.columns()
    assert few.top_values is not None
    assert [(bytes(one.value), one.count) for one in few.top_values] == [
        (b"%d" % n, 15) for n in range(10)
    ]
    assert (many.top_values, long.top_values) == (None, None)


@pytest.mark.parametrize(("kept", "count"), [(KEPT, 2_000), (KEPT, 100_000), (256, 50_000)])
def test_many_different_values_are_estimated(kept: int, count: int) -> None:
    distinct = Distinct(kept)
    for _ in range(2):
        for n in range(count):
            distinct.add(b"%d" % n)
    assert distinct.is_exact == (count <= 2 * kept)
    if distinct.is_exact:
        assert distinct.count == count
    assert abs(distinct.count - count) < 6 * count / kept**0.5  # six standard errors


def test_of_many_fields_fewer_hashes_are_kept() -> None:
    seen = Seen()
    few, many = FIELDS_OF_KEPT, 2 * FIELDS_OF_KEPT + 1
    for count in (few, many):
        for n in range(2 * KEPT if count == few else 300):
            seen.look_at(["{" + ",".join(f'"c{c}":{n}' for c in range(0, count, 8)) + "}"])
    for column in seen.columns():
        assert column.distinct_is_exact
    rest = {f"c{c}": 1 for c in range(many)}
    seen.look_at([json.dumps(rest)])
    for column in seen.columns():
        number = int(column.name[1:])
        wanted = 1 if number % 8 else 2 * KEPT if number < few else 300
        if column.distinct_is_exact:
            assert column.distinct_count == wanted
        else:
            assert abs(column.distinct_count - wanted) < 6 * wanted / (KEPT / 4) ** 0.5
    assert not seen.columns()[0].distinct_is_exact


def test_no_more_values_differ_than_there_are() -> None:
    for part in range(20):  # an estimate is too high every other time
        seen = Seen()
        seen.look_at(f'{{"n":{3_000 * part + n}}}' for n in range(3_000))
        (column,) = seen.columns()
        assert not column.distinct_is_exact
        assert column.distinct_count <= column.count == 3_000


def test_too_many_fields_are_refused() -> None:
    seen = Seen()
    seen.look_at(f'{{"c{n}":1}}' for n in range(MAX_COLUMNS))
    assert len(seen.columns()) == MAX_COLUMNS
    with pytest.raises(ValidationError, match=f"over {MAX_COLUMNS} different fields"):
        seen.look_at(['{"one more":1}'])


def of(
    store: Store, dataset: ResourceId, version: ResourceId | None = None, seconds: float = 60
) -> Page:
    until = time.monotonic() + seconds
    return store.read(columns.of_version, OPERATOR, dataset, version, until=until)


def test_columns_of_each_version(store: Store) -> None:
    dataset, v1 = store.new_dataset(raw(n="1"), raw(n="10e-1", s='"\\u00e9a"'), raw(n="null"))
    ids = [example.id for example in store.examples(dataset.id)]
    change = {ids[0]: fields(n=7, s="x")}
    new = store.write(examples.update, OPERATOR, dataset.id, None, change, "v2").version
    page = of(store, dataset.id, v1.id)
    assert page.version == v1
    assert page.columns[1] == Column(
        "s",
        1,
        1 / 3,
        0,
        {"string": 1},
        1,
        True,
        Lengths(2, 2, 2.0, [0, 0, 1]),
        None,
        [TopValue(msgspec.Raw(b'"\\u00e9a"'), 1)],
    )
    n = page.columns[0]
    assert n.number_range
    assert (n.types, n.null_count, n.distinct_count) == (
        {"integer": 1, "null": 1, "number": 1},
        1,
        3,
    )
    assert n.number_range.max == msgspec.Raw(b"1")  # the first of equal ones
    latest = of(store, dataset.id)
    assert latest.version.id == new.id
    assert [column.count for column in latest.columns] == [3, 2]


def test_columns_of_many_examples(store: Store) -> None:
    dataset, _, ids = store.dataset_of(2_500)
    (column,) = of(store, dataset.id).columns
    assert (column.count, column.fill_rate, column.types) == (2_500, 1.0, {"integer": 2_500})
    assert column.number_range
    assert (bytes(column.number_range.min), bytes(column.number_range.max)) == (b"0", b"2499")
    first = store.examples(dataset.id, limit=500)[0]
    store.write(examples.delete, OPERATOR, dataset.id, of(store, dataset.id).version.id, ids)
    assert first.id == ids[0]
    assert of(store, dataset.id).columns == []


def test_columns_without_time(store: Store) -> None:
    dataset, _, _ = store.dataset_of(1)
    with pytest.raises(Unavailable):
        of(store, dataset.id, seconds=0)


def test_columns_end_at_their_time_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, _, _ = store.dataset_of(3)
    monkeypatch.setattr(deadline, "check", over_at(3))
    with pytest.raises(Unavailable, match="took longer"):
        of(store, dataset.id)
