"""A form with a file (RFC 7578), taken piece by piece: the file to disk, the rest in memory."""

from __future__ import annotations

import asyncio
from typing import Any, BinaryIO, NamedTuple

from litestar import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from exempla.errors import InvalidRequest, ValidationError
from exempla.limits import MAX_UPLOAD_TEXT_BYTES
from exempla.web.forms import Form, check_origin
from exempla.web.visit import Visit

MAX_PARTS = 100

PIECE_BYTES = 1024 * 1024
"""Bytes that are written to the file at once."""

_UNREADABLE = "the upload cannot be read; send it again"


class Received(NamedTuple):
    """What came beside the content of the file: the other fields, and the file's name."""

    form: Form
    file_name: str


async def receive(visit: Visit, file: BinaryIO) -> Received:
    """Take the form, and the content of its field `file` into this file, from its beginning.

    The token of the form must come before the file, which is not taken without it. Raises
    `AccessForbidden`, `InvalidRequest`, or `ValidationError` when no file was chosen.
    """
    check_origin(visit.request)
    reader = _Reader(visit, file)
    try:
        with PushMultipartParser(
            _boundary(visit.request), max_segment_count=MAX_PARTS, header_charset="utf-8"
        ) as parser:
            async for chunk in visit.request.stream():
                for event in parser.parse(chunk) if chunk else ():
                    await reader.take(event)
    except (MultipartError, UnicodeDecodeError):
        raise InvalidRequest(_UNREADABLE) from None
    await reader.flush()
    file.seek(0)
    if not reader.file_name:
        raise ValidationError("choose a file first")
    return Received(visit.check_form(Form(reader.fields)), reader.file_name)


def _boundary(request: Request[Any, Any, Any]) -> str:
    kind, options = request.content_type
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not (boundary and boundary.isascii()):
        raise InvalidRequest(_UNREADABLE)
    return boundary


class _Reader:
    """Sorts the parts of a form."""

    def __init__(self, visit: Visit, file: BinaryIO) -> None:
        self.fields: list[tuple[str, str]] = []
        self.file_name = ""
        self._visit = visit
        self._file = file
        self._name = ""
        self._is_file = False
        self._text = bytearray()
        self._piece = bytearray()
        self._left = MAX_UPLOAD_TEXT_BYTES

    async def take(self, event: MultipartSegment | bytearray | bytes | None) -> None:
        """Take the head of a part, a piece of it, or, with None, its end."""
        if event is None:
            if not self._is_file:
                self.fields.append((self._name, self._text.decode()))
        elif isinstance(event, MultipartSegment):
            self._begin(event)
        elif self._is_file:
            self._piece += event
            if len(self._piece) >= PIECE_BYTES:
                await self.flush()
        else:
            self._left -= len(event)
            if self._left < 0:
                raise InvalidRequest("the form has too much text beside its file")
            self._text += event

    def _begin(self, part: MultipartSegment) -> None:
        self._name, self._text = part.name, bytearray()
        self._is_file = part.name == "file" and bool(part.filename)
        if self._is_file:
            if self.file_name:
                raise InvalidRequest("the form has two files; send one")
            self._visit.check_form(Form(self.fields))
            self.file_name = part.filename or ""

    async def flush(self) -> None:
        """Write what waits to the file."""
        await asyncio.to_thread(self._file.write, bytes(self._piece))
        self._piece.clear()
