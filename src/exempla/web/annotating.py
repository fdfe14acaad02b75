"""Set an annotation of an example, from the forms on its page."""

from __future__ import annotations

from typing import Any

from litestar import Response, post
from litestar.params import FromPath

from exempla.api import fields
from exempla.limits import MAX_TEXT_LENGTH
from exempla.store import annotations as annotations_store
from exempla.store.annotations import Value
from exempla.web import heads, rendering
from exempla.web.example import ANNOTATE
from exempla.web.forms import Form
from exempla.web.visit import VisitDependency, local_path


@post("/datasets/{dataset:str}/annotate", status_code=200)
async def annotate(visit: VisitDependency, dataset: FromPath[str]) -> Response[Any]:
    """Set the parts of an annotation that were given; scripts get no page."""
    form = await visit.form()
    value = _value(form)
    await visit.write(
        ANNOTATE, annotations_store.annotate, heads.dataset_id(dataset), [(form.get("id"), [value])]
    )
    if "text/html" not in visit.request.headers.get("accept", "text/html"):
        return Response(b"", status_code=204, headers=rendering.HEADERS)
    return visit.go(local_path(form.get("back", "/")), "annotated")


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
