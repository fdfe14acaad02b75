"""Fields for the tests of the store."""

from __future__ import annotations

import msgspec

from exempla.store.bodies import Fields


def fields(**values: object) -> Fields:
    """Return fields with these values, as a request would bring them."""
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in values.items()}


def raw(**texts: str) -> Fields:
    """Return fields whose values are these JSON texts."""
    return {name: msgspec.Raw(text) for name, text in texts.items()}
