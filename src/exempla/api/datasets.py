"""`/v2/datasets` and `/v2/datasets/{dataset_id}`; their examples are in `examples.py`."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from exempla import clock
from exempla.api import example_fields, fields, pages
from exempla.api.dependencies import (
    DatabaseDependency,
    PermitDependency,
    PurgerDependency,
    WritingDependency,
)
from exempla.api.writing import Tagged, nothing, respond
from exempla.ids import ResourceId, parse_id
from exempla.store import datasets, examples, versions
from exempla.store.access import Permit
from exempla.store.bodies import Fields
from exempla.store.datasets import Dataset
from exempla.store.transaction import Transaction
from exempla.store.versions import Version


class CreateDataset(msgspec.Struct, forbid_unknown_fields=True):
    """A new dataset with its first 1 to 1,000 examples."""

    name: str
    space_id: str
    examples: list[Fields]


class UpdateDataset(msgspec.Struct, forbid_unknown_fields=True):
    """The new name of a dataset."""

    name: str


class VersionAnswer(msgspec.Struct):
    """A version as clients see it."""

    id: str
    name: str
    dataset_id: str
    created_at: str
    updated_at: str


class DatasetAnswer(msgspec.Struct, omit_defaults=True):
    """A dataset as clients see it; in lists without its versions, else newest first."""

    id: str
    name: str
    space_id: str
    created_at: str
    updated_at: str
    versions: list[VersionAnswer] | None = None


class DatasetsAnswer(msgspec.Struct):
    """A page of datasets, newest first."""

    datasets: list[DatasetAnswer]
    pagination: pages.Pagination


class DatasetsController(Controller):
    """Make, read, rename and delete datasets."""

    path = "/v2/datasets"

    @get()
    async def list_datasets(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        space_id: FromQuery[str | None] = None,
        space_name: FromQuery[str | None] = None,
        name: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> DatasetsAnswer:
        """List datasets, newest first."""
        size = pages.limit(limit)
        found = await database.read(
            datasets.list_page,
            permit,
            space=fields.optional_id(space_id, "Space", "space_id"),
            space_name=fields.part_of_name(space_name, "space_name"),
            name=fields.part_of_name(name, "name"),
            before=pages.before(cursor, "datasets"),
            limit=size + 1,
        )
        page, pagination = pages.newest_first(found, size, "datasets")
        return DatasetsAnswer([DatasetAnswer(**wire(one)) for one in page], pagination)

    @post()
    async def create_dataset(
        self, writing: WritingDependency, permit: PermitDependency, data: JSONBody[CreateDataset]
    ) -> Response[DatasetAnswer]:
        """Make a dataset with its first version and examples."""
        space_id = parse_id(data.space_id, "Space", "space_id")
        name = fields.name(data.name)
        await example_fields.check_new(data.examples)
        return await writing(
            lambda made: _answer(made[0], [made[1]]),
            examples.create_dataset,
            permit,
            space_id,
            name,
            data.examples,
        )

    @get("/{dataset_id:str}")
    async def get_dataset(
        self, database: DatabaseDependency, permit: PermitDependency, dataset_id: FromPath[str]
    ) -> Response[DatasetAnswer]:
        """Return one dataset with its versions."""
        return respond(_answer(*await database.read(_with_versions, permit, _id(dataset_id))))

    @patch("/{dataset_id:str}")
    async def update_dataset(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        data: JSONBody[UpdateDataset],
    ) -> Response[DatasetAnswer]:
        """Rename a dataset."""
        name = fields.name(data.name)
        return await writing(
            lambda renamed: _answer(*renamed), _renamed, permit, _id(dataset_id), name
        )

    @delete("/{dataset_id:str}")
    async def delete_dataset(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        purger: PurgerDependency,
        dataset_id: FromPath[str],
    ) -> Response[None]:
        """Delete a dataset with all its versions."""
        answer = await writing(nothing, datasets.delete, permit, _id(dataset_id))
        purger.wake()
        return answer


def wire(dataset: Dataset) -> dict[str, Any]:
    """Return the members that every answer about a dataset has."""
    return {
        "id": str(dataset.id),
        "name": dataset.name,
        "space_id": str(dataset.space_id),
        "created_at": clock.rfc3339(dataset.created_at),
        "updated_at": clock.rfc3339(dataset.updated_at),
    }


def _id(text: str) -> ResourceId:
    return parse_id(text, "Dataset", "dataset_id")


def _with_versions(
    tx: Transaction, permit: Permit, id: ResourceId
) -> tuple[Dataset, list[Version]]:
    dataset = datasets.get(tx, permit, id)
    return dataset, versions.all_of(tx, dataset)


def _renamed(
    tx: Transaction, permit: Permit, id: ResourceId, name: str
) -> tuple[Dataset, list[Version]]:
    dataset = datasets.rename(tx, permit, id, name)
    return dataset, versions.all_of(tx, dataset)


def _answer(dataset: Dataset, all_versions: list[Version]) -> Tagged[DatasetAnswer]:
    members = wire(dataset)
    answer = DatasetAnswer(
        **members,
        versions=[
            VersionAnswer(
                id=str(version.id),
                name=version.name,
                dataset_id=members["id"],
                created_at=clock.rfc3339(version.created_at),
                updated_at=clock.rfc3339(version.updated_at),
            )
            for version in all_versions
        ],
    )
    return Tagged(answer, dataset.tag)
