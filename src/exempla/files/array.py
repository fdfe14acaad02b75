"""JSON: a file that is one array of objects, split into them piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from exempla.errors import InvalidRequest, ValidationError
from exempla.files.lines import MARK
from exempla.limits import MAX_LINE_BYTES

PIECE_BYTES = 1024 * 1024

_LOOKED_AT = 4096
"""Bytes of a file in which an array begins, if it is one."""

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}"]', re.DOTALL)
"""A string, a bracket, or the quote of a string that does not end here."""

_WHITE = b" \t\r\n"


def begins(file: BinaryIO) -> bool:
    """Tell whether the file, which is at its beginning and stays there, is an array.

    JSON Lines are not: each is an object.
    """
    head = file.read(_LOOKED_AT)
    file.seek(0)
    return head.removeprefix(MARK).lstrip(_WHITE).startswith(b"[")


def items(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Return the text of each object in the array, numbered from 1.

    Whether it is valid JSON is not looked at. Raises `InvalidRequest` for what is between the
    objects and is no comma, and `ValidationError` for an object of too many bytes.
    """
    file.seek(file.read(_LOOKED_AT).index(b"[") + 1)
    text, at, depth, number = b"", 0, 0, 0
    while piece := file.read(_wanted(len(text))):
        text += piece
        start = 0
        for match in _TOKEN.finditer(text, at):
            token, at = match[0], match.end()
            if token == b'"':  # the string goes on in the next piece
                at = match.start()
                break
            if token in b"[{":
                if depth == 0:
                    _check_between(text[start : match.start()], number)
                    start, number = match.start(), number + 1
                depth += 1
            elif token in b"]}":
                if depth == 0:
                    _check_end(text[start:], number, file)
                    return
                depth -= 1
                if depth == 0:
                    yield number, text[start:at]
                    start = at
        text, at = text[start:], at - start
        if depth == 0:
            text, at = text.strip(_WHITE), 0
            if text not in (b"", b","):
                raise _misplaced(text, number)
        if len(text) > MAX_LINE_BYTES:
            raise ValidationError(f"item {number} has over {MAX_LINE_BYTES // 2**20} MiB")
    raise InvalidRequest(f"the file ends before its array does, in or after item {number}")


def _wanted(waiting: int) -> int:
    """Return how many bytes to read next: as many as wait, so that few are looked at often."""
    return min(max(PIECE_BYTES, waiting), MAX_LINE_BYTES + 1 - waiting)


def _check_between(text: bytes, number: int) -> None:
    """Raise `InvalidRequest` if this is not what stands before an object and after this one."""
    if text.strip(_WHITE) != (b"," if number else b""):
        raise _misplaced(text, number)


def _check_end(text: bytes, number: int, file: BinaryIO) -> None:
    """Raise `InvalidRequest` if the array does not end here, and the file with it."""
    end = b"]"
    while text:
        if text.strip(_WHITE) != end:
            raise _misplaced(text, number)
        text, end = file.read(PIECE_BYTES), b""


def _misplaced(text: bytes, number: int) -> InvalidRequest:
    shown = text.strip(_WHITE)[:40].decode(errors="replace")
    where = f"after item {number} of the array" if number else "where the array begins"
    return InvalidRequest(
        f"{where} there is {shown!r}; it must hold objects alone, with a comma between two"
    )
