"""An example: its fields side by side, its annotations, its history."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Raw, UnsetType

from exempla import filters
from exempla.api import pages
from exempla.ids import ResourceId
from exempla.store import annotation_configs, bodies, examples, history, search, versions
from exempla.store.access import Permit
from exempla.store.annotation_configs import Config
from exempla.store.annotations import Annotation
from exempla.store.bodies import FieldChange
from exempla.store.examples import Example
from exempla.store.history import Event
from exempla.store.listing import FIRST
from exempla.store.search import Neighbour
from exempla.store.transaction import Transaction
from exempla.web import editing, heads, use_it, values
from exempla.web.heads import Head
from exempla.web.rendering import address, redirect
from exempla.web.table import SEARCH_S
from exempla.web.values import Shown
from exempla.web.visit import Visit, VisitDependency
from exempla.web.words import Comparer

EVENTS = 10
"""Writes of the history on a page."""

READ = "GET /v2/datasets/{dataset_id}/examples"
UPDATE = "PATCH /v2/datasets/{dataset_id}/examples"
ANNOTATE = "POST /v2/datasets/{dataset_id}/examples/annotate"


class Known(NamedTuple):
    """An example of a version, and what its page tells of it."""

    head: Head
    example: Example
    tag: str
    annotations: dict[str, Annotation]
    configs: list[Config]
    """The annotation configs of the space, oldest first."""
    previous: Neighbour
    """The example before, of those that match the filter."""
    next: Neighbour
    events: list[Event]
    """Some of its history, newest first."""
    has_older: bool
    """Whether there are events before them."""
    version_names: dict[str, str]
    """Of the versions that they are of, by id."""


class Change(NamedTuple):
    """A field that a write changed, word by word."""

    name: str
    markup: Any
    is_json: bool
    """Whether it is from or to something else than a string."""


class Asked(NamedTuple):
    """What the address of an example asks for."""

    dataset: ResourceId
    example: str
    version: ResourceId | None
    filter: str
    events_before: int
    step: str
    """`previous` or `next`, to go to that example however long it takes to find, or ""."""

    @classmethod
    def of(cls, visit: Visit, dataset: str) -> Asked:
        """Read the address."""
        id = heads.dataset_id(dataset)
        return cls(
            id,
            visit.asked("id"),
            heads.version_id(visit.asked("version")),
            visit.asked("filter"),
            pages.before(visit.asked("history"), "events", id),
            visit.asked("step"),
        )


@get("/datasets/{dataset:str}/example")
async def show_example(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Show an example, or, with `edit`, the form to change it, or go to one beside it."""
    asked = Asked.of(visit, dataset)
    known = await find(visit, asked)
    if asked.step:
        beside = known.previous if asked.step == "previous" else known.next
        link = linker(visit, known)
        return redirect(link(beside.id) if beside.id else link(known.example.id, said="no_other"))
    if visit.asked("edit") and visit.may(UPDATE, known.head.space.id):
        fields = [
            editing.field(name, value, as_json=visit.asked("edit") == "json")
            for name, value in bodies.decode(known.example.body).items()
        ]
        return render_form(visit, known, fields)
    return render(visit, known)


async def find(visit: Visit, asked: Asked) -> Known:
    """Return the example that was asked for."""
    return await visit.search(READ, _find, asked, visit.until())


def _find(tx: Transaction, permit: Permit, asked: Asked, until: float) -> Known:
    head = heads.head(tx, permit, asked.dataset, asked.version, choices=0)
    version = head.version.id
    page = examples.one(tx, permit, asked.dataset, version, asked.example)
    example = page.examples[0]
    configs = annotation_configs.list_page(
        tx, permit, space=head.space.id, space_name="", name="", before=FIRST, limit=100
    )
    events, has_older = history.page(
        tx,
        permit,
        asked.dataset,
        asked.example,
        before=asked.events_before,
        limit=EVENTS,
        until=until,
    )
    neighbours = search.neighbours(
        tx,
        permit,
        asked.dataset,
        version,
        example.ordinal,
        filter=filters.parse(asked.filter) if asked.filter else None,
        until=until,
        pause=search.NEVER if asked.step else time.monotonic() + SEARCH_S / 2,
    )
    return Known(
        head,
        example,
        page.tag,
        {one.name: one for one in page.annotations.get(example.ordinal, [])},
        configs[::-1],
        *neighbours,
        events,
        has_older,
        {
            str(id): versions.get(tx, head.dataset, id).name
            for id in {event.version_id for event in events}
            if id
        },
    )


