"""Check that every version of a dataset is what it was: recompute its digest from its examples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from exempla.store import bodies, digests, revisions, versions
from exempla.store.database import Row, Transaction
from exempla.store.datasets import Dataset
from exempla.store.digests import Sum
from exempla.store.versions import Version


class Checked(NamedTuple):
    """What a version holds by its examples, and what is kept of it."""

    version: Version
    found: Sum
    example_count: int
    kept: Sum | None
    """With what was written since it was kept; None if no digest was ever asked for."""

    @property
    def faults(self) -> list[str]:
        """Return what does not agree, each as a sentence for a person."""
        faults: list[str] = []
        if self.example_count != self.version.example_count:
            faults.append(
                f"it should have {self.version.example_count} examples but has {self.example_count}"
            )
        if self.kept and self.kept.value != self.found.value:
            faults.append(
                f"its digest should be {self.kept.digest} but its examples have {self.found.digest}"
            )
        return faults


def check(tx: Transaction, dataset: Dataset, rows: Iterable[Row] | None = None) -> list[Checked]:
    """Recompute all versions of a dataset, oldest first, in one reading of its examples.

    The rows are all that its versions hold, as `revisions.all_of` gives them. Each example's
    number counts in the versions that hold it: from the one that begins to hold it until the one
    that no longer does.
    """
    growth: dict[int, int] = defaultdict(int)
    added: dict[int, int] = defaultdict(int)
    for _, id, valid_from, valid_to, body in (
        revisions.all_of(tx, dataset.id.number) if rows is None else rows
    ):
        number = digests.element(id, bodies.decode(body))
        growth[valid_from] += number
        growth[valid_to] -= number
        added[valid_from] += 1
        added[valid_to] -= 1
    checked: list[Checked] = []
    total = count = 0
    for version in reversed(versions.all_of(tx, dataset)):
        total += growth.pop(version.id.number, 0)
        count += added.pop(version.id.number, 0)
        kept = digests.kept(tx, dataset, version.id.number)
        found = digests.as_sum(dataset, total)
        now = digests.folded(tx, dataset, version, kept) if kept else None
        checked.append(Checked(version, found, count, now))
    return checked
