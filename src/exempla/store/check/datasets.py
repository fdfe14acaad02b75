"""One dataset: all rules of what is stored of it, in one reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from exempla.errors import NotFound
from exempla.ids import ResourceId
from exempla.store import datasets
from exempla.store.access import OPERATOR
from exempla.store.check.content import check_content, check_versions
from exempla.store.check.history import check_history
from exempla.store.check.violations import Violation
from exempla.store.listing import FIRST
from exempla.store.transaction import Transaction


class Subject(NamedTuple):
    """A dataset to check."""

    id: ResourceId
    name: str
    examples: int
    """How many it ever had."""


def subjects(tx: Transaction) -> list[Subject]:
    """Return all datasets, oldest first."""
    found = datasets.list_page(
        tx, OPERATOR, space=None, space_name="", name="", before=FIRST, limit=FIRST
    )
    return [Subject(one.id, one.name, one.last_ordinal) for one in reversed(found)]


def check_dataset(
    tx: Transaction, subject: Subject, progress: Callable[[int], None]
) -> Iterator[Violation]:
    """Yield what breaks a rule in the dataset; nothing if it was deleted meanwhile.

    `progress` gets the ordinals of the examples as they are read.
    """
    try:
        dataset = datasets.get(tx, OPERATOR, subject.id)
    except NotFound:
        return
    found = chain(
        check_versions(tx, dataset),
        check_history(tx, dataset),
        check_content(tx, dataset, progress),
    )
    for violation in found:
        yield violation._replace(dataset=dataset.name)
