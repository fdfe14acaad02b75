"""JSONL: each line an example, as the REST API shows it; and the examples of JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from exempla.errors import InvalidRequest, Problem, ValidationError
from exempla.files.lines import Row, as_text, row_of
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


def read(
    pieces: Iterable[tuple[int, bytes]], unit: Literal["line", "item"]
) -> Iterator[Row | Problem]:
    """Return the examples of numbered lines, of which the empty ones are skipped, or items.

    For one that is wrong `InvalidRequest` or `ValidationError` is returned, with the number.
    Raises `InvalidRequest` for objects that are not on one line each.
    """
    for number, text in pieces:
        if text.isspace():
            continue
        if text.strip() == b"{":
            raise InvalidRequest(
                f"{unit} {number} is not valid JSON: its object goes on below; write each on one "
                "line, or all of them as one array"
            )
        try:
            row = _row(text, number, f"{unit} {number}")
        except Problem as problem:
            yield problem
            if unit == "item" and isinstance(problem, InvalidRequest):
                return  # where the next one begins is not certain
        else:
            yield row


def _row(text: bytes, number: int, where: str) -> Row:
    try:
        if not text.isascii():
            as_text(text, where)  # the decoder does not look
        fields = bodies.decode(text)
    except msgspec.ValidationError:
        raise ValidationError(f"{where} is not a JSON object") from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{where} is not valid JSON: {error}") from None
    except RecursionError:
        raise ValidationError(f"{where} is nested deeper than {MAX_NESTING} levels") from None
    return row_of(fields, number, where)
