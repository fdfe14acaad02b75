"""Fields for the tests of the store."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import msgspec

from exempla.filters.deadline import OutOfTime
from exempla.store.bodies import Fields


def fields(**values: object) -> Fields:
    """Return fields with these values, as a request would bring them."""
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in values.items()}


def raw(**texts: str) -> Fields:
    """Return fields whose values are these JSON texts."""
    return {name: msgspec.Raw(text) for name, text in texts.items()}


def over_at(look: int) -> Callable[[], None]:
    """Return a `deadline.check` that finds the time over at this look, the first being 1."""
    looks = itertools.count(1)

    def check() -> None:
        if next(looks) == look:
            raise OutOfTime

    return check
