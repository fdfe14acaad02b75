"""`/v2/datasets/{dataset_id}/examples`: read, append, update, delete."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody

from exempla import filters
from exempla.api import example_fields, fields, pages
from exempla.api.datasets import wire
from exempla.api.dependencies import (
    DatabaseDependency,
    PermitDependency,
    QueryTimeoutDependency,
    WritingDependency,
)
from exempla.api.writing import Tagged, respond
from exempla.clock import rfc3339
from exempla.errors import ValidationError
from exempla.ids import ResourceId, parse_id
from exempla.limits import MAX_ANNOTATION_VALUES, MAX_TEXT_LENGTH
from exempla.store import annotations as annotations_store
from exempla.store import bodies, examples, search
from exempla.store.access import Permit
from exempla.store.annotations import Annotation, Value
from exempla.store.bodies import Fields
from exempla.store.examples import Example, Page, Written
from exempla.store.transaction import Transaction


class UpdateExamples(msgspec.Struct, forbid_unknown_fields=True):
    """Examples to update by id, and the name of the version to make for it, if one is wanted."""

    examples: list[Fields]
    new_version: str | None = None


class InsertExamples(msgspec.Struct, forbid_unknown_fields=True):
    """Examples to append."""

    examples: list[Fields]


class SearchExamples(msgspec.Struct, forbid_unknown_fields=True):
    """Which examples of which version to return."""

    filter: str | None = None
    limit: int | None = None
    cursor: str | None = None
    dataset_version_id: str | None = None


class DeleteExamples(msgspec.Struct, forbid_unknown_fields=True):
    """Ids of the examples to take out of a version."""

    dataset_version_id: str
    example_ids: list[str]


class ExamplesAnswer(msgspec.Struct):
    """A page of examples: each its id and times, its fields, and its annotations if it has any."""

    examples: list[dict[str, Any]]
    pagination: pages.Pagination


class WrittenAnswer(msgspec.Struct):
    """The dataset after a write, the version written to, the ids of the examples concerned."""

    id: str
    name: str
    space_id: str
    created_at: str
    updated_at: str
    dataset_version_id: str
    example_ids: list[str]


class AnnotationInput(msgspec.Struct, forbid_unknown_fields=True):
    """What to set of an annotation; a part that is omitted or null stays as it is."""

    name: str
    score: float | int | None = None
    label: str | None = None
    text: str | None = None


class AnnotateRecord(msgspec.Struct, forbid_unknown_fields=True):
    """An example, by id, and what to set of its annotations."""

    record_id: str
    values: list[AnnotationInput]


class AnnotateExamples(msgspec.Struct, forbid_unknown_fields=True):
    """Annotations of 1 to 1,000 examples."""

    annotations: list[AnnotateRecord]


class AnnotatorAnswer(msgspec.Struct):
    """Who made an annotation."""

    id: str
    email: str


class AnnotationAnswer(msgspec.Struct):
    """An annotation as clients see it."""

    name: str
    score: msgspec.Raw | None
    label: str | None
    text: str | None
    updated_at: str
    annotator: AnnotatorAnswer


class DeletedAnswer(msgspec.Struct):
    """Which of the ids were in the version, and which were not."""

    completed: bool
    deleted_example_ids: list[str]
    not_deleted_example_ids: list[str]


_PAGE = ResponseSpec(ExamplesAnswer, description="A page of examples", generate_examples=False)


class ExamplesController(Controller):
    """Read and write the examples of a version."""

    path = "/v2/datasets/{dataset_id:str}/examples"

    @get(responses={200: _PAGE})
    async def list_examples(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        dataset_version_id: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> Response[bytes]:
        """Return a page of a version's examples, oldest first."""
        size = fields.whole_number(limit, "limit", pages.DEFAULT_LIMIT, pages.MAX_EXAMPLES_LIMIT)
        read = _reader(database.read, examples.list_page, permit)
        return await _page(read, dataset_id, dataset_version_id, size, cursor)

    @post("/search", status_code=200, responses={200: _PAGE})
    async def search_examples(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        data: JSONBody[SearchExamples],
        query_timeout: QueryTimeoutDependency,
    ) -> Response[bytes]:
        """Return a page of a version's examples, those that match the filter, oldest first."""
        if data.filter is not None and not data.filter.strip():
            raise ValidationError("filter is blank; leave it out to get all examples")
        size = pages.DEFAULT_LIMIT if data.limit is None else data.limit
        fields.in_range(size, "limit", pages.MAX_EXAMPLES_LIMIT)
        until = time.monotonic() + query_timeout  # waiting for a free thread counts
        read = _reader(database.read, examples.list_page, permit)
        if data.filter is not None:
            find = partial(_search, text=data.filter, until=until)
            read = _reader(database.search, find, permit)
        return await _page(read, dataset_id, data.dataset_version_id, size, data.cursor)

    @post()
    async def insert_examples(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        data: JSONBody[InsertExamples],
        dataset_version_id: FromQuery[str | None] = None,
    ) -> Response[WrittenAnswer]:
        """Append examples to a version, in place."""
        dataset, version = _ids(dataset_id, dataset_version_id)
        await example_fields.check_new(data.examples)
        return await writing.to_dataset(
            _written, examples.insert, permit, dataset, version, data.examples
        )

    @patch()
    async def update_examples(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        data: JSONBody[UpdateExamples],
        dataset_version_id: FromQuery[str | None] = None,
    ) -> Response[WrittenAnswer]:
        """Update examples by id, in place or into a new version."""
        dataset, version = _ids(dataset_id, dataset_version_id)
        new_version = fields.name(data.new_version, "new_version") if data.new_version else None
        changes = await example_fields.changes_by_id(data.examples)
        return await writing.to_dataset(
            _written, examples.update, permit, dataset, version, changes, new_version
        )

    @post("/annotate", status_code=202)
    async def annotate_examples(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        data: JSONBody[AnnotateExamples],
    ) -> Response[None]:
        """Set annotations of examples; they belong to the examples, in all versions."""
        dataset, _ = _ids(dataset_id, None)
        records = _records(data.annotations)
        return await writing.to_dataset(
            lambda annotated: Tagged(None, annotated.tag),
            annotations_store.annotate,
            permit,
            dataset,
            records,
        )

    @delete(status_code=200)
    async def delete_examples(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        data: JSONBody[DeleteExamples],
    ) -> Response[DeletedAnswer]:
        """Take examples out of a version, in place."""
        dataset, version = _ids(dataset_id, data.dataset_version_id)
        if version is None:
            raise ValidationError("dataset_version_id is empty; name the version to delete from")
        ids = example_fields.distinct_ids(data.example_ids)

        def render(written: Written) -> Tagged[DeletedAnswer]:
            deleted = written.example_ids
            gone = set(deleted)
            kept = [id for id in ids if id not in gone]
            return Tagged(DeletedAnswer(True, deleted, kept), written.tag)

        return await writing.to_dataset(render, examples.delete, permit, dataset, version, ids)


