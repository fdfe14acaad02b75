"""Check that every version of a dataset is what it was: recompute its digest from its examples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from exempla.errors import NotFound
from exempla.ids import ResourceId
from exempla.store import bodies, datasets, digests, revisions, versions
from exempla.store.access import OPERATOR
from exempla.store.database import Database
from exempla.store.datasets import Dataset
from exempla.store.digests import Sum
from exempla.store.transaction import Row, Transaction
from exempla.store.versions import Version

_UNREADABLE = (msgspec.DecodeError, ValueError)
"""What is raised by a text in the database that is not as it was written."""


class Checked(NamedTuple):
    """What a version holds by its examples, and what is kept of it."""

    version: Version
    found: Sum
    example_count: int
    kept: Sum | None
    """With what was written since it was kept; None if no digest was ever asked for."""
    is_kept: bool
    """Nothing was written since."""
    unreadable: list[str]
    """What of it cannot be read, each as a sentence; then its digest cannot be compared."""

    @property
    def faults(self) -> list[str]:
        """Return what does not agree, each as a sentence for a person."""
        faults = [*self.unreadable]
        if self.example_count != self.version.example_count:
            faults.append(
                f"it should have {self.version.example_count} examples but has {self.example_count}"
            )
        if self.kept and not self.unreadable and self.kept.value != self.found.value:
            faults.append(
                f"its digest should be {self.kept.digest} but its examples have {self.found.digest}"
            )
        return faults


class Report(NamedTuple):
    """What came of checking a dataset."""

    versions: int
    kept_first: int
    """Of them, how many had no digest before."""
    faults: list[str]
    """Each names the versions that have it."""


class _Unreadable(NamedTuple):
    """An example that cannot be read, in the versions from one to before another."""

    valid_from: int
    valid_to: int
    fault: str


async def verify(database: Database, dataset_id: ResourceId) -> Report | None:
    """Check a dataset, and keep the sums of the versions that are sound; None if it is gone.

    A sum that is kept cannot be changed by what is damaged later; until it is kept, it can.
    """

    def keep(tx: Transaction) -> None:
        for one in new:
            digests.keep(tx, dataset_id, one.version.id.number, one.found)

    try:
        checked = await database.search(_check, dataset_id)
        new = [one for one in checked if not (one.is_kept or one.faults)]
        if new:
            await database.write(keep)
    except NotFound:
        return None
    except (*_UNREADABLE, database.engine.Error) as error:
        return Report(0, 0, [f"what is stored of it cannot be read: {error}"])
    return Report(len(checked), sum(not one.kept for one in new), _by_fault(checked))


def check(tx: Transaction, dataset: Dataset, rows: Iterable[Row] | None = None) -> list[Checked]:
    """Recompute all versions of a dataset, oldest first, in one reading of its examples.

    The rows are all that its versions hold, as `revisions.all_of` gives them. Each example's
    number counts in the versions that hold it: from the one that begins to hold it until the one
    that no longer does.
    """
    growth: dict[int, int] = defaultdict(int)
    added: dict[int, int] = defaultdict(int)
    unreadable: list[_Unreadable] = []
    held = revisions.all_of(tx, dataset.id.number) if rows is None else rows
    for _, id, valid_from, valid_to, body in held:
        added[valid_from] += 1
        added[valid_to] -= 1
        try:
            number = digests.element(id, bodies.decode(body))
        except _UNREADABLE as error:
            fault = f"the example {id!r} cannot be read: {error}"
            unreadable.append(_Unreadable(valid_from, valid_to, fault))
            continue
        growth[valid_from] += number
        growth[valid_to] -= number
    checked: list[Checked] = []
    total = count = 0
    for version in reversed(versions.all_of(tx, dataset)):
        number = version.id.number
        total += growth.pop(number, 0)
        count += added.pop(number, 0)
        faults = [one.fault for one in unreadable if one.valid_from <= number < one.valid_to]
        kept = now = None
        try:
            kept = digests.kept(tx, dataset, version)
        except _UNREADABLE as error:
            faults.append(f"its digest that is kept cannot be read: {error}")
        try:
            now = digests.folded(tx, dataset, version, kept) if kept and not faults else kept
        except _UNREADABLE as error:
            faults.append(f"what was written since its digest was kept cannot be read: {error}")
        found = digests.as_sum(dataset, total)
        is_kept = kept is not None and kept.is_kept
        checked.append(Checked(version, found, count, now, is_kept, faults))
    return checked


def _check(tx: Transaction, dataset_id: ResourceId) -> list[Checked]:
    return check(tx, datasets.get(tx, OPERATOR, dataset_id))


def _by_fault(checked: list[Checked]) -> list[str]:
    """Return each fault once, behind the names of the versions that have it."""
    names: dict[str, list[str]] = defaultdict(list)
    for one in checked:
        for fault in one.faults:
            names[fault].append(one.version.name)
    return [
        f"version{'s' if len(having) > 1 else ''} {', '.join(having)}: {fault}"
        for fault, having in names.items()
    ]
