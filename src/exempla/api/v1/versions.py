"""`/api/v1/datasets/{dataset_id}/versions`: list, read, make, describe and lock versions."""

from __future__ import annotations

from functools import partial

import msgspec
from litestar import Controller, Response, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, UnsetType

from exempla import clock
from exempla.api import fields, pages
from exempla.api.dependencies import (
    DatabaseDependency,
    DigesterDependency,
    PermitDependency,
    QueryTimeoutDependency,
    WritingDependency,
)
from exempla.api.v1.answers import UserAnswer
from exempla.api.writing import Tagged, respond
from exempla.errors import ValidationError
from exempla.ids import ResourceId, parse_id
from exempla.store import versions
from exempla.store.versions import Details


class CreateVersion(msgspec.Struct, forbid_unknown_fields=True):
    """A new version, and the one to make it from: the latest if left out."""

    name: str
    description: str | None = None
    from_version_id: str | None = None


class UpdateVersion(msgspec.Struct, forbid_unknown_fields=True):
    """What to change of a version; a description of null is an empty one."""

    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    locked: bool | UnsetType = UNSET


class VersionDetails(msgspec.Struct):
    """A version as clients see it; its digest when it alone is asked for.

    One of an older release does not know who made it.
    """

    id: str
    name: str
    description: str
    dataset_id: str
    parent_id: str | None
    example_count: int
    locked: bool
    created_by: UserAnswer | None
    created_at: str
    updated_at: str
    digest: str | UnsetType = UNSET


class VersionsAnswer(msgspec.Struct):
    """A page of versions, newest first."""

    versions: list[VersionDetails]
    pagination: pages.Pagination


class VersionsController(Controller):
    """List, read, make, describe and lock versions."""

    path = "/api/v1/datasets/{dataset_id:str}/versions"

    @get()
    async def list_versions(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        limit: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> VersionsAnswer:
        """List the versions of a dataset, newest first."""
        size = pages.limit(limit)
        dataset = _dataset(dataset_id)
        found = await database.read(
            versions.list_page,
            permit,
            dataset,
            before=pages.before(cursor, "versions", dataset),
            limit=size + 1,
        )
        page, pagination = pages.newest_first(found, size, "versions", dataset)
        return VersionsAnswer([_answer(dataset, one) for one in page], pagination)

    @post()
    async def create_version(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        data: JSONBody[CreateVersion],
    ) -> Response[VersionDetails]:
        """Make a version that holds what another one holds, and is now the latest."""
        dataset = _dataset(dataset_id)
        return await writing(
            partial(_tagged, dataset),
            versions.branch,
            permit,
            dataset,
            fields.optional_id(data.from_version_id, "DatasetVersion", "from_version_id"),
            fields.name(data.name),
            fields.description(data.description),
        )

    @get("/{version_id:str}")
    async def get_version(
        self,
        digester: DigesterDependency,
        permit: PermitDependency,
        query_timeout: QueryTimeoutDependency,
        dataset_id: FromPath[str],
        version_id: FromPath[str],
    ) -> Response[VersionDetails]:
        """Return one version with the digest of its content."""
        dataset = _dataset(dataset_id)
        details, digest = await digester.describe(
            permit, dataset, _version(version_id), query_timeout
        )
        answer = _answer(dataset, details)
        answer.digest = digest
        return respond(Tagged(answer, details.tag))

    @patch("/{version_id:str}")
    async def update_version(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        version_id: FromPath[str],
        data: JSONBody[UpdateVersion],
    ) -> Response[VersionDetails]:
        """Rename, describe, lock or unlock a version."""
        changes: dict[str, str | bool] = {}
        if data.name is not UNSET:
            changes["name"] = fields.name(data.name)
        if data.description is not UNSET:
            changes["description"] = fields.description(data.description)
        if data.locked is not UNSET:
            changes["locked"] = data.locked
        if not changes:
            raise ValidationError("nothing to change; give name, description or locked")
        dataset = _dataset(dataset_id)
        id = _version(version_id)
        return await writing(
            partial(_tagged, dataset), versions.change, permit, dataset, id, changes
        )


def _dataset(text: str) -> ResourceId:
    return parse_id(text, "Dataset", "dataset_id")


def _version(text: str) -> ResourceId:
    return parse_id(text, "DatasetVersion", "version_id")


def _tagged(dataset_id: ResourceId, details: Details) -> Tagged[VersionDetails]:
    return Tagged(_answer(dataset_id, details), details.tag)


def _answer(dataset_id: ResourceId, details: Details) -> VersionDetails:
    version = details.version
    return VersionDetails(
        id=str(version.id),
        name=version.name,
        description=version.description,
        dataset_id=str(dataset_id),
        parent_id=str(details.parent_id) if details.parent_id else None,
        example_count=version.example_count,
        locked=version.locked,
        created_by=UserAnswer.of(details.created_by),
        created_at=clock.rfc3339(version.created_at),
        updated_at=clock.rfc3339(version.updated_at),
    )
