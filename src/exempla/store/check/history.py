"""The rules of a dataset's history: each write with the changes that it made, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import msgspec

from exempla.clock import rfc3339
from exempla.store import bodies
from exempla.store.bodies import FieldChange
from exempla.store.check.violations import Violation
from exempla.store.datasets import Dataset
from exempla.store.transaction import Transaction
from exempla.store.writes import Kind

_KINDS = frozenset(get_args(Kind))

_WRITES = """
    SELECT at, kind, version, first_ordinal, last_ordinal, ordinals, fields FROM writes
    WHERE dataset_id = :dataset_id ORDER BY at"""

_ADDED = """
    SELECT at, first_ordinal, last_ordinal FROM writes
    WHERE dataset_id = :dataset_id AND first_ordinal > 0 ORDER BY first_ordinal"""

_LOST = """
    SELECT w.at, given.value
    FROM writes AS w CROSS JOIN EACH(w.ordinals) AS given (value)
    LEFT JOIN changes AS c ON c.dataset_id = w.dataset_id AND c.at = w.at
        AND c.ordinal = CAST(given.value AS BIGINT)
    WHERE w.dataset_id = :dataset_id AND c.at IS NULL
    LIMIT 100"""

_CHANGES = """
    SELECT c.ordinal, c.at, c.old, w.at
    FROM changes AS c LEFT JOIN writes AS w ON w.dataset_id = c.dataset_id AND w.at = c.at
    WHERE c.dataset_id = :dataset_id ORDER BY c.ordinal, c.at"""


def check_history(tx: Transaction, dataset: Dataset) -> Iterator[Violation]:
    """Yield what breaks a rule of the log, or of the changes of examples."""
    sound, listed = True, 0
    for at, *row in tx.each(_WRITES, dataset_id=dataset.id.number):
        count, fault = _write(dataset, at, *row)
        listed += count
        if fault:
            sound = False
            yield Violation(f"its write at {rfc3339(at)} {fault}")
    yield from _added(tx, dataset)
    there = 0
    for ordinal, at, old, written in tx.each(_CHANGES, dataset_id=dataset.id.number):
        there += 1
        if written is None:
            yield Violation(
                f"it was changed at {rfc3339(at)} by no write", example=f"no. {ordinal}"
            )
        if not _is_replaced(old):
            yield Violation(
                f"what it was before {rfc3339(at)} cannot be read", example=f"no. {ordinal}"
            )
    if not sound:
        return
    for at, ordinal in tx.all(_LOST, dataset_id=dataset.id.number):
        yield Violation(
            f"what its write at {rfc3339(at)} changed is lost", example=f"no. {ordinal}"
        )
    if there != listed:
        yield Violation(f"its writes changed {listed} examples, but {there} changes are kept")


def _write(
    dataset: Dataset,
    at: int,
    kind: str,
    version: int | None,
    first: int,
    last: int,
    ordinals: str,
    fields: str,
) -> tuple[int, str]:
    """Return how many examples a write says it changed, and which rule it breaks."""
    if at > dataset.updated_at:
        return 0, "is later than the dataset"
    if kind not in _KINDS:
        return 0, f"is of the kind {kind!r}"
    if version is not None and not 1 <= version <= dataset.latest_version:
        return 0, f"is to a version {version}"
    if (first, last) != (0, 0) and not 1 <= first <= last <= dataset.last_ordinal:
        return 0, f"added the examples from {first} to {last}"
    try:
        listed = msgspec.json.decode(ordinals, type=list[int])
        msgspec.json.decode(fields, type=dict[str, FieldChange])
    except (msgspec.MsgspecError, UnicodeError):
        return 0, "cannot be read"
    if len(set(listed)) < len(listed):
        return 0, "names an example twice"
    return len(listed), ""


def _added(tx: Transaction, dataset: Dataset) -> Iterator[Violation]:
    """Each example was added by one write."""
    before = 0
    for at, first, last in tx.all(_ADDED, dataset_id=dataset.id.number):
        if first != before + 1:
            yield Violation(
                f"its write at {rfc3339(at)} added the examples from {first}, after {before}"
            )
        before = last
    if before != dataset.last_ordinal:
        yield Violation(f"its writes added {before} examples, but it had {dataset.last_ordinal}")


def _is_replaced(text: str) -> bool:
    try:
        bodies.decode_replaced(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True
