"""The spaces, and in each its tags and annotation configs."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, get_args

from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import UNSET

from exempla.api import annotation_configs as configs_api
from exempla.api import fields
from exempla.api.annotation_configs import CreateConfig
from exempla.api.tags import Color
from exempla.errors import Conflict, InvalidRequest, NotFound, ValidationError
from exempla.ids import ResourceId, parse_id
from exempla.limits import MAX_TAG_NAME_LENGTH
from exempla.store import annotation_configs, organizations, spaces, tags
from exempla.store.access import Permit
from exempla.store.annotation_configs import Config, ConfigType, Direction, Label
from exempla.store.listing import FIRST
from exempla.store.spaces import Space
from exempla.store.tags import Tag
from exempla.store.transaction import Transaction
from exempla.web.datasets import all_spaces
from exempla.web.forms import NOT_REFUSED, Form, Refused
from exempla.web.visit import Visit, VisitDependency

MOST = 500
"""Tags, and annotation configs, that a page lists."""

GET = "GET /v2/spaces/{space_id}"
_TYPES: tuple[ConfigType, ...] = get_args(ConfigType)
_COLORS: tuple[str, ...] = get_args(Color)


class _Known(NamedTuple):
    space: Space
    tags: list[Tag]
    configs: list[Config]


@get("/admin/spaces")
async def list_spaces(visit: VisitDependency) -> Response[Any]:
    """List the spaces that a person may see."""
    return await _list(visit)


async def _list(visit: Visit, refused: Refused = NOT_REFUSED) -> Response[Any]:
    found, homes = await visit.read("GET /v2/spaces", _all)
    return visit.render(
        "spaces.html",
        refused.status,
        spaces=found,
        organizations={str(one.id): one.name for one in homes},
        refused=refused,
        may_create=visit.is_administrator,
    )


def _all(tx: Transaction, permit: Permit) -> tuple[list[Space], list[Any]]:
    homes = organizations.list_page(tx, permit, name="", before=FIRST, limit=MOST)
    return all_spaces(tx, permit), homes


@post("/admin/spaces", status_code=200)
async def create_space(visit: VisitDependency) -> Response[Any]:
    """Make a space."""
    form = await visit.form()
    try:
        made = await visit.write(
            "POST /v2/spaces",
            spaces.create,
            parse_id(form.get("organization"), "Organization", "organization"),
            fields.name(form.get("name").strip()),
            fields.description(form.get("description")),
        )
    except (Conflict, NotFound, ValidationError) as problem:
        return await _list(visit, Refused(form, problem))
    return visit.go(f"/admin/spaces/{made.id}", "created")


@get("/admin/spaces/{space:str}")
async def show_space(visit: VisitDependency, space: FromPath[str]) -> Response[Any]:
    """Show a space with its tags and annotation configs."""
    return await _show(visit, _id(space))


async def _show(visit: Visit, id: ResourceId, refused: Refused = NOT_REFUSED) -> Response[Any]:
    known = await visit.read(GET, _find, id)
    return visit.render(
        "space.html",
        refused.status,
        space=known.space,
        tags=known.tags,
        configs=known.configs,
        refused=refused,
        colors={one: one.lower() for one in _COLORS},
        may_write=visit.may("POST /v2/tags", id),
        may_manage=visit.administers(id),
    )


def _find(tx: Transaction, permit: Permit, id: ResourceId) -> _Known:
    configs = annotation_configs.list_page(
        tx, permit, space=id, space_name="", name="", before=FIRST, limit=MOST
    )
    space = spaces.get(tx, permit, id)
    return _Known(space, tags.of_space(tx, permit, id, MOST), configs)


@post("/admin/spaces/{space:str}", status_code=200)
async def change_space(visit: VisitDependency, space: FromPath[str]) -> Response[Any]:
    """Change or delete a space, or a tag or annotation config of it."""
    form = await visit.form()
    id = _id(space)
    action = _ACTIONS.get(form.get("action"))
    if action is None:
        raise InvalidRequest("the form cannot be read; load the page again")
    try:
        said = await action(visit, id, form)
    except (Conflict, ValidationError) as problem:
        return await _show(visit, id, Refused(form, problem))
    path = "/admin/spaces" if action is _delete_space else f"/admin/spaces/{space}"
    return visit.go(path, said)


async def _describe(visit: Visit, id: ResourceId, form: Form) -> str:
    name = fields.name(form.get("name").strip())
    description = fields.description(form.get("description"))
    await visit.write("PATCH /v2/spaces/{space_id}", spaces.update, id, name, description)
    return "saved"


async def _delete_space(visit: Visit, id: ResourceId, form: Form) -> str:
    known = await visit.read(GET, spaces.get, id)
    if form.get("name") != known.name:
        raise ValidationError("nothing was deleted: the name is another one")
    await visit.write("DELETE /v2/spaces/{space_id}", spaces.delete, id)
    visit.purge()
    return "deleted"


async def _create_tag(visit: Visit, id: ResourceId, form: Form) -> str:
    color = fields.one_of(form.get("color"), _COLORS, "color")
    name = fields.name(form.get("name").strip(), longest=MAX_TAG_NAME_LENGTH)
    description = form.get("description")
    text = fields.description(description) if description else None
    await visit.write("POST /v2/tags", tags.create, id, name, text, color)
    return "created"


async def _delete_tag(visit: Visit, _: ResourceId, form: Form) -> str:
    tag = parse_id(form.get("id"), "Tag", "tag")
    await visit.write("DELETE /v2/tags/{tag_id}", tags.delete, tag)
    return "deleted"


async def _create_config(visit: Visit, id: ResourceId, form: Form) -> str:
    data = _config(str(id), form)
    await visit.write(
        "POST /v2/annotation-configs",
        annotation_configs.create,
        id,
        fields.name(data.name),
        data.annotation_config_type,
        configs_api.settings_of(data),
    )
    return "created"


async def _delete_config(visit: Visit, _: ResourceId, form: Form) -> str:
    config = parse_id(form.get("id"), "AnnotationConfig", "annotation config")
    route = "DELETE /v2/annotation-configs/{annotation_config_id}"
    await visit.write(route, annotation_configs.delete, config)
    return "deleted"


_ACTIONS = {
    "describe": _describe,
    "delete": _delete_space,
    "create-tag": _create_tag,
    "delete-tag": _delete_tag,
    "create-config": _create_config,
    "delete-config": _delete_config,
}


def _config(space: str, form: Form) -> CreateConfig:
    """Return the config that was filled in: only what goes with its type."""
    type = fields.one_of(form.get("type"), _TYPES, "type")
    if type is None:
        raise ValidationError("choose a type")
    data = CreateConfig(form.get("name").strip(), space, type)
    if type == "CONTINUOUS":
        data.minimum_score = fields.number(form.get("minimum"), "the lowest score")
        data.maximum_score = fields.number(form.get("maximum"), "the highest score")
    if type == "CATEGORICAL":
        data.values = _labels(form.get("labels"))
    if type != "FREEFORM":
        direction = fields.one_of(form.get("direction"), get_args(Direction), "direction")
        data.optimization_direction = cast("Direction | None", direction) or UNSET
    return data


def _labels(text: str) -> list[Label]:
    """Read a label on each line, and after the last `=` its score."""
    found: list[Label] = []
    for line in text.splitlines():
        name, equals, score = line.rpartition("=")
        if line.strip():
            found.append(
                Label(name.strip(), fields.number(score, f"the score of {name.strip()!r}"))
                if equals
                else Label(line.strip())
            )
    return found


def _id(text: str) -> ResourceId:
    return parse_id(text, "Space", "space")


HANDLERS = [list_spaces, create_space, show_space, change_space]
