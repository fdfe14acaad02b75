"""Import a file into a version or a new dataset, first as a trial; export a version as a file."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from exempla.api import fields
from exempla.api.v1 import files as files_api
from exempla.errors import (
    AccessForbidden,
    Conflict,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    Problem,
    ValidationError,
)
from exempla.files.formats import BY_SUFFIX, FORMATS, Format
from exempla.ids import ResourceId
from exempla.limits import MAX_FILE_BYTES
from exempla.memory import give_back
from exempla.store import datasets, versions
from exempla.web import heads, rendering
from exempla.web.creating import CREATE, chosen_space
from exempla.web.datasets import all_spaces
from exempla.web.example import Change, changes_of
from exempla.web.forms import Form, new_version
from exempla.web.rendering import address
from exempla.web.uploads import receive
from exempla.web.visit import Visit, VisitDependency
from exempla.web.words import Comparer

if TYPE_CHECKING:
    from exempla.store.imports import Tried
    from exempla.store.incoming import Incoming

IMPORT = "POST /api/v1/datasets/{dataset_id}/import"
EXPORT = "GET /api/v1/datasets/{dataset_id}/export"

SHOWN = 25
"""Changes that a trial shows."""

_CHANGED_SINCE = PreconditionFailed(
    "someone changed the version after this was shown; see what would change now, and import again"
)

_REFUSALS = (AccessForbidden, Conflict, InvalidRequest, NotFound, ValidationError)


class _Upload(NamedTuple):
    """A form, and the file that came with it."""

    form: Form
    file_name: str
    file: BinaryIO

    @property
    def format(self) -> Format:
        """The format that was chosen, else the one that the file's name tells."""
        chosen = fields.one_of(self.form.get("format"), FORMATS, "format")
        name = self.file_name.lower()
        if name.endswith((".gz", ".zst", ".zip", ".bz2", ".xz")):
            raise ValidationError(f"{self.file_name!r} is compressed; unpack it, and import that")
        told = next((known for end, known in BY_SUFFIX.items() if name.endswith(end)), None)
        if chosen or told:
            return chosen or cast("Format", told)
        if name.endswith((".xlsx", ".xls", ".ods")):
            raise ValidationError(
                f"{self.file_name!r} is a spreadsheet; save it as CSV there, and import that"
            )
        raise ValidationError(
            f"choose the format of {self.file_name!r}, which its name does not tell"
        )

    async def read(self, visit: Visit) -> Incoming:
        """Return the examples of the file, which is deleted."""
        with self.file:
            return await files_api.read_file(visit.database, self.format, self.file)


@asynccontextmanager
async def _uploaded(visit: Visit) -> AsyncIterator[_Upload]:
    """Take a form with a file, which waits where the database has room for it."""
    with files_api.room():
        file = tempfile.TemporaryFile(dir=visit.database.engine.scratch)  # noqa: SIM115
    try:
        with files_api.room():
            received = await receive(visit, file)
        yield _Upload(*received, file)
    finally:
        file.close()
        await asyncio.to_thread(give_back)


