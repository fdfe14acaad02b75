"""Search on both engines: right by a plain evaluator, in its version alone, in time."""

from __future__ import annotations

import json
import re
import time
import uuid
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exempla import filters
from exempla.errors import NotFound, Unavailable
from exempla.filters.numbers import exact
from exempla.ids import ResourceId
from exempla.store import annotation_configs, datasets, examples, revisions, search, users
from exempla.store import annotations as annotation_store
from exempla.store.access import OPERATOR
from exempla.store.annotation_configs import ConfigSettings
from exempla.store.bodies import Fields
from exempla.store.transaction import Transaction
from tests.store.conftest import Store
from tests.store.random_filters import (
    NAMES,
    NUMBERS,
    OPERATORS,
    STRINGS,
    Case,
    body,
    case,
    quoted,
    same_type,
    written_in_all_ways,
)
from tests.store.values import fields, raw

SPAN = 7
"""Ordinals of a statement: few, so that searches take several."""


@pytest.fixture(autouse=True)
def short_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SPAN", SPAN)


def found(
    store: Store,
    dataset: ResourceId,
    text: str,
    version: ResourceId | None = None,
    *,
    after: int = 0,
    limit: int = 1_000,
    timeout: float = 60,
) -> list[examples.Example]:
    filter = filters.parse(text)
    return store.read(
        search.page,
        OPERATOR,
        dataset,
        version,
        filter=filter,
        after=after,
        limit=limit,
        until=time.monotonic() + timeout,
    ).examples


def _later() -> float:
    return time.monotonic() + 60


def numbers(page: list[examples.Example]) -> list[int]:
    return [json.loads(example.body)["n"] for example in page]


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(bodies=st.lists(body, min_size=1, max_size=12), cases=st.lists(case, min_size=4, max_size=8))
def test_every_filter_finds_what_its_definition_says(
    store: Store, bodies: list[dict[str, str]], cases: list[Case]
) -> None:
    dataset, _ = store.new_dataset(*[raw(**one) for one in bodies])
    everything = store.examples(dataset.id)
    plain = [json.loads(e.body, parse_float=Decimal, parse_int=Decimal) for e in everything]
    for one in cases:
        expected = [
            example.id
            for example, body in zip(everything, plain, strict=True)
            if one.decide(example.id, body)
        ]
        page = found(store, dataset.id, one.text)
        assert [example.id for example in page] == expected, one.text


def _everywhere(texts: list[str]) -> list[Fields]:
    return [raw(a=text, o=f'{{"a": {text}}}') for text in texts]


@pytest.mark.parametrize("name", ["a", "o.a"])
@pytest.mark.parametrize("sign", sorted(OPERATORS))
def test_all_pairs_of_values_are_compared_right(store: Store, sign: str, name: str) -> None:
    texts = [text for string in STRINGS for text in written_in_all_ways(string)]
    texts += [*NUMBERS, "true", "false", "null"]
    dataset, _ = store.new_dataset(*_everywhere(texts))
    values = [json.loads(text, parse_float=Decimal, parse_int=Decimal) for text in texts]
    literals: list[tuple[str, Any]] = [(f"'{t}'", t) for t in STRINGS if "'" not in t]
    for text, wanted in [*literals, *[(n, Decimal(n)) for n in NUMBERS]]:
        expected = [
            written
            for written, value in zip(texts, values, strict=True)
            if same_type(value, wanted) and OPERATORS[sign](value, wanted)
        ]
        page = found(store, dataset.id, f"{name} {sign} {text}")
        assert [_a(e) for e in page] == expected, text
        if sign == "=":
            page = found(store, dataset.id, f"{name} IN ({text}, 'z')")
            assert [_a(e) for e in page] == expected, text


def _a(example: examples.Example) -> str:
    return bytes(msgspec.json.decode(example.body, type=dict[str, msgspec.Raw])["a"]).decode()


@pytest.mark.parametrize("name", ["a", "o.a"])
@pytest.mark.parametrize("pattern", ["{}%", "%{}%", "%{}", "_{}_", "{}"])
def test_every_part_of_a_string_is_found(store: Store, name: str, pattern: str) -> None:
    texts = [text for string in STRINGS for text in written_in_all_ways(f"+{string}-")]
    dataset, _ = store.new_dataset(*_everywhere(texts))
    for string in [text for text in STRINGS if "'" not in text]:
        like = pattern.format(string)
        regex = re.compile(
            "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in like), re.DOTALL
        )
        expected = [text for text in texts if regex.fullmatch(json.loads(text))]
        page = found(store, dataset.id, f"{name} LIKE '{like}'")
        assert [_a(example) for example in page] == expected, like


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "condition",
    ["= 'a'", "IN ('a', 'b')", "LIKE 'a%'", ">= 'a'", "IS NOT NULL", "BETWEEN 'a' AND 'b'"],
)
def test_a_field_of_any_name_is_found(store: Store, name: str, condition: str) -> None:
    dataset, _ = store.new_dataset(raw(**{name: '"a"'}), raw(other='"a"'))
    text = quoted(name, '"') + " " + condition
    assert len(found(store, dataset.id, text)) == 1


