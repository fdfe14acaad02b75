"""`/api/v1/datasets/{dataset_id}/columns`: what the fields of a version's examples hold."""

from __future__ import annotations

import time

import msgspec
from litestar import Controller, get
from litestar.params import FromPath, FromQuery

from exempla.api import fields
from exempla.api.dependencies import DatabaseDependency, PermitDependency, QueryTimeoutDependency
from exempla.ids import parse_id
from exempla.store import columns
from exempla.store.columns import Column


class ColumnsAnswer(msgspec.Struct):
    """Every field of a version, in the order in which the fields come first."""

    version_id: str
    example_count: int
    columns: list[Column]


class ColumnsController(Controller):
    """Tell what the fields of examples hold."""

    path = "/api/v1/datasets/{dataset_id:str}/columns"

    @get()
    async def list_columns(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        query_timeout: QueryTimeoutDependency,
        version_id: FromQuery[str | None] = None,
    ) -> ColumnsAnswer:
        """Return what each field of a version holds: types, fill rate, distinct values."""
        found = await database.search(
            columns.of_version,
            permit,
            parse_id(dataset_id, "Dataset", "dataset_id"),
            fields.optional_id(version_id, "DatasetVersion", "version_id"),
            until=time.monotonic() + query_timeout,
        )
        return ColumnsAnswer(str(found.version.id), found.version.example_count, found.columns)
