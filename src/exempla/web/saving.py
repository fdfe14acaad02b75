"""Save what was changed of an example: into its version or a new one, and never over others' work.

A save names the version as it was seen (`If-Match`). When the version has changed meanwhile, but
not in the fields that are saved, it is saved all the same. Else both values are shown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from litestar import Response, post
from litestar.params import FromPath

from exempla.errors import Conflict, PreconditionFailed, ValidationError
from exempla.store import bodies, examples
from exempla.store.bodies import FieldChange, Fields
from exempla.web import editing, example, heads
from exempla.web.editing import Edited
from exempla.web.example import UPDATE, Asked, Known
from exempla.web.forms import Form, new_version
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
    choice: str
    """Which one was chosen before, if one was: `theirs` or `mine`."""


@post("/datasets/{dataset:str}/example", status_code=200)
async def save_example(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Save the changed fields of an example."""
    form = await visit.form()
    asked = Asked.of(visit, dataset)
    version = heads.version_id(form.get("version_seen"))
    asked = asked._replace(example=form.get("id"), version=version)
    seen = editing.unpack(form.get("seen"))
    sent = editing.edited(form)
    choices = [form.get(f"choice.{index}") for index in range(len(sent))]
    mine = [one for one, choice in zip(sent, choices, strict=True) if choice != "theirs"]
    changed, fields = editing.changes(seen, mine)
    if any(one.wrong for one in fields):
        if any(choices):
            checked = iter(fields)
            both = zip(sent, choices, strict=True)
            again = [one if choice == "theirs" else next(checked) for one, choice in both]
            clashing = [one.name for one, choice in zip(again, choices, strict=True) if choice]
            known = await example.find(visit, asked)
            return _render_conflict(visit, known, form, seen, again, clashing)
        return await _again(visit, asked, form, fields, "Nothing was saved: see below.")
    try:
        name = new_version(form)
        if not changed and not name:
            return visit.go(_back(visit, asked, visit.asked("version")), "nothing")
        return await _save(visit, asked, form, seen, changed, fields, name)
    except (Conflict, PreconditionFailed, ValidationError) as problem:
        return await _again(visit, asked, form, fields, f"Nothing was saved: {of_one(problem)}")


async def _save(
    visit: Visit,
    asked: Asked,
    form: Form,
    seen: Fields,
    changed: Fields,
    fields: list[Edited],
    name: str | None,
) -> Response[Any]:
    """Save the changed fields, into a new version if there is a name for one."""
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
                name,
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
            made = str(written.version.id) if name else visit.asked("version")
            latest = written.dataset.latest_version
            version = heads.pin(made, written.version.id, latest)
            return visit.go(_back(visit, asked, version), "saved")
    raise PreconditionFailed("the version changes all the time; try again")


def _back(visit: Visit, asked: Asked, version: str) -> str:
    """Return the address of the example in this version."""
    path = f"/datasets/{asked.dataset}/example"
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
            choice = form.get(f"choice.{index}")
            both.append(Both(index, one, theirs, comparer.markup(text, one.text), choice))
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
