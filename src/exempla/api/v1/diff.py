"""`/api/v1/datasets/{dataset_id}/diff`: what differs between two versions."""

from __future__ import annotations

import time

import msgspec
from litestar import Controller, get
from litestar.params import FromPath, FromQuery

from exempla.api import fields, pages
from exempla.api.dependencies import DatabaseDependency, PermitDependency, QueryTimeoutDependency
from exempla.errors import InvalidRequest
from exempla.ids import ResourceId, parse_id
from exempla.store import diff
from exempla.store.diff import Change, Counts


class DiffAnswer(msgspec.Struct):
    """What changed from one version to another: how much, and a page of it in order."""

    base: str
    head: str
    counts: Counts
    changes: list[Change]
    pagination: pages.Pagination


class DiffController(Controller):
    """Compare versions."""

    path = "/api/v1/datasets/{dataset_id:str}/diff"

    @get()
    async def diff_versions(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        query_timeout: QueryTimeoutDependency,
        base: FromQuery[str | None] = None,
        head: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> DiffAnswer:
        """Return what changed from one version to another."""
        size = fields.whole_number(limit, "limit", pages.DEFAULT_LIMIT, pages.MAX_EXAMPLES_LIMIT)
        dataset = parse_id(dataset_id, "Dataset", "dataset_id")
        asked = (
            fields.optional_id(base, "DatasetVersion", "base"),
            fields.optional_id(head, "DatasetVersion", "head"),
        )
        begun = pages.diff_cursor(cursor)
        if begun:
            _check_same(begun, dataset, *asked)
            asked = begun.base, begun.head
        found = await database.search(
            diff.page,
            permit,
            dataset,
            *asked,
            after=begun.ordinal if begun else 0,
            limit=size,
            counts=Counts(*begun.counts) if begun else None,
            until=time.monotonic() + query_timeout,
        )
        pagination = pages.Pagination(found.has_more)
        if pagination.has_more:
            pagination.next_cursor = following(dataset, found)
        return DiffAnswer(
            base=str(found.base.id),
            head=str(found.head.id),
            counts=found.counts,
            changes=[change for _, change in found.changes],
            pagination=pagination,
        )


def following(dataset: ResourceId, found: diff.Page) -> str:
    """Return the cursor of the changes after these."""
    ends, last = (found.base.id, found.head.id), found.changes[-1][0]
    counts = msgspec.structs.astuple(found.counts)
    return str(pages.DiffCursor(dataset.number, *ends, last, counts))


def _check_same(
    begun: pages.DiffCursor,
    dataset: ResourceId,
    base: ResourceId | None,
    head: ResourceId | None,
) -> None:
    ends = (dataset.number, base or begun.base, head or begun.head)
    if ends != (begun.dataset, begun.base, begun.head):
        raise InvalidRequest("cursor belongs to another diff; leave it out to start anew")
