"""The start: the datasets that a person may see."""

from __future__ import annotations

from typing import Any, NamedTuple

from litestar import Response, get

from exempla.api import fields, pages
from exempla.ids import ResourceId
from exempla.store import overview, spaces
from exempla.store.access import Permit
from exempla.store.listing import FIRST
from exempla.store.overview import Overview
from exempla.store.spaces import Space
from exempla.store.transaction import Transaction
from exempla.web.visit import VisitDependency


class _Found(NamedTuple):
    datasets: list[Overview]
    spaces: list[Space]


@get("/")
async def list_datasets(visit: VisitDependency) -> Response[Any]:
    """List datasets, newest first, with a search by name and space."""
    name = fields.part_of_name(visit.asked("name"), "name")
    space = fields.optional_id(visit.asked("space"), "Space", "space")
    before = pages.before(visit.asked("cursor"), "datasets")
    found = await visit.read("GET /v2/datasets", _find, space, name, before)
    page, pagination = pages.newest_first(found.datasets, pages.DEFAULT_LIMIT, "datasets")
    return visit.render(
        "datasets.html",
        datasets=page,
        spaces=found.spaces,
        name=name,
        space=visit.asked("space"),
        next_cursor=pagination.next_cursor,
        is_first=before == FIRST,
        may_create=visit.may("POST /v2/datasets"),
    )


def _find(
    tx: Transaction, permit: Permit, space: ResourceId | None, name: str, before: int
) -> _Found:
    limit = pages.DEFAULT_LIMIT + 1
    if space:
        spaces.get(tx, permit, space)  # or there is none
    return _Found(
        overview.list_page(tx, permit, space=space, name=name, before=before, limit=limit),
        all_spaces(tx, permit),
    )


def all_spaces(tx: Transaction, permit: Permit) -> list[Space]:
    """Return the spaces that a person may choose from, newest first, at most some hundreds."""
    return spaces.list_page(tx, permit, organization=None, name="", before=FIRST, limit=500)


HANDLERS = [list_datasets]
