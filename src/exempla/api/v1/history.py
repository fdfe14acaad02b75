"""`/api/v1/datasets/{dataset_id}/log` and `.../examples/{example_id}/history`."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import unquote

import msgspec
from litestar import Controller, Request, get
from litestar.params import FromPath, FromQuery
from msgspec import UNSET, UnsetType

from exempla import clock
from exempla.api import pages
from exempla.api.dependencies import DatabaseDependency, PermitDependency, QueryTimeoutDependency
from exempla.ids import ResourceId, parse_id
from exempla.store import history
from exempla.store.bodies import FieldChange
from exempla.store.history import By, Event, EventKind, Write
from exempla.store.writes import Kind

OF_AN_EXAMPLE = re.compile(rb"/api/v1/datasets/[^/]+/examples/([^/]+)/history")
"""A path, as it was sent, with an example's id, which may be any text."""


class ByAnswer(msgspec.Struct):
    """The key and the user that made a write."""

    key_id: str
    user_id: str
    email: str


class EventAnswer(msgspec.Struct):
    """A write to an example, and each field that it changed, as JSON text of old and new."""

    at: str
    kind: EventKind
    version_id: str | None
    by: ByAnswer | None
    fields: dict[str, FieldChange]


class HistoryAnswer(msgspec.Struct):
    """A page of the writes to an example, newest first."""

    events: list[EventAnswer]
    pagination: pages.Pagination


class WriteAnswer(msgspec.Struct):
    """A write to a dataset: to how many examples, or what it changed of the dataset itself."""

    at: str
    kind: Kind
    version_id: str | None
    example_count: int
    by: ByAnswer | None
    fields: dict[str, FieldChange]
    from_version_id: str | UnsetType = UNSET


class LogAnswer(msgspec.Struct):
    """A page of the writes to a dataset, newest first."""

    writes: list[WriteAnswer]
    pagination: pages.Pagination


class HistoryController(Controller):
    """Tell what was written, when and by whom."""

    path = "/api/v1/datasets/{dataset_id:str}"

    @get("/log")
    async def list_writes(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        limit: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> LogAnswer:
        """List the writes to a dataset, newest first."""
        size = pages.limit(limit)
        dataset = _dataset(dataset_id)
        before = pages.before(cursor, "writes", dataset)
        found = await database.read(history.log, permit, dataset, before=before, limit=size + 1)
        page, pagination = pages.cut(found, size, "writes", lambda write: write.place, dataset)
        return LogAnswer([_write(one) for one in page], pagination)

    @get("/examples/{example_id:str}/history")
    async def list_events(
        self,
        request: Request[Any, Any, Any],
        database: DatabaseDependency,
        permit: PermitDependency,
        dataset_id: FromPath[str],
        example_id: FromPath[str],
        query_timeout: QueryTimeoutDependency,
        limit: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> HistoryAnswer:
        """List the writes to an example, newest first."""
        dataset = _dataset(dataset_id)
        page, has_more = await database.search(
            history.page,
            permit,
            dataset,
            _example(request, example_id),
            before=pages.before(cursor, "events", dataset),
            limit=pages.limit(limit),
            until=time.monotonic() + query_timeout,
        )
        pagination = pages.following(page, has_more, "events", lambda event: event.place, dataset)
        return HistoryAnswer([_event(one) for one in page], pagination)


def _dataset(text: str) -> ResourceId:
    return parse_id(text, "Dataset", "dataset_id")


def _example(request: Request[Any, Any, Any], routed: str) -> str:
    """Return the example's id as it was sent: Litestar got it with `/` as `%2F`."""
    sent = OF_AN_EXAMPLE.fullmatch(request.scope["raw_path"])
    return unquote(sent[1].decode("latin-1")) if sent else routed


def _event(event: Event) -> EventAnswer:
    return EventAnswer(
        at=clock.rfc3339(event.at),
        kind=event.kind,
        version_id=_optional(event.version_id),
        by=_by(event.by),
        fields=event.fields,
    )


def _write(write: Write) -> WriteAnswer:
    return WriteAnswer(
        at=clock.rfc3339(write.at),
        kind=write.kind,
        version_id=_optional(write.version_id),
        example_count=write.example_count,
        by=_by(write.by),
        fields=write.fields,
        from_version_id=_optional(write.from_version_id) or UNSET,
    )


def _optional(id: ResourceId | None) -> str | None:
    return str(id) if id else None


def _by(by: By | None) -> ByAnswer | None:
    return ByAnswer(str(by.key_id), str(by.user_id), by.email) if by else None