@get("/datasets/{dataset:str}/import")
async def show_import(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Show the form to import a file."""
    return await _show(visit, heads.dataset_id(dataset), Form())


async def _show(
    visit: Visit,
    dataset: ResourceId,
    form: Form,
    *,
    tried: Tried | None = None,
    wrong: Problem | None = None,
) -> Response[Any]:
    version = heads.version_id(form.get("version_seen") or visit.asked("version"))
    read = "GET /v2/datasets/{dataset_id}"
    head = await visit.read(read, heads.head, dataset, version, choices=0)
    comparer = Comparer()
    changes: list[tuple[Any, list[Change]]] = [
        (one, changes_of(one.fields, comparer)) for one in (tried.changes if tried else [])
    ]
    return visit.render(
        "import.html",
        wrong.status if wrong else 200,
        head=head,
        form=form,
        formats=FORMATS,
        tried=tried,
        tag=versions.tag_of(tried.dataset, tried.version) if tried else "",
        rows=sum(tried.counts) if tried else 0,
        changes=changes,
        wrong=wrong,
        may_write=visit.may(IMPORT, head.space.id),
    )


@post("/datasets/{dataset:str}/import", status_code=200, request_max_body_size=MAX_FILE_BYTES)
async def import_file(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Import a file, or only try to and show what would change."""
    from exempla.store.imports import MODES, Import

    id = heads.dataset_id(dataset)
    form = Form()
    try:
        await visit.read(IMPORT, datasets.get, id)  # before a large file is taken
        async with _uploaded(visit) as upload:
            form = upload.form
            version = heads.version_id(form.get("version_seen"))
            mode = fields.one_of(form.get("mode"), MODES, "mode") or "insert"
            name = new_version(form)
            with closing(await upload.read(visit)) as incoming:
                work = Import(incoming, mode, name)
                try:
                    if form.get("trial"):
                        tried = await visit.write(IMPORT, work.attempt, id, version, SHOWN)
                        return await _show(visit, id, form, tried=tried)
                    # What was shown of updates must still hold; new examples replace nothing.
                    seen = form.get("tag") if mode == "update" else ""
                    done = await visit.write_if(seen or None, IMPORT, work.write, id, version)
                except PreconditionFailed:
                    tried = await visit.write(IMPORT, work.attempt, id, version, SHOWN)
                    return await _show(visit, id, form, tried=tried, wrong=_CHANGED_SINCE)
    except _REFUSALS as problem:
        return await _show(visit, id, form, wrong=problem)
    made = str(done.version.id) if name else ""
    pinned = heads.pin(visit.asked("version"), done.version.id, done.dataset.latest_version)
    path = address(f"/datasets/{dataset}", version="" if name else pinned)
    return visit.go(path, rendering.imported(done.counts, made))


@get("/datasets/new-from-file")
async def show_new_from_file(visit: VisitDependency) -> Response[Any]:
    """Show the form to make a dataset of a file."""
    return await _show_new(visit, Form([("space", visit.asked("space"))]))


async def _show_new(visit: Visit, form: Form, wrong: Problem | None = None) -> Response[Any]:
    spaces = await visit.read("GET /v2/spaces", all_spaces)
    return visit.render(
        "new_from_file.html",
        wrong.status if wrong else 200,
        form=form,
        formats=FORMATS,
        wrong=wrong,
        spaces=[one for one in spaces if visit.may(CREATE, one.id)],
    )


@post("/datasets/new-from-file", status_code=200, request_max_body_size=MAX_FILE_BYTES)
async def create_from_file(visit: VisitDependency) -> Response[Any]:
    """Make a dataset of the examples of a file."""
    from exempla.store import bulk

    form = Form()
    try:
        if not visit.may(CREATE):
            raise AccessForbidden("your key may not write to any space")
        async with _uploaded(visit) as upload:
            form = upload.form
            space = chosen_space(form.get("space"))
            name = fields.name(form.get("name").strip())
            with closing(await upload.read(visit)) as incoming:
                dataset = await asyncio.to_thread(
                    bulk.create_dataset,
                    visit.database,
                    visit.permit(CREATE),
                    space,
                    name,
                    incoming,
                    act=visit.act(CREATE),
                )
    except _REFUSALS as problem:
        return await _show_new(visit, form, problem)
    return visit.go(f"/datasets/{dataset.id}", "created")


@get("/datasets/{dataset:str}/export")
async def export(visit: VisitDependency, dataset: FromPath[str]) -> Stream:
    """Return a version as a file."""
    format = fields.one_of(visit.asked("format"), FORMATS, "format") or "jsonl"
    version = heads.version_id(visit.asked("version"))
    id = heads.dataset_id(dataset)
    return await files_api.export_file(visit.database, visit.permit(EXPORT), id, version, format)


HANDLERS = [show_import, import_file, show_new_from_file, create_from_file, export]
