"""Save what was changed of an example: into its version or a new one, and never over others' work.

A save names the version as it was seen (`If-Match`). When the version has changed meanwhile, but
not in the fields that are saved, it is saved all the same. Else both values are shown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
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


class Sent(NamedTuple):
    """The form of an example as it was sent."""

    visit: Visit
    asked: Asked
    form: Form
    seen: Fields
    """The example as the form showed it."""
    fields: list[Edited]
    """Those of the form, each with what is wrong with it."""
    changed: Fields
    """The values that are to be saved."""


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
    version = heads.version_id(form.get("version_seen"))
    asked = Asked.of(visit, dataset)._replace(example=form.get("id"), version=version)
    seen = editing.unpack(form.get("seen"))
    changed, fields = editing.changes(seen, editing.edited(form))
    sent = Sent(visit, asked, form, seen, fields, changed)
    if any(one.wrong for one in fields):
        return await _again(sent, "Nothing was saved: see below.")
    try:
        name = new_version(form)
        if not changed and not name:
            return visit.go(_back(sent, visit.asked("version")), "nothing")
        return await _save(sent, name)
    except (Conflict, PreconditionFailed, ValidationError) as problem:
        return await _again(sent, f"Nothing was saved: {of_one(problem)}")


async def _save(sent: Sent, name: str | None) -> Response[Any]:
    """Save the changed fields, into a new version if there is a name for one."""
    visit, asked, changed = sent.visit, sent.asked, sent.changed
    tag = sent.form.get("tag")
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
            if editing.conflicts(sent.seen, bodies.decode(known.example.body), changed):
                return _render_choice(sent, known)
            tag = known.tag
        else:
            made = str(written.version.id) if name else visit.asked("version")
            latest = written.dataset.latest_version
            return visit.go(_back(sent, heads.pin(made, written.version.id, latest)), "saved")
    raise PreconditionFailed("the version changes all the time; try again")


def _back(sent: Sent, version: str) -> str:
    """Return the address of the example in this version."""
    asked = sent.asked
    path = f"/datasets/{asked.dataset}/example"
    return address(path, id=asked.example, version=version, filter=asked.filter)


async def _again(sent: Sent, wrong: str) -> Response[Any]:
    """Show the form again as it was filled in."""
    visit, form = sent.visit, sent.form
    known = await example.find(visit, sent.asked)
    if any(one.choice for one in sent.fields):
        return _render_choice(sent, known, wrong)
    # What was seen stays what was seen, so that no one's change is written over.
    kept = known.example._replace(body=bodies.encode(sent.seen))
    known = known._replace(example=kept, tag=form.get("tag"))
    into, name = form.get("into"), form.get("new_version")
    return example.render_form(visit, known, sent.fields, 422, wrong=wrong, into=into, name=name)


def _render_choice(sent: Sent, known: Known, wrong: str = "") -> Response[Any]:
    """Show both values of the fields that someone else changed since the form was shown."""
    comparer, visit = Comparer(), sent.visit
    seen, now = sent.seen, bodies.decode(known.example.body)
    changed_by_both = editing.conflicts(seen, now, sent.changed)
    # The fields that are as they were seen here may be otherwise now, and are not sent on.
    mine = [
        one._replace(
            choice=one.choice if now.get(one.name) == seen.get(one.name) else "",
            is_new=one.is_new and one.name not in now,
        )
        for one in sent.fields
        if one.name in sent.changed or one.choice
    ]
    chosen = {one.name for one in sent.fields if one.choice}
    both = [
        _both(place, one, now.get(one.name), comparer)
        for place, one in enumerate(mine)
        if one.name in changed_by_both or one.name in chosen
    ]
    my_names = {one.name for one in mine}
    others = {
        name: FieldChange.of(seen.get(name), now.get(name))
        for name in {**seen, **now}
        if name not in my_names and seen.get(name) != now.get(name)
    }
    return visit.render(
        "conflict.html",
        409,
        known=known,
        head=known.head,
        both=both,
        others=example.changes_of(others, comparer),
        fields=mine,
        by=next((event.by.called for event in known.events if event.by), ""),
        wrong=wrong,
        into=sent.form.get("into"),
        name=sent.form.get("new_version"),
        seen=editing.pack(known.example.body),
        link=example.linker(visit, known),
        pinned=visit.asked("version"),
        filter=visit.asked("filter"),
    )


def _both(place: int, mine: Edited, value: msgspec.Raw | None, comparer: Comparer) -> Both:
    as_json = mine.kind == "json"
    theirs = None if value is None else editing.field(mine.name, value, as_json=as_json)
    return Both(place, mine, theirs, comparer.markup(theirs.text if theirs else "", mine.text))


HANDLERS = [save_example]
