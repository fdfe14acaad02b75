"""Which examples of a version do not satisfy the dataset's schema, and why."""

from __future__ import annotations

import time
from typing import NamedTuple

from exempla.filters import deadline
from exempla.ids import ResourceId
from exempla.schemas import Fault
from exempla.store import datasets, revisions, schemas, versions
from exempla.store.access import Permit
from exempla.store.search import time_limit
from exempla.store.transaction import Transaction
from exempla.store.versions import Version


class Failing(NamedTuple):
    """An example that does not satisfy the schema, and why."""

    id: str
    faults: list[Fault]


class Report(NamedTuple):
    """Some examples of a version that do not satisfy the schema, in order."""

    version: Version
    failing: list[Failing]
    looked_up_to: int | None
    """The ordinal from which to go on; None at the end of the version."""


def page(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    version_id: ResourceId | None,
    *,
    after: int,
    limit: int,
    until: float,
) -> Report:
    """Return examples of the version after this ordinal that do not satisfy the schema.

    The version is the latest if not given. They are at most `limit`, and fewer when half of the
    time until `until`, a time of `time.monotonic()`, is over: so every page gets further. Raises
    `Unavailable` when it is not done at `until`.
    """
    dataset = datasets.get(tx, permit, dataset_id)
    version = versions.get(tx, dataset, version_id)
    failing: list[Failing] = []
    schema = schemas.of(tx, dataset)
    if schema is None:
        return Report(version, failing, None)
    half = (time.monotonic() + until) / 2
    with time_limit(tx, until):
        for part in revisions.parts(tx, versions.at(dataset, version), after):
            for ordinal, id, _, _, body in part:
                deadline.check()
                if faults := schema.faults(body):
                    if len(failing) == limit:
                        return Report(version, failing, after)
                    failing.append(Failing(id, faults))
                after = ordinal
                if time.monotonic() > half:
                    return Report(version, failing, after)
    return Report(version, failing, None)
