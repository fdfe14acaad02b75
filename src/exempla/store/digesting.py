"""Digests as they are asked for: computed once for all who wait, and kept for the next.

A first digest takes as long as its dataset is large, which may be longer than a request may. The
computation goes on when those who asked for it have given up, so that asking again gets it.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import structlog

from exempla.errors import Unavailable
from exempla.ids import ResourceId
from exempla.store import datasets, digests, versions
from exempla.store.access import OPERATOR, Permit
from exempla.store.database import Database
from exempla.store.digests import Sum
from exempla.store.transaction import Transaction
from exempla.store.versions import Details

_log = structlog.get_logger(__name__)

OUT_OF_TIME = (
    "the digest takes longer than this server lets a request wait (EXEMPLA_QUERY_TIMEOUT); it is "
    "being computed still: try again, or list the versions, which needs no digest"
)


class Described(NamedTuple):
    """A version with its sum, as they were at a moment of the dataset."""

    at: int
    details: Details
    found: Sum | None
    """None if it is yet to be computed."""


class Digester:
    """Computes the digests of a database, of each version one at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: dict[tuple[ResourceId, ResourceId], asyncio.Task[Described]] = {}

    async def describe(
        self, permit: Permit, dataset_id: ResourceId, id: ResourceId, seconds: float
    ) -> tuple[Details, str]:
        """Return a version, where it comes from, and the digest of what it holds.

        Raises `Unavailable` if it cannot be had in so many seconds; it is computed nevertheless.
        """
        now = await self._database.read(_kept, permit, dataset_id, id)
        try:
            async with asyncio.timeout(seconds):
                described = now
                # One that was running already may lack what was written before this request.
                while described.found is None or described.at < now.at:
                    described = await asyncio.shield(self._computation(dataset_id, id))
        except TimeoutError:
            raise Unavailable(OUT_OF_TIME) from None
        return described.details, described.found.digest

    def _computation(self, dataset_id: ResourceId, id: ResourceId) -> asyncio.Task[Described]:
        """Return the running computation of a version's digest, or begin one."""
        which = (dataset_id, id)
        if which not in self._running:
            task = asyncio.create_task(self._compute(dataset_id, id))
            task.add_done_callback(lambda done: self._finished(which, done))
            self._running[which] = task
        return self._running[which]

    def _finished(
        self, which: tuple[ResourceId, ResourceId], task: asyncio.Task[Described]
    ) -> None:
        del self._running[which]
        if not task.cancelled():
            task.exception()  # else it is logged, if nobody waits any more

    async def _compute(self, dataset_id: ResourceId, id: ResourceId) -> Described:
        described = await self._database.digest(_computed, dataset_id, id)
        if described.found and not described.found.is_kept:
            number = described.details.id.number
            try:
                await self._database.write(digests.keep, dataset_id, number, described.found)
            except Unavailable as error:  # it can be computed again
                _log.warning("digest not kept", version=str(id), cause=error.detail)
        return described


def _kept(tx: Transaction, permit: Permit, dataset_id: ResourceId, id: ResourceId) -> Described:
    """Describe a version with the sum that is kept, if nothing was written to it since."""
    dataset = datasets.get(tx, permit, dataset_id)
    version = versions.get(tx, dataset, id)
    found = digests.kept(tx, dataset, version)
    details = versions.details_of(tx, dataset, version)
    return Described(dataset.updated_at, details, found if found and found.is_kept else None)


def _computed(tx: Transaction, dataset_id: ResourceId, id: ResourceId) -> Described:
    dataset, details, found = digests.details(tx, OPERATOR, dataset_id, id)
    return Described(dataset.updated_at, details, found)
