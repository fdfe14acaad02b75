"""What is a filter and what it means; what is none, where the mistake is, and what to write."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exempla.errors import InvalidRequest
from exempla.filters import parse
from exempla.filters.expressions import (
    And,
    AnnotationPart,
    Compare,
    Condition,
    ExampleId,
    Field,
    In,
    IsNull,
    Like,
    Not,
    Operator,
    Or,
)


def compare(name: str, operator: Operator, value: Any) -> Compare:
    return Compare(Field(tuple(name.split("."))), operator, value)


A, B, C = (compare(name, "=", Decimal(1)) for name in "abc")
GOOD: list[tuple[str, Condition]] = [
    ("a = 'x'", compare("a", "=", "x")),
    ("a = ''", compare("a", "=", "")),
    ("a = 'it''s'", compare("a", "=", "it's")),
    (r"a = 'back\slash'", compare("a", "=", r"back\slash")),
    (r"a = '\'", compare("a", "=", "\\")),
    ("a = '-- /* ; ? :x \" `'", compare("a", "=", '-- /* ; ? :x " `')),
    ("a = 'é\U0001f600\n\0'", compare("a", "=", "é\U0001f600\n\0")),
    ("a='x'", compare("a", "=", "x")),
    ("a <> 'x'", compare("a", "!=", "x")),
    ("a != 'x'", compare("a", "!=", "x")),
    ("a\n<\t1", compare("a", "<", Decimal(1))),
    ("a <= -1.50", compare("a", "<=", Decimal("-1.50"))),
    ("a > 1e400", compare("a", ">", Decimal("1e400"))),
    ("a >= - 2E-3", compare("a", ">=", Decimal("0.002").copy_negate())),
    ("a = " + "9" * 5_000, compare("a", "=", Decimal("9" * 5_000))),
    ("a = 007", compare("a", "=", Decimal(7))),
    ("a = TRUE", compare("a", "=", True)),
    ("a != false", compare("a", "!=", False)),
    ("1 < a", compare("a", ">", Decimal(1))),
    ("1 <= a", compare("a", ">=", Decimal(1))),
    ("'x' != a", compare("a", "!=", "x")),
    ("(a) = (1)", A),
    ("((a = 1))", A),
    ("meta.source = 'x'", compare("meta.source", "=", "x")),
    ("a.b.c.d.e.f = 'x'", compare("a.b.c.d.e.f", "=", "x")),
    ("a . b = 'x'", compare("a.b", "=", "x")),
    ('"a b"."c.d" = 1', Compare(Field(("a b", "c.d")), "=", Decimal(1))),
    ('`a "b"`."c""d".`e``f` = 1', Compare(Field(('a "b"', 'c"d', "e`f")), "=", Decimal(1))),
    ('"" = 1', Compare(Field(("",)), "=", Decimal(1))),
    ("größe = 1", compare("größe", "=", Decimal(1))),
    ("_a1 = 1", compare("_a1", "=", Decimal(1))),
    ('"and" = 1', compare("and", "=", Decimal(1))),
    ("a.in.null.true = 1", compare("a.in.null.true", "=", Decimal(1))),
    ("A = 1 and b = 1", And((compare("A", "=", Decimal(1)), B))),
    ("a IN (1)", In(Field(("a",)), (Decimal(1),))),
    ("a in (1, 'x', TRUE, -2)", In(Field(("a",)), (Decimal(1), "x", True, Decimal(-2)))),
    ("a NOT IN ('x')", Not(In(Field(("a",)), ("x",)))),
    ("NOT a IN ('x')", Not(In(Field(("a",)), ("x",)))),
    ("a LIKE '%x_'", Like(Field(("a",)), "%x_")),
    ("a NOT LIKE 'x'", Not(Like(Field(("a",)), "x"))),
    ("a IS NULL", IsNull(Field(("a",)))),
    ("a.b is not null", Not(IsNull(Field(("a", "b"))))),
    (
        "a BETWEEN 1 AND 2 AND b = 1",
        And((And((compare("a", ">=", Decimal(1)), compare("a", "<=", Decimal(2)))), B)),
    ),
    (
        "a NOT BETWEEN 'x' AND 'y'",
        Not(And((compare("a", ">=", "x"), compare("a", "<=", "y")))),
    ),
    ("a = 1 AND b = 1 AND c = 1", And((A, B, C))),
    ("a = 1 OR b = 1 AND c = 1", Or((A, And((B, C))))),
    ("a = 1 AND b = 1 OR c = 1", Or((And((A, B)), C))),
    ("a = 1 AND (b = 1 OR c = 1)", And((A, Or((B, C))))),
    ("NOT a = 1 AND b = 1", And((Not(A), B))),
    ("NOT (a = 1 AND b = 1)", Not(And((A, B)))),
    ("NOT NOT a = 1", Not(Not(A))),
    ("a = 1 AND NOT b = 1", And((A, Not(B)))),
    ("id = 'x'", Compare(ExampleId(), "=", "x")),
    ("\"id\" LIKE 'x%'", Like(ExampleId(), "x%")),
    ("id.x = 1", compare("id.x", "=", Decimal(1))),
    ("ID = 1", compare("ID", "=", Decimal(1))),
    ("annotation = 1", compare("annotation", "=", Decimal(1))),
    ('"annotation".x = 1', compare("annotation.x", "=", Decimal(1))),
]
# Names that mean something in some SQL, and nothing here.
NAMES = (
    "select case if from where date current_date timestamp interval values order key user "
    "left escape end row map array any all exists cast group limit union with like_ x e1 "
    "format text div collate unnest struct table"
)
GOOD += [(f"{name} = 1", compare(name, "=", Decimal(1))) for name in NAMES.split()]


@pytest.mark.parametrize(("text", "condition"), GOOD, ids=[text[:40] for text, _ in GOOD])
def test_a_filter_means(text: str, condition: Condition) -> None:
    assert parse(text).condition == condition


@pytest.mark.parametrize(
    ("text", "operand"),
    [
        ("annotation.quality.score > 1", AnnotationPart("quality", "score")),
        ("annotation.\"is it so\".label = 'x'", AnnotationPart("is it so", "label")),
        ("annotation.a.text IS NULL", AnnotationPart("a", "text")),
    ],
)
def test_a_part_of_an_annotation_can_be_named(text: str, operand: AnnotationPart) -> None:
    filter = parse(text)
    assert filter.operands == {operand}
    assert filter.annotations == {operand.name}


def test_a_filter_knows_what_it_names() -> None:
    filter = parse("a = 1 AND (id = 'x' OR NOT b.c LIKE 'y' OR a = 2)")
    assert filter.operands == {Field(("a",)), ExampleId(), Field(("b", "c"))}
    assert filter.names_ids
    assert not filter.annotations


BAD = [
    # text, where the mistake is, what is said of it
    ("a == 1", 3, "write = instead"),
    ("a = 1 AND created_at > '2026'", 11, "cannot ask for created_at"),
    ('"updated_at".x IS NULL', 1, "cannot ask for updated_at"),
    ("annotations.quality.score > 1", 1, "write annotation.<name>.score"),
    ("a = 1;", 6, "join several with AND or OR"),
    ("a = 1; b = 2", 6, "join several with AND or OR"),
    ("f(a) = 1", 1, "no functions"),
    ("a = 1 AND lower(b) = 'x'", 11, "no functions in a filter; compare a field with =, !=,"),
    ("a = now()", 5, "no functions"),
    ("a = 1 -- all", 7, "no comments"),
    ("a /* x */ = 1", 3, "no comments"),
    ("a = 'x", 5, "no closing '"),
    ("a = 'x''", 5, "no closing '"),
    ('"a = 1', 1, 'no closing "'),
    ("`a = 1", 1, "no closing `"),
    ("a + 1 = 2", 3, "no arithmetic"),
    ("a = 1 + 1", 7, "no arithmetic"),
    ("a * 2 = 2", 3, "no arithmetic"),
    ("a % 2 = 0", 3, "no arithmetic"),
    ("a -1 = 2", 3, "no arithmetic"),
    ("a = -b", 5, "no arithmetic"),
    ("a = - -1", 5, "no arithmetic"),
    ("-" * 9_000 + "1 = a", 1, "no comments"),
    ("- " * 4_000 + "1 = a", 1, "no arithmetic"),
    ("* = 1", 1, "no arithmetic"),
    ("a || 'x' = 'y'", 3, "no ||"),
    ("a = ?", 5, "no parameters"),
    ("a = :x", 5, "no parameters"),
    ("a = @x", 5, "no parameters"),
    ("a = $1", 5, "no parameters"),
    ("a::int = 1", 2, "no casts"),
    ("a[0] = 1", 2, "cannot look into lists"),
    ("a = {}", 5, "no objects"),
    ("a ~ 'x'", 3, "must come here, not ~"),
    ("a = # 1", 5, "a field or a value must come here, not #"),
    ("a ! 1", 3, "NOT"),
    ("a", 1, "compare the field with ="),
    ("NOT a", 5, "compare the field with ="),
    ("a = 1 AND (b)", 12, "compare the field with ="),
    ("TRUE", 1, "a condition must come here"),
    ("a = 1 OR 'x'", 10, "a condition must come here"),
    ("a = NULL", 5, "IS NULL"),
    ("a IS NOT NULL AND b != NULL", 24, "IS NULL"),
    ("a IN (1, NULL)", 10, "IS NULL"),
    ("a IS TRUE", 6, "IS is followed by NULL"),
    ("a IS NOT 5", 10, "IS is followed by NULL"),
    ("a = b", 5, "cannot be compared with another one"),
    ('a = "x"', 5, "single quotes"),
    ("1 = 1", 1, "one side must be a field"),
    ("'a' LIKE b", 1, "a field must stand before LIKE"),
    ("1 IN (1)", 1, "a field must stand before IN"),
    ("1 IS NULL", 1, "a field must stand before IS"),
    ("1 BETWEEN a AND 2", 1, "a field must stand before BETWEEN"),
    ("a BETWEEN b AND 2", 11, "BETWEEN takes values"),
    ("a BETWEEN 1", 11, "BETWEEN is followed by two values"),
    ("a BETWEEN 1 OR 2", 13, "BETWEEN is followed by two values"),
    ("a IN ()", 7, "nothing in these parentheses"),
    ("()", 2, "nothing in these parentheses"),
    ("a IN 1", 6, "values in parentheses"),
    ("a IN NOT (1)", 6, "values in parentheses"),
    ("a IN (b)", 7, "IN takes values"),
    ("a IN (1,)", 9, "a field or a value must come here"),
    ("a IN (SELECT b FROM c)", 7, "no subqueries"),
    ("a = (SELECT 1)", 6, "no subqueries"),
    ("SELECT 1", 1, "no subqueries"),
    ("CASE WHEN a THEN b END = 1", 1, "no CASE"),
    ("EXISTS (SELECT 1)", 1, "no functions"),
    ("(a, b) = (1, 2)", 3, "a comma stands between values of IN"),
    ("a = 1, b = 2", 6, "a comma stands between values of IN"),
    ("a = 1 = 2", 1, "not a condition"),
    ("a = (b = 1)", 6, "not a condition"),
    ("(a = 1) IN (1)", 2, "not a condition"),
    ("a = NOT b", 9, "not a condition"),
    ("a IS NULL = TRUE", 1, "not a condition"),
    ("a = 1 b = 2", 7, "AND, OR or the end must come here, not b"),
    ("a = 1 'x'", 7, "AND, OR or the end must come here"),
    ("a = 'x' 'y'", 9, "AND, OR or the end must come here"),
    ("a = 1 AS b", 7, "AND, OR or the end must come here, not AS"),
    ("a = DATE '2020-01-01'", 10, "must come here"),
    ("a = N'x'", 6, "must come here"),
    ("a LIKE 'x' ESCAPE '!'", 12, "not ESCAPE"),
    ("a ILIKE 'x'", 3, "LIKE, BETWEEN or IS NULL must come here, not ILIKE"),
    ("a COLLATE x = 1", 3, "not COLLATE"),
    ("a LIKE 5", 8, "string in single quotes"),
    ("a LIKE b", 8, "LIKE takes values"),
    ("a LIKE ANY ('x')", 8, "no functions"),
    ("a NOT 5", 7, "IN, LIKE or BETWEEN"),
    ("a NOT", 6, "IN, LIKE or BETWEEN"),
    ("a NOT = 5", 7, "IN, LIKE or BETWEEN"),
    ("NOT", 4, "ends where a field or a value must follow"),
    ("a =", 4, "ends where a field or a value must follow"),
    ("a = 1 AND", 10, "ends where a field or a value must follow"),
    ("AND a = 1", 1, "a field or a value must come here, not AND"),
    ("a = 1 AND OR b = 2", 11, "a field or a value must come here, not OR"),
    ("(a = 1", 1, "never closed"),
    ("a = 1)", 6, "never opened"),
    ("a = .5", 5, "0.5"),
    ("a = 1.", 6, "0.5"),
    ("a = 1_000", 5, "1_000 is no number"),
    ("a = 0x1F", 5, "0x1F is no number"),
    ("a = 1e9999999999", 5, "exponent"),
    ("a. = 1", 2, "a name must follow this dot"),
    ("a.1 = 1", 2, "a name must follow this dot"),
    ("a.", 2, "a name must follow this dot"),
    ("a.* = 1", 2, "a name must follow this dot"),
    ("a < TRUE", 5, "no order"),
    ("a BETWEEN FALSE AND TRUE", 11, "no order"),
    ("annotation.x = 1", 1, "annotation.<name>.score"),
    ("annotation.x.Score = 1", 1, "annotation.<name>.score"),
    ("annotation.x.y.score = 1", 1, "annotation.<name>.score"),
    ("a = 1\nAND\nb == 2", 13, "write = instead"),
    ("é = 'ü' x", 9, "must come here, not x"),
    ("\0 = 1", 1, "a field or a value must come here, not '\\x00'"),
    ("", 1, "blank"),
    (" \n", 1, "blank"),
    ("(" * 31 + "a = 1" + ")" * 31, 31, "deeper than 30 levels"),
    ("NOT " * 31 + "a = 1", 121, "deeper than 30 levels"),
    ("NOT (" * 16 + "a = 1" + ")" * 16, 76, "deeper than 30 levels"),
    ("(" * 5_000, 31, "deeper than 30 levels"),
    ("a IN (" + ",".join("1" * 1_001) + ")", 2_007, "more than 1,000 values"),
    ("a = '" + "x" * 9_995 + "'", 10_001, "longer than 10,000"),
    ("{{ a }} = 1", 1, "no objects"),
]


@pytest.mark.parametrize(("text", "at", "said"), BAD, ids=[text[:40] for text, _, _ in BAD])
def test_a_mistake_is_told(text: str, at: int, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(text)
    place, _, message = caught.value.detail.partition(": ")
    assert place == f"filter, character {at}"
    assert said in message


def test_what_is_just_within_the_limits_is_read() -> None:
    parse("(" * 30 + "a = 1" + ")" * 30)
    parse("NOT " * 30 + "a = 1")
    parse("NOT (" * 15 + "a = 1" + ")" * 15)
    parse("(a = 1) OR " * 400 + "(a = 1)")  # beside each other, not within
    parse("a IN (" + ",".join("1" * 1_000) + ")")
    parse("a = '" + "x" * 9_994 + "'")
    parse("a.a" * 3_000 + " = 1")


@pytest.mark.parametrize("join", ["AND", "OR"])
def test_a_long_chain_is_read_flat(join: str) -> None:
    condition = parse(f" {join} ".join(["a=1"] * 1_000)).condition
    assert isinstance(condition, And | Or)
    assert len(condition.conditions) == 1_000


PIECES = (
    "a id annotation.x.score 'x' 1 -1 TRUE NULL ( ) , = != < IN LIKE IS NOT AND OR BETWEEN "
    "SELECT CASE . \" ' ` ; -- * f( :x ? ~ [ DATE INTERVAL"
)


@given(st.lists(st.sampled_from(PIECES.split()), max_size=12).map(" ".join) | st.text(max_size=20))
@example("a BETWEEN 1 AND 2 AND 3")
@example("NOT NOT")
def test_any_text_is_a_filter_or_has_a_place_of_the_mistake(text: str) -> None:
    try:
        parse(text)
    except InvalidRequest as error:
        place = error.detail.removeprefix("filter, character ").partition(":")[0]
        assert 1 <= int(place) <= len(text) + 1
