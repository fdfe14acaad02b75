"""`/api/v1/datasets/{dataset_id}/schema`: what its examples must be, and which are not."""

from __future__ import annotations

import asyncio
import time

import msgspec
from litestar import Controller, Response, get, put
from litestar.params import FromPath, FromQuery, JSONBody

from exempla.api import body, fields, pages
from exempla.api.dependencies import (
    DatabaseDependency,
    PermitDependency,
    QueryTimeoutDependency,
    WritingDependency,
)
from exempla.api.writing import Tagged, respond
from exempla.ids import parse_id
from exempla.schemas import Fault, compiled
from exempla.store import bodies, schema_report, schemas
from exempla.store.bodies import Fields
from exempla.store.schemas import Known


class SetSchema(msgspec.Struct, forbid_unknown_fields=True):
    """A JSON Schema (2020-12) for the fields of an example; null removes it."""

    schema: Fields | None


class SchemaAnswer(msgspec.Struct):
    """The schema of a dataset, null if it has none."""

    schema: msgspec.Raw | None


class FailingExample(msgspec.Struct):
    """An example that does not satisfy the schema, and why."""

    id: str
    errors: list[Fault]


class ReportAnswer(msgspec.Struct):
    """A page of the examples of a version that do not satisfy the schema, oldest first."""

    version_id: str
    examples: list[FailingExample]
    pagination: pages.Pagination


class SchemasController(Controller):
    """Set a schema, and find what does not satisfy it."""

    path = "/api/v1/datasets/{dataset_id:str}/schema"

    @get()
    async def get_schema(
        self, database: DatabaseDependency, permit: PermitDependency, dataset_id: FromPath[str]
    ) -> Response[SchemaAnswer]:
        """Return the schema of a dataset."""
        dataset = parse_id(dataset_id, "Dataset", "dataset_id")
        return respond(_tagged(await database.read(schemas.get, permit, dataset)))

    @put()
    async def set_schema(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        data: JSONBody[SetSchema],
    ) -> Response[SchemaAnswer]:
        """Set or remove the schema that later writes to a dataset must satisfy."""
        dataset = parse_id(dataset_id, "Dataset", "dataset_id")
        if data.schema is not None:
            text = bodies.encode(data.schema)
            await body.check_nesting([("schema", msgspec.Raw(text.encode()))])
            await asyncio.to_thread(compiled, text)
        return await writing(_tagged, schemas.put, permit, dataset, data.schema)

    @get("/report")
    async def report_schema(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        query_timeout: QueryTimeoutDependency,
        version_id: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> ReportAnswer:
        """List the examples of a version that do not satisfy the schema, oldest first."""
        size = pages.limit(limit)
        dataset = parse_id(dataset_id, "Dataset", "dataset_id")
        asked = fields.optional_id(version_id, "DatasetVersion", "version_id")
        version, after = pages.place(cursor, dataset, asked)
        found = await database.search(
            schema_report.page,
            permit,
            dataset,
            version,
            after=after,
            limit=size,
            until=time.monotonic() + query_timeout,
        )
        pagination = pages.Pagination(found.looked_up_to is not None)
        if found.looked_up_to is not None:
            last = pages.ExamplesCursor(dataset.number, found.version.id, found.looked_up_to)
            pagination.next_cursor = str(last)
        examples = [FailingExample(one.id, one.faults) for one in found.failing]
        return ReportAnswer(str(found.version.id), examples, pagination)


def _tagged(known: Known) -> Tagged[SchemaAnswer]:
    schema = None if known.schema is None else msgspec.Raw(known.schema.encode())
    return Tagged(SchemaAnswer(schema), known.dataset.tag)
