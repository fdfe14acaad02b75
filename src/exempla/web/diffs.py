"""What differs between two versions, word by word."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from exempla.api import pages
from exempla.api.v1.diff import following
from exempla.errors import InvalidRequest
from exempla.ids import ResourceId
from exempla.store import diff, versions
from exempla.store.access import Permit
from exempla.store.diff import Counts
from exempla.store.transaction import Transaction
from exempla.web import heads, use_it
from exempla.web.example import changes_of
from exempla.web.heads import Head
from exempla.web.visit import VisitDependency
from exempla.web.words import Comparer

PAGE = 25
"""Examples on a page."""

DIFF = "GET /api/v1/datasets/{dataset_id}/diff"


@get("/datasets/{dataset:str}/diff")
async def show_diff(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Show what changed from one version to another, to the latest if none is given."""
    id = heads.dataset_id(dataset)
    base, head_id = heads.version_id(visit.asked("base")), heads.version_id(visit.asked("head"))
    begun = pages.diff_cursor(visit.asked("cursor"))
    if begun:
        if begun.dataset != id.number:
            raise InvalidRequest("cursor belongs to another diff; leave it out to start anew")
        base, head_id = begun.base, begun.head
    head, found = await visit.search(DIFF, _find, id, base, head_id, begun, visit.until())
    comparer = Comparer()
    return visit.render(
        "diff.html",
        head=head,
        base=found.base,
        other=found.head,
        counts=found.counts,
        changes=[
            (ordinal, change, changes_of(change.fields, comparer))
            for ordinal, change in found.changes
        ],
        next_cursor=following(id, found) if found.has_more else None,
        snippets=use_it.diff(
            visit.base_url, id, found.base.id, found.head.id, PAGE, visit.asked("cursor")
        ),
    )


def _find(
    tx: Transaction,
    permit: Permit,
    dataset: ResourceId,
    base: ResourceId | None,
    head_id: ResourceId | None,
    begun: pages.DiffCursor | None,
    until: float,
) -> tuple[Head, diff.Page]:
    details = versions.details(tx, permit, dataset, head_id)
    if base is None and details.parent_id is None:
        base = details.id  # the only version, beside itself
    found = diff.page(
        tx,
        permit,
        dataset,
        base,
        head_id,
        after=begun.ordinal if begun else 0,
        limit=PAGE,
        counts=Counts(*begun.counts) if begun else None,
        until=until,
    )
    return heads.head(tx, permit, dataset, found.head.id), found


HANDLERS = [show_diff]
