"""The digest of a version's content: equal exactly when two versions hold the same examples.

It is an additive hash of a set (AdHash with 4,096 bits, docs/digest.md): the sum of one number
per example, so that a change costs the examples it changed. The sum is kept as of a moment; what
was written to the version since is folded in when the digest is asked for, from the history.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from exempla.ids import ResourceId
from exempla.store import bodies, datasets, revisions, versions
from exempla.store.access import Permit
from exempla.store.bodies import Fields
from exempla.store.database import Transaction
from exempla.store.datasets import Dataset
from exempla.store.revisions import At
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
    SELECT first_ordinal, last_ordinal, ordinals FROM writes
    WHERE dataset_id = :dataset_id AND at > :since AND version = :version"""

_CHANGES_SINCE = """
    SELECT c.ordinal, c.old
    FROM EACH(:ordinals) AS given (value)
    CROSS JOIN changes AS c
    JOIN writes AS w ON w.dataset_id = c.dataset_id AND w.at = c.at
    WHERE c.dataset_id = :dataset_id AND c.ordinal = CAST(given.value AS BIGINT)
      AND c.at > :since AND w.version = :version
    ORDER BY c.at DESC"""


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
    """Return a version, or the latest, where it comes from, and its sum (which `keep` keeps).

    Costs what was written since a sum was kept, of this version or of the one nearest to it;
    the first of a dataset costs all examples.
    """
    dataset = datasets.get(tx, permit, dataset_id)
    version = versions.get(tx, dataset, id)
    return dataset, versions.details_of(tx, dataset, version), sum_of(tx, dataset, version)


def keep(tx: Transaction, dataset: Dataset, number: int, found: Sum) -> None:
    """Keep the sum of a version, unless a later one is kept already, or the version is gone."""
    text = f"{found.value:x}"
    tx.run(_KEEP, dataset_id=dataset.id.number, number=number, at=found.at, sum=text)


def kept(tx: Transaction, dataset: Dataset, number: int) -> Sum | None:
    """Return the sum that is kept of the version with this number."""
    row = tx.one(_KEPT, dataset_id=dataset.id.number, number=number)
    return Sum(row[0], int(row[1], 16), True) if row else None


def sum_of(tx: Transaction, dataset: Dataset, version: Version) -> Sum:
    """Return the sum of the version as it is now."""
    if found := kept(tx, dataset, version.id.number):
        return folded(tx, dataset, version, found)
    near = tx.one(_NEAREST, dataset_id=dataset.id.number, number=version.id.number)
    at = versions.at(dataset, version)
    if not near:
        total = sum(element(id, bodies.decode(body)) for id, body in _examples(tx, at))
        return as_sum(dataset, total)
    other = versions.numbered(tx, dataset, near[0])
    total = sum_of(tx, dataset, other).value
    for _, id, old, new in revisions.differing(tx, versions.at(dataset, other), at, 0):
        total += _element_of(id, new) - _element_of(id, old)
    return as_sum(dataset, total)


def folded(tx: Transaction, dataset: Dataset, version: Version, found: Sum) -> Sum:
    """Return the sum with what was written to the version since it was found."""
    if found.at == dataset.updated_at:
        return found
    at = versions.at(dataset, version)
    edited: set[int] = set()
    total = found.value
    rows = tx.all(
        _WRITTEN_SINCE, dataset_id=at.dataset_id, since=found.at, version=version.id.number
    )
    for first, last, ordinals in rows:
        edited.update(msgspec.json.decode(ordinals, type=list[int]))
        if first:
            total += sum(
                element(id, bodies.decode(body)) for id, body in _examples(tx, at, first - 1, last)
            )
    for first, last, _ in rows:
        edited = {ordinal for ordinal in edited if not first <= ordinal <= last}
    in_order = sorted(edited)
    for start in range(0, len(in_order), _AT_ONCE):
        total += _growth(tx, at, in_order[start : start + _AT_ONCE], found.at)
    return as_sum(dataset, total)


def _growth(tx: Transaction, at: At, ordinals: Sequence[int], since: int) -> int:
    """Return by how much the sum grew with the changes of these examples since a moment."""
    given = msgspec.json.encode([str(ordinal) for ordinal in ordinals]).decode()
    ids: dict[int, str] = {}
    now: dict[int, Fields] = {}
    for ordinal, id, body in revisions.held_of(tx, at, given):
        ids[ordinal] = id
        if body is not None:
            now[ordinal] = bodies.decode(body)
    before = dict(now)
    for ordinal, old in tx.all(
        _CHANGES_SINCE, dataset_id=at.dataset_id, ordinals=given, since=since, version=at.number
    ):
        before[ordinal] = bodies.undo(before.get(ordinal), old)
    gained = sum(element(ids[ordinal], fields) for ordinal, fields in now.items())
    return gained - sum(element(ids[ordinal], fields) for ordinal, fields in before.items())


def _examples(
    tx: Transaction, at: At, after: int = 0, last: int | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the id and the body of each of a version's examples between two ordinals."""
    at = at if last is None else at._replace(last_ordinal=last)
    for part in revisions.parts(tx, at, after):
        yield from ((id, body) for _, id, _, _, body in part)


def _element_of(id: str, body: str | None) -> int:
    return 0 if body is None else element(id, bodies.decode(body))


def as_sum(dataset: Dataset, total: int) -> Sum:
    """Return the sum of a version as the dataset is now."""
    return Sum(dataset.updated_at, total % _MODULUS)
