"""The plain model that the store is compared with: versions as dicts of dicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from hypothesis import strategies as st
from msgspec import UnsetType

from exempla.ids import ResourceId
from exempla.store.bodies import FieldChange, Fields

NAMES = st.sampled_from(["a", "b", "", "with.dot", 'quo"te', "\U0001f600", "\0", "id "])
TEXTS = st.sampled_from(
    [
        "0",
        "1.0",
        "1e400",
        "-0",
        "null",
        "true",
        '"\\u0000"',
        '"é"',
        "[ 1 ]",
        "[1]",
        '{"b":1,"a":2}',
        "9" * 40,
    ]
)
FIELDS = st.dictionaries(NAMES, TEXTS, min_size=1, max_size=3)


@dataclass
class ModelExample:
    """An example as a version of the model holds it."""

    created_at: int
    updated_at: int
    fields: dict[str, str]


@dataclass
class ModelVersion:
    """A version of the model: its examples by id, in order of insertion."""

    id: ResourceId
    name: str
    parent: ResourceId | None = None
    examples: dict[str, ModelExample] = field(default_factory=dict)
    locked: bool = False

    def texts(self, id: str) -> dict[str, str]:
        """Return the fields of an example; none if the version does not hold it."""
        return self.examples[id].fields if id in self.examples else {}

    def child(self, id: ResourceId, name: str) -> ModelVersion:
        """Return a new version that holds what this one holds."""
        return ModelVersion(id, name, self.id, dict(self.examples))


def as_fields(texts: dict[str, str]) -> Fields:
    return {name: msgspec.Raw(text) for name, text in texts.items()}


def as_body(texts: dict[str, str]) -> str:
    members = ",".join(f"{msgspec.json.encode(n).decode()}:{text}" for n, text in texts.items())
    return f"{{{members}}}"


def as_row(id: str | None, texts: dict[str, str]) -> str:
    """Return an example as a line of a file."""
    return as_body(texts if id is None else {"id": msgspec.json.encode(id).decode()} | texts)


Texts = dict[str, tuple[str | None, str | None]]


def without_space(text: str) -> str:
    """Return the text of a value without insignificant white space."""
    return text if text.startswith('"') else text.replace(" ", "")


def model_changes(old: dict[str, str], new: dict[str, str]) -> Texts:
    """Return the old and new text of each field that differs."""
    return {
        name: (old.get(name), new.get(name))
        for name in old | new
        if without_space(old.get(name, "none")) != without_space(new.get(name, "none"))
    }


def model_rewrites(old: dict[str, str], new: dict[str, str]) -> Texts:
    """Return the same, where white space counts too."""
    names = old | new
    return {n: (old.get(n), new.get(n)) for n in names if old.get(n) != new.get(n)}


def model_diff(base: ModelVersion, head: ModelVersion) -> dict[str, tuple[str, Texts]]:
    """Return the kind of each change by id, and its fields' old and new text."""
    found: dict[str, tuple[str, Texts]] = {}
    for id in base.examples | head.examples:
        fields = model_changes(base.texts(id), head.texts(id))
        if id not in base.examples:
            found[id] = "added", fields
        elif id not in head.examples:
            found[id] = "removed", fields
        elif fields:
            found[id] = "changed", fields
    return found


def as_texts(fields: Mapping[str, FieldChange]) -> Texts:
    """Return the text of each field before and after."""
    return {
        name: (
            None if isinstance(field.old, UnsetType) else bytes(field.old).decode(),
            None if isinstance(field.new, UnsetType) else bytes(field.new).decode(),
        )
        for name, field in fields.items()
    }
