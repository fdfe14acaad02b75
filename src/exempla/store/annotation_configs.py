"""Annotation configs of a space: which scores and labels an annotation may have."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

from exempla import clock
from exempla.errors import Conflict, NotFound, ValidationError
from exempla.ids import ResourceId, new_suffix
from exempla.store import spaces
from exempla.store.access import READS, Permit
from exempla.store.listing import IN_SPACE, in_space, like
from exempla.store.transaction import Row, Transaction

ConfigType = Literal["CONTINUOUS", "CATEGORICAL", "FREEFORM"]
Direction = Literal["MAXIMIZE", "MINIMIZE", "NONE"]


class Label(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A label of a categorical config, and the score that goes with it."""

    label: str
    score: float | int | None = None


class ConfigSettings(msgspec.Struct, omit_defaults=True):
    """What depends on the type: a range of scores, or labels; none for `FREEFORM`."""

    minimum_score: float | int | None = None
    maximum_score: float | int | None = None
    values: list[Label] | None = None
    optimization_direction: Direction | None = None


class Config(NamedTuple):
    """An annotation config; times in microseconds."""

    id: ResourceId
    space_id: ResourceId
    name: str
    type: ConfigType
    settings: ConfigSettings
    created_at: int


_SELECT = """
    SELECT a.id, a.suffix, s.id, s.suffix, a.name, a.type, a.settings, a.created_at
    FROM annotation_configs AS a JOIN spaces AS s ON s.id = a.space_id"""

_CREATE = """
    INSERT INTO annotation_configs
        (suffix, space_id, name, name_folded, type, settings, created_at)
    VALUES (:suffix, :space_id, :name, :name_folded, :type, :settings, :created_at)
    ON CONFLICT (space_id, name) DO NOTHING
    RETURNING id"""

_LIST = f"""{_SELECT}
    WHERE a.id < :before AND a.name_folded LIKE :name ESCAPE '\\'
      AND s.name_folded LIKE :space_name ESCAPE '\\' AND {READS}
      AND {IN_SPACE}
    ORDER BY a.id DESC
    LIMIT :limit"""

_UPDATE = """
    UPDATE annotation_configs SET name = :name, name_folded = :name_folded, settings = :settings
    WHERE id = :id"""


def create(
    tx: Transaction,
    permit: Permit,
    space_id: ResourceId,
    name: str,
    type: ConfigType,
    settings: ConfigSettings,
) -> Config:
    """Make a config; the name must be free in the space, else `Conflict`."""
    spaces.get(tx, permit, space_id)
    suffix, now = new_suffix(), clock.now()
    row = tx.one(
        _CREATE,
        suffix=suffix,
        space_id=space_id.number,
        name=name,
        name_folded=name.casefold(),
        type=type,
        settings=msgspec.json.encode(settings).decode(),
        created_at=now,
    )
    if not row:
        raise _taken(name)
    id = ResourceId("AnnotationConfig", row[0], suffix)
    return Config(id, space_id, name, type, settings, now)


def get(tx: Transaction, permit: Permit, id: ResourceId) -> Config:
    """Return the config, or raise `NotFound`."""
    return _get(tx, permit, id, "")


def list_page(
    tx: Transaction,
    permit: Permit,
    *,
    space: ResourceId | None,
    space_name: str,
    name: str,
    before: int,
    limit: int,
) -> list[Config]:
    """Return configs, newest first, whose number is below `before`.

    `name` and `space_name` are parts of the names, in any case.
    """
    rows = tx.all(
        _LIST,
        **permit.spaces,
        **in_space(space),
        space_name=like(space_name),
        name=like(name),
        before=before,
        limit=limit,
    )
    return [_config(row) for row in rows]


def update(
    tx: Transaction,
    permit: Permit,
    id: ResourceId,
    type: ConfigType,
    name: str | None,
    changes: dict[str, Any],
) -> Config:
    """Change the name, if not None, and these settings; the type cannot change."""
    config = _get(tx, permit, id, " FOR UPDATE OF a")
    if type != config.type:
        raise ValidationError(
            f"annotation_config_type is {type}, but this config is {config.type}; "
            "make a new config for another type"
        )
    changed = config._replace(
        name=config.name if name is None else name,
        settings=msgspec.structs.replace(config.settings, **changes),
    )
    if changed.name != config.name and tx.one(
        "SELECT 1 FROM annotation_configs WHERE space_id = :space_id AND name = :name",
        space_id=config.space_id.number,
        name=changed.name,
    ):
        raise _taken(changed.name)
    check_range(changed.settings)
    tx.run(
        _UPDATE,
        id=id.number,
        name=changed.name,
        name_folded=changed.name.casefold(),
        settings=msgspec.json.encode(changed.settings).decode(),
    )
    return changed


def delete(tx: Transaction, permit: Permit, id: ResourceId) -> None:
    """Delete the config. The annotations that were made with it stay."""
    _get(tx, permit, id, " FOR UPDATE OF a")
    tx.run("DELETE FROM annotation_configs WHERE id = :id", id=id.number)


def of_space(tx: Transaction, space: int, names: list[str]) -> dict[str, Config]:
    """Return the configs of the space with these names, by name."""
    rows = tx.all(
        _SELECT
        + " WHERE a.space_id = :space"
        + " AND a.name IN (SELECT given.value FROM EACH(:names) AS given (value))",
        space=space,
        names=msgspec.json.encode([name for name in names if "\0" not in name]).decode(),
    )
    return {config.name: config for config in map(_config, rows)}


def check_range(settings: ConfigSettings) -> None:
    """Raise `ValidationError` when the lowest score is not below the highest."""
    low, high = settings.minimum_score, settings.maximum_score
    if low is not None and high is not None and low >= high:
        raise ValidationError(f"minimum_score is {low}; it must be below maximum_score, {high}")


def _get(tx: Transaction, permit: Permit, id: ResourceId, lock: str) -> Config:
    row = tx.one(
        _SELECT + " WHERE a.id = :id AND a.suffix = :suffix" + lock, id=id.number, suffix=id.suffix
    )
    if row:
        config = _config(row)
        if permit.admits(config.space_id.number):
            return config
    raise NotFound(f"there is no annotation config with the id {id}")


def _config(row: Row) -> Config:
    id, suffix, space, space_suffix, name, type, settings, created_at = row
    return Config(
        ResourceId("AnnotationConfig", id, suffix),
        ResourceId("Space", space, space_suffix),
        name,
        type,
        msgspec.json.decode(settings, type=ConfigSettings),
        created_at,
    )


def _taken(name: str) -> Conflict:
    return Conflict(
        f"there is an annotation config named {name!r} in this space already; choose another name"
    )
