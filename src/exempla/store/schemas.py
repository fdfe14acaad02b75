"""The JSON Schema that a dataset's examples must satisfy from when it is set on, if it has one.

It is read in the transaction of a write, after the dataset was locked: so no example gets past a
schema that is being set. What was written before stays, and `schema_report.py` finds it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from exempla.errors import Unavailable, ValidationError
from exempla.ids import ResourceId
from exempla.limits import MAX_CHECK_S
from exempla.schemas import Schema, compiled
from exempla.store import bodies, datasets, writes
from exempla.store.access import Permit
from exempla.store.bodies import Fields
from exempla.store.datasets import Dataset
from exempla.store.transaction import Transaction

_GET = "SELECT schema FROM schemas WHERE dataset_id = :id"

_SET = """
    INSERT INTO schemas (dataset_id, schema) VALUES (:id, :schema)
    ON CONFLICT (dataset_id) DO UPDATE SET schema = excluded.schema"""

_REMOVE = "DELETE FROM schemas WHERE dataset_id = :id"


class Known(NamedTuple):
    """A dataset and its schema, a JSON object's text; None if it has none."""

    dataset: Dataset
    schema: str | None


def get(tx: Transaction, permit: Permit, dataset_id: ResourceId) -> Known:
    """Return the dataset and its schema."""
    dataset = datasets.get(tx, permit, dataset_id)
    return Known(dataset, _text(tx, dataset))


def put(tx: Transaction, permit: Permit, dataset_id: ResourceId, schema: Fields | None) -> Known:
    """Set the dataset's schema, one that `compiled` takes, or remove it.

    Where it is what it was, nothing is written.
    """
    dataset = datasets.lock_unchanged(tx, permit, dataset_id)
    text = None if schema is None else bodies.encode(schema)
    old = _text(tx, dataset)
    if text == old:
        return Known(dataset, text)
    if text is None:
        tx.run(_REMOVE, id=dataset_id.number)
    else:
        tx.run(_SET, id=dataset_id.number, schema=text)
    now = dataset.next_moment()
    dataset = datasets.touch(
        tx, dataset._replace(updated_at=now, schema_at=0 if text is None else now)
    )
    fields = writes.field_changes(schema=(_raw(old), _raw(text)))
    writes.record(tx, permit, dataset, "schema_changed", fields=fields)
    return Known(dataset, text)


def check(
    tx: Transaction, dataset: Dataset, examples: Iterable[tuple[str, str]], most: int = 1
) -> None:
    """Raise `ValidationError` for the first example that does not satisfy the dataset's schema.

    It knows the others, if `most` says to look for so many.

    The dataset is locked. An example is where it stands in the request, for the message
    (`examples[7]`), and its body as it would be stored. Raises `Unavailable` after `MAX_CHECK_S`:
    meanwhile other writers wait.
    """
    schema = of(tx, dataset)
    if schema is None:
        return
    faults: list[str] = []
    until = time.monotonic() + MAX_CHECK_S
    for where, body in examples:
        if said := _fault(schema, where, body):
            faults.append(said)
        if faults and (len(faults) == most or time.monotonic() > until):
            break
        if time.monotonic() > until:
            raise Unavailable(
                f"{where} is where checking the schema took over {MAX_CHECK_S} s; "
                "send fewer examples at once"
            )
    if faults:
        problem = ValidationError(faults[0])
        problem.others = faults[1:]
        raise problem


def _fault(schema: Schema, where: str, body: str) -> str:
    """Return what is wrong with an example; "" if nothing is."""
    try:
        fault = schema.fault(body)
    except ValidationError as error:
        return f"{where}: {error.detail}"
    if fault is None:
        return ""
    place = repr(fault.path) if fault.path else "the top"
    return f"{where} does not satisfy the dataset's schema at {place}: {fault.message}"


def of(tx: Transaction, dataset: Dataset) -> Schema | None:
    """Return the dataset's schema, ready to look at examples."""
    text = _text(tx, dataset)
    return None if text is None else compiled(text)


def _text(tx: Transaction, dataset: Dataset) -> str | None:
    if not dataset.schema_at:
        return None
    text: str = tx.exactly_one(_GET, id=dataset.id.number)[0]
    return text


def _raw(text: str | None) -> msgspec.Raw | None:
    return None if text is None else msgspec.Raw(text.encode())