def test_a_filter_too_long_to_narrow_by_is_decided_all_the_same(store: Store) -> None:
    dataset, _, ids = store.dataset_of(5)
    for text in (
        " OR ".join(["n=3"] * 1_200),
        " AND ".join(["n=3"] * 1_200),
        "n IN (" + ",".join("3" * 1_000) + ")",
        "n IN (3, '" + "','".join(["x"] * 999) + "')",
        "(" * 30 + " AND ".join(["n=3"] * 300) + ")" * 30,
    ):
        assert [example.id for example in found(store, dataset.id, text)] == [ids[3]]


@pytest.mark.parametrize(
    "leaf", ["n = 3", "m.n.n.n != 3", "n NOT IN (1, 2, 'x')", 'annotation."x".score IS NULL']
)
@pytest.mark.parametrize(("levels", "word"), [(28, ""), (14, "NOT ")])
def test_a_deep_filter_is_decided(store: Store, leaf: str, levels: int, word: str) -> None:
    dataset, _, _ = store.dataset_of(5)
    text = leaf
    for level in range(levels):
        text = f"{leaf} {'AND' if level % 2 else 'OR'} {word}({text})"
    matches = filters.matcher(filters.parse(text))
    expected = [n for n in range(5) if matches("", f'{{"n":{n}}}', {})]
    assert numbers(found(store, dataset.id, text)) == expected


@pytest.mark.parametrize("word", ["OR", "AND"])
@pytest.mark.parametrize("leaf", ["m.n.n = 3", "n NOT LIKE 'x'", "annotation.x.score = 1"])
def test_a_long_filter_is_decided(store: Store, leaf: str, word: str) -> None:
    dataset, _, _ = store.dataset_of(5)
    assert numbers(found(store, dataset.id, f" {word} ".join([leaf] * 300) + " OR n = 2")) == (
        [0, 1, 2, 3, 4] if "NOT" in leaf else [2]
    )


def test_an_example_is_found_by_its_id(store: Store) -> None:
    dataset, _, ids = store.dataset_of(5)
    for text, expected in [
        (f"id = '{ids[2]}'", [ids[2]]),
        (f"id IN ('{ids[4]}', 'x', '{ids[0]}', 7)", [ids[0], ids[4]]),
        (f"id > '{ids[2]}'", ids[3:]),
        (f"id LIKE '{ids[1]}%' OR n = 3", [ids[1], ids[3]]),
        (f"id != '{ids[0]}' AND n < 2", [ids[1]]),
        ("id = 'x\0'", []),
        ("id = 5", []),
    ]:
        assert [example.id for example in found(store, dataset.id, text)] == expected, text


# Versions, pages, time


def test_each_version_is_searched_as_it_is(store: Store) -> None:
    dataset, first, ids = store.dataset_of(6)
    second = store.write(
        examples.update,
        OPERATOR,
        dataset.id,
        None,
        {ids[1]: fields(n=100), ids[2]: fields(m=1)},
        "second",
    ).version
    store.write(examples.delete, OPERATOR, dataset.id, second.id, [ids[0]])
    store.write(examples.update, OPERATOR, dataset.id, first.id, {ids[5]: fields(n=55)}, None)
    store.write(examples.insert, OPERATOR, dataset.id, None, [fields(n=0), fields(n=200)])
    other, _, _ = store.dataset_of(6)
    text = "n >= 0"
    assert numbers(found(store, dataset.id, text, first.id)) == [0, 1, 2, 3, 4, 55]
    assert numbers(found(store, dataset.id, text, second.id)) == [100, 2, 3, 4, 5, 0, 200]
    assert numbers(found(store, dataset.id, text)) == [100, 2, 3, 4, 5, 0, 200]
    for text, old, new in [
        ("n = 1", 1, 0),
        ("n = 100", 0, 1),
        ("m IS NULL", 6, 6),
        ("n = 0 OR m IS NOT NULL", 1, 2),
        (f"id = '{ids[0]}'", 1, 0),
    ]:
        assert len(found(store, dataset.id, text, first.id)) == old, text
        assert len(found(store, dataset.id, text)) == new, text
    store.write(datasets.delete, OPERATOR, other.id)
    with pytest.raises(NotFound):
        found(store, other.id, "n >= 0")


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
@pytest.mark.parametrize("text", ["n >= 0 AND even = TRUE", "m.even = TRUE", "m.even IN (TRUE)"])
def test_pages_show_every_match_once(store: Store, text: str, limit: int) -> None:
    dataset, _ = store.new_dataset(
        *[fields(n=n, even=n % 2 == 0, m={"even": n % 2 == 0}) for n in range(60)]
    )
    seen: list[int] = []
    after = 0
    while page := found(store, dataset.id, text, after=after, limit=limit):
        assert len(page) <= limit
        seen += numbers(page)
        after = page[-1].ordinal
    assert seen == list(range(0, 60, 2))


