"""The versions of a dataset as a line; rename, describe, lock and restore them; the log."""

from __future__ import annotations

from typing import Any, NamedTuple

from litestar import Response, get, post
from litestar.params import FromPath

from exempla.api import fields, pages
from exempla.errors import Conflict, InvalidRequest, PreconditionFailed, ValidationError
from exempla.ids import ResourceId, parse_id
from exempla.store import history, revisions, versions
from exempla.store.access import Permit
from exempla.store.history import By, Write
from exempla.store.transaction import Transaction
from exempla.store.versions import Details
from exempla.web import heads
from exempla.web.forms import NOT_REFUSED, Form, Refused
from exempla.web.heads import Head
from exempla.web.rendering import address
from exempla.web.visit import Visit, VisitDependency

PAGE = 20
"""Versions on a page."""

COUNTED = 1_000
"""Changes of a version that are counted; the diff counts all."""

LOG_PAGE = 50

LIST = "GET /api/v1/datasets/{dataset_id}/versions"
CREATE = "POST /api/v1/datasets/{dataset_id}/versions"
CHANGE = "PATCH /api/v1/datasets/{dataset_id}/versions/{version_id}"
LOG = "GET /api/v1/datasets/{dataset_id}/log"


class OnLine(NamedTuple):
    """A version, and what changed in it from the version before it on the line."""

    details: Details
    added: int
    changed: int
    removed: int
    before: ResourceId | None
    """The version before it; the first one has none."""
    changed_by: By | None
    """Who wrote to it last, if that is known."""


@get("/datasets/{dataset:str}/versions")
async def show_versions(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Show the versions of a dataset, newest first."""
    return await _show(visit, heads.dataset_id(dataset))


async def _show(visit: Visit, dataset: ResourceId, refused: Refused = NOT_REFUSED) -> Response[Any]:
    cursor = visit.asked("cursor")
    before = pages.before(cursor, "versions", dataset)
    head, line, next_cursor = await visit.read(LIST, _find, dataset, before)
    if refused.problem and refused.id not in {str(one.details.id) for one in line}:
        raise refused.problem  # a newer version moved it to another page
    return visit.render(
        "versions.html",
        refused.status,
        head=head,
        versions=line,
        names={str(one.id): one.name for one in head.choices},
        next_cursor=next_cursor,
        most=COUNTED,
        cursor=cursor,
        refused=refused,
        may_change=visit.may(CHANGE, head.space.id),
    )


def _find(
    tx: Transaction, permit: Permit, dataset: ResourceId, before: int
) -> tuple[Head, list[OnLine], str | None]:
    found = versions.list_page(tx, permit, dataset, before=before, limit=PAGE + 1)
    page, pagination = pages.cut(found, PAGE, "versions", lambda one: one.id.number, dataset)
    last_written = [one.version.updated_at for one in page]
    writers = history.writers(tx, dataset.number, last_written)
    line: list[OnLine] = []
    for index, details in enumerate(page):
        older = found[index + 1].id if index + 1 < len(found) else None
        by = writers.get(details.version.updated_at)
        if details.id.number == 1:
            line.append(OnLine(details, details.version.example_count, 0, 0, None, by))
        else:
            number = details.id.number
            counts = revisions.turnover(tx, dataset.number, number, COUNTED)
            line.append(OnLine(details, *counts, older, by))
    return heads.head(tx, permit, dataset, None), line, pagination.next_cursor


@post("/datasets/{dataset:str}/versions/{version:str}", status_code=200)
async def change_version(
    visit: VisitDependency, dataset: FromPath[str], version: FromPath[str]
) -> Response[Any]:
    """Rename and describe, lock, unlock or restore a version."""
    form = await visit.form()
    dataset_id = heads.dataset_id(dataset)
    id = parse_id(version, "DatasetVersion", "version")
    try:
        said = await _change(visit, dataset_id, id, form)
    except (Conflict, PreconditionFailed, ValidationError) as problem:
        return await _show(visit, dataset_id, Refused(form, problem, version))
    cursor = "" if said == "restored" else visit.asked("cursor")  # a new one is on the first page
    return visit.go(address(f"/datasets/{dataset}/versions", cursor=cursor), said)


async def _change(visit: Visit, dataset: ResourceId, id: ResourceId, form: Form) -> str:
    action = form.get("action")
    if action == "restore":
        name = fields.name(form.get("name").strip(), "the name of the new version")
        description = fields.description(form.get("description"))
        await visit.write(CREATE, versions.branch, dataset, id, name, description)
        return "restored"
    changes: dict[str, str | bool]
    if action == "describe":
        changes = {
            "name": fields.name(form.get("name").strip()),
            "description": fields.description(form.get("description")),
        }
        # What was left as it was may be otherwise by now, and stays that.
        for name in [name for name in changes if form.get(name) == form.get(f"{name}_seen")]:
            del changes[name]
    elif action in ("lock", "unlock"):
        changes = {"locked": action == "lock"}
    else:
        raise InvalidRequest("the form cannot be read; load the page again")
    if not changes:
        return "nothing"
    tag = form.get("tag") if action == "describe" else None
    await visit.write_if(tag, CHANGE, versions.change, dataset, id, changes)
    return {"lock": "locked", "unlock": "unlocked"}.get(action, "saved")


@get("/datasets/{dataset:str}/log")
async def show_log(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Show the writes to a dataset, newest first."""
    id = heads.dataset_id(dataset)
    before = pages.before(visit.asked("cursor"), "writes", id)
    head, found = await visit.read(LOG, _find_log, id, before)
    page, pagination = pages.cut(found, LOG_PAGE, "writes", lambda write: write.place, id)
    return visit.render(
        "log.html",
        head=head,
        writes=page,
        names={str(one.id): one.name for one in head.choices},
        next_cursor=pagination.next_cursor,
    )


def _find_log(
    tx: Transaction, permit: Permit, dataset: ResourceId, before: int
) -> tuple[Head, list[Write]]:
    found = history.log(tx, permit, dataset, before=before, limit=LOG_PAGE + 1)
    return heads.head(tx, permit, dataset, None), found


HANDLERS = [show_versions, change_version, show_log]
