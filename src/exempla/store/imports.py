"""Any number of examples written to a version at once: added, or updated by id.

All of it is one transaction, of parts that fit into memory. A trial does the same in a new
version, tells what differs, and undoes it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count, islice
from typing import Literal, NamedTuple, get_args

import msgspec

from exempla.errors import ValidationError
from exempla.ids import ResourceId, new_example_ids, new_suffix
from exempla.store import (
    bodies,
    datasets,
    diff,
    examples,
    revising,
    revisions,
    schemas,
    versions,
    writes,
)
from exempla.store.access import Permit
from exempla.store.datasets import Dataset
from exempla.store.diff import Change
from exempla.store.incoming import Given, Incoming
from exempla.store.revising import NewExamples
from exempla.store.transaction import Transaction
from exempla.store.versions import Version

Mode = Literal["insert", "update"]

MODES: tuple[Mode, ...] = get_args(Mode)

UPDATED_AT_ONCE = 500
"""Examples that are looked up together: how large they are is not known before."""

FAULTS_AT_ONCE = 100
"""New examples against the schema that are told of, of those that are written together."""

_KNOWN = """
    SELECT e.id FROM EACH(:ids) AS given (value)
    CROSS JOIN LOOKUP(examples AS e WHERE e.dataset_id = :dataset_id AND e.id = given.value)
    LIMIT 1"""


class Counts(NamedTuple):
    """What became of the examples that came."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    """They have these values already."""
    ignored: int = 0
    """The version holds no example with their id."""


class Imported(NamedTuple):
    """What an import did: the dataset after it, the version written to, and how much."""

    dataset: Dataset
    version: Version
    counts: Counts


class Tried(NamedTuple):
    """What an import would do: the dataset and the version as they are, and what would differ."""

    dataset: Dataset
    version: Version
    is_new: bool
    """It would be written to a new version, not to this one."""
    counts: Counts
    differing: diff.Counts
    changes: list[Change]
    """The first ones, in order."""
    has_more: bool


@dataclass(frozen=True)
class Import:
    """Examples, and how they are to be written."""

    incoming: Incoming
    mode: Mode
    new_version: str | None
    """The name of the version to make for it; None to write in place."""
    on_part: Callable[[int], object] = lambda count: None
    """Called with the number of examples that were written."""

    def write(
        self,
        tx: Transaction,
        permit: Permit,
        dataset_id: ResourceId,
        version_id: ResourceId | None,
    ) -> Imported:
        """Write all examples to the version (the latest if not given), or none.

        Raises `ValidationError` with the place of an example that cannot be written.
        """
        dataset, version = self._addressed(tx, permit, dataset_id, version_id)
        return self._write(tx, permit, dataset, version, self.new_version)

    def attempt(
        self,
        tx: Transaction,
        permit: Permit,
        dataset_id: ResourceId,
        version_id: ResourceId | None,
        shown: int,
    ) -> Tried:
        """Do the same but write nothing; return what would differ, with the first changes."""
        dataset, version = self._addressed(tx, permit, dataset_id, version_id)
        with tx.trial():  # in a new version, since two can be compared
            name = self.new_version or f"trial {new_suffix()}"
            done = self._write(tx, permit, dataset, version, name)
            ends = version, done.version
            differing = diff.count(diff.changes(tx, done.dataset, *ends), version)
            with closing(diff.changes(tx, done.dataset, *ends)) as found:  # before it is undone
                changes = [one for _, one in islice(found, shown + 1)]
        is_new, has_more = bool(self.new_version), len(changes) > shown
        return Tried(dataset, version, is_new, done.counts, differing, changes[:shown], has_more)

    def _addressed(
        self,
        tx: Transaction,
        permit: Permit,
        dataset_id: ResourceId,
        version_id: ResourceId | None,
    ) -> tuple[Dataset, Version]:
        dataset = datasets.lock(tx, permit, dataset_id)
        version = versions.get_unchanged(tx, permit, dataset, version_id)
        if not self.new_version:
            versions.check_unlocked(version)
        if not len(self.incoming):
            raise ValidationError("there are no rows; give at least one example")
        if self.mode == "insert":
            self.incoming.check_fields()
        self.incoming.check_distinct()
        return dataset, version

    def _write(
        self,
        tx: Transaction,
        permit: Permit,
        dataset: Dataset,
        version: Version,
        new_version: str | None,
    ) -> Imported:
        first = dataset.next_moment()
        last = first + len(self.incoming) - 1 if self.mode == "insert" else first
        if new_version:
            dataset, version = versions.create(tx, permit, dataset, new_version, version, last)
        if self.mode == "insert":
            return self._insert(tx, permit, dataset, version, first, last)
        return self._update(tx, permit, dataset, version, first, new_version)

    def _insert(
        self,
        tx: Transaction,
        permit: Permit,
        dataset: Dataset,
        version: Version,
        first: int,
        last: int,
    ) -> Imported:
        """Append the examples a microsecond apart, as they came."""
        at, written = versions.at(dataset, version), 0
        for part in self.incoming.as_given():
            self._check_unknown(tx, dataset, part)
            ids = [id for id in part.ids if id]
            if len(ids) < len(part.ids):
                made = new_example_ids(first + written, len(part.ids))
                ids = [given or new for given, new in zip(part.ids, made, strict=True)]
            ordinal = dataset.last_ordinal + 1 + written
            moments = range(first + written, first + written + len(ids))
            schemas.check(tx, dataset, self._placed(part), FAULTS_AT_ONCE)
            added = NewExamples(ordinal, ids, moments, moments, part.sizes, part.text)
            revising.add_many(tx, at, added)
            written += len(ids)
            self.on_part(len(ids))
        dataset, version = examples.added(
            tx, permit, dataset, version, "inserted", written, last, last
        )
        return Imported(dataset, version, Counts(inserted=written))

    def _update(
        self,
        tx: Transaction,
        permit: Permit,
        dataset: Dataset,
        version: Version,
        now: int,
        new_version: str | None,
    ) -> Imported:
        """Give examples new values of fields, by id, as PATCH does."""
        at, edited = versions.at(dataset, version), array("q")
        unchanged = ignored = 0
        for part in self.incoming.as_given(UPDATED_AT_ONCE):
            if None in part.ids:
                where = self.incoming.where(part.row + part.ids.index(None))
                raise ValidationError(
                    f"{where}: the id is missing; an update needs that of an example"
                )
            held = revisions.find(tx, at, [id for id in part.ids if id])
            given = [
                (row, held[id], bodies.decode(body))
                for row, id, body in zip(count(part.row), part.ids, part.bodies, strict=False)
                if id in held
            ]
            changes = [
                (self.incoming.where(row), old, fields)
                for row, old, fields in given
                if not bodies.says(old.body, fields)
            ]
            edits = examples.replace(tx, at, examples.merge(tx, dataset, changes), now)
            writes.keep(tx, dataset.id.number, now, edits)
            edited.extend(edit.ordinal for edit in edits)
            ignored += len(part.ids) - len(given)
            unchanged += len(given) - len(edits)
            self.on_part(len(part.ids))
        if edited or new_version:
            dataset, version = examples.touch(tx, dataset, version, now)
            kind: writes.Kind = "updated" if edited else "branched"
            writes.record(tx, permit, dataset, kind, version, kept=edited)
        return Imported(dataset, version, Counts(0, len(edited), unchanged, ignored))

    def _placed(self, part: Given) -> Iterator[tuple[str, str]]:
        """Return the bodies, each with its place."""
        for row, body in enumerate(part.bodies, part.row):
            yield self.incoming.where(row), body

    def _check_unknown(self, tx: Transaction, dataset: Dataset, part: Given) -> None:
        """Raise `ValidationError` for an id that the dataset has."""
        ids = msgspec.json.encode([id for id in part.ids if id]).decode()
        if known := tx.one(_KNOWN, ids=ids, dataset_id=dataset.id.number):
            where = self.incoming.where(part.row + part.ids.index(known[0]))
            raise ValidationError(
                f"{where}: the dataset has an example with the id {known[0]!r} already, in this "
                "version or in another; update it, or leave out its id"
            )
