"""Decide whether an example matches a filter. Both engines' answers come from here alone."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from exempla.filters import deadline, like
from exempla.filters.expressions import (
    And,
    AnnotationPart,
    Compare,
    Condition,
    ExampleId,
    Field,
    Filter,
    In,
    IsNull,
    Like,
    Not,
    Operand,
    Operator,
    Or,
    Value,
)
from exempla.filters.numbers import exact


class Annotation(NamedTuple):
    """What an annotation says about an example; a part that it lacks is None."""

    score: Decimal | float | None = None
    label: str | None = None
    text: str | None = None


Annotations = Mapping[str, Annotation]
"""The annotations of one example, by name."""

Matcher = Callable[[str, str, Annotations], bool]
"""Tells whether the example of this id, body (JSON text) and annotations matches."""


class _Container:
    """An object or a list: present, and of no type that can be compared."""


_CONTAINER = _Container()
_Found = Value | _Container | None
"""What an operand is in an example; None if missing or null."""

_Example = tuple[str, Any, Annotations]
"""The id, the fields as `_fields_decoder` gives them, the annotations."""

_Read = Callable[[_Example], _Found]
_Test = Callable[[_Example], bool]

_COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_Get = Callable[[Any], msgspec.Raw]
_ABSENT = msgspec.Raw()
_string = msgspec.json.Decoder(str).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def matcher(filter: Filter) -> Matcher:
    """Return the filter as a function, which decodes of each example the fields it names.

    The function is for one thread: it remembers what it decoded last.
    """
    names = sorted({operand.path[0] for operand in filter.operands if isinstance(operand, Field)})
    decode, get = _fields_decoder(names)
    reads = {operand: _reader(operand, get) for operand in filter.operands}
    for operand, times in _named(filter.condition).items():
        if times > 1:
            reads[operand] = _remembering(reads[operand])
    test = _test(filter.condition, reads)

    def matches(id: str, body: str, annotations: Annotations) -> bool:
        return test((id, decode(body), annotations))

    return matches


def _named(condition: Condition) -> Counter[Operand]:
    """Count how often the condition names each operand."""
    if isinstance(condition, And | Or):
        return sum(map(_named, condition.conditions), Counter())
    if isinstance(condition, Not):
        return _named(condition.condition)
    return Counter([condition.operand])


def _fields_decoder(
    names: list[str],
) -> tuple[Callable[[str | bytes], Any], Callable[[str], _Get]]:
    """Return a decoder of bodies, and what gives for a name the function that gets that field.

    It decodes these fields alone, as the attributes `f0`, `f1`, ... of a struct, which takes half
    the time of a dict; but msgspec's structs refuse names that are written with escapes.
    """
    if not names:
        return (lambda body: None), (lambda name: lambda fields: _ABSENT)
    if any(msgspec.json.encode(name) != f'"{name}"'.encode() for name in names):
        return _members, (lambda name: lambda fields: fields.get(name, _ABSENT))
    attributes = [f"f{index}" for index in range(len(names))]
    fields = msgspec.defstruct(
        "Fields",
        [(attribute, msgspec.Raw, _ABSENT) for attribute in attributes],
        rename=dict(zip(attributes, names, strict=True)),
    )
    attribute_of = dict(zip(names, attributes, strict=True))
    decode = msgspec.json.Decoder(fields).decode
    return decode, (lambda name: operator.attrgetter(attribute_of[name]))


def _remembering(read: _Read) -> _Read:
    """Read once of each example, however often the filter names the operand."""
    last: _Example | None = None
    value: _Found = None

    def remember(example: _Example) -> _Found:
        nonlocal last, value
        if example is not last:
            value = read(example)
            last = example
        return value

    return remember


def _reader(operand: Operand, get: Callable[[str], _Get]) -> _Read:
    if isinstance(operand, ExampleId):
        return lambda example: example[0]
    if isinstance(operand, AnnotationPart):
        return _annotation_reader(operand)
    field = get(operand.path[0])
    steps = [
        (decode, get_member(name))
        for name in operand.path[1:]
        for decode, get_member in [_fields_decoder([name])]
    ]
    if not steps:
        return lambda example: _decode(bytes(field(example[1])))

    def read(example: _Example) -> _Found:
        text = bytes(field(example[1]))
        for decode, member in steps:
            if text[:1] != b"{":
                return None
            text = bytes(member(decode(text)))
        return _decode(text)

    return read


def _annotation_reader(operand: AnnotationPart) -> _Read:
    part = operator.attrgetter(operand.part)

    def read(example: _Example) -> _Found:
        annotation = example[2].get(operand.name)
        value = None if annotation is None else part(annotation)
        return exact(repr(value)) if isinstance(value, int | float) else value

    return read


def _decode(text: bytes) -> _Found:
    """Return what a JSON value is; it has no white space around it, and is empty if absent."""
    first = text[:1]
    if first == b'"':
        return _string(text)
    if first in _FIXED:
        return _FIXED[first]
    return exact(text.decode())


_FIXED: dict[bytes, _Found] = {
    b"": None,
    b"n": None,
    b"t": True,
    b"f": False,
    b"{": _CONTAINER,
    b"[": _CONTAINER,
}
"""What a value is by its first character, where that tells all."""


def _test(condition: Condition, reads: dict[Operand, _Read]) -> _Test:
    if isinstance(condition, And):
        tests = [_test(part, reads) for part in condition.conditions]
        return _all_test(tests)
    if isinstance(condition, Or):
        tests = [_test(part, reads) for part in condition.conditions]
        return _any_test(tests)
    if isinstance(condition, Not):
        test = _test(condition.condition, reads)
        return lambda example: not test(example)
    read = reads[condition.operand]
    if isinstance(condition, IsNull):
        return lambda example: read(example) is None
    if isinstance(condition, Compare):
        return _compare_test(condition, read)
    if isinstance(condition, In):
        return _in_test(condition, read)
    return _like_test(condition, read)


def _all_test(tests: Sequence[_Test]) -> _Test:
    def test(example: _Example) -> bool:
        for one in tests:  # noqa: SIM110 - half the time of `all`
            if not one(example):
                return False
        return True

    return test


def _any_test(tests: Sequence[_Test]) -> _Test:
    def test(example: _Example) -> bool:
        for one in tests:  # noqa: SIM110
            if one(example):
                return True
        return False

    return test


def _compare_test(condition: Compare, read: _Read) -> _Test:
    compare, wanted = _COMPARE[condition.operator], condition.value
    kind = type(wanted)

    def test(example: _Example) -> bool:
        value = read(example)
        return type(value) is kind and compare(value, wanted)

    return test


def _in_test(condition: In, read: _Read) -> _Test:
    # Not one set of all: True equals Decimal(1). Nor a set of numbers: to hash one takes as
    # long as its exponent is large.
    wanted: dict[type, Any] = {
        str: frozenset(value for value in condition.values if isinstance(value, str)),
        bool: [value for value in condition.values if isinstance(value, bool)],
        Decimal: [value for value in condition.values if isinstance(value, Decimal)],
    }

    def test(example: _Example) -> bool:
        value = read(example)
        return value in wanted.get(type(value), ())

    return test


def _like_test(condition: Like, read: _Read) -> _Test:
    describes = like.compile(condition.pattern)

    def test(example: _Example) -> bool:
        value = read(example)
        if not isinstance(value, str):
            return False
        if len(value) > like.CHECK_EVERY:
            deadline.check()
        return describes(value)

    return test
