"""Save what was changed of an example: into its version or a new one, and never over others' work.

A save names the version as it was seen (`If-Match`). When the version has changed meanwhile, but
not in the fields that are saved, it is saved all the same. Else both values are shown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from litestar import Response, post
from litestar.params import FromPath

from exempla.api import fields as rules
from exempla.errors import Conflict, PreconditionFailed, ValidationError
from exempla.ids import ResourceId
from exempla.store import bodies, examples
from exempla.store.bodies import FieldChange, Fields
from exempla.web import editing, example, heads
from exempla.web.editing import Edited
from exempla.web.example import UPDATE, Asked, Known
from exempla.web.forms import Form
from exempla.web.rendering import address
from exempla.web.sentences import of_one
from exempla.web.visit import Visit, VisitDependency
from exempla.web.words import Comparer

TRIES = 5


class Both(NamedTuple):
    """A field that someone else changed meanwhile."""

    place: int
    mine: Edited
    theirs: Edited | None
    """None if they took the field away."""
    markup: Any
    """From theirs to mine, word by word."""


@post("/datasets/{dataset:str}/example", status_code=200)
async def save_example(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Save the changed fields of an example."""
    form = await visit.form()
    asked = Asked.of(visit, dataset)
    version = heads.version_id(form.get("version_seen"))
    asked = asked._replace(example=form.get("id"), version=version)
    seen = editing.unpack(form.get("seen"))
    theirs = {index for index in range(len(form)) if form.get(f"choice.{index}") == "theirs"}
    sent = [one for index, one in enumerate(editing.edited(form)) if index not in theirs]
    changed, fields = editing.changes(seen, sent)
    new_version = form.get("new_version").strip() if form.get("into") == "new" else ""
    back = _back(visit, asked)
    if any(one.wrong for one in fields):
        return await _again(visit, asked, form, fields, "Nothing was saved: see below.")
    if not changed and not new_version:
        return visit.go(back, "nothing")
    try:
        if form.get("into") == "new":
            rules.name(new_version, "the new version's name")
        return await _save(visit, asked, form, seen, changed, fields, new_version)
    except (Conflict, PreconditionFailed, ValidationError) as problem:
        return await _again(visit, asked, form, fields, f"Nothing was saved: {of_one(problem)}")


async def _save(
    visit: Visit,
    asked: Asked,
    form: Form,
    seen: Fields,
    changed: Fields,
    fields: list[Edited],
    new_version: str,
) -> Response[Any]:
    tag = form.get("tag")
    for _ in range(TRIES):
        try:
            written = await visit.write_if(
                tag,
                UPDATE,
                examples.update,
                asked.dataset,
                asked.version,
                {asked.example: changed},
                new_version or None,
            )
        except PreconditionFailed:
            known = await example.find(visit, asked)
            now = bodies.decode(known.example.body)
            if clashing := editing.conflicts(seen, now, changed):
                # The others were as they are seen here, and may be otherwise now.
                mine = [one for one in fields if one.name in changed]
                return _render_conflict(visit, known, form, seen, mine, clashing)
            tag = known.tag
        else:
            made = written.version.id if new_version else None
            return visit.go(_back(visit, asked, made), "saved")
    raise PreconditionFailed("the version changes all the time; try again")


def _back(visit: Visit, asked: Asked, made: ResourceId | None = None) -> str:
    """Return the address of the example, in the new version if one was made."""
    path = f"/datasets/{asked.dataset}/example"
    version = str(made) if made else visit.asked("version")
    return address(path, id=asked.example, version=version, filter=asked.filter)


async def _again(
    visit: Visit, asked: Asked, form: Form, fields: list[Edited], wrong: str
) -> Response[Any]:
    """Show the form again as it was filled in."""
    known = await example.find(visit, asked)
    # What was seen stays what was seen, so that no one's change is written over.
    kept = bodies.encode(editing.unpack(form.get("seen")))
    known = known._replace(example=known.example._replace(body=kept), tag=form.get("tag"))
    return example.render_form(
        visit, known, fields, 422, wrong=wrong, into=form.get("into"), name=form.get("new_version")
    )


def _render_conflict(
    visit: Visit,
    known: Known,
    form: Form,
    seen: Fields,
    fields: list[Edited],
    clashing: list[str],
) -> Response[Any]:
    comparer, now = Comparer(), bodies.decode(known.example.body)
    both: list[Both] = []
    for index, one in enumerate(fields):
        if one.name in clashing:
            value = now.get(one.name)
            theirs = (
                None
                if value is None
                else editing.field(one.name, value, as_json=one.kind == "json")
            )
            text = theirs.text if theirs else ""
            both.append(Both(index, one, theirs, comparer.markup(text, one.text)))
    mine = {one.name for one in fields}
    others = {
        name: FieldChange.of(seen.get(name), now.get(name))
        for name in {**seen, **now}
        if name not in mine and seen.get(name) != now.get(name)
    }
    by = next((event.by.called for event in known.events if event.by), "")
    return visit.render(
        "conflict.html",
        409,
        known=known,
        head=known.head,
        both=both,
        others=example.changes_of(others, comparer),
        fields=fields,
        by=by,
        into=form.get("into"),
        name=form.get("new_version"),
        seen=editing.pack(known.example.body),
        link=example.linker(visit, known),
        pinned=visit.asked("version"),
        filter=visit.asked("filter"),
    )


HANDLERS = [save_example]
