"""Datasets as a person looks for them: with their size, their tags, and who changed them last."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from exempla.ids import ResourceId
from exempla.store import users
from exempla.store.access import READS, Permit
from exempla.store.listing import IN_SPACE, in_space, like
from exempla.store.transaction import Row, Transaction


class TagName(NamedTuple):
    """A tag of a dataset, as it is shown."""

    name: str
    color: str | None


class Overview(NamedTuple):
    """A dataset in a list; the time in microseconds."""

    id: ResourceId
    space_id: ResourceId
    tags: list[TagName]
    name: str
    space_name: str
    updated_at: int
    updated_by: str | None
    """What people call the user who made the last change, if it is known."""
    version_count: int
    version_name: str
    """Of the latest version."""
    example_count: int
    """In the latest version."""


# The write that changed a dataset last is the one at its `updated_at`.
_LIST = f"""
    SELECT d.id, d.suffix, s.id, s.suffix, d.name, s.name, d.updated_at, u.email, u.name,
        d.latest_version, v.name, v.example_count
    FROM datasets AS d
    JOIN spaces AS s ON s.id = d.space_id
    JOIN versions AS v ON v.dataset_id = d.id AND v.number = d.latest_version
    LEFT JOIN writes AS w ON w.dataset_id = d.id AND w.at = d.updated_at
    LEFT JOIN users AS u ON u.id = w.user_id
    WHERE d.id < :before AND d.name_folded LIKE :name ESCAPE '\\' AND {READS} AND {IN_SPACE}
    ORDER BY d.id DESC
    LIMIT :limit"""

_TAGS = """
    SELECT dt.dataset_id, t.name, t.color
    FROM EACH(:ids) AS given (value)
    CROSS JOIN dataset_tags AS dt
    JOIN tags AS t ON t.id = dt.tag_id
    WHERE dt.dataset_id = CAST(given.value AS BIGINT)
    ORDER BY dt.dataset_id, t.name_folded"""


def list_page(
    tx: Transaction,
    permit: Permit,
    *,
    space: ResourceId | None,
    name: str,
    before: int,
    limit: int,
) -> list[Overview]:
    """Return datasets, newest first, whose number is below `before`.

    `name` is a part of their names, in any case.
    """
    rows = tx.all(
        _LIST,
        **permit.spaces,
        **in_space(space),
        name=like(name),
        before=before,
        limit=limit,
    )
    ids = msgspec.json.encode([str(row[0]) for row in rows]).decode()
    tags: dict[int, list[TagName]] = {}
    for dataset, *tag in tx.all(_TAGS, ids=ids):
        tags.setdefault(dataset, []).append(TagName(*tag))
    return [_overview(row, tags.get(row[0], [])) for row in rows]


def _overview(row: Row, tags: list[TagName]) -> Overview:
    id, suffix, space, space_suffix, name, space_name, updated_at, email, user, *rest = row
    return Overview(
        ResourceId("Dataset", id, suffix),
        ResourceId("Space", space, space_suffix),
        tags,
        name,
        space_name,
        updated_at,
        users.called(user, email) if email else None,
        *rest,
    )
