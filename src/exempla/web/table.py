"""A dataset as a table of its examples: pages, filter, versions, columns."""

from __future__ import annotations

import re
import time
from itertools import chain
from typing import Any, NamedTuple

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from exempla import filters
from exempla.api import pages
from exempla.errors import InvalidRequest
from exempla.ids import ResourceId
from exempla.store import bodies, examples, search
from exempla.store.access import Permit
from exempla.store.annotations import Annotation
from exempla.store.examples import Example, Page
from exempla.store.transaction import Transaction
from exempla.web import choices, heads, use_it, values
from exempla.web.choices import ID, Columns
from exempla.web.columns import Kept, KeptDependency
from exempla.web.completions import completions
from exempla.web.heads import Head
from exempla.web.rendering import address
from exempla.web.values import Shown
from exempla.web.visit import Visit, VisitDependency

PAGE = 50
"""Examples on a page."""

SEARCH_S = 0.04
"""Seconds that a page searches for before it is shown as far as it is found."""

_AT = re.compile(r"(?s)filter, character (\d+): (.*)")


class Row(NamedTuple):
    """An example, its values by column, and its annotations by name."""

    example: Example
    cells: list[Shown]
    annotations: dict[str, Annotation]


class Found(NamedTuple):
    """What was found for an address."""

    head: Head
    page: Page
    mistake: Mistake | None
    samples: Page
    """Examples that tell what fields there are: those of the page, or if it has none the first."""


class Mistake(NamedTuple):
    """What is wrong with a filter: the text before the place, the rest, and what would be right."""

    before: str
    rest: str
    message: str


class Asked(NamedTuple):
    """What the address asks for."""

    dataset: ResourceId
    version: ResourceId | None
    filter: str
    after: int
    before: int | None
    columns: list[str]
    is_whole: bool
    """Whether to search until the page is full or the version ends, however long that takes."""


@get("/datasets/{dataset:str}")
async def show_dataset(
    visit: VisitDependency, kept_columns: KeptDependency, dataset: FromPath[str]
) -> Response[Any]:
    """Show a page of a version's examples, those that match the filter if there is one."""
    asked = _asked(visit, heads.dataset_id(dataset))
    run = visit.search if asked.filter else visit.read
    found = await run("GET /v2/datasets/{dataset_id}/examples", _find, asked, visit.until())
    return _render(visit, asked, found, kept_columns)


def _asked(visit: Visit, dataset: ResourceId) -> Asked:
    version, filter = heads.version_id(visit.asked("version")), visit.asked("filter").strip()
    columns = [name for name in visit.request.query_params.getall("columns", []) if name]
    before = pages.examples_cursor(visit.asked("before"))
    if before:
        pages.place(visit.asked("before"), dataset, version)  # one of this version
        version, after = before.version_id, 0
    else:
        version, after = pages.place(visit.asked("cursor"), dataset, version)
    ordinal, is_whole = before.ordinal if before else None, bool(visit.asked("whole"))
    return Asked(dataset, version, filter, after, ordinal, columns, is_whole)


def _find(tx: Transaction, permit: Permit, asked: Asked, until: float) -> Found:
    """Find what was asked for, without the filter if there is a mistake in it.

    The filter is read in the thread of the search, since a long one takes some 100 ms.
    """
    filter = mistake = None
    try:
        filter = filters.parse(asked.filter) if asked.filter else None
    except InvalidRequest as problem:
        mistake = _mistake(asked.filter, problem)
    head = heads.head(tx, permit, asked.dataset, asked.version)
    where = tx, permit, asked.dataset, head.version.id
    after, before = asked.after, asked.before
    if filter is None:
        page = examples.list_page(*where, after=after, before=before, limit=PAGE)
        return Found(head, page, mistake, page)
    pause = search.NEVER if asked.is_whole else time.monotonic() + SEARCH_S
    page = search.page(
        *where, filter=filter, after=after, before=before, limit=PAGE, until=until, pause=pause
    )
    samples = page if page.examples else examples.list_page(*where, limit=PAGE)
    return Found(head, page, None, samples)


