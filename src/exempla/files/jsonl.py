"""JSONL: each line an example, as the REST API shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

from exempla.errors import InvalidRequest, ValidationError
from exempla.files.lines import Row, as_text, numbered, row_of
from exempla.limits import MAX_NESTING
from exempla.store import bodies
from exempla.store.bodies import StoredExample

_TO_SPACES = str.maketrans("\r\n", "  ")


def chunks(parts: Iterable[list[StoredExample]]) -> Iterator[bytes]:
    """Join stored text to lines; no body is parsed.

    Line breaks in a body are white space between values: strings have them as escapes.
    """
    for part in parts:
        lines = [
            bodies.opening(id, created_at, updated_at, body) + body[1:].translate(_TO_SPACES)
            if "\n" in body or "\r" in body
            else bodies.opening(id, created_at, updated_at, body) + body[1:]
            for id, created_at, updated_at, body in part
        ]
        lines.append("")
        yield "\n".join(lines).encode()


def read(file: BinaryIO) -> Iterator[Row]:
    """Return the examples of the lines; empty lines are skipped.

    Raises `InvalidRequest` and `ValidationError` with the number of the line.
    """
    for number, line in numbered(file):
        if line.isspace():
            continue
        try:
            if not line.isascii():
                as_text(line, number)  # the decoder does not look
            fields = bodies.decode(line)
        except msgspec.ValidationError:
            raise ValidationError(f"line {number} is not a JSON object") from None
        except msgspec.DecodeError as error:
            raise InvalidRequest(f"line {number} is not valid JSON: {error}") from None
        except RecursionError:
            raise ValidationError(
                f"line {number} is nested deeper than {MAX_NESTING} levels"
            ) from None
        yield row_of(fields, number)
