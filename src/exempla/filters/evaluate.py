"""Decide whether an example matches a filter. Both engines' answers come from here alone."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
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

_Read = Callable[["_Example"], _Found]
_Test = Callable[["_Example"], bool]

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


def matches(filter: Filter, id: str, body: str, annotations: Annotations) -> bool:
    """Tell whether an example matches; `matcher` is quicker for many."""
    return matcher(filter)(id, body, annotations)


def matcher(filter: Filter) -> Matcher:
    """Return the filter as a function, which decodes of each example the fields it names."""
    operands = sorted(filter.operands, key=repr)
    names = sorted({operand.path[0] for operand in operands if isinstance(operand, Field)})
    slots = {operand: slot for slot, operand in enumerate(operands)}
    decode, get = _fields_decoder(names)
    readers = [_reader(operand, get) for operand in operands]
    test = _test(filter.condition, slots)

    def matches(id: str, body: str, annotations: Annotations) -> bool:
        return test(_Example(readers, id, decode(body), annotations))

    return matches


def _fields_decoder(
    names: list[str],
) -> tuple[Callable[[str], Any], Callable[[str], _Get]]:
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


class _Example:
    """An example, of which each operand is decoded when it is first asked for."""

    __slots__ = ("_readers", "_values", "annotations", "fields", "id")

    def __init__(
        self, readers: list[_Read], id: str, fields: Any, annotations: Annotations
    ) -> None:
        self.id = id
        self.fields = fields
        self.annotations = annotations
        self._readers = readers
        self._values: dict[int, _Found] = {}

    def value(self, slot: int) -> _Found:
        """Return what the operand of this slot is."""
        try:
            return self._values[slot]
        except KeyError:
            value = self._values[slot] = self._readers[slot](self)
            return value


def _reader(operand: Operand, get: Callable[[str], _Get]) -> _Read:
    if isinstance(operand, ExampleId):
        return lambda example: example.id
    if isinstance(operand, AnnotationPart):
        return _annotation_reader(operand)
    field = get(operand.path[0])
    rest = operand.path[1:]
    if not rest:
        return lambda example: _decode(bytes(field(example.fields)))

    def read(example: _Example) -> _Found:
        text = bytes(field(example.fields))
        for name in rest:
            if text[:1] != b"{":
                return None
            text = bytes(_members(text).get(name, _ABSENT))
        return _decode(text)

    return read


def _annotation_reader(operand: AnnotationPart) -> _Read:
    part = operator.attrgetter(operand.part)

    def read(example: _Example) -> _Found:
        annotation = example.annotations.get(operand.name)
        value = None if annotation is None else part(annotation)
        return exact(repr(value)) if isinstance(value, int | float) else value

    return read


def _decode(text: bytes) -> _Found:
    """Return what a JSON value is; it has no white space around it, and is empty if absent."""
    first = text[:1]
    if first == b'"':
        return _string(text)
    if first in b"{[":
        return _CONTAINER if text else None
    if first == b"t":
        return True
    if first == b"f":
        return False
    if first == b"n":
        return None
    return exact(text.decode())


def _test(condition: Condition, slots: dict[Operand, int]) -> _Test:
    if isinstance(condition, And):
        tests = [_test(part, slots) for part in condition.conditions]
        return lambda example: all(test(example) for test in tests)
    if isinstance(condition, Or):
        tests = [_test(part, slots) for part in condition.conditions]
        return lambda example: any(test(example) for test in tests)
    if isinstance(condition, Not):
        test = _test(condition.condition, slots)
        return lambda example: not test(example)
    slot = slots[condition.operand]
    if isinstance(condition, IsNull):
        return lambda example: example.value(slot) is None
    if isinstance(condition, Compare):
        return _compare_test(condition, slot)
    if isinstance(condition, In):
        return _in_test(condition, slot)
    return _like_test(condition, slot)


def _compare_test(condition: Compare, slot: int) -> _Test:
    compare, wanted = _COMPARE[condition.operator], condition.value
    kind = type(wanted)

    def test(example: _Example) -> bool:
        value = example.value(slot)
        return type(value) is kind and compare(value, wanted)

    return test


def _in_test(condition: In, slot: int) -> _Test:
    # Not one set of all: True equals Decimal(1). Nor a set of numbers: to hash one takes as
    # long as its exponent is large.
    wanted: dict[type, Any] = {
        str: frozenset(value for value in condition.values if isinstance(value, str)),
        bool: [value for value in condition.values if isinstance(value, bool)],
        Decimal: [value for value in condition.values if isinstance(value, Decimal)],
    }

    def test(example: _Example) -> bool:
        value = example.value(slot)
        return value in wanted.get(type(value), ())

    return test


def _like_test(condition: Like, slot: int) -> _Test:
    describes = like.compile(condition.pattern)

    def test(example: _Example) -> bool:
        value = example.value(slot)
        if not isinstance(value, str):
            return False
        if len(value) > like.CHECK_EVERY:
            deadline.check()
        return describes(value)

    return test
