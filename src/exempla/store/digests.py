"""The digest of a version's content: equal exactly when two versions hold the same examples.

It is an additive hash of a set (AdHash with 4,096 bits, docs/digest.md): the sum of one number
per example, so that a change costs the examples it changed. The sum is kept as of a moment; what
was written to the version since is folded in when the digest is asked for, from the history.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import msgspec

from exempla.ids import ResourceId
from exempla.store import bodies, datasets, revisions, versions
from exempla.store.access import Permit
from exempla.store.bodies import Fields
from exempla.store.datasets import Dataset
from exempla.store.revisions import At
from exempla.store.tables import END
from exempla.store.transaction import Row, Transaction
from exempla.store.versions import Details, Version

BYTES = 512
"""Of a sum: with n bits, Wagner's attack on it costs about 2**(2 * sqrt(n)), so 2**128."""

_MODULUS = 2 ** (8 * BYTES)
_AT_ONCE = 500


class Sum(NamedTuple):
    """The sum of a version's examples, as of a moment of the dataset in microseconds."""

    at: int
    value: int
    is_kept: bool = False
    """It is in the database, and nothing was written to the version since."""

    @property
    def digest(self) -> str:
        """The digest, in hexadecimal."""
        return hashlib.sha256(self.value.to_bytes(BYTES)).hexdigest()


_KEPT = "SELECT at, sum FROM digests WHERE dataset_id = :dataset_id AND number = :number"

_NEAREST = """
    SELECT number FROM digests WHERE dataset_id = :dataset_id
    ORDER BY ABS(number - :number) LIMIT 1"""

_KEEP = """
    INSERT INTO digests (dataset_id, number, at, sum)
    SELECT dataset_id, number, :at, :sum FROM versions
    WHERE dataset_id = :dataset_id AND number = :number
    ON CONFLICT (dataset_id, number) DO UPDATE SET at = excluded.at, sum = excluded.sum
    WHERE digests.at < excluded.at"""

_WRITTEN_SINCE = """
    SELECT first_ordinal, ordinals FROM writes
    WHERE dataset_id = :dataset_id AND at > :since AND version = :version"""

# By example: what the version holds now, and then what its writes replaced, the newest first.
_BACK_TO = """
    SELECT h.ordinal, h.id, CAST(:now AS BIGINT) + 1, h.body FROM ({held_of}) AS h
    UNION ALL
    SELECT c.ordinal, '', c.at, c.old
    FROM EACH(:ordinals) AS given (value)
    CROSS JOIN LOOKUP(changes AS c
        WHERE c.dataset_id = :dataset_id AND c.ordinal = CAST(given.value AS BIGINT)
          AND c.at > :since)
    CROSS JOIN LOOKUP(writes AS w WHERE w.dataset_id = :dataset_id AND w.at = c.at)
    WHERE w.version = :version
    ORDER BY 1, 3 DESC"""


def element(id: str, fields: Fields) -> int:
    """Return the number of one example.

    The example is written as its id and then, by name, each field's name and value, all in UTF-8
    behind their lengths (8 bytes, the highest first); values without insignificant white space.
    The SHA-256 of that, expanded by SHAKE256, is the number.
    """
    parts = [id.encode()]
    for name in sorted(fields):
        parts += (name.encode(), bodies.compact(fields[name]))
    message = b"".join([len(part).to_bytes(8) + part for part in parts])
    return int.from_bytes(hashlib.shake_256(hashlib.sha256(message).digest()).digest(BYTES))


def details(
    tx: Transaction, permit: Permit, dataset_id: ResourceId, id: ResourceId | None
) -> tuple[Dataset, Details, Sum]:
    """Return a version, or the latest, where it comes from, and its sum (which `keep` keeps)."""
    dataset = datasets.get(tx, permit, dataset_id)
    version = versions.get(tx, dataset, id)
    return dataset, versions.details_of(tx, dataset, version), sum_of(tx, dataset, version)


