"""A dataset's own settings: its name, its tags, its schema, and its end."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from exempla.api import body, fields
from exempla.errors import Conflict, InvalidRequest, PreconditionFailed, ValidationError
from exempla.ids import ResourceId, parse_id
from exempla.schemas import compiled
from exempla.store import datasets, schemas, tags
from exempla.store.access import Permit
from exempla.store.bodies import Fields
from exempla.store.tags import Tag
from exempla.store.transaction import Transaction
from exempla.web import heads
from exempla.web.forms import NOT_REFUSED, Form, Refused
from exempla.web.heads import Head
from exempla.web.visit import Visit, VisitDependency

RENAME = "PATCH /v2/datasets/{dataset_id}"
DELETE = "DELETE /v2/datasets/{dataset_id}"
ATTACH = "POST /v2/datasets/{dataset_id}/tags"
DETACH = "DELETE /v2/datasets/{dataset_id}/tags"
SET_SCHEMA = "PUT /api/v1/datasets/{dataset_id}/schema"

MAX_TAGS = 500


class _Known(NamedTuple):
    head: Head
    tags: list[Tag]
    """All of the space."""
    schema: str


@get("/datasets/{dataset:str}/settings")
async def show_settings(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Show the settings of a dataset."""
    return await _show(visit, heads.dataset_id(dataset))


async def _show(visit: Visit, dataset: ResourceId, refused: Refused = NOT_REFUSED) -> Response[Any]:
    known = await visit.read("GET /v2/datasets/{dataset_id}", _find, dataset)
    return visit.render(
        "settings.html",
        refused.status,
        head=known.head,
        tags=known.tags,
        schema=known.schema,
        refused=refused,
        may_change=visit.may(RENAME, known.head.space.id),
    )


def _find(tx: Transaction, permit: Permit, dataset: ResourceId) -> _Known:
    head = heads.head(tx, permit, dataset, None, choices=0)
    schema = schemas.get(tx, permit, dataset).schema
    text = msgspec.json.format(schema, indent=2) if schema else ""
    return _Known(head, tags.of_space(tx, permit, head.space.id, MAX_TAGS), text)


@post("/datasets/{dataset:str}/settings", status_code=200)
async def change_settings(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Rename, tag, set the schema of, or delete a dataset."""
    form = await visit.form()
    id = heads.dataset_id(dataset)
    path = f"/datasets/{dataset}/settings"
    try:
        if form.get("action") == "delete":
            await _delete(visit, id, form)
            return visit.go("/", "deleted")
        await _change(visit, id, form)
    except (Conflict, InvalidRequest, PreconditionFailed, ValidationError) as problem:
        return await _show(visit, id, Refused(form, problem))
    return visit.go(path, "saved")


async def _change(visit: Visit, id: ResourceId, form: Form) -> None:
    action = form.get("action")
    if action == "rename":
        name = fields.name(form.get("name").strip())
        await visit.write_if(form.get("tag"), RENAME, datasets.rename, id, name)
    elif action == "tags":
        wanted = {parse_id(text, "Tag", "tag") for text in form.all("wanted")}
        attached = {parse_id(text, "Tag", "tag") for text in form.all("attached")}
        if added := sorted(wanted - attached):
            await visit.write(ATTACH, tags.attach, id, added)
        if removed := sorted(attached - wanted):
            await visit.write(DETACH, tags.detach, id, removed)
    elif action == "schema":
        await _set_schema(visit, id, form.get("schema"))
    else:
        raise InvalidRequest("the form cannot be read; load the page again")


async def _set_schema(visit: Visit, id: ResourceId, text: str) -> None:
    schema = None
    if text.strip():
        schema = body.read(text.encode(), Fields)
        await body.check_nesting([("the schema", msgspec.Raw(text.encode()))])
        await asyncio.to_thread(compiled, msgspec.json.encode(schema).decode())
    await visit.write(SET_SCHEMA, schemas.put, id, schema)


async def _delete(visit: Visit, id: ResourceId, form: Form) -> None:
    known = await visit.read("GET /v2/datasets/{dataset_id}", _find, id)
    if form.get("name") != known.head.dataset.name:
        raise ValidationError("nothing was deleted: the name is another one")
    await visit.write(DELETE, datasets.delete, id)
    visit.purge()


HANDLERS = [show_settings, change_settings]
