"""JSON text as Python values with exact numbers, as `jsonschema_rs` takes them.

A whole number is an `int`, as the library compares it exactly with a fraction only then. A fraction
is a `float` where that is written the same, which is quick to compare, else a `Decimal`. The
library writes an `int`, or the digits of a `Decimal`, as text, which Python refuses from 4,300
digits on. So of a number that has over `MAX_DIGITS` digits before the point the first `MAX_DIGITS`
count, the rest as zeros. Exponents beyond what `Decimal` holds, about 10^18, count as that.
"""

from __future__ import annotations

import json
from decimal import MAX_EMAX, MIN_EMIN, ROUND_DOWN, Context, Decimal
from typing import Any

import msgspec

from exempla.filters.numbers import exact

MAX_DIGITS = 4_000

PLAIN = 2**53
"""Up to this a whole number is a float too."""

_CUT = Context(prec=MAX_DIGITS, rounding=ROUND_DOWN, Emin=MIN_EMIN, Emax=MAX_EMAX)
_HUGEST = Decimal("1e999999999999999999")


def number(text: str) -> float | Decimal:
    """Return the number that a JSON text is."""
    short = float(text)
    if repr(short) == text and abs(short) < PLAIN:
        return int(short) if short.is_integer() else short
    value = exact(text)
    if value.is_infinite():
        return _HUGEST.copy_sign(value)
    if value.adjusted() >= MAX_DIGITS:
        return _CUT.create_decimal(value)
    if value == value.to_integral_value():
        return int(value)
    return short if Decimal(repr(short)) == value else value


_decode = msgspec.json.Decoder(float_hook=number).decode


def decode(text: str | bytes) -> Any:
    """Read JSON text that is valid."""
    try:
        return _decode(text)
    except msgspec.ValidationError:  # a whole number with more digits than Python reads
        return json.loads(text, parse_int=_whole, parse_float=number)


def _whole(text: str) -> float | Decimal:
    return int(text) if len(text) <= MAX_DIGITS else number(text)
