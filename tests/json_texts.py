"""Texts of JSON for Hypothesis: whatever an example may hold, above all what is odd."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st


class Number(str):
    """A JSON number as it is written."""


def parsed(text: str) -> Any:
    return json.loads(text, parse_int=Number, parse_float=Number)


STRINGS = st.builds(
    lambda text, ascii: json.dumps(text, ensure_ascii=ascii), st.text(), st.booleans()
)
INTEGERS = st.integers(-(2**70), 2**70).map(str) | st.integers(-99, 99).map(str)
EDGES = st.sampled_from(
    ["-0", "0", "1.0", "-0.0", "1e400", "-1E+5", "1e-400"]
    + [str(sign * 2**bits + by) for bits in (53, 63) for sign in (1, -1) for by in (-1, 0, 1)]
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(repr)


def as_object(members: dict[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}"


KINDS = [
    STRINGS,
    st.sampled_from(["true", "false"]),
    INTEGERS,
    FLOATS,
    EDGES,
    st.sampled_from(['"\\u0000"', '"\\/"', '"\\ud83d\\ude00"', '"1"', '"null"', '"{}"', '""']),
]
NESTED = st.recursive(
    st.one_of(*KINDS, st.just("null")),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(STRINGS.map(parsed), inner, max_size=3).map(as_object)
    ),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["", "a", "b", '"', "\\", "a.b", "é", "\U0001f600", "\0", "\n", "ID"]
) | st.text().filter(lambda name: name not in ("id", "created_at", "updated_at", "annotations"))


@st.composite
def bodies(draw: st.DrawFn) -> list[str]:
    """Draw examples whose fields are of one kind, or of two, or missing, or null."""
    fields = draw(
        st.dictionaries(NAMES, st.sets(st.integers(0, len(KINDS)), max_size=2), max_size=4)
    )
    rows: list[dict[str, str]] = [{} for _ in range(draw(st.integers(1, 5)))]
    for name, kinds in fields.items():
        values = st.one_of(st.just("null"), *([*KINDS, NESTED][kind] for kind in kinds))
        for row in rows:
            if draw(st.integers(0, 4)):
                row[name] = draw(values)
    return [as_object(row) for row in rows]
