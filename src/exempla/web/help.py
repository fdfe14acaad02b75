"""How filters are written, and what keys there are."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from exempla.web.visit import VisitDependency


@get("/help")
async def show_help(visit: VisitDependency) -> Response[Any]:
    """Show the help."""
    return visit.render("help.html")


HANDLERS = [show_help]