def _render(visit: Visit, asked: Asked, found: Found, kept: Kept) -> Response[Any]:
    head, page, mistake, samples = found
    fields = [bodies.decode(example.body) for example in samples.examples]
    columns = choices.columns(fields, asked.columns)
    rows = [] if mistake or samples is not page else _rows(page, fields, columns)
    links = {} if mistake else _links(visit, asked, head, page)
    return visit.render(
        "table.html",
        400 if mistake else 200,
        head=head,
        rows=rows,
        columns=columns,
        shown=set(columns.shown),
        at_once=choices.AT_ONCE,
        listed=choices.LISTED,
        numeric=_numeric(rows, columns),
        annotated=sorted({name for row in rows for name in row.annotations}),
        usual=_json(columns.usual),
        completions=_json(
            completions(
                fields,
                chain.from_iterable(samples.annotations.values()),
                kept.find(head.dataset.id.number, head.version) or [],
            )
        ),
        filter=asked.filter,
        matches=_matches(asked, page),
        mistake=mistake,
        links=links,
        pinned=head.pinned(visit.asked("version")),
        may_write=visit.may("POST /v2/datasets/{dataset_id}/examples", head.space.id),
        snippets=use_it.examples(
            visit.base_url,
            head.dataset.id,
            head.version.id,
            "" if mistake else asked.filter,
            PAGE,
            _cursor(head, asked, page),
        ),
    )


def _json(value: object) -> str:
    """Return what a script reads from an attribute."""
    return msgspec.json.encode(value).decode()


def _rows(page: Page, decoded: list[bodies.Fields], columns: Columns) -> list[Row]:
    return [
        Row(
            example,
            [
                Shown("id", example.id) if name == ID else values.in_table(fields.get(name))
                for name in columns.shown
            ],
            {one.name: one for one in page.annotations.get(example.ordinal, [])},
        )
        for example, fields in zip(page.examples, decoded, strict=True)
    ]


def _numeric(rows: list[Row], columns: Columns) -> set[str]:
    """Return the columns that hold numbers, and nothing else."""
    kinds = zip(*([cell.kind for cell in row.cells] for row in rows), strict=True)
    return {
        name
        for name, found in zip(columns.shown, kinds, strict=False)
        if "number" in found and {"number", "null", "missing"}.issuperset(found)
    }


def _matches(asked: Asked, page: Page) -> str:
    """Return in words how many examples of the page match, and whether these are all."""
    count = len(page.examples)
    matches = f"{count:,} match{'' if count == 1 else 'es'}"
    if page.reached is not None:
        way = "up" if asked.before is None else "down"
        return f"{matches} so far, {way} to number {page.reached:,}"
    if asked.after or asked.before is not None:
        return f"{matches} on this page"
    return f"the first {matches}" if page.has_more else matches


def _links(visit: Visit, asked: Asked, head: Head, page: Page) -> dict[str, str]:
    """Return the addresses of the pages around this one."""
    backwards, shown = asked.before is not None, page.examples
    links = {}
    if shown and (page.has_more if backwards else asked.after):
        links["previous"] = _link(visit, head, before=shown[0].ordinal)
    if shown and (backwards or page.has_more):
        links["next"] = _link(visit, head, cursor=shown[-1].ordinal)
    if asked.after or backwards:
        links["first"] = _link(visit, head)
    if page.reached is not None:
        place = {name: visit.asked(name) for name in ("cursor", "before")}
        links["rest"] = address(_link(visit, head), **place, whole="1")
    return links


def _cursor(head: Head, asked: Asked, page: Page) -> str:
    """Return the cursor that leads to this page; "" for the first one."""
    if (asked.before is None and not asked.after) or not page.examples:
        return ""
    return _cursor_at(head, page.examples[0].ordinal - 1)


def _cursor_at(head: Head, ordinal: int) -> str:
    """Return the cursor for what comes after this ordinal, or before it."""
    return str(pages.ExamplesCursor(head.dataset.id.number, head.version.id, ordinal))


def _link(visit: Visit, head: Head, **ordinals: int) -> str:
    """Return the address of another page of what is shown."""
    cursors = {name: _cursor_at(head, ordinal) for name, ordinal in ordinals.items()}
    return address(
        head.path,
        version=head.pinned(visit.asked("version")),
        filter=visit.asked("filter"),
        columns=visit.request.query_params.getall("columns", []),
        **cursors,
    )


def _mistake(filter: str, problem: InvalidRequest) -> Mistake:
    match = _AT.fullmatch(problem.detail)
    place, message = (int(match[1]) - 1, match[2]) if match else (0, problem.detail)
    return Mistake(filter[:place], filter[place:], message)


HANDLERS = [show_dataset]
