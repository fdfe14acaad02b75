"""Which columns the table of a dataset shows, and which it could."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from exempla.store.bodies import Fields

AT_ONCE = 100
"""Columns of a page."""

LISTED = 1_000
"""Fields that a person may choose from in a list; any other one is shown if the address asks."""

ID = "id"
"""The column of the examples' ids: no field has this name (contract: PATCH rule 3)."""


class Columns(NamedTuple):
    """The columns of a page of the table."""

    shown: list[str]
    listed: list[str]
    """What a person may choose from: what the examples of the page hold, and what was chosen."""
    usual: list[str]
    """What is shown without a choice."""
    chosen: list[str]
    """What the address asks for; empty for what is usual."""
    fields: int
    """How many fields the examples of the page hold."""
    due: int
    """How many columns there would be if any number were shown at once."""

    @property
    def fields_shown(self) -> int:
        """How many of the columns are fields."""
        return len(self.shown) - (ID in self.shown)


def columns(examples: Iterable[Fields], chosen: Sequence[str]) -> Columns:
    """Return the columns for these examples, in the order in which their fields come."""
    names = list(dict.fromkeys(name for fields in examples for name in fields))
    wanted = dict.fromkeys(islice(dict.fromkeys(chosen), LISTED))
    due = [name for name in [ID, *names] if name in wanted] if wanted else names
    listed = list(dict.fromkeys([ID, *names[:LISTED], *wanted]))
    return Columns(due[:AT_ONCE], listed, names[:AT_ONCE], [*wanted], len(names), len(due))
