"""Fields and examples for the tests of the store."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from itertools import accumulate, count, pairwise
from typing import NamedTuple

import msgspec

from exempla.filters.deadline import OutOfTime
from exempla.store.bodies import Fields
from exempla.store.revising import NewExamples


class NewExample(NamedTuple):
    """An example that is to be added; times in microseconds, the body a JSON object's text."""

    ordinal: int
    id: str
    created_at: int
    updated_at: int
    body: str


def fields(**values: object) -> Fields:
    """Return fields with these values, as a request would bring them."""
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in values.items()}


def raw(**texts: str) -> Fields:
    """Return fields whose values are these JSON texts."""
    return {name: msgspec.Raw(text) for name, text in texts.items()}


def flat(parts: Iterable[NewExamples]) -> list[NewExample]:
    """Return the examples of all parts, each an object."""
    found: list[NewExample] = []
    for part in parts:
        ends = list(accumulate(part.sizes, initial=0))
        assert ends[-1] == len(part.bodies)
        bodies = [part.bodies[start:end].decode() for start, end in pairwise(ends)]
        columns = (part.ids, part.created_at, part.updated_at, bodies)
        assert {len(column) for column in columns} == {len(part.sizes)}
        found += map(NewExample, count(part.ordinal), *columns)
    return found


def over_at(look: int) -> Callable[[], None]:
    """Return a `deadline.check` that finds the time over at this look, the first being 1."""
    looks = itertools.count(1)

    def check() -> None:
        if next(looks) == look:
            raise OutOfTime

    return check
