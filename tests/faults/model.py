"""What must be there: a dataset as plain Python, and the same read from a server."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec

Fields = dict[str, Any]


@dataclass
class Version:
    """A version: its examples by token, a field that no other example has, in order."""

    name: str
    description: str
    examples: dict[str, Fields]


@dataclass
class State:
    """A dataset: its versions, oldest first, the texts of its annotations, how often written."""

    name: str
    versions: list[Version]
    annotations: dict[str, str] = field(default_factory=dict)
    writes: int = 1

    def copy(self) -> State:
        """Return a state that shares nothing with this one."""
        return copy.deepcopy(self)

    def as_seen(self) -> dict[str, str]:
        """Return all that can be read, as short texts: equal if the states are."""
        held = {token for version in self.versions for token in version.examples}
        told = {"name": self.name, "writes": str(self.writes)}
        for number, version in enumerate(self.versions):
            told[f"version {number}"] = f"{version.name} {version.description}"
            told[f"version {number}, order"] = " ".join(token[:8] for token in version.examples)
            for token, fields in version.examples.items():
                told[f"version {number}, {token}"] = json.dumps(fields)
        for token in held & self.annotations.keys():
            told[f"annotation of {token}"] = self.annotations[token]
        return told


def differences(found: State | None, expected: State | None) -> list[str]:
    """Return what differs between what is there and what should be."""
    there = found.as_seen() if found else {}
    wanted = expected.as_seen() if expected else {}
    return [
        f"{name}: {there.get(name)!r}, not {wanted.get(name)!r}"
        for name in sorted(there.keys() | wanted.keys())
        if there.get(name) != wanted.get(name)
    ]


@dataclass
class Seen:
    """A dataset as a server tells it, with the ids that it has given."""

    id: str
    state: State
    example_ids: dict[str, str]
    """By token."""
    version_ids: dict[str, str]
    """By name."""


def _digest_of_the_document() -> Any:
    """Return the function that docs/digest.md defines: nothing of Exempla's own code."""
    text = (Path(__file__).parents[2] / "docs" / "digest.md").read_text()
    code = text.partition("```python\n")[2].partition("```")[0]
    defined: dict[str, Any] = {}
    exec(code, defined)
    return defined["digest"]


_digest = _digest_of_the_document()


def look(http: httpx.Client, id: str) -> Seen | None:
    """Read a dataset whole, and compute the digest of each version; None if it is not there."""
    answer = http.get(f"/v2/datasets/{id}")
    if answer.status_code == 404:
        return None
    dataset = answer.raise_for_status().json()
    listed = http.get(f"/api/v1/datasets/{id}/versions", params={"limit": "100"})
    log = http.get(f"/api/v1/datasets/{id}/log", params={"limit": "100"}).raise_for_status().json()
    state = State(dataset["name"], [], {}, len(log["writes"]))
    seen = Seen(id, state, {}, {})
    for told in reversed(listed.raise_for_status().json()["versions"]):
        _look_at_version(http, seen, told)
    return seen


def _look_at_version(http: httpx.Client, seen: Seen, told: dict[str, Any]) -> None:
    query = {"dataset_version_id": told["id"], "limit": "500"}
    page = http.get(f"/v2/datasets/{seen.id}/examples", params=query).raise_for_status()
    texts = msgspec.json.decode(page.content, type=dict[str, msgspec.Raw])["examples"]
    found = _digest([bytes(raw) for raw in msgspec.json.decode(texts, type=list[msgspec.Raw])])
    details = http.get(f"/api/v1/datasets/{seen.id}/versions/{told['id']}").raise_for_status()
    examples: dict[str, Fields] = {}
    for example in page.json()["examples"]:
        for annotation in example.pop("annotations", []):
            seen.state.annotations[example["token"]] = annotation["text"]
        seen.example_ids[example["token"]] = example.pop("id")
        del example["created_at"], example["updated_at"]
        assert example["token"] not in examples
        examples[example["token"]] = example
    assert details.json()["digest"] == found, f"{seen.state.name}, version {told['name']}"
    assert told["example_count"] == len(examples)
    seen.version_ids[told["name"]] = told["id"]
    seen.state.versions.append(Version(told["name"], told["description"], examples))