@pytest.mark.parametrize("text", ["n >= 0 AND even = TRUE", "m.even = TRUE", "n < 0"])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_search_that_pauses_can_go_on(store: Store, text: str, backwards: bool) -> None:
    dataset, version = store.new_dataset(
        *[fields(n=n, even=n % 2 == 0, m={"even": n % 2 == 0}) for n in range(40)]
    )
    look = partial(search.page, filter=filters.parse(text), limit=30, until=_later(), pause=0)
    seen: list[int] = []
    place: int | None = 41 if backwards else 0
    pages = 0
    while place is not None:
        after, before = (0, place) if backwards else (place, None)
        page = store.read(look, OPERATOR, dataset.id, version.id, after=after, before=before)
        part = numbers(page.examples)
        seen = part + seen if backwards else seen + part
        place = page.reached
        pages += 1
    assert seen == numbers(found(store, dataset.id, text))
    assert len(seen) == (0 if text == "n < 0" else 20)
    assert pages >= 40 / SPAN


def test_a_neighbour_that_was_not_found_yet_is_not_certain(store: Store) -> None:
    dataset, version = store.new_dataset(*[fields(n=n) for n in range(40)])
    look = partial(search.neighbours, filter=filters.parse("n = 0 OR n = 21"), until=_later())
    where = OPERATOR, dataset.id, version.id
    before, after = store.read(look, *where, 21, pause=0)
    assert before == (None, False)
    assert after.id
    assert after.is_certain
    first, _ = store.read(look, *where, 21)
    assert first.id
    assert first.is_certain
    _, none = store.read(look, *where, 22)
    assert none == (None, True)


@pytest.mark.parametrize("text", ["m.rare = TRUE", "rare = TRUE"])
def test_a_match_far_behind_is_found_in_one_page(
    store: Store, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "MAX_PART", 16)
    dataset, _ = store.new_dataset(
        *[fields(n=n, rare=n == 499, m={"rare": n == 499}) for n in range(500)]
    )
    assert numbers(found(store, dataset.id, text, limit=2)) == [499]
    assert found(store, dataset.id, f"{text} AND n = 3", limit=2) == []


def test_large_examples_are_read_few_at_a_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "PART_SIZE", 1_000)
    dataset, _ = store.new_dataset(*[fields(n=n, text="x" * 2_000) for n in range(20)])
    assert numbers(found(store, dataset.id, "NOT n < 19", limit=2)) == [19]


def test_a_search_ends_at_its_time_limit(store: Store) -> None:
    dataset, _, _ = store.dataset_of(10)
    with pytest.raises(Unavailable, match="EXEMPLA_QUERY_TIMEOUT"):
        found(store, dataset.id, "NOT n = 1", timeout=0)
    assert len(found(store, dataset.id, "n >= 0")) == 10


def _count(tx: Transaction, rows: int) -> int:
    """Count so many rows on SQLite; on PostgreSQL, sleep as long: 0.2 s for a million."""
    count = (
        "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :rows) "
        "SELECT count(*) FROM c"
    )
    if tx.engine.name == "sqlite":
        return int(tx.exactly_one(count, rows=rows)[0])
    sleep = "SELECT count(*) FROM (SELECT pg_sleep(:seconds)) AS s"
    return int(tx.exactly_one(sleep, seconds=rows / 5_000_000)[0])


def _limited(tx: Transaction, rows: int) -> int:
    with tx.time_limit(0.05):
        return _count(tx, rows)


def test_the_database_is_stopped_at_the_time_limit(store: Store) -> None:
    for _ in range(5):  # more often than there are connections
        with pytest.raises(Unavailable, match="EXEMPLA_QUERY_TIMEOUT"):
            store.read(_limited, 1_000_000_000)
    for _ in range(5):
        assert store.read(_count, 1_000_000) > 0  # longer than the limit, which is no more


