"""What the fields of a version hold, with small plots.

A large version takes seconds to read. Its page comes at once and asks for the rest; what was read
is kept in memory for as long as the version is what it was.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from markupsafe import Markup

from exempla.store import columns
from exempla.store.columns import Column
from exempla.store.versions import Version
from exempla.web import heads, plots, values
from exempla.web.text import cut, visible
from exempla.web.visit import VisitDependency

COLUMNS = "GET /api/v1/datasets/{dataset_id}/columns"

AT_ONCE = 1_000
"""Examples of a version that is read while its page is made."""

MOST_KEPT = 32
"""Versions whose columns are kept in memory."""


class Kept(OrderedDict[tuple[int, int, int], list[Column]]):
    """The columns of the versions that were looked at last, by dataset, version and state."""

    def add(self, dataset: int, version: Version, found: list[Column]) -> None:
        """Keep these columns; forget those that were not looked at for longest."""
        self[dataset, version.id.number, version.updated_at] = found
        if len(self) > MOST_KEPT:
            self.popitem(last=False)

    def find(self, dataset: int, version: Version) -> list[Column] | None:
        """Return the columns of the version as it is now, if they are kept."""
        key = (dataset, version.id.number, version.updated_at)
        found = self.get(key)
        if found is not None:
            self.move_to_end(key)
        return found


KeptDependency = NamedDependency[Kept]


class Shown(NamedTuple):
    """A field, ready for the template."""

    column: Column
    types: list[tuple[str, str]]
    """The kinds of its values, most frequent first, each with its share."""
    fill: Markup
    lengths: Markup | None
    range: tuple[str, str] | None
    """The least and the greatest number, as they were sent."""
    top: list[tuple[Markup, int, Markup]]
    """The most frequent values, how often they are there, and a bar."""


@get("/datasets/{dataset:str}/columns")
async def show_columns(
    visit: VisitDependency, kept_columns: KeptDependency, dataset: FromPath[str]
) -> Response[Any]:
    """Show what the fields hold; of a large version only with `read`, or once that was asked."""
    id, version = heads.dataset_id(dataset), heads.version_id(visit.asked("version"))
    head = await visit.read(COLUMNS, heads.head, id, version)
    found = kept_columns.find(id.number, head.version)
    if found is None and (visit.asked("read") or head.version.example_count <= AT_ONCE):
        page = await visit.search(COLUMNS, columns.of_version, id, version, until=visit.until())
        found = page.columns
        kept_columns.add(id.number, page.version, found)
    return visit.render(
        "columns.html",
        head=head,
        pinned=visit.asked("version"),
        columns=None if found is None else [_shown(one) for one in found],
    )


def _shown(column: Column) -> Shown:
    types = sorted(column.types.items(), key=lambda item: -item[1])
    fill = plots.share(column.fill_rate, f"{column.fill_rate:.0%} of the examples have it")
    lengths, ends = column.string_length, column.number_range
    top = column.top_values or []
    is_telling = column.distinct_count < column.count  # else each value is there once
    return Shown(
        column,
        [(kind, _percent(count, column.count)) for kind, count in types],
        fill,
        plots.lengths(lengths.histogram) if lengths else None,
        (values.text_of(ends.min), values.text_of(ends.max)) if ends else None,
        [
            (_value(one.value), one.count, plots.share(one.count / column.count, ""))
            for one in (top if is_telling else [])
        ],
    )


def _percent(part: int, whole: int) -> str:
    return "" if part == whole else f"{100 * part / whole:.3g} %"


def _value(value: msgspec.Raw) -> Markup:
    text = values.text_of(value)
    return (
        visible(cut(" ".join(text.split()), 60)) if text else Markup('<i class="quiet">empty</i>')
    )


HANDLERS = [show_columns]
