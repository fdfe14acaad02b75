"""What the databases decide first: SQLite leaves out no match, and all that is surely none."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exempla.filters import Annotation, matcher, narrow_postgres, narrow_sqlite, parse
from exempla.store import bodies
from tests.store.random_filters import Case, body, case
from tests.store.values import raw

_TABLES = """
CREATE TABLE revisions (dataset_id INTEGER, ordinal INTEGER, body TEXT);
CREATE TABLE examples (dataset_id INTEGER, ordinal INTEGER, id TEXT);
CREATE TABLE annotations
    (dataset_id INTEGER, ordinal INTEGER, name TEXT, score TEXT, label TEXT, text TEXT);
"""


class Sqlite:
    """Bodies in a database, one for each ordinal from 0 on."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:")
        self._db.executescript(_TABLES)

    def hold(self, texts: list[str]) -> None:
        """Hold these bodies and no others."""
        self._db.execute("DELETE FROM revisions")
        self._db.execute("DELETE FROM examples")
        self._db.executemany("INSERT INTO revisions VALUES (1, ?, ?)", enumerate(texts))
        ids = [(n, f"id-{n}") for n in range(len(texts))]
        self._db.executemany("INSERT INTO examples VALUES (1, ?, ?)", ids)

    def annotate(self, rows: Sequence[tuple[int, str, str | None, str | None, str | None]]) -> None:
        """Add annotations: ordinal, name, score, label, text."""
        self._db.executemany("INSERT INTO annotations VALUES (1, ?, ?, ?, ?, ?)", rows)

    def left(self, text: str) -> list[int]:
        """Return the ordinals of what may match a filter."""
        condition, values = narrow_sqlite(parse(text))
        rows = self._db.execute(
            "SELECT r.ordinal FROM revisions AS r JOIN examples AS e USING (dataset_id, ordinal) "
            f"WHERE {condition or 'TRUE'} ORDER BY r.ordinal",
            values,
        )
        return [ordinal for (ordinal,) in rows]


@pytest.fixture(scope="module")
def sqlite() -> Sqlite:
    return Sqlite()


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(given=st.lists(body, min_size=1, max_size=12), cases=st.lists(case, min_size=4, max_size=8))
def test_no_match_is_left_out(
    sqlite: Sqlite, given: list[dict[str, str]], cases: list[Case]
) -> None:
    texts = [bodies.encode(raw(**one)) for one in given]
    sqlite.hold(texts)
    plain = [json.loads(one, parse_float=Decimal, parse_int=Decimal) for one in texts]
    for one in cases:
        for text, wanted in ((one.text, True), (f"NOT ({one.text})", False)):
            matches = {n for n, body in enumerate(plain) if one.decide(f"id-{n}", body) == wanted}
            assert matches <= set(sqlite.left(text)), text


DOUBTFUL = [
    *('{"o":{"a":1,"a":2}}', '{"o":{"a":2,"a":1}}', '{"o":{"a":"x","a":null}}'),
    *(r'{"o":{"\u0061":1}}', r'{"o":{"a":"x","\u0061":1}}', r'{"o":{"\u0061":"x","a":1}}'),
    *(r'{"o":{"a\/b":1}}', r'{"o":{"a/b":2,"a\/b":1}}', r'{"o":{"a/b":1,"a\/b":"x"}}'),
    *(r'{"s":"x\u0000y","o":{"a":"x\u0000y"}}', r'{"s":"\u0000"}', r'{"s":"\u0078"}'),
    *('{"s":"\ufffd"}', '{"s":"\ufffe"}', '{"s":"\uffff"}', '{"s":"{}"}', '{"s":{}}'),
    *('{"s":1}', '{"s":true}', '{"s":"1"}', '{"s":null}', '{"o":"a"}', '{"o":["a",{"a":1}]}'),
    *('{"s":9223372036854775807}', '{"s":9223372036854775808}', '{"s":1.0000000000000000001}'),
    *('{"s":1e400}', '{"s":-1e400}', '{"s":1e-400}', '{"s":0.1}', '{"s":0.1000000000000000001}'),
]
ASKED = [
    *("= 1", "!= 1", "< 1", ">= 1", "> 1", "IN (1, 'x')", "= TRUE", "!= TRUE", "IS NULL"),
    *("= 'x'", "!= 'x'", "> 'x'", "<= 'x'", "LIKE 'x'", "LIKE '%x%'", "IN ('x', 'x\0y')"),
    *(
        "LIKE '\ufffd'",
        "LIKE '\ufffe'",
        "= '\uffff'",
        "LIKE '\0'",
        "= 'x\0y'",
        "LIKE '_'",
        "LIKE '{}'",
    ),
    *("= 9223372036854775807", "> 9223372036854775807", "= 1e400", "> 0", "= 0.1", "> 0.1"),
]


@pytest.mark.parametrize("name", ["s", "o.a", 'o."a/b"', "o"])
def test_no_doubtful_match_is_left_out(sqlite: Sqlite, name: str) -> None:
    sqlite.hold(DOUBTFUL)
    for asked in ASKED:
        for text in (f"{name} {asked}", f"NOT {name} {asked}"):
            matches = matcher(parse(text))
            expected = {n for n, body in enumerate(DOUBTFUL) if matches("", body, {})}
            assert expected <= set(sqlite.left(text)), text