def test_a_filter_finds_by_annotations(store: Store) -> None:
    dataset, _, ids = store.dataset_of(4)
    name = uuid.uuid4().hex
    settings = ConfigSettings(minimum_score=0, maximum_score=2**60)
    store.write(annotation_configs.create, OPERATOR, store.space.id, name, "CONTINUOUS", settings)
    user = store.read(users.first)
    assert user is not None
    big = 9_007_199_254_740_993  # a double would be its neighbour
    given = [(id, [annotation_store.Value(name, big, None, f"of {id}", "")]) for id in ids[1:]]
    permit = OPERATOR._replace(user_id=user)
    store.write(annotation_store.annotate, permit, dataset.id, given)
    text = f'annotation."{name}".score = {big} AND n < 3'
    assert numbers(found(store, dataset.id, text)) == [1, 2]
    assert found(store, dataset.id, f'annotation."{name}".score = {big - 1}') == []
    assert numbers(found(store, dataset.id, f'annotation."{name}".score IS NULL')) == [0]


SCORES = [0, 0.1, 0.5, 1, 7, 9_007_199_254_740_992, 9_007_199_254_740_993, 1e300, 5e-324, -2.5]
TEXTS = ["", "a", "A", "é", "\uffff", "\U0001f600", "100%", "a_b", r"a\b", "axb", "it's", ' "a" ']


def _asked(name: str) -> list[str]:
    """Return conditions on the parts of annotations of this name."""
    signs = ["=", "!=", "<", "<=", ">", ">="]
    scores = [*map(repr, SCORES), "1e400", "-1e400", "9" * 400, "1e999999999", "0.10"]
    texts = [text.replace("'", "''") for text in [*TEXTS, "\0", "none"]]
    asked = [f"score {sign} {score}" for sign in signs for score in scores]
    asked += [f"text {sign} '{text}'" for sign in signs for text in texts]
    asked += [f"text LIKE '{text}'" for text in [*texts, "%", "_", "a%", "%\\%", "%b", "a_b%"]]
    asked += ["score IN (0, 7, 'x')", "score IN (0.5, 7)", "text IN ('a', '100%', '\0')"]
    asked += ["score IN (" + ", ".join(["1"] * 100) + ")", "text = '" + "x" * 9_000 + "'"]
    asked += ["score LIKE '%'", "score = 'x'", "text = 5", "score = TRUE", "label = 'a'"]
    asked += [f"{part} IS NULL" for part in ("score", "label", "text")]
    return [
        *(f'annotation."{name}".{one}' for one in asked),
        f'annotation."{name}\0".score IS NULL',
        "annotation.\"\0\".text = 'a'",
    ]


def test_annotations_are_compared_right(store: Store) -> None:
    name, other = uuid.uuid4().hex, uuid.uuid4().hex
    settings = ConfigSettings(minimum_score=-1e308, maximum_score=1e308)
    for one in (name, other):
        store.write(
            annotation_configs.create, OPERATOR, store.space.id, one, "CONTINUOUS", settings
        )
    user = store.read(users.first)
    assert user is not None
    given = [*[(score, None) for score in SCORES], *[(None, text) for text in TEXTS], (1, "a")]
    dataset, _, ids = store.dataset_of(len(given) + 2)
    records = [
        (id, [annotation_store.Value(name, score, None, text, "")])
        for id, (score, text) in zip(ids, given, strict=False)
    ]
    records.append((ids[-1], [annotation_store.Value(other, 7, None, "a", "")]))
    permit = OPERATOR._replace(user_id=user)
    store.write(annotation_store.annotate, permit, dataset.id, records)
    annotations = [
        {name: filters.Annotation(None if s is None else exact(repr(s)), None, text)}
        for s, text in given
    ]
    annotations += [{}, {other: filters.Annotation(Decimal(7), None, "a")}]
    for asked in _asked(name):
        for text in (asked, f"NOT {asked}", f"{asked} AND NOT n = 3"):
            matches = filters.matcher(filters.parse(text))
            expected = [n for n, one in enumerate(annotations) if matches("", f'{{"n":{n}}}', one)]
            assert numbers(found(store, dataset.id, text)) == expected, text


def test_without_annotations_they_are_missing(store: Store) -> None:
    dataset, _, _ = store.dataset_of(2)
    assert len(found(store, dataset.id, "annotation.x.score IS NULL")) == 2
    assert found(store, dataset.id, "annotation.x.label != 'y'") == []
