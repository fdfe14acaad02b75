"""A dataset as a table of its examples: pages, filter, versions, columns."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, NamedTuple

from litestar import Response, get
from litestar.params import FromPath

from exempla import filters
from exempla.api import pages
from exempla.errors import InvalidRequest
from exempla.filters import as_name
from exempla.ids import ResourceId
from exempla.store import bodies, examples, search
from exempla.store.access import Permit
from exempla.store.annotations import Annotation
from exempla.store.examples import Example, Page
from exempla.store.transaction import Transaction
from exempla.web import heads, use_it, values
from exempla.web.heads import Head
from exempla.web.rendering import address
from exempla.web.values import Shown
from exempla.web.visit import Visit, VisitDependency

PAGE = 50
"""Examples on a page."""

MAX_COLUMNS = 200
"""Columns of a page: the first of its fields, or of those that were chosen."""

MAX_NAMES = 1_000
"""Fields that can be chosen from; the address can name any."""

MAX_PATHS = 500
"""Names that the filter is completed with."""

_AT = re.compile(r"(?s)filter, character (\d+): (.*)")


class Row(NamedTuple):
    """An example, its values by column, and its annotations by name."""

    example: Example
    cells: list[Shown]
    annotations: dict[str, Annotation]


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


@get("/datasets/{dataset:str}")
async def show_dataset(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Show a page of a version's examples, those that match the filter if there is one."""
    asked = _asked(visit, heads.dataset_id(dataset))
    run = visit.search if asked.filter else visit.read
    found = await run("GET /v2/datasets/{dataset_id}/examples", _find, asked, visit.until())
    return _render(visit, asked, *found)


def _asked(visit: Visit, dataset: ResourceId) -> Asked:
    version = heads.version_id(visit.asked("version"))
    before = pages.examples_cursor(visit.asked("before"))
    if before:
        pages.place(visit.asked("before"), dataset, version)  # one of this version
        return Asked(dataset, before.version_id, visit.asked("filter").strip(), 0, before.ordinal)
    version, after = pages.place(visit.asked("cursor"), dataset, version)
    return Asked(dataset, version, visit.asked("filter").strip(), after, None)


def _find(
    tx: Transaction, permit: Permit, asked: Asked, until: float
) -> tuple[Head, Page, Mistake | None]:
    """Find what was asked for, without the filter if there is a mistake in it.

    The filter is read in the thread of the search, since a long one takes some 100 ms.
    """
    filter = mistake = None
    try:
        filter = filters.parse(asked.filter) if asked.filter else None
    except InvalidRequest as problem:
        mistake = _mistake(asked.filter, problem)
    head = heads.head(tx, permit, asked.dataset, asked.version)
    version, after, before = head.version.id, asked.after, asked.before
    if filter is None:
        page = examples.list_page(
            tx, permit, asked.dataset, version, after=after, before=before, limit=PAGE
        )
    else:
        page = search.page(
            tx,
            permit,
            asked.dataset,
            version,
            filter=filter,
            after=after,
            before=before,
            limit=PAGE,
            until=until,
        )
    return head, page, mistake


def _render(
    visit: Visit, asked: Asked, head: Head, page: Page, mistake: Mistake | None
) -> Response[Any]:
    shown, links = page.examples, _links(visit, asked, head, page)
    annotations = page.annotations
    decoded = [bodies.decode(example.body) for example in shown]
    present = dict.fromkeys(name for fields in decoded for name in fields)
    chosen = [name for name in visit.request.query_params.getall("columns", []) if name]
    wanted = set(chosen) or present
    columns = list(islice((name for name in present if name in wanted), MAX_COLUMNS))
    rows = [
        Row(
            example,
            [values.in_table(fields.get(name)) for name in columns],
            {one.name: one for one in annotations.get(example.ordinal, [])},
        )
        for example, fields in zip(shown, decoded, strict=True)
        if not mistake
    ]
    return visit.render(
        "table.html",
        400 if mistake else 200,
        head=head,
        rows=rows,
        fields=len(present),
        names=list(islice(present, MAX_NAMES)),
        columns=columns,
        most_columns=MAX_COLUMNS,
        chosen=chosen,
        annotated=sorted({name for row in rows for name in row.annotations}),
        paths=_paths(decoded, annotations),
        filter=asked.filter,
        mistake=mistake,
        links={} if mistake else links,
        pinned=visit.asked("version"),
        may_write=visit.may("POST /v2/datasets/{dataset_id}/examples", head.space.id),
        snippets=use_it.examples(
            visit.base_url, head.dataset.id, head.version.id, "" if mistake else asked.filter
        ),
    )


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
    return links


def _link(visit: Visit, head: Head, **ordinals: int) -> str:
    """Return the address of another page of what is shown."""
    cursors = {
        name: str(pages.ExamplesCursor(head.dataset.id.number, head.version.id, ordinal))
        for name, ordinal in ordinals.items()
    }
    return address(
        head.path,
        version=visit.asked("version"),
        filter=visit.asked("filter"),
        columns=visit.request.query_params.getall("columns", []),
        **cursors,
    )


def _mistake(filter: str, problem: InvalidRequest) -> Mistake:
    match = _AT.fullmatch(problem.detail)
    place, message = (int(match[1]) - 1, match[2]) if match else (0, problem.detail)
    return Mistake(filter[:place], filter[place:], message)


def _paths(decoded: list[bodies.Fields], annotations: dict[int, list[Annotation]]) -> list[str]:
    """Return what a filter may name, of what these examples hold."""
    found = dict.fromkeys(as_name(name) for fields in decoded for name in fields)
    for fields in decoded:
        for name, value in fields.items():
            if bytes(value)[:1] == b"{":
                found |= {
                    f"{as_name(name)}.{as_name(inner)}": None
                    for inner in bodies.decode(bytes(value).decode())
                }
    for name in sorted({one.name for found_here in annotations.values() for one in found_here}):
        found |= {f"annotation.{as_name(name)}.{part}": None for part in ("label", "score", "text")}
    return ["id", *found][:MAX_PATHS]


HANDLERS = [show_dataset]