def render(visit: Visit, known: Known, **more: Any) -> Response[Any]:
    """Return the page of an example."""
    fields = bodies.decode(known.example.body)
    shown: list[tuple[str, Shown]] = [(name, values.whole(v)) for name, v in fields.items()]
    dataset = known.head.dataset.id
    older = pages.following(
        known.events, known.has_older, "events", lambda event: event.place, dataset
    ).next_cursor
    comparer, link = Comparer(), linker(visit, known)
    return visit.render(
        "example.html",
        known=known,
        head=known.head,
        fields=shown,
        events=[(event, _changes(event, comparer)) for event in known.events],
        older=older,
        version_names=known.version_names,
        link=link,
        steps=_steps(known, link),
        pinned=visit.asked("version"),
        filter=visit.asked("filter"),
        may_edit=visit.may(UPDATE, known.head.space.id),
        may_annotate=visit.may(ANNOTATE, known.head.space.id),
        snippets=use_it.update(
            visit.base_url,
            dataset,
            known.head.version.id,
            known.example.id,
            next(iter(fields), "answer"),
        ),
        **more,
    )


def render_form(
    visit: Visit,
    known: Known,
    fields: list[editing.Edited],
    status: int = 200,
    *,
    wrong: str = "",
    into: str = "",
    name: str = "",
) -> Response[Any]:
    """Return the form to change an example; `into` and `name` are where it is to be saved."""
    return visit.render(
        "example_form.html",
        status,
        known=known,
        head=known.head,
        fields=fields,
        wrong=wrong,
        into=into or ("new" if known.head.version.locked else "this"),
        name=name,
        seen=editing.pack(known.example.body),
        link=linker(visit, known),
        pinned=visit.asked("version"),
        filter=visit.asked("filter"),
    )


def linker(visit: Visit, known: Known) -> Any:
    """Return what makes addresses of examples of the same version and filter."""

    def link(id: str, **more: str) -> str:
        path = f"{known.head.path}/example"
        kept = {"version": visit.asked("version"), "filter": visit.asked("filter")}
        return address(path, id=id, **(kept | more))

    return link


def _steps(known: Known, link: Any) -> dict[str, str]:
    """Return the addresses of the examples beside one; of one that is not found yet, to find it."""
    return {
        way: link(beside.id) if beside.id else link(known.example.id, step=way)
        for way, beside in (("previous", known.previous), ("next", known.next))
        if beside.id or not beside.is_certain
    }


def _changes(event: Event, comparer: Comparer) -> list[Change]:
    if event.kind != "annotated":
        return changes_of(event.fields, comparer)
    return [
        Change(name, comparer.markup(_annotation(change.old), _annotation(change.new)), False)
        for name, change in event.fields.items()
    ]


def _annotation(value: Raw | UnsetType) -> str:
    """Return what an annotation says, as the history has it."""
    if isinstance(value, UnsetType):
        return ""
    parts = bodies.decode(bytes(value).decode())
    texts = (values.text_of(parts[name]) for name in ("label", "score", "text"))
    return " ".join(text for text in texts if text != "null")


def changes_of(fields: dict[str, FieldChange], comparer: Comparer) -> list[Change]:
    """Return what changed, word by word."""
    return [
        Change(
            name,
            comparer.markup(_text(change.old), _text(change.new)),
            not (_is_string(change.old) and _is_string(change.new)),
        )
        for name, change in fields.items()
    ]


def _is_string(value: Raw | UnsetType) -> bool:
    return isinstance(value, UnsetType) or values.kind_of(value) == "string"


def _text(value: Raw | UnsetType) -> str:
    return "" if isinstance(value, UnsetType) else values.text_of(value)


HANDLERS = [show_example]
