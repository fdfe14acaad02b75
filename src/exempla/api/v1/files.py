"""`/api/v1/datasets/{dataset_id}/export` and `.../import`: examples as files (docs/files.md)."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from exempla.api import body, fields, pages
from exempla.api.datasets import wire
from exempla.api.dependencies import DatabaseDependency, PermitDependency
from exempla.api.preconditions import etag
from exempla.api.writing import RequestHash, Tagged, Writing
from exempla.characters import HIDDEN
from exempla.errors import Unavailable
from exempla.files.formats import FORMATS, MEDIA_TYPES, Format
from exempla.ids import ResourceId, parse_id
from exempla.limits import MAX_FILE_BYTES
from exempla.memory import give_back
from exempla.store import datasets, diff, versions
from exempla.store.access import Permit
from exempla.store.database import Database
from exempla.store.datasets import Dataset
from exempla.store.versions import Version

if TYPE_CHECKING:
    from exempla.files.export import Export
    from exempla.store.imports import Imported, Tried
    from exempla.store.incoming import Incoming

_NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\\/:*?"<>|]+')
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_STEM = 150
BOOLEANS = ("true", "false")

_PIECE_BYTES = 1024 * 1024
"""Bytes of a body that are written to its temporary file at once."""

_threads = ThreadPoolExecutor(2, thread_name_prefix="exempla-files")
"""Read files, which takes long; other work of requests has threads of its own."""

_FILE = ResponseSpec(bytes, description="The file", generate_examples=False)


class WouldDiffer(msgspec.Struct):
    """What an import would change: how much, and the first changes, as a diff tells them."""

    counts: diff.Counts
    changes: list[diff.Change]
    pagination: pages.Pagination


class ImportAnswer(msgspec.Struct):
    """The dataset after an import, the version written to, and what became of the examples.

    After a dry run, which writes nothing, both are as they were; there is no version yet if one
    is to be made.
    """

    id: str
    name: str
    space_id: str
    created_at: str
    updated_at: str
    dataset_version_id: str | None
    inserted: int
    updated: int
    unchanged: int
    ignored: int
    dry_run: bool
    diff: WouldDiffer | msgspec.UnsetType = msgspec.UNSET


class FilesController(Controller):
    """Export versions to files, import files into versions."""

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
        dataset, version = _ids(dataset_id, version_id)
        return await export_file(database, permit, dataset, version, _format(format))

    @post("/import", status_code=200, request_max_body_size=MAX_FILE_BYTES)
    async def import_examples(
        self,
        request: Request[Any, Any, Any],
        database: DatabaseDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        format: FromQuery[str | None] = None,
        mode: FromQuery[str | None] = None,
        version_id: FromQuery[str | None] = None,
        new_version: FromQuery[str | None] = None,
        dry_run: FromQuery[str | None] = None,
    ) -> Response[ImportAnswer]:
        """Add the examples of a file to a version, or update its examples by id."""
        with room():
            from exempla.store.imports import MODES, Import

        where = _ids(dataset_id, version_id)
        chosen, is_trial = _format(format), fields.one_of(dry_run, BOOLEANS, "dry_run") == "true"
        into = fields.name(new_version, "new_version") if new_version else None
        how = fields.one_of(mode, MODES, "mode") or "insert"
        body.check_encoding(request.headers)
        hash = RequestHash(request)
        if hash.key is None:  # else the first answer counts, whatever is there now
            await database.read(datasets.get, permit, where[0])
        folder = database.engine.scratch
        with room(), tempfile.TemporaryFile(dir=folder) as file:
            await _receive(request, file, hash)
            incoming = await read_file(database, chosen, file)
        try:
            writing = Writing.of_hashed(request, database, hash)
            work = Import(incoming, how, into)
            if is_trial:
                return await writing(_tried, work.attempt, permit, *where, pages.DEFAULT_LIMIT)
            return await writing(_imported, work.write, permit, *where)
        finally:
            incoming.close()
            await asyncio.to_thread(give_back)


async def export_file(
    database: Database,
    permit: Permit,
    dataset: ResourceId,
    version: ResourceId | None,
    format: Format,
) -> Stream:
    """Return a version, the latest if none is given, as a file that is sent as it is read."""
    with room():
        from exempla.files.export import Export
        from exempla.store import bulk

    export = Export(format, database.engine.scratch)
    try:
        with room():
            found = await database.read_whole(bulk.read, permit, dataset, version, export.take)
    except BaseException:
        export.close()
        raise
    return Stream(
        _sent(export),
        media_type=MEDIA_TYPES[format],
        headers={
            "Content-Disposition": _disposition(*found, format),
            "ETag": etag(versions.tag_of(*found)),
        },
    )


async def read_file(database: Database, format: Format, file: BinaryIO) -> Incoming:
    """Return the examples of a file, which can be read anywhere in it; close what is returned."""
    loop = asyncio.get_running_loop()
    with room():
        from exempla.files import reading

        return await loop.run_in_executor(
            _threads, reading.read, format, file, database.engine.scratch
        )


@contextmanager
def room() -> Iterator[None]:
    """Tell of a disk that is full, or gone, as of a database that is; of files that are too many.

    A module that is needed for the first time must be opened, too.
    """
    try:
        yield
    except (OSError, ImportError) as error:
        raise Unavailable("the server cannot keep the file now; try again") from error


async def _receive(request: Request[Any, Any, Any], file: BinaryIO, hash: RequestHash) -> None:
    """Take the body into the file, a piece at a time."""

    def keep(piece: bytes) -> None:
        file.write(piece)
        hash.update(piece)

    waiting = bytearray()
    async for part in request.stream():
        waiting += part
        if len(waiting) >= _PIECE_BYTES:
            await asyncio.to_thread(keep, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(keep, bytes(waiting))
    file.seek(0)


def _ids(dataset_id: str, version_id: str | None) -> tuple[ResourceId, ResourceId | None]:
    return (
        parse_id(dataset_id, "Dataset", "dataset_id"),
        fields.optional_id(version_id, "DatasetVersion", "version_id"),
    )


def _format(given: str | None) -> Format:
    return fields.one_of(given, FORMATS, "format") or "jsonl"


def _imported(done: Imported) -> Tagged[ImportAnswer]:
    answer = ImportAnswer(
        **wire(done.dataset),
        dataset_version_id=str(done.version.id),
        **done.counts._asdict(),
        dry_run=False,
    )
    return Tagged(answer, versions.tag_of(done.dataset, done.version))


def _tried(done: Tried) -> Tagged[ImportAnswer]:
    answer = ImportAnswer(
        **wire(done.dataset),
        dataset_version_id=None if done.is_new else str(done.version.id),
        **done.counts._asdict(),
        dry_run=True,
        diff=WouldDiffer(done.differing, done.changes, pages.Pagination(done.has_more)),
    )
    return Tagged(answer, versions.tag_of(done.dataset, done.version))


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
    """Name the file after the version (RFC 6266), for what lies plainly, and in full (RFC 8187).

    Without what would show another name than it is, such as U+202E before `gpj.exe`.
    """
    full = f"{dataset.name[:_LONGEST_STEM]} {version.name}"
    stem = _NOT_IN_FILE_NAMES.sub("_", HIDDEN.sub("", full))
    name = f"{stem.strip(' .')[: 2 * _LONGEST_STEM]}.{format}"
    plain = _NOT_PLAIN.sub("_", name).lstrip("_") or f"export.{format}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
