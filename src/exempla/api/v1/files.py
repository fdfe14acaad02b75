"""`/api/v1/datasets/{dataset_id}/export` and `.../import`: examples as files (docs/files.md)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from litestar import Controller, get
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from exempla.api import fields
from exempla.api.dependencies import DatabaseDependency, PermitDependency
from exempla.api.preconditions import etag
from exempla.files.export import Export
from exempla.files.formats import FORMATS, MEDIA_TYPES, Format
from exempla.ids import ResourceId, parse_id
from exempla.memory import give_back
from exempla.store import versions
from exempla.store.datasets import Dataset
from exempla.store.versions import Version

_NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\\/:*?"<>|]+')
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_STEM = 150

_FILE = ResponseSpec(bytes, description="The file", generate_examples=False)


class FilesController(Controller):
    """Export versions to files."""

    path = "/api/v1/datasets/{dataset_id:str}"

    @get("/export", responses={200: _FILE})
    async def export_version(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        format: FromQuery[str | None] = None,
        version_id: FromQuery[str | None] = None,
    ) -> Stream:
        """Return a version as a file: JSONL, CSV or Parquet."""
        from exempla.store import bulk

        dataset, version = _ids(dataset_id, version_id)
        chosen = _format(format)
        export = Export(chosen, database.engine.scratch)
        try:
            found = await database.read_whole(bulk.read, permit, dataset, version, export.take)
        except BaseException:
            export.close()
            raise
        return Stream(
            _sent(export),
            media_type=MEDIA_TYPES[chosen],
            headers={
                "Content-Disposition": _disposition(*found, chosen),
                "ETag": etag(versions.tag_of(*found)),
            },
        )


def _ids(dataset_id: str, version_id: str | None) -> tuple[ResourceId, ResourceId | None]:
    return (
        parse_id(dataset_id, "Dataset", "dataset_id"),
        fields.optional_id(version_id, "DatasetVersion", "version_id"),
    )


def _format(given: str | None) -> Format:
    return fields.one_of(given, FORMATS, "format") or "jsonl"


async def _sent(export: Export) -> AsyncIterator[bytes]:
    """Give the file as the client reads it: a piece is made when the one before has gone."""
    chunks = export.chunks()
    try:
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            yield chunk
    finally:
        export.close()
        await asyncio.to_thread(give_back)


def _disposition(dataset: Dataset, version: Version, format: Format) -> str:
    """Name the file after the version (RFC 6266), for what lies plainly, and in full (RFC 8187)."""
    stem = _NOT_IN_FILE_NAMES.sub("_", f"{dataset.name[:_LONGEST_STEM]} {version.name}")
    name = f"{stem.strip(' .')[: 2 * _LONGEST_STEM]}.{format}"
    plain = _NOT_PLAIN.sub("_", name).lstrip("_") or f"export.{format}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
