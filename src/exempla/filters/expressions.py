"""A filter as the server understands it: a few small classes, which say all that it can mean."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Value = str | Decimal | bool
"""What a field is compared with. Numbers are exact, whatever their size."""

Operator = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the example, or with a longer path a member of an object in it."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExampleId:
    """The id of the example."""


@dataclass(frozen=True, slots=True)
class AnnotationPart:
    """One part of the annotation of this name."""

    name: str
    part: Literal["score", "label", "text"]


Operand = Field | ExampleId | AnnotationPart


@dataclass(frozen=True, slots=True)
class Compare:
    """The operand has the value's type, and stands to it as the operator says."""

    operand: Operand
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class In:
    """The operand equals one of the values."""

    operand: Operand
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """The operand is a string that the pattern describes: `%` any characters, `_` any one."""

    operand: Operand
    pattern: str


@dataclass(frozen=True, slots=True)
class IsNull:
    """The operand is missing, or null."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class And:
    """All conditions hold; there are at least two."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one condition holds; there are at least two."""

    conditions: tuple[Condition, ...]


Condition = Compare | In | Like | IsNull | Not | And | Or


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter: its condition, and all operands that it names."""

    condition: Condition
    operands: frozenset[Operand]

    @property
    def names_ids(self) -> bool:
        """Tell whether the ids of the examples are needed to decide."""
        return ExampleId() in self.operands

    @property
    def annotations(self) -> frozenset[str]:
        """Return the names of the annotations that are needed to decide."""
        return frozenset(one.name for one in self.operands if isinstance(one, AnnotationPart))
