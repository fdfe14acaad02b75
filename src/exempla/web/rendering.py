"""Answers as HTML: the templates, what they know, and the headers of every page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response
from markupsafe import Markup

from exempla import __version__, clock
from exempla.ids import new_suffix
from exempla.web import sentences, static, text, times

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Pages hold data of others: nothing from outside runs in them, and no cache keeps them."""

SAID = {
    "saved": "Saved.",
    "annotated": "Annotation saved.",
    "created": "Created.",
    "deleted": "Deleted.",
    "locked": "Locked: its examples cannot change any more.",
    "unlocked": "Unlocked.",
    "taken_out": "Taken out of this version; the others keep it.",
    "restored": "Restored as a new version, which is now the latest.",
    "revoked": "Revoked: it stops working at once.",
    "nothing": "Nothing was changed.",
    "no_other": "No other example in this direction matches the filter.",
}
"""What a page tells of what was done to come to it, by the word in its address."""

_IMPORTED = "imported"
_COUNTED = ("added", "changed", "unchanged", "with an id that is not there")
_COUNT = re.compile(r"[0-9]{1,12}")

_OF_ADDRESSES = "%!#$&'()*+,/:;=?@[]"
"""What stands in an address for itself (RFC 3986, section 2.2), or is escaped already."""

_environment = Environment(
    loader=PackageLoader("exempla.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.filters |= {
    "ago": times.ago,
    "count": lambda number: f"{number:,}",
    "hidden": text.hidden,
    "isolated": text.isolated,
    "moment": clock.rfc3339,
    "named": text.named,
    "plain": text.plain,
    "sendable": text.sendable,
    "sentence": sentences.sentence,
    "visible": text.visible,
}
_environment.globals |= {"static": static.address, "version": __version__, "random": new_suffix}


def markup(template: str, **values: Any) -> Markup:
    """Return what a template makes of these values."""
    return Markup(_environment.get_template(template).render(**values))  # noqa: S704


def page(
    request: Request[Any, Any, Any],
    template: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response[Any]:
    """Return a page as an answer, with these headers beside those of every page."""
    said = _said(request)
    body = markup(template, **{"visit": None, "path": request.scope["path"], "said": said} | values)
    return Response(
        body,
        status_code=status,
        media_type=MediaType.HTML,
        headers={**(headers or {}), **HEADERS},
    )


def imported(counts: Sequence[int], version: str) -> str:
    """Return the word for an import: its counts, and the version that was made for it, if one."""
    return ".".join([_IMPORTED, *map(str, counts), version])


def _said(request: Request[Any, Any, Any]) -> str:
    """Return what the page tells of the form that led to it."""
    given = request.query_params.get("said", "")
    word, *rest = given.split(".")
    if word != _IMPORTED or len(rest) != 5 or not all(map(_COUNT.fullmatch, rest[:4])):
        return SAID.get(given, "")
    counted = zip(map(int, rest[:4]), _COUNTED, strict=True)
    told = [f"{count:,} {what}" for count, what in counted if count]
    return markup("imported.html", told=told, path=request.scope["path"], made=rest[4])


def redirect(path: str) -> Response[Any]:
    """Send the browser to another page, which it gets with GET (RFC 9110, section 15.4.4).

    A path may have any characters; those that a header cannot hold are escaped.
    """
    return Response(
        "",
        status_code=303,
        media_type=MediaType.HTML,
        headers={
            **HEADERS,
            "Location": quote(path, safe=_OF_ADDRESSES),
        },
    )


def address(path: str, **parameters: str | list[str] | None) -> str:
    """Return the path with those parameters that are not empty."""
    given = {name: value for name, value in parameters.items() if value}
    if not given:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(given, doseq=True)}"


_environment.globals["address"] = address
