"""The examples, about 1 KB of JSON each, and the edits of them: seeded, the same in every run."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

BATCH = 1_000
"""Examples in one request of a load."""

Example = dict[str, Any]

_shaper = random.Random(7)
_WORDS = [
    "".join(_shaper.choices(string.ascii_lowercase, k=_shaper.randint(3, 10))) for _ in range(2_000)
]
_TOPICS = [f"topic-{number:02d}" for number in range(20)]


def _prose(rng: random.Random, size: int) -> str:
    return " ".join(rng.choices(_WORDS, k=size // 6))[:size]


def example(index: int, seed: int = 1) -> Example:
    """Make the example of this index; any one can be made without those before it."""
    rng = random.Random(seed * 10_000_019 + index)
    return {
        "question": f"{_prose(rng, 300)} #{index:06d}?",
        "answer": _prose(rng, 500),
        "topic": rng.choice(_TOPICS),
        "difficulty": rng.randint(1, 5),
        "meta": {
            "source": "synthetic",
            "seq": index,
            "score": round(rng.random(), 4),
            "tags": rng.choices(_WORDS, k=3),
            "note": _prose(rng, 60),
        },
    }


def to_json(value: object) -> str:
    """Return the value as JSON without spaces."""
    return json.dumps(value, separators=(",", ":"))


def bodies(start: int, count: int, seed: int = 1) -> list[str]:
    """Make `count` examples from the index `start` on, each as JSON text."""
    return [to_json(example(index, seed)) for index in range(start, start + count)]


@dataclass(frozen=True)
class Edit:
    """One update, ready to send: as the server gets it, and as the floor does."""

    request: bytes
    """The body of the PATCH request: each example's id and its new answer."""
    ids: list[str]
    bodies: list[str]
    """The whole new text of each example, for the floor to write."""


def make_edits(
    ids: Sequence[str], size: int, count: int, label: str, *, new_version: bool = False
) -> list[Edit]:
    """Make `count` edits, each a new answer for `size` random ones of the examples `ids`."""
    rng = random.Random(f"{label} {len(ids)}")
    return [_make_edit(rng, ids, size, f"{label}-{n}", new_version) for n in range(count)]


def _make_edit(
    rng: random.Random, ids: Sequence[str], size: int, label: str, new_version: bool
) -> Edit:
    chosen = rng.sample(range(len(ids)), size)
    edited = [example(index) for index in chosen]
    for fields in edited:
        fields["answer"] = f"{label} {_prose(rng, 500)}"
    payload: dict[str, object] = {
        "examples": [
            {"id": ids[index], "answer": fields["answer"]}
            for index, fields in zip(chosen, edited, strict=True)
        ]
    }
    if new_version:
        payload["new_version"] = label
    return Edit(
        request=to_json(payload).encode(),
        ids=[ids[index] for index in chosen],
        bodies=[to_json(fields) for fields in edited],
    )
