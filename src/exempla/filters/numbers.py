"""JSON numbers as exact decimals, cheap to compare whatever their size."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

MAX_EXPONENT_DIGITS = 9
"""Digits of the exponent of a number in a filter."""

_INFINITE = Decimal("Infinity")
_TINY = Decimal("1e-99999999999")


def exact(text: str) -> Decimal:
    """Return the number that a JSON text is.

    Of an exponent that `Decimal` cannot hold (about 10^18 and more) only the direction is kept:
    the number is infinite or tiny, which is right beside every number that a filter can name.
    """
    try:
        return Decimal(text)
    except InvalidOperation:
        mantissa, _, exponent = text.lower().partition("e")
        if not mantissa.strip("-0."):
            return Decimal(0)
        size = _TINY if exponent.startswith("-") else _INFINITE
        return -size if mantissa.startswith("-") else size
