"""`/v2/tags` and `/v2/datasets/{dataset_id}/tags`."""

from __future__ import annotations

from typing import Literal

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from exempla import clock
from exempla.api import fields, pages
from exempla.api.dependencies import DatabaseDependency, PermitDependency, WritingDependency
from exempla.api.writing import Tagged, nothing, plain
from exempla.errors import ValidationError
from exempla.ids import ResourceId, parse_id
from exempla.limits import MAX_TAG_NAME_LENGTH, MAX_TAGS
from exempla.store import tags
from exempla.store.datasets import Dataset
from exempla.store.tags import Tag

Color = Literal[
    "GRAY",
    "INDIGO",
    "BLUE",
    "CYAN",
    "TEAL",
    "PINE",
    "GREEN",
    "LIME",
    "OLIVE",
    "LEMON",
    "YELLOW",
    "ORANGE",
    "RED",
    "CORAL",
    "PINK",
    "PLUM",
    "PURPLE",
    "BROWN",
    "AUBURN",
]


class CreateTag(msgspec.Struct, forbid_unknown_fields=True):
    """A new tag of a space."""

    name: str
    space_id: str
    description: str | None = None
    color: Color | None = None


class UpdateTag(msgspec.Struct, forbid_unknown_fields=True):
    """What to change of a tag; null clears a description or color."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    color: Color | UnsetType | None = UNSET


class TagIds(msgspec.Struct, forbid_unknown_fields=True):
    """1 to 100 tags of the dataset's space."""

    tag_ids: list[str]


class TagAnswer(msgspec.Struct):
    """A tag as clients see it."""

    id: str
    name: str
    description: str | None
    color: str | None
    space_id: str
    created_at: str
    updated_at: str


class TagsAnswer(msgspec.Struct):
    """All tags of a dataset, the one changed last first."""

    tags: list[TagAnswer]
    pagination: pages.Pagination


class DetachedAnswer(msgspec.Struct):
    """Which of the tags were attached, and which were not."""

    completed: bool
    deleted: list[str]
    not_deleted: list[str]


class TagsController(Controller):
    """Make, change and delete tags."""

    path = "/v2/tags"

    @post()
    async def create_tag(
        self, writing: WritingDependency, permit: PermitDependency, data: JSONBody[CreateTag]
    ) -> Response[TagAnswer]:
        """Make a tag."""
        return await writing(
            plain(_answer),
            tags.create,
            permit,
            parse_id(data.space_id, "Space", "space_id"),
            fields.name(data.name, longest=MAX_TAG_NAME_LENGTH),
            None if data.description is None else fields.description(data.description),
            data.color,
        )

    @patch("/{tag_id:str}")
    async def update_tag(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        tag_id: FromPath[str],
        data: JSONBody[UpdateTag],
    ) -> Response[TagAnswer]:
        """Change the name, description or color of a tag."""
        changes: dict[str, str | None] = {}
        if data.name is not UNSET:
            changes["name"] = fields.name(data.name, longest=MAX_TAG_NAME_LENGTH)
        if data.description is not UNSET:
            text = data.description
            changes["description"] = None if text is None else fields.description(text)
        if data.color is not UNSET:
            changes["color"] = data.color
        if not changes:
            raise ValidationError("nothing to change; give name, description or color")
        return await writing(plain(_answer), tags.update, permit, _id(tag_id), changes)

    @delete("/{tag_id:str}")
    async def delete_tag(
        self, writing: WritingDependency, permit: PermitDependency, tag_id: FromPath[str]
    ) -> Response[None]:
        """Delete a tag, and detach it from all datasets."""
        return await writing(nothing, tags.delete, permit, _id(tag_id))


class DatasetTagsController(Controller):
    """List, attach and detach the tags of a dataset."""

    path = "/v2/datasets/{dataset_id:str}/tags"

    @get()
    async def list_dataset_tags(
        self, database: DatabaseDependency, permit: PermitDependency, dataset_id: FromPath[str]
    ) -> TagsAnswer:
        """Return all tags of the dataset."""
        dataset = parse_id(dataset_id, "Dataset", "dataset_id")
        return _answers(await database.read(tags.of_dataset, permit, dataset))

    @post(status_code=200)
    async def attach_dataset_tags(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        data: JSONBody[TagIds],
    ) -> Response[TagsAnswer]:
        """Attach tags; return all tags of the dataset."""
        dataset = parse_id(dataset_id, "Dataset", "dataset_id")
        return await writing(
            lambda attached: Tagged(_answers(attached[1]), attached[0].tag),
            tags.attach,
            permit,
            dataset,
            _ids(data),
        )

    @delete(status_code=200)
    async def detach_dataset_tags(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        data: JSONBody[TagIds],
    ) -> Response[DetachedAnswer]:
        """Detach tags."""
        dataset, ids = parse_id(dataset_id, "Dataset", "dataset_id"), _ids(data)

        def render(detached: tuple[Dataset, list[ResourceId]]) -> Tagged[DetachedAnswer]:
            dataset, deleted = detached
            rest = [str(id) for id in ids if id not in deleted]
            return Tagged(DetachedAnswer(True, [str(id) for id in deleted], rest), dataset.tag)

        return await writing(render, tags.detach, permit, dataset, ids)


def _id(text: str) -> ResourceId:
    return parse_id(text, "Tag", "tag_id")


def _ids(data: TagIds) -> list[ResourceId]:
    if not 1 <= len(data.tag_ids) <= MAX_TAGS:
        raise ValidationError(f"tag_ids has {len(data.tag_ids)} items; give 1 to {MAX_TAGS}")
    ids = [parse_id(id, "Tag", f"tag_ids[{index}]") for index, id in enumerate(data.tag_ids)]
    return list(dict.fromkeys(ids))


def _answers(found: list[Tag]) -> TagsAnswer:
    return TagsAnswer([_answer(tag) for tag in found], pages.Pagination(has_more=False))


def _answer(tag: Tag) -> TagAnswer:
    return TagAnswer(
        id=str(tag.id),
        name=tag.name,
        description=tag.description,
        color=tag.color,
        space_id=str(tag.space_id),
        created_at=clock.rfc3339(tag.created_at),
        updated_at=clock.rfc3339(tag.updated_at),
    )
