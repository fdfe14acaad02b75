"""What a filter is completed with: names of what the examples hold, and frequent values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from exempla.filters import as_name
from exempla.store import bodies
from exempla.store.annotations import Annotation
from exempla.store.bodies import Fields
from exempla.store.columns import Column
from exempla.web import values
from exempla.web.text import has_hidden

MOST = 500
"""Names."""

MOST_WITH_VALUES = 100
"""Names that have values beside them."""

MOST_BYTES = 10_000
"""Bytes of JSON of an object that is looked into."""

TOP = 10
"""Values of a name."""

LONGEST = 60
"""Bytes of JSON of such a value."""

Completions = dict[str, list[str]]
"""Names as a filter writes them, each with values that it may have, the most frequent first."""


def completions(
    examples: Sequence[Fields], annotations: Iterable[Annotation], read: Sequence[Column]
) -> Completions:
    """Return what these examples hold, and what is known of their columns if those were read."""
    found: dict[str, Counter[bytes]] = {"id": Counter()}
    for name, value in _members(examples):
        if name in found or len(found) < MOST:
            text = bytes(value) if len(memoryview(value)) <= LONGEST else b""
            found.setdefault(name, Counter())[text] += 1
    for one in annotations:
        for part in ("label", "score", "text"):
            counts = found.setdefault(f"annotation.{as_name(one.name)}.{part}", Counter())
            if part == "label" and one.label:
                counts[msgspec.json.encode(one.label)] += 1
    tops = {as_name(one.name): one.top_values or [] for one in read}
    for name in found.keys() & tops.keys():
        found[name] = Counter({bytes(one.value): one.count for one in tops[name]}) or found[name]
    return {
        name: _values(counts) if index < MOST_WITH_VALUES else []
        for index, (name, counts) in enumerate(found.items())
    }


def _values(counts: Counter[bytes]) -> list[str]:
    return [text for value, _ in counts.most_common(TOP) if (text := _written(value))]


def _members(examples: Iterable[Fields]) -> Iterator[tuple[str, msgspec.Raw]]:
    """Return the fields, and the members of those that are small objects, by name."""
    written: dict[str, str] = {}
    for fields in examples:
        for field, value in fields.items():
            name = written.get(field) or written.setdefault(field, as_name(field))
            yield name, value
            view = memoryview(value)
            if bytes(view[:1]) == b"{" and len(view) <= MOST_BYTES:
                for inner, member in bodies.decode(bytes(view)).items():
                    yield f"{name}.{as_name(inner)}", member


def _written(value: bytes) -> str:
    """Return a short string, number or boolean as a filter writes it; "" for all else."""
    if not 0 < len(value) <= LONGEST:
        return ""
    kind, text = values.kind_of(msgspec.Raw(value)), values.text_of(msgspec.Raw(value))
    if kind == "string":
        return "" if has_hidden(text) or "\n" in text else "'" + text.replace("'", "''") + "'"
    if kind == "boolean":
        return text.upper()
    return text if kind == "number" else ""