def keep(tx: Transaction, dataset_id: ResourceId, number: int, found: Sum) -> None:
    """Keep the sum of a version, unless a later one is kept already, or the version is gone."""
    text = f"{found.value:x}"
    tx.run(_KEEP, dataset_id=dataset_id.number, number=number, at=found.at, sum=text)


def kept(tx: Transaction, dataset: Dataset, version: Version) -> Sum | None:
    """Return the sum that is kept of the version, which may be of an earlier moment."""
    row = tx.one(_KEPT, dataset_id=dataset.id.number, number=version.id.number)
    return Sum(row[0], int(row[1], 16), row[0] >= version.updated_at) if row else None


def sum_of(tx: Transaction, dataset: Dataset, version: Version) -> Sum:
    """Return the sum of the version as it is now.

    Costs the examples that were written to it since its sum was kept, or of the version nearest
    to it that has one; the first of a dataset costs all examples.
    """
    if found := kept(tx, dataset, version):
        return folded(tx, dataset, version, found)
    near = tx.one(_NEAREST, dataset_id=dataset.id.number, number=version.id.number)
    at = versions.at(dataset, version)
    if not near:
        return as_sum(dataset, _total(tx, at, after=0))
    other = versions.numbered(tx, dataset, near[0])
    total = sum_of(tx, dataset, other).value
    for _, id, old, new in revisions.differing(tx, versions.at(dataset, other), at, 0):
        tx.check_running()
        total += _element_of(id, new) - _element_of(id, old)
    return as_sum(dataset, total)


def folded(tx: Transaction, dataset: Dataset, version: Version, found: Sum) -> Sum:
    """Return the sum with what was written to the version since it was found.

    To find that, one row of every write to the dataset since is looked at.
    """
    if found.is_kept:
        return found
    at = versions.at(dataset, version)
    edited: set[int] = set()
    first_added = END
    for first, ordinals in tx.each(
        _WRITTEN_SINCE, dataset_id=at.dataset_id, since=found.at, version=at.number
    ):
        tx.check_running()
        edited.update(msgspec.json.decode(ordinals, type=list[int]))
        if first:
            first_added = min(first_added, first)
    # Ordinals grow, so all that the version holds from there on was added to it since.
    total = found.value + _total(tx, at, after=first_added - 1)
    in_order = sorted(ordinal for ordinal in edited if ordinal < first_added)
    for start in range(0, len(in_order), _AT_ONCE):
        total += _growth(tx, dataset, at, in_order[start : start + _AT_ONCE], found.at)
    return as_sum(dataset, total)


def _growth(tx: Transaction, dataset: Dataset, at: At, ordinals: Sequence[int], since: int) -> int:
    """Return by how much the sum grew with the changes of these examples since a moment."""
    rows = tx.each(
        _BACK_TO.format(held_of=revisions.held_of(at)),
        dataset_id=at.dataset_id,
        ordinals=msgspec.json.encode([str(ordinal) for ordinal in ordinals]).decode(),
        since=since,
        version=at.number,
        now=dataset.updated_at,
    )
    return sum(_growth_of_one(tx, of_one) for _, of_one in groupby(rows, key=itemgetter(0)))


def _growth_of_one(tx: Transaction, rows: Iterator[Row]) -> int:
    """Return the same for one example, whose rows these are."""
    _, id, _, body = next(rows)
    before = None if body is None else bodies.decode(body)
    for *_, old in rows:
        tx.check_running()
        before = bodies.undo(before, old)
    return _element_of(id, body) - (0 if before is None else element(id, before))


def _total(tx: Transaction, at: At, after: int) -> int:
    """Return the sum of the version's examples after this ordinal."""
    total = 0
    for part in revisions.parts(tx, at, after):
        for _, id, _, _, body in part:
            tx.check_running()
            total += element(id, bodies.decode(body))
    return total


def _element_of(id: str, body: str | None) -> int:
    return 0 if body is None else element(id, bodies.decode(body))


def as_sum(dataset: Dataset, total: int) -> Sum:
    """Return the sum of a version as the dataset is now."""
    return Sum(dataset.updated_at, total % _MODULUS)
