"""Make a dataset by typing, add an example to one, and take one out."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from exempla.api import body, example_fields, fields
from exempla.errors import Conflict, InvalidRequest, NotFound, Problem, ValidationError
from exempla.ids import ResourceId, parse_id
from exempla.store import bodies, examples
from exempla.store.access import Permit
from exempla.store.bodies import Fields
from exempla.store.examples import Written
from exempla.store.transaction import Transaction
from exempla.web import editing, heads
from exempla.web.datasets import all_spaces
from exempla.web.editing import Edited
from exempla.web.example import READ
from exempla.web.forms import Form
from exempla.web.heads import Head
from exempla.web.rendering import address
from exempla.web.sentences import of_one
from exempla.web.visit import Visit, VisitDependency

T = TypeVar("T")

CREATE = "POST /v2/datasets"
INSERT = "POST /v2/datasets/{dataset_id}/examples"
TAKE_OUT = "DELETE /v2/datasets/{dataset_id}/examples"

COLUMNS, ROWS = ["question", "answer", ""], 4
"""What an empty table to type into has."""


class Typed(NamedTuple):
    """What was typed of a new dataset: a table of texts, or JSON."""

    name: str
    space: str
    columns: list[str]
    rows: list[list[str]]
    text: str


@get("/datasets/new")
async def show_new(visit: VisitDependency) -> Response[Any]:
    """Show the form to make a dataset by typing."""
    empty = [[""] * len(COLUMNS) for _ in range(ROWS)]
    return await _show(visit, Typed("", visit.asked("space"), COLUMNS, empty, ""))


async def _show(visit: Visit, typed: Typed, wrong: Problem | None = None) -> Response[Any]:
    spaces = await visit.read("GET /v2/spaces", all_spaces)
    return visit.render(
        "new.html",
        wrong.status if wrong else 200,
        typed=typed,
        wrong=wrong.detail if wrong else "",
        spaces=[one for one in spaces if visit.may(CREATE, one.id)],
    )


@post("/datasets/new", status_code=200)
async def create(visit: VisitDependency) -> Response[Any]:
    """Make a dataset of what was typed."""
    typed = _typed(await visit.form())
    try:
        new = _examples(typed)
        await example_fields.check_new(new)
        path = await visit.once(
            CREATE,
            lambda made: f"/datasets/{made[0].id}",
            examples.create_dataset,
            chosen_space(typed.space),
            fields.name(typed.name),
            new,
        )
    except (Conflict, InvalidRequest, NotFound, ValidationError) as problem:
        return await _show(visit, typed, problem)
    return visit.go(path, "created")


def chosen_space(given: str) -> ResourceId:
    """Return the id of the space that was chosen for a new dataset."""
    if not given:
        raise ValidationError("choose a space")
    return parse_id(given, "Space", "space")


def _typed(form: Form) -> Typed:
    columns = form.all("column")
    cells = form.all("cell")
    width = max(len(columns), 1)
    rows = [cells[start : start + width] for start in range(0, len(cells), width)]
    return Typed(form.get("name").strip(), form.get("space"), columns, rows, form.get("text"))


def _examples(typed: Typed) -> list[Fields]:
    """Return the examples: of the table each row with its texts, then those of the JSON."""
    names = [name.strip() for name in typed.columns]
    given = [name for name in names if name]
    if len(set(given)) < len(given):
        raise ValidationError("two columns have the same name; give each its own")
    found: list[Fields] = []
    for number, row in enumerate(typed.rows, 1):
        filled = {name: text for name, text in zip(names, row, strict=False) if text}
        if "" in filled:
            raise ValidationError(f"row {number} has a text in a column without a name; name it")
        if filled:
            found.append({n: msgspec.Raw(msgspec.json.encode(t)) for n, t in filled.items()})
    return found + _of_json(typed.text)


def _of_json(text: str) -> list[Fields]:
    """Read a JSON array of objects, or an object on each line."""
    if not text.strip():
        return []
    if text.lstrip().startswith("["):
        return _read(text, list[Fields])
    found: list[Fields] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append(_read(line, Fields))
            except Problem as problem:
                raise InvalidRequest(f"line {number} of the JSON: {problem.detail}") from None
    return found


def _read(text: str, type: type[T]) -> T:
    """Read JSON as `body.read` does, with the line and the character of a mistake."""
    try:
        return body.read(text.encode(), type)
    except InvalidRequest as problem:
        raise InvalidRequest(editing.placed(problem.detail, text)) from None


@get("/datasets/{dataset:str}/new-example")
async def show_new_example(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Show the form to add an example, with the fields that the first ones have."""
    version = heads.version_id(visit.asked("version"))
    head, page = await visit.read(READ, _first, heads.dataset_id(dataset), version)
    found = [bodies.decode(one.body) for one in page.examples]
    first: Fields = {}
    for one in reversed(found):
        first = one | first
    empty = [Edited(name, editing.field(name, value).kind, "") for name, value in first.items()]
    return _render_new_example(visit, head, empty)


def _first(
    tx: Transaction, permit: Permit, dataset: ResourceId, version: ResourceId | None
) -> tuple[Head, examples.Page]:
    page = examples.list_page(tx, permit, dataset, version, after=0, limit=20)
    return heads.head(tx, permit, dataset, version, choices=0), page


def _render_new_example(
    visit: Visit, head: Head, edited: list[Edited], status: int = 200, wrong: str = ""
) -> Response[Any]:
    return visit.render(
        "new_example.html",
        status,
        head=head,
        fields=edited,
        wrong=wrong,
        may_write=visit.may(INSERT, head.space.id),
    )


@post("/datasets/{dataset:str}/new-example", status_code=200)
async def add_example(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Add an example to the version that was seen; a field that was left empty is left out."""
    form = await visit.form()
    id, version = heads.dataset_id(dataset), heads.version_id(form.get("version_seen"))
    changed, checked = editing.changes({}, editing.edited(form), may_lack=True)
    wrong = "Nothing was added: see below." if any(one.wrong for one in checked) else ""
    if not wrong:
        try:
            await example_fields.check_new([changed])
            path = await visit.once(
                INSERT,
                lambda done: _added(done, visit.asked("version")),
                examples.insert,
                id,
                version,
                [changed],
            )
        except (Conflict, ValidationError) as problem:
            wrong = f"Nothing was added: {of_one(problem)}"
        else:
            return visit.go(path, "created")
    head, _ = await visit.read(READ, _first, id, version)
    return _render_new_example(visit, head, checked, 422, wrong)


def _added(done: Written, asked: str) -> str:
    """Return the address of the example that was added."""
    pinned = heads.pin(asked, done.version.id, done.dataset.latest_version)
    path = f"/datasets/{done.dataset.id}/example"
    return address(path, id=done.example_ids[0], version=pinned)


@post("/datasets/{dataset:str}/take-out", status_code=200)
async def take_out(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Take an example out of a version."""
    form = await visit.form()
    version = parse_id(form.get("version_seen"), "DatasetVersion", "version")
    done = await visit.write(
        TAKE_OUT, examples.delete, heads.dataset_id(dataset), version, [form.get("id")]
    )
    pinned = heads.pin(form.get("pinned"), version, done.dataset.latest_version)
    return visit.go(address(f"/datasets/{dataset}", version=pinned), "taken_out")


HANDLERS = [show_new, create, show_new_example, add_example, take_out]
