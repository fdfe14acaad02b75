"""What the fields of a version's examples hold: types, how many have them, how many differ.

The version is read once, in parts; in memory are some numbers for each field, and hashes of its
values, some 500,000 in all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from heapq import nsmallest
from typing import Literal, NamedTuple

import msgspec

from exempla.errors import ValidationError
from exempla.filters import deadline
from exempla.filters.numbers import exact
from exempla.ids import ResourceId
from exempla.limits import MAX_COLUMNS
from exempla.store import bodies, datasets, revisions, versions
from exempla.store.access import Permit
from exempla.store.search import time_limit
from exempla.store.transaction import Transaction
from exempla.store.versions import Version

KEPT = 1_024
"""Hashes that are kept of a field: so many different values are counted exactly.

The number of more is estimated from them, with a standard error of 1 / sqrt(KEPT), 3 %.
"""

FIELDS_OF_KEPT = 256
"""Over so many fields half as many hashes are kept of each, over twice as many a quarter, ..."""

TOP = 10
"""So many of the most frequent values of a field are told."""

LONGEST_COUNTED = 200
"""Bytes of JSON of a value that is counted for it."""

_HASHES = 2**64
_END = _HASHES // 2
"""Hashes are below this, and none is below `-_END`."""

TYPE_BY_START: dict[bytes, Literal["string", "boolean", "null", "object", "array"]] = {
    b'"': "string",
    b"t": "boolean",
    b"f": "boolean",
    b"n": "null",
    b"{": "object",
    b"[": "array",
}
"""The types of JSON by the first byte of a value; all others are numbers."""

_string = msgspec.json.Decoder(str).decode


class Lengths(msgspec.Struct):
    """Lengths of the strings, in characters (Unicode code points)."""

    min: int
    max: int
    mean: float
    histogram: list[int]
    """How many are of length 0, of 1, of 2 or 3, of 4 to 7, of 8 to 15, and so on."""


class TopValue(msgspec.Struct):
    """A value, and how many examples have it."""

    value: msgspec.Raw
    count: int


class Range(msgspec.Struct):
    """The least and the greatest number, as they were sent."""

    min: msgspec.Raw
    max: msgspec.Raw


class Column(msgspec.Struct):
    """What the examples of a version hold in one field."""

    name: str
    count: int
    """Examples that have it, null included."""
    fill_rate: float
    """`count` by the number of examples."""
    null_count: int
    types: dict[str, int]
    """How many values are `string`, `integer` (written without fraction and exponent), `number`
    (the others), `boolean`, `object`, `array`, `null`."""
    distinct_count: int
    """Values that differ as JSON text without insignificant white space."""
    distinct_is_exact: bool
    """False: an estimate (see `KEPT`), never over `count`."""
    string_length: Lengths | None
    """None without strings."""
    number_range: Range | None
    """None without numbers."""
    top_values: list[TopValue] | None
    """The most frequent values, at most `TOP`; None for a field of many or of long values."""


class Page(NamedTuple):
    """All columns of a version, in the order in which they were first met."""

    version: Version
    columns: list[Column]


def of_version(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    version_id: ResourceId | None,
    *,
    until: float,
) -> Page:
    """Return what the fields of a version hold, the latest if it is not given.

    Raises `ValidationError` for over `MAX_COLUMNS` fields, and `Unavailable` when it is not done
    at `until`, a time of `time.monotonic()`.
    """
    dataset = datasets.get(tx, permit, dataset_id)
    version = versions.get(tx, dataset, version_id)
    seen = Seen()
    with time_limit(tx, until):
        for part in revisions.parts(tx, versions.at(dataset, version)):
            seen.look_at(row[-1] for row in part)
    return Page(version, seen.columns())


class Seen:
    """Learns from the bodies of examples what their fields hold."""

    def __init__(self) -> None:
        self._count = 0
        self._fields: dict[str, _Field] = {}
        self._kept, self._room = KEPT, FIELDS_OF_KEPT

    def look_at(self, found: Iterable[str]) -> None:
        """Take in more bodies. Raises `ValidationError` for over `MAX_COLUMNS` fields."""
        fields = self._fields
        for body in found:
            deadline.check()
            self._count += 1
            for name, value in bodies.decode(body).items():
                field = fields.get(name)
                if field is None:
                    field = fields[name] = self._new_field()
                field.take(bytes(value))

    def _new_field(self) -> _Field:
        if len(self._fields) == MAX_COLUMNS:
            raise ValidationError(
                f"the version has over {MAX_COLUMNS} different fields, too many to tell of each"
            )
        if len(self._fields) == self._room:
            self._kept, self._room = self._kept // 2, self._room * 2
            for field in self._fields.values():
                field.distinct.keep(self._kept)
        return _Field(self._kept)

    def columns(self) -> list[Column]:
        """Return what was learned."""
        return [field.column(name, self._count) for name, field in self._fields.items()]


class _Field:
    """What is known of a field so far."""

    def __init__(self, kept: int) -> None:
        self.distinct = Distinct(kept)
        self._types = Counter[str]()
        self._shortest = self._longest = self._characters = 0
        self._least: tuple[Decimal, bytes] | None = None
        self._greatest: tuple[Decimal, bytes] | None = None
        self._histogram: list[int] = []
        self._counts: dict[bytes, int] | None = {}

    def take(self, text: bytes) -> None:
        type = TYPE_BY_START.get(text[:1]) or _type_of_number(text)
        self._types[type] += 1
        if type == "string":
            self._take_string(text)
        elif type in ("integer", "number"):
            self._take_number(text)
        elif type in ("object", "array"):
            text = bodies.compact(msgspec.Raw(text))
        self.distinct.add(text)
        if self._counts is not None:
            self._count(text, self._counts)

    def _count(self, text: bytes, counts: dict[bytes, int]) -> None:
        """Count the value, or no more values of a field that has too many."""
        count = counts.get(text, 0)
        if count or (len(counts) < self.distinct.kept // 4 and len(text) <= LONGEST_COUNTED):
            counts[text] = count + 1
        else:
            self._counts = None

    def _take_string(self, text: bytes) -> None:
        length = len(text) - 2 if text.isascii() and b"\\" not in text else len(_string(text))
        if length < self._shortest or self._types["string"] == 1:
            self._shortest = length
        if length > self._longest:
            self._longest = length
        self._characters += length
        bits = length.bit_length()
        if bits >= len(self._histogram):
            self._histogram += [0] * (bits + 1 - len(self._histogram))
        self._histogram[bits] += 1

    def _take_number(self, text: bytes) -> None:
        value = exact(text.decode())
        if self._least is None or value < self._least[0]:
            self._least = value, text
        if self._greatest is None or value > self._greatest[0]:
            self._greatest = value, text

    def column(self, name: str, examples: int) -> Column:
        count, strings = self._types.total(), self._types["string"]
        lengths = range = None
        if strings:
            mean = self._characters / strings
            lengths = Lengths(self._shortest, self._longest, mean, self._histogram)
        if self._least and self._greatest:
            range = Range(msgspec.Raw(self._least[1]), msgspec.Raw(self._greatest[1]))
        return Column(
            name=name,
            count=count,
            fill_rate=count / examples,
            null_count=self._types["null"],
            types={type: n for type, n in sorted(self._types.items()) if n},
            distinct_count=min(self.distinct.count, count),  # an estimate may be over
            distinct_is_exact=self.distinct.is_exact,
            string_length=lengths,
            number_range=range,
            top_values=None if self._counts is None else _top(self._counts),
        )


def _top(counts: dict[bytes, int]) -> list[TopValue]:
    """Return the most frequent values; of those that are as frequent, the ones met first."""
    most = sorted(counts.items(), key=lambda item: -item[1])[:TOP]
    return [TopValue(msgspec.Raw(value), count) for value, count in most]


class Distinct:
    """Counts different values by the least of their hashes (Bar-Yossef et al. 2002, KMV).

    The hashes are Python's own, of 64 bits and seeded anew in each process.
    """

    def __init__(self, kept: int) -> None:
        self.kept = kept
        self._hashes: set[int] = set()
        self._below = _END

    def add(self, value: bytes) -> None:
        """Take in a value, which may have come before."""
        hashed = hash(value)
        if hashed < self._below:
            self._hashes.add(hashed)
            if len(self._hashes) > 2 * self.kept:
                self.keep(self.kept)

    def keep(self, kept: int) -> None:
        """Keep no more hashes than this from now on."""
        self.kept = kept
        if len(self._hashes) > kept:
            self._hashes = set(nsmallest(kept, self._hashes))
            self._below = max(self._hashes)

    @property
    def is_exact(self) -> bool:
        """Whether `count` is exact, but for a collision of hashes."""
        return self._below == _END

    @property
    def count(self) -> int:
        """How many different values there were."""
        if self.is_exact:
            return len(self._hashes)
        greatest = nsmallest(self.kept, self._hashes)[-1]
        return round((self.kept - 1) * _HASHES / (greatest + _END))


def _type_of_number(text: bytes) -> str:
    return "integer" if text.removeprefix(b"-").isdigit() else "number"
