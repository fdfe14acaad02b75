"""What was written, when, by whom, and what it replaced: one row per write and per changed example.

`history.py` reads it. The row of a write has the moment that the write gave the dataset as
`updated_at`, which no other write of the dataset has. Adding examples is one row, however many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from exempla.store.access import Permit
from exempla.store.bodies import FieldChange
from exempla.store.transaction import Transaction

if TYPE_CHECKING:
    from exempla.store.datasets import Dataset
    from exempla.store.versions import Version

Kind = Literal[
    "created",
    "renamed",
    "inserted",
    "updated",
    "deleted",
    "branched",
    "version_changed",
    "annotated",
    "tagged",
    "schema_changed",
]
"""`branched` made a version that differs in nothing; `updated` may have made one too."""


class Edit(NamedTuple):
    """An example that a write changed, and what it replaced (see `bodies.replaced`)."""

    ordinal: int
    old: str


class Added(NamedTuple):
    """The examples that a write added: all from the first ordinal to the last."""

    first: int
    last: int


_WRITE = """
    INSERT INTO writes (dataset_id, at, kind, version, key_id, user_id, first_ordinal,
        last_ordinal, ordinals, fields)
    VALUES (:dataset_id, :at, :kind, :version, :key_id, :user_id, :first_ordinal,
        :last_ordinal, :ordinals, :fields)"""

_CHANGE = """
    INSERT INTO changes (dataset_id, ordinal, at, old)
    VALUES (:dataset_id, :ordinal, :at, :old)"""


def record(
    tx: Transaction,
    permit: Permit,
    dataset: Dataset,
    kind: Kind,
    version: Version | None = None,
    *,
    edits: Sequence[Edit] = (),
    kept: Sequence[int] = (),
    added: Added | None = None,
    fields: Mapping[str, FieldChange] | None = None,
) -> None:
    """Store what was written to the dataset at its `updated_at`.

    The version is the one written to. `kept` are the ordinals of changed examples of which `keep`
    stored what was replaced, a part at a time, where all `edits` are too many. `fields` are what
    changed of the dataset or the version itself; of one that was `branched`, what it is called.
    """
    if kind == "branched" and version:
        fields = _new_fields(name=version.name, description=version.description)
    number, at = dataset.id.number, dataset.updated_at
    tx.run(
        _WRITE,
        dataset_id=number,
        at=at,
        kind=kind,
        version=version.id.number if version else None,
        key_id=permit.key_id.number or None,
        user_id=permit.user_id.number or None,
        first_ordinal=added.first if added else 0,
        last_ordinal=added.last if added else 0,
        ordinals=f"[{','.join(map(str, [*kept, *[edit.ordinal for edit in edits]]))}]",
        fields=msgspec.json.encode(fields or {}).decode(),
    )
    keep(tx, number, at, edits)


def keep(tx: Transaction, dataset_id: int, at: int, edits: Sequence[Edit]) -> None:
    """Store what the write at this moment replaced; `record` stores the write."""
    tx.run_many(
        _CHANGE,
        [
            {"dataset_id": dataset_id, "ordinal": ordinal, "at": at, "old": old}
            for ordinal, old in sorted(edits)  # in the order of the index
        ],
    )


def field_changes(**fields: tuple[object, object]) -> dict[str, FieldChange]:
    """Return what changed of these values, each given as old and new."""
    return {
        name: FieldChange(_raw(old), _raw(new)) for name, (old, new) in fields.items() if old != new
    }


def _new_fields(**fields: object) -> dict[str, FieldChange]:
    return {name: FieldChange(new=_raw(value)) for name, value in fields.items()}


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
