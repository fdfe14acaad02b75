"""`/v2/annotation-configs`."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, UnsetType

from exempla import clock
from exempla.api import fields, pages
from exempla.api.dependencies import DatabaseDependency, PermitDependency, WritingDependency
from exempla.api.writing import nothing, plain
from exempla.errors import ValidationError
from exempla.ids import ResourceId, parse_id
from exempla.limits import MAX_LABELS
from exempla.store import annotation_configs
from exempla.store.annotation_configs import (
    Config,
    ConfigSettings,
    ConfigType,
    Direction,
    Label,
    check_range,
)

Score = float | int

_MEMBERS: dict[ConfigType, tuple[str, ...]] = {
    "CONTINUOUS": ("minimum_score", "maximum_score", "optimization_direction"),
    "CATEGORICAL": ("values", "optimization_direction"),
    "FREEFORM": (),
}
"""The settings of each type; all but the direction are required."""


class CreateConfig(msgspec.Struct, forbid_unknown_fields=True):
    """A new config; which of the last four it needs depends on its type."""

    name: str
    space_id: str
    annotation_config_type: ConfigType
    minimum_score: Score | UnsetType = UNSET
    maximum_score: Score | UnsetType = UNSET
    values: list[Label] | UnsetType = UNSET
    optimization_direction: Direction | UnsetType | None = UNSET


class UpdateConfig(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; the type must be the config's own."""

    annotation_config_type: ConfigType
    name: str | UnsetType = UNSET
    minimum_score: Score | UnsetType = UNSET
    maximum_score: Score | UnsetType = UNSET
    values: list[Label] | UnsetType = UNSET
    optimization_direction: Direction | UnsetType | None = UNSET


class ConfigAnswer(msgspec.Struct):
    """A config as clients see it: with the settings of its type, and no others."""

    id: str
    name: str
    created_at: str
    space_id: str
    type: ConfigType
    minimum_score: Score | UnsetType | None = UNSET
    maximum_score: Score | UnsetType | None = UNSET
    values: list[Label] | UnsetType | None = UNSET
    optimization_direction: Direction | UnsetType = UNSET


class ConfigsAnswer(msgspec.Struct):
    """A page of configs, newest first."""

    annotation_configs: list[ConfigAnswer]
    pagination: pages.Pagination


class AnnotationConfigsController(Controller):
    """Make, read, change and delete annotation configs."""

    path = "/v2/annotation-configs"

    @get()
    async def list_annotation_configs(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        space_id: FromQuery[str | None] = None,
        space_name: FromQuery[str | None] = None,
        name: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> ConfigsAnswer:
        """List annotation configs, newest first."""
        size = pages.limit(limit)
        found = await database.read(
            annotation_configs.list_page,
            permit,
            space=fields.optional_id(space_id, "Space", "space_id"),
            space_name=fields.part_of_name(space_name, "space_name"),
            name=fields.part_of_name(name, "name"),
            before=pages.before(cursor, "configs"),
            limit=size + 1,
        )
        page, pagination = pages.newest_first(found, size, "configs")
        return ConfigsAnswer([_answer(one) for one in page], pagination)

    @post()
    async def create_annotation_config(
        self, writing: WritingDependency, permit: PermitDependency, data: JSONBody[CreateConfig]
    ) -> Response[ConfigAnswer]:
        """Make an annotation config."""
        settings = settings_of(data)
        return await writing(
            plain(_answer),
            annotation_configs.create,
            permit,
            parse_id(data.space_id, "Space", "space_id"),
            fields.name(data.name),
            data.annotation_config_type,
            settings,
        )

    @get("/{annotation_config_id:str}")
    async def get_annotation_config(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        annotation_config_id: FromPath[str],
    ) -> ConfigAnswer:
        """Return one annotation config."""
        id = _id(annotation_config_id)
        return _answer(await database.read(annotation_configs.get, permit, id))

    @patch("/{annotation_config_id:str}")
    async def update_annotation_config(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        annotation_config_id: FromPath[str],
        data: JSONBody[UpdateConfig],
    ) -> Response[ConfigAnswer]:
        """Change the name or the settings of an annotation config."""
        return await writing(
            plain(_answer),
            annotation_configs.update,
            permit,
            _id(annotation_config_id),
            data.annotation_config_type,
            None if data.name is UNSET else fields.name(data.name),
            _settings(data),
        )

    @delete("/{annotation_config_id:str}")
    async def delete_annotation_config(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        annotation_config_id: FromPath[str],
    ) -> Response[None]:
        """Delete an annotation config; the annotations made with it stay."""
        return await writing(nothing, annotation_configs.delete, permit, _id(annotation_config_id))


def _id(text: str) -> ResourceId:
    return parse_id(text, "AnnotationConfig", "annotation_config_id")


def settings_of(data: CreateConfig) -> ConfigSettings:
    """Return the settings of a new config, which must be all of its type, and no others."""
    given = _settings(data)
    for member in _MEMBERS[data.annotation_config_type]:
        if member not in given and member != "optimization_direction":
            raise ValidationError(f"{member} is required")
    settings = ConfigSettings(**given)
    check_range(settings)
    return settings


def _settings(data: CreateConfig | UpdateConfig) -> dict[str, Any]:
    """Return the settings given, which must be of the type."""
    given: dict[str, Any] = {}
    type = data.annotation_config_type
    for member in ("minimum_score", "maximum_score", "values", "optimization_direction"):
        value = getattr(data, member)
        if value is UNSET:
            continue
        if member not in _MEMBERS[type]:
            raise ValidationError(f"{member} does not go with the type {type}")
        given[member] = value
    if "values" in given:
        _check_labels(given["values"])
    return given


def _check_labels(labels: list[Label]) -> None:
    if not 1 <= len(labels) <= MAX_LABELS:
        raise ValidationError(f"values has {len(labels)} items; give 1 to {MAX_LABELS}")
    seen: set[str] = set()
    for index, label in enumerate(labels):
        fields.name(label.label, f"values[{index}].label")
        if label.label in seen:
            raise ValidationError(f"values[{index}].label is one that an earlier item has too")
        seen.add(label.label)


def _answer(config: Config) -> ConfigAnswer:
    answer = ConfigAnswer(
        id=str(config.id),
        name=config.name,
        created_at=clock.rfc3339(config.created_at),
        space_id=str(config.space_id),
        type=config.type,
    )
    for member in _MEMBERS[config.type]:
        setattr(answer, member, getattr(config.settings, member))
    if config.type != "FREEFORM":
        answer.optimization_direction = config.settings.optimization_direction or "NONE"
    return answer
