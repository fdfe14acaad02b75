"""The style sheet, the scripts and the icon: read once, served under an address of their content.

So a browser may keep them for ever, and gets new ones with a new release.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from litestar import Response, get
from litestar.params import FromPath

from exempla.errors import NotFound

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FILES = {
    path.name: path.read_bytes()
    for path in sorted((Path(__file__).parent / "static").iterdir())
    if path.suffix in _TYPES
}
_CONTENT = hashlib.sha256(b"".join(_FILES.values())).hexdigest()[:16]


def address(name: str) -> str:
    """Return the address of a file."""
    if name not in _FILES:
        raise KeyError(name)
    return f"/static/{_CONTENT}/{name}"


@get("/static/{content:str}/{name:str}", opt={"open": True})
async def static_file(content: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Return a file of the pages."""
    if content != _CONTENT or name not in _FILES:
        raise NotFound("there is no such file; load the page again")
    return Response(
        _FILES[name],
        media_type=_TYPES[Path(name).suffix],
        headers={
            "Cache-Control": "public, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'",
        },
    )
