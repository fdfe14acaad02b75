"""Set an annotation of an example, from the forms on its page."""

from __future__ import annotations

from typing import Any

from litestar import Response, post
from litestar.params import FromPath

from exempla.api import fields
from exempla.clock import MAX_TIME
from exempla.errors import PreconditionFailed
from exempla.ids import ResourceId
from exempla.limits import MAX_TEXT_LENGTH
from exempla.store import annotations as annotations_store
from exempla.store import datasets
from exempla.store.access import Permit
from exempla.store.annotations import Value
from exempla.store.transaction import Transaction
from exempla.web import heads, rendering
from exempla.web.example import ANNOTATE
from exempla.web.forms import Form
from exempla.web.text import cut
from exempla.web.visit import VisitDependency, local_path


@post("/datasets/{dataset:str}/annotate", status_code=200)
async def annotate(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Set the parts of an annotation that were given; scripts get no page."""
    form = await visit.form()
    seen = fields.whole_number(form.get("seen"), "seen", 0, MAX_TIME)
    await visit.write(
        ANNOTATE, _annotate, heads.dataset_id(dataset), form.get("id"), _value(form), seen
    )
    if "text/html" not in visit.request.headers.get("accept", "text/html"):
        return Response(b"", status_code=204, headers=rendering.HEADERS)
    return visit.go(local_path(form.get("back", "/")), "annotated")


def _annotate(
    tx: Transaction, permit: Permit, dataset: ResourceId, id: str, value: Value, seen: int
) -> None:
    """Set an annotation that no one else has set since it was seen, at this time (0 if not set)."""
    datasets.lock(tx, permit, dataset)
    now = annotations_store.of_example(tx, dataset.number, id, value.name)
    if now and now.updated_at > seen and now.annotator_id != permit.user_id:
        said = " ".join(filter(None, (now.label, now.score, now.text)))
        raise PreconditionFailed(
            f"{now.annotator} has set {value.name} to {cut(said, 200)!r} meanwhile; set it again "
            "to put yours in its place"
        )
    annotations_store.annotate(tx, permit, dataset, [(id, [value])])


def _value(form: Form) -> Value:
    name, text, score = form.get("name"), form.get("text"), form.get("score")
    return Value(
        name,
        fields.number(score, "the score") if score.strip() else None,
        form.get("label") or None,
        fields.text(text, f"the note of {name}", MAX_TEXT_LENGTH) if "text" in form else None,
        name,
    )


HANDLERS = [annotate]