def _search(tx: Transaction, permit: Permit, *where: Any, text: str, **page: Any) -> Page:
    """Find what matches; in the thread of the search, since a long filter takes some 100 ms."""
    return search.page(tx, permit, *where, filter=filters.parse(text), **page)


def _ids(dataset_id: str, version_id: str | None) -> tuple[ResourceId, ResourceId | None]:
    return (
        parse_id(dataset_id, "Dataset", "dataset_id"),
        fields.optional_id(version_id, "DatasetVersion", "dataset_version_id"),
    )


_Read = Callable[..., Awaitable[Page]]
"""Reads a page of examples: of a dataset and version, after an ordinal, up to a limit."""


def _reader(run: Callable[..., Any], function: Callable[..., Page], permit: Permit) -> _Read:
    """Return what reads a page by this function of the store."""
    return lambda *where, **page: run(function, permit, *where, **page)


async def _page(
    read: _Read, dataset_id: str, version_id: str | None, size: int, cursor: str | None
) -> Response[bytes]:
    dataset, version = _ids(dataset_id, version_id)
    version, after = pages.place(cursor, dataset, version)
    page = await read(dataset, version, after=after, limit=size)
    pagination = pages.Pagination(page.has_more)
    if page.has_more:
        last = pages.ExamplesCursor(dataset.number, page.version.id, page.examples[-1].ordinal)
        pagination.next_cursor = str(last)
    parts = _rendered(page.examples, page.annotations, pagination)
    return respond(Tagged(b"".join(parts), page.tag))


_encode = msgspec.json.Encoder().encode

_LARGE = 64 * 1024
"""Characters of a body that is worth some more steps to copy it less often."""


def _rendered(
    shown: list[Example], annotations: dict[int, list[Annotation]], pagination: pages.Pagination
) -> Iterator[bytes | memoryview]:
    """Yield the answer in pieces, of stored text; no body is parsed.

    The examples are taken out of the list: with large ones there is no room for two of each.
    """
    yield b'{"examples":['
    comma = ""
    shown.reverse()
    while shown:
        ordinal, id, created_at, updated_at, body = shown.pop()
        opening = f"{comma}{bodies.opening(id, created_at, updated_at, body)}"
        comma = ","
        if ordinal in annotations or len(body) > _LARGE:
            noted = annotations.get(ordinal)
            yield opening.encode()
            yield memoryview(body.encode())[1:-1]
            yield _annotations(noted) if noted else b"}"
        else:
            yield (opening + body[1:]).encode()
    yield b'],"pagination":%b}' % _encode(pagination)


def _annotations(annotations: list[Annotation]) -> bytes:
    """Return the end of an example's object, after its fields."""
    answers = [
        AnnotationAnswer(
            name=one.name,
            score=None if one.score is None else msgspec.Raw(one.score),
            label=one.label,
            text=one.text,
            updated_at=rfc3339(one.updated_at),
            annotator=AnnotatorAnswer(str(one.annotator_id), one.annotator_email),
        )
        for one in annotations
    ]
    return b',"annotations":%b}' % _encode(answers)


def _records(given: list[AnnotateRecord]) -> list[tuple[str, list[Value]]]:
    fields.count_of(given, "annotations")
    if sum(len(record.values) for record in given) > MAX_ANNOTATION_VALUES:
        raise ValidationError(
            f"there are over {MAX_ANNOTATION_VALUES} values; send them in several requests"
        )
    records: list[tuple[str, list[Value]]] = []
    for index, record in enumerate(given):
        where = f"annotations[{index}]"
        if not record.record_id:
            raise ValidationError(f"{where}.record_id is empty; give the id of an example")
        if not record.values:
            raise ValidationError(f"{where}.values is empty; give at least one")
        values = [
            Value(v.name, v.score, v.label, _text(v.text, place), place)
            for number, v in enumerate(record.values)
            for place in [f"{where}.values[{number}]"]
        ]
        records.append((record.record_id, values))
    return records


def _text(text: str | None, where: str) -> str | None:
    return None if text is None else fields.text(text, f"{where}.text", MAX_TEXT_LENGTH)


def _written(written: Written) -> Tagged[WrittenAnswer]:
    answer = WrittenAnswer(
        **wire(written.dataset),
        dataset_version_id=str(written.version.id),
        example_ids=written.example_ids,
    )
    return Tagged(answer, written.tag)