EXAMPLES: list[dict[str, Any]] = [
    {"s": "rivers", "n": 5, "f": 0.5, "b": True, "o": {"s": "deep", "n": 7, "p": {"q": 1}}},
    {"s": "lakes", "n": 6, "f": 1e300, "b": False, "o": {"s": "[a]*", "n": -3, "b": True}},
    {"s": "", "n": 2**60, "f": -1, "b": None, "o": {"s": "1", "n": 2.5}},
    {"s": 5, "n": "5", "b": 1, "o": {"n": None, "s": {"x": 1}}},
    {"s": {"a": "rivers"}, "n": True, "f": [1], "o": "deep"},
    {"s": ["rivers"], "n": None, "x": 1, "o": ["deep"]},
    {"s": "línea nueva \n", "n": 2**60 + 1, "f": 0.25, "o": {"p": {"q": "x"}}},
]
SHAPES = [
    *("s = 'rivers'", "s != 'rivers'", "s < 'm'", "s >= 'm'", "s = ''", "s = 'none'"),
    *("s IN ('rivers', 'lakes', '')", "s IN ('lakes', 5, TRUE)", "s BETWEEN 'l' AND 'm'"),
    *("s LIKE '%i%'", "s LIKE 'r_vers'", "s LIKE 'l%'", "s LIKE '%s'", "s LIKE 'R%'"),
    *("n = 5", "n != 5", "n > 5", "n >= 5", "n < 6", "n = 5.5", "n > 5.5", "f < 0.4", "f = 7"),
    f"n = {2**60}",
    f"n > {2**60}",
    *("n IN (5, 6)", "n BETWEEN 5 AND 6", "b = TRUE", "b != TRUE", "b = FALSE", "b = 1"),
    *("f IS NULL", "f IS NOT NULL", "nothing IS NULL", "nothing = 'x'", "nothing != 'x'"),
    *("o.s = 'deep'", "o.s LIKE '[a]*'", "o.s LIKE '%ee%'", "o.n > 2", "o.n = 7", "o.b = TRUE"),
    *("o.p.q = 1", "o.p.q IS NOT NULL", "o.p.q = 'x'", "o.n IS NULL", "o.p IS NULL"),
    *("s = 'rivers' AND n = 5", "s = 'rivers' OR o.n = -3", "n = 5 OR b = FALSE AND f > 1"),
    *("id = 'id-3'", "id LIKE 'id-%'", "id != 'id-0' AND s = 'lakes'", "id IN ('id-1', 'x')"),
    *("annotation.q.score = 1", "annotation.q.score > 0.4", "annotation.q.score IS NULL"),
    *("annotation.q.label = 'good'", "annotation.q.text LIKE '%w%'", "annotation.z.text = ''"),
    f"annotation.q.score = {2**53 + 1}",
]
ANNOTATIONS = [
    (0, "q", "1.0", "good", None),
    (0, "other", "7", "bad", "x"),
    (1, "q", "0.25", None, "well"),
    (2, "q", str(2**53), None, None),
    (3, "q", str(2**53 + 1), "", ""),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", ["{}", "NOT ({})", "NOT NOT ({})"])
def test_where_nothing_is_in_doubt_sqlite_decides_alone(form: str, shape: str) -> None:
    sqlite = Sqlite()
    texts = [json.dumps(one, ensure_ascii=False) for one in EXAMPLES]
    sqlite.hold(texts)
    sqlite.annotate(ANNOTATIONS)
    text = form.format(shape)
    matches = matcher(parse(text))
    expected = [
        ordinal
        for ordinal, body in enumerate(texts)
        if matches(f"id-{ordinal}", body, _annotations(ordinal))
    ]
    assert sqlite.left(text) == expected


def _annotations(ordinal: int) -> dict[str, Annotation]:
    return {
        name: Annotation(None if score is None else Decimal(score), label, said)
        for at, name, score, label, said in ANNOTATIONS
        if at == ordinal
    }


@pytest.mark.parametrize(
    ("text", "sought"),
    [
        ("a = 'x'", ['%"x"%']),
        ("a.b = 'x_%'", [r'%"x\_\%"%']),
        ("a IN ('x', 'y')", ['%"x"%', '%"y"%']),
        ("a = 'x/longer'", ["%longer%"]),
        ("a LIKE '%ab_c%'", ["%ab%"]),
        ("a = 'x' AND n > 5 AND NOT b = 'y'", ['%"x"%']),
        ("a = 'x' OR b = 'y'", ['%"x"%', '%"y"%']),
        ("a = 'x' OR n > 5", []),
        ("a = 5", []),
        ("a IN ('x', 5)", []),
        ("a != 'x'", []),
        ("NOT a = 'x'", []),
        ("a LIKE '%'", []),
        ("a = '/'", []),
        ("id = 'x'", []),
        ("annotation.x.label = 'y'", ["y", "x"]),
        ("NOT annotation.x.label = 'y' AND a = 'z'", ["y", "x", '%"z"%']),
        ("annotation.x.score > 1e1000", []),
        ("a IN ('" + "','".join("abcde") + "')", []),
        (f"a = '{'x' * 600}'", [f'%"{"x" * 99}%']),
    ],
)
def test_postgresql_looks_for_strings(text: str, sought: list[str]) -> None:
    condition, values = narrow_postgres(parse(text))
    used = [value for name, value in values.items() if re.search(rf":{name}\b", condition)]
    assert [value for value in used if value != r"%\\u%"] == sought


@pytest.mark.parametrize("names", [2, 20, 22, 500, 1_500])
def test_a_long_path_is_no_error(sqlite: Sqlite, names: int) -> None:
    sqlite.hold(['{"a":1}', '{"b":' * names + "1" + "}" * names])
    path = ".".join(["b"] * names)
    assert 1 in sqlite.left(f"{path} = 1")
    assert 1 in sqlite.left(f"{path} LIKE '%' OR {path} IS NOT NULL")
