"""Which examples match: types, missing fields, exact numbers, paths, annotations."""

from __future__ import annotations

import time

import pytest

from exempla.filters import Annotation, matcher, parse

HUGE = "9" * 5_000
BODY = (
    '{"text":"Paris","empty":"","n":5,"f":0.1,"yes":true,"no":false,"nothing":null,'
    '"list":[1,2],"object":{"a":{"b":"deep","c":null},"n":1.0,"twice":1,"twice":2},'
    r'"esc":"\u00e9\n\"\u0000","wide":"\ud83d\ude00","a b":1,"q\"":2,"na\tme":3,'
    f'"big":9007199254740993,"huge":{HUGE},"far":1e400,"farther":-1e99999999999999999999,'
    '"near":1e-99999999999999999999,"zero":-0,"none":0e99999999999999999999}'
)
TRUE = [
    "text = 'Paris'",
    "text != 'paris'",
    "text IN ('London', 'Paris')",
    "text > 'London'",
    "text < 'Pariz'",
    "text BETWEEN 'Paris' AND 'Paris'",
    "'London' < text",
    "empty = ''",
    "empty LIKE ''",
    "empty LIKE '%'",
    "text LIKE 'P%'",
    "text NOT LIKE 'p%'",
    "n = 5",
    "n = 5.0",
    "n = 0.5e1",
    "n IN (1, 5)",
    "n IN ('5', TRUE, 5)",
    "n BETWEEN 5 AND 6",
    "NOT n BETWEEN 6 AND 7",
    "f = 0.1",
    "f = 1e-1",
    "f != 0.1000000000000000055511151231257827",
    "yes = TRUE",
    "yes != FALSE",
    "no = FALSE",
    "no IN (1, FALSE)",
    # missing, null, containers
    "nothing IS NULL",
    "missing IS NULL",
    "missing.path IS NULL",
    "text.path IS NULL",
    "list IS NOT NULL",
    "object IS NOT NULL",
    "text IS NOT NULL",
    "NOT missing = 'x'",
    "NOT missing != 'x'",
    "missing NOT IN ('x')",
    "missing NOT LIKE 'x'",
    # paths
    "object.a.b = 'deep'",
    '"object"."a".`b` LIKE \'d__p\'',
    "object.a.c IS NULL",
    "object.n = 1",
    "object.twice = 2",
    # names and strings
    '"a b" = 1',
    '"q""" = 2',
    "`na\tme` = 3",
    "esc = 'é\n\"\0'",
    "esc LIKE 'é%\0'",
    "wide = '\U0001f600'",
    "wide LIKE '_'",
    "wide > '\uffff'",  # by code points, not by UTF-16
    # numbers
    "big = 9007199254740993",
    "big != 9007199254740992",
    "big > 9007199254740992",
    f"huge = {HUGE}",
    f"huge < {HUGE}.5",
    "far = 1e400",
    "far = 10e399",
    "far > 1e399",
    "far < 1e401",
    f"far < {HUGE}",
    "farther < -1e999999999",
    "near > 0",
    "near < 1e-999999999",
    "zero = 0",
    "zero = -0.0",
    "none = 0",
    # the id and annotations
    "id = 'the id'",
    "id LIKE 'the%'",
    "annotation.quality.score = 0.1",
    "annotation.quality.score > 0",
    "annotation.quality.label = 'good'",
    "annotation.quality.text IS NULL",
    "annotation.other.label IS NULL",
    "NOT annotation.other.label = 'good'",
    'annotation."two words".score IN (7)',
    # together
    "text = 'x' OR n = 5 AND yes = TRUE",
    "NOT (text = 'x' OR n = 6)",
    "NOT NOT n = 5",
]
FALSE = [
    "text = 'paris'",
    "text = 'Paris '",
    "text != 'Paris'",
    "text = 5",
    "text != 5",
    "text > 5",
    "n = '5'",
    "n != '5'",
    "n < '6'",
    "n LIKE '5'",
    "n = TRUE",
    "yes = 'true'",
    "yes = 1",
    "yes IN (1)",
    "no = 0",
    "nothing = 'null'",
    "nothing != 'x'",
    "nothing IN ('null')",
    "nothing LIKE '%'",
    "missing = ''",
    "missing != ''",
    "missing < 5",
    "missing LIKE '%'",
    "missing IS NOT NULL",
    "list = '[1,2]'",
    "list != 'x'",
    "list IS NULL",
    "list.a IS NOT NULL",
    "object LIKE '%deep%'",
    "object.a = 'deep'",
    "object.twice = 1",
    "TEXT = 'Paris'",
    '"object.n" = 1',
    "big = 9007199254740992",
    "f = 0.1000000000000000055511151231257827",
    f"huge = {HUGE[:-1]}8",
    f"huge > {HUGE}",
    "far = 1e401",
    "far = 1e308",
    "near = 0",
    "id = 'the ID'",
    "annotation.quality.label = 'bad'",
    "annotation.quality.score = '0.1'",
    "annotation.other.label != 'good'",
]


def decide(text: str, body: str = BODY) -> bool:
    annotations = {
        "quality": Annotation(score=0.1, label="good"),
        "two words": Annotation(score=7),
    }
    return matcher(parse(text))("the id", body, annotations)


@pytest.mark.parametrize("text", TRUE, ids=lambda text: text[:40])
def test_the_example_matches(text: str) -> None:
    assert decide(text)
    assert not decide(f"NOT ({text})")


@pytest.mark.parametrize("text", FALSE, ids=lambda text: text[:40])
def test_the_example_does_not_match(text: str) -> None:
    assert not decide(text)
    assert decide(f"NOT ({text})")


def test_an_example_without_fields_is_decided_upon() -> None:
    assert decide("a IS NULL AND id = 'the id'", "{}")


def test_white_space_in_a_value_changes_nothing() -> None:
    assert decide("a.b = 1 AND a.c.d = 'x'", '{"a":{ "b" : 1 , "c" :\n{ "d":"x" } } }')


def test_numbers_of_any_exponent_are_compared_at_once() -> None:
    started = time.process_time()
    for text in ("n < 1e999999999", "n IN (1e999999999, -1e-999999999, 7)", "n != 1e-999999999"):
        for value in ("1e999999998", "1e-999999998", "1e99999999999", "7"):
            decide(text, f'{{"n":{value}}}')
    assert time.process_time() - started < 1
