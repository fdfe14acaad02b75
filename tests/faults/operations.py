"""Every kind of write, as a request and what it makes of a dataset.

To add one, write a function that takes a `Dataset` and random numbers, and add it to `OPERATIONS`.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlencode

import httpx
import pyarrow as pa
from pyarrow import flight

from tests.faults.model import Fields, Seen, State, Version, look
from tests.flight.client import connect, create_command, options
from tests.serving import Served

CONFIG = "remarks"
"""The annotation config that all annotations are made with."""

MOST_WRITES = 12
"""After so many writes a dataset is left alone, and another one made."""


class Unknown(Exception):
    """No answer came, or one that says that no one knows."""


class Refused(Exception):
    """The server said that it did nothing now, and when to try again."""


@dataclass
class Target:
    """A server that may be another process at every look, and who writes to it."""

    served: Served
    space: str
    http: httpx.Client


@dataclass
class Write:
    """A request that is to be sent, and the state after it; None: the dataset is gone."""

    kind: str
    after: State | None
    send: Callable[[Target], Any]
    learn: Callable[[Any], None] = lambda answer: None


@dataclass
class Dataset:
    """A dataset of one writer, with all that was acknowledged, and the write under way."""

    state: State | None = None
    id: str = ""
    pending: Write | None = None
    example_ids: dict[str, str] = field(default_factory=dict)
    version_ids: dict[str, str] = field(default_factory=dict)
    done: int = 0

    def observe(self, target: Target) -> State | None:
        """Read what is there now, and learn its ids; those that were told must be the same."""
        if not self.id and self.pending and self.pending.after:
            self.id = _find(target.http, self.pending.after.name)
        seen = look(target.http, self.id) if self.id else None
        if seen:
            self._adopt(seen)
        return seen.state if seen else None

    def _adopt(self, seen: Seen) -> None:
        for known, found in (
            (self.example_ids, seen.example_ids),
            (self.version_ids, seen.version_ids),
        ):
            for name, id in found.items():
                assert known.setdefault(name, id) == id, f"{seen.state.name}: another id of {name}"

    def settle(self, write: Write, answer: Any) -> None:
        """Take over what an acknowledged write did."""
        write.learn(answer)
        self.state, self.pending = write.after, None
        self.done += 1


def _find(http: httpx.Client, name: str) -> str:
    try:
        answer = http.get("/v2/datasets", params={"name": name})
    except httpx.TransportError as error:
        raise Unknown("no answer to a read") from error
    if answer.status_code == 503:
        raise Refused(answer.json()["detail"])
    listed = answer.raise_for_status().json()["datasets"]
    return str(listed[0]["id"]) if listed else ""


def request(target: Target, method: str, path: str, body: Any, key: str) -> Any:
    """Send a write, whose body is a file or becomes JSON; return the answer.

    Raises `Refused` or `Unknown`.
    """
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    try:
        answer = target.http.request(method, path, content=content, headers=headers)
    except httpx.TransportError as error:
        raise Unknown(str(error)) from error
    if answer.status_code == 503:
        assert answer.headers["Retry-After"], answer.text
        detail = answer.json()["detail"]
        raise (Unknown if "may or may not" in detail else Refused)(detail)
    assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def _write(
    kind: str,
    after: State | None,
    method: str,
    path: str,
    body: Any = None,
    learn: Callable[[Any], None] = lambda answer: None,
) -> Write:
    key = uuid.uuid4().hex  # the same, however often it is sent
    return Write(kind, after, lambda target: request(target, method, path, body, key), learn)


def _new_examples(random: Random, count: int) -> list[Fields]:
    return [
        {"token": uuid.uuid4().hex, "n": random.randrange(100), "text": "x" * random.randrange(400)}
        for _ in range(count)
    ]


def _first_state(random: Random) -> State:
    examples = {one["token"]: one for one in _new_examples(random, random.randint(5, 40))}
    return State(uuid.uuid4().hex, [Version("v1", "", examples)])


def create(dataset: Dataset, random: Random) -> Write:
    """Make the dataset over REST."""
    after = _first_state(random)
    body = {"name": after.name, "examples": list(after.versions[0].examples.values())}

    def learn(answer: Any) -> None:
        dataset.id = answer["id"]

    key = uuid.uuid4().hex
    return Write(
        "create",
        after,
        lambda target: request(
            target, "POST", "/v2/datasets", {**body, "space_id": target.space}, key
        ),
        learn,
    )


def create_over_flight(dataset: Dataset, random: Random) -> Write:
    """Make the dataset over Arrow Flight."""
    after = _first_state(random)
    table = pa.Table.from_pylist(list(after.versions[0].examples.values()))

    def send(target: Target) -> str:
        if found := _found_again(dataset, target, after.name):
            return found
        try:
            with connect(target.served) as client:
                command = create_command(target.space, after.name)
                writer, answers = client.do_put(command, table.schema, options())
                with writer:
                    for batch in table.to_batches(max_chunksize=10):
                        writer.write_batch(batch)
                    writer.done_writing()
                    return str(answers.read().to_pybytes()[2:].decode())
        except flight.FlightUnavailableError as error:
            raise Unknown(str(error)) from error  # it comes from a dead connection too
        except (
            flight.FlightInternalError,
            flight.FlightCancelledError,
            pa.ArrowException,
        ) as error:
            if "UNAVAILABLE" in str(error) or "closed" in str(error) or "reset" in str(error):
                raise Unknown(str(error)) from error
            raise

    def learn(answer: str) -> None:
        dataset.id = answer

    return Write("create over Flight", after, send, learn)


def _found_again(dataset: Dataset, target: Target, name: str) -> str:
    """Return the id, if it was made by a call whose answer was lost: Flight has no keys."""
    return _find(target.http, name) if dataset.pending else ""


def _some(random: Random, version: Version, most: int) -> list[str]:
    tokens = list(version.examples)
    return random.sample(tokens, random.randint(1, min(most, len(tokens))))


def _path(dataset: Dataset, version: str = "") -> str:
    query = f"?dataset_version_id={dataset.version_ids[version]}" if version else ""
    return f"/v2/datasets/{dataset.id}/examples{query}"


def _changed(dataset: Dataset) -> State:
    assert dataset.state
    after = dataset.state.copy()
    after.writes += 1
    return after


def _give(dataset: Dataset, random: Random, version: Version) -> dict[str, Any]:
    """Give some examples of the version a new value; return the body of the request."""
    tokens, value = _some(random, version, 20), uuid.uuid4().hex
    for token in tokens:
        version.examples[token]["value"] = value
    ids = dataset.example_ids
    return {"examples": [{"id": ids[token], "value": value} for token in tokens]}


def patch_in_place(dataset: Dataset, random: Random) -> Write:
    """Change some examples of any version, in place."""
    after = _changed(dataset)
    version = random.choice(after.versions)
    body = _give(dataset, random, version)
    return _write("PATCH in place", after, "PATCH", _path(dataset, version.name), body)


def _branch(after: State, base: Version) -> Version:
    made = copy.deepcopy(base)
    made.name, made.description = uuid.uuid4().hex, ""
    after.versions.append(made)
    return made


def patch_into_a_new_version(dataset: Dataset, random: Random) -> Write:
    """Change some examples of any version, into a new version."""
    after = _changed(dataset)
    base = random.choice(after.versions)
    made = _branch(after, base)
    body = {**_give(dataset, random, made), "new_version": made.name}

    def learn(answer: Any) -> None:
        dataset.version_ids[made.name] = answer["dataset_version_id"]

    path = _path(dataset, base.name)
    return _write("PATCH into a new version", after, "PATCH", path, body, learn)


def insert(dataset: Dataset, random: Random) -> Write:
    """Add examples to any version."""
    after = _changed(dataset)
    version = random.choice(after.versions)
    added = _new_examples(random, random.randint(1, 20))
    version.examples |= {one["token"]: one for one in added}

    def learn(answer: Any) -> None:
        tokens = [one["token"] for one in added]
        dataset.example_ids |= zip(tokens, answer["example_ids"], strict=True)

    return _write("insert", after, "POST", _path(dataset, version.name), {"examples": added}, learn)


def import_examples(dataset: Dataset, random: Random) -> Write:
    """Add the examples of a file, which have ids of their own, in place or in a new version."""
    added = _new_examples(random, random.randint(1, 40))
    ids = {one["token"]: uuid.uuid4().hex for one in added}

    def change(version: Version) -> list[Fields]:
        version.examples |= {one["token"]: one for one in added}
        return [{"id": ids[one["token"]], **one} for one in added]

    return _import(dataset, random, "insert", change, ids)


def import_changes(dataset: Dataset, random: Random) -> Write:
    """Change some examples by a file, in place or in a new version."""
    return _import(
        dataset,
        random,
        "update",
        lambda version: list(_give(dataset, random, version)["examples"]),
        {},
    )


def _import(
    dataset: Dataset,
    random: Random,
    mode: str,
    change: Callable[[Version], list[Fields]],
    ids: dict[str, str],
) -> Write:
    after = _changed(dataset)
    base = version = random.choice(after.versions)
    query = {"mode": mode, "version_id": dataset.version_ids[base.name]}
    kind = f"import ({mode}) in place"
    if random.random() < 0.5:
        version = _branch(after, base)
        query["new_version"] = version.name
        kind = f"import ({mode}) into a new version"
    lines = "".join(json.dumps(one) + "\n" for one in change(version))

    def learn(answer: Any) -> None:
        dataset.version_ids[version.name] = answer["dataset_version_id"]
        dataset.example_ids |= ids

    path = f"/api/v1/datasets/{dataset.id}/import?{urlencode(query)}"
    return _write(kind, after, "POST", path, lines.encode(), learn)


def delete(dataset: Dataset, random: Random) -> Write:
    """Take examples out of any version."""
    after = _changed(dataset)
    large = [version for version in after.versions if len(version.examples) > 1]
    if not large:
        return insert(dataset, random)
    version = random.choice(large)
    tokens = _some(random, version, min(5, len(version.examples) - 1))
    for token in tokens:
        del version.examples[token]
    body = {
        "example_ids": [dataset.example_ids[token] for token in tokens],
        "dataset_version_id": dataset.version_ids[version.name],
    }
    return _write("delete", after, "DELETE", _path(dataset), body)


def make_version(dataset: Dataset, random: Random) -> Write:
    """Make a version of any other."""
    after = _changed(dataset)
    base = random.choice(after.versions)
    made = _branch(after, base)
    body = {"name": made.name, "from_version_id": dataset.version_ids[base.name]}

    def learn(answer: Any) -> None:
        dataset.version_ids[made.name] = answer["id"]

    path = f"/api/v1/datasets/{dataset.id}/versions"
    return _write("make or restore a version", after, "POST", path, body, learn)


def rename_version(dataset: Dataset, random: Random) -> Write:
    """Give any version another name and a description."""
    after = _changed(dataset)
    version = random.choice(after.versions)
    old, id = version.name, dataset.version_ids[version.name]
    version.name = version.description = uuid.uuid4().hex
    body = {"name": version.name, "description": version.description}

    def learn(_: Any) -> None:
        dataset.version_ids[version.name] = id
        dataset.version_ids.pop(old, None)

    path = f"/api/v1/datasets/{dataset.id}/versions/{id}"
    return _write("rename a version", after, "PATCH", path, body, learn)


def annotate(dataset: Dataset, random: Random) -> Write:
    """Annotate some examples of any version."""
    after = _changed(dataset)
    tokens, text = _some(random, random.choice(after.versions), 10), uuid.uuid4().hex
    after.annotations |= dict.fromkeys(tokens, text)
    values = [{"name": CONFIG, "text": text}]
    records = [{"record_id": dataset.example_ids[token], "values": values} for token in tokens]
    path = f"/v2/datasets/{dataset.id}/examples/annotate"
    return _write("annotate", after, "POST", path, {"annotations": records})


def rename(dataset: Dataset, random: Random) -> Write:
    """Give the dataset another name."""
    after = _changed(dataset)
    after.name = uuid.uuid4().hex
    path = f"/v2/datasets/{dataset.id}"
    return _write("rename", after, "PATCH", path, {"name": after.name})


def remove(dataset: Dataset, random: Random) -> Write:
    """Delete the dataset."""
    return _write("delete a dataset", None, "DELETE", f"/v2/datasets/{dataset.id}")


CREATIONS = [create, create_over_flight]
OPERATIONS = [
    patch_in_place,
    patch_in_place,
    patch_into_a_new_version,
    insert,
    import_examples,
    import_changes,
    delete,
    make_version,
    rename_version,
    annotate,
    rename,
]
"""What is done to a dataset that is there; what stands here twice, twice as often."""


def next_write(dataset: Dataset, random: Random) -> Write:
    """Choose what to do to the dataset next."""
    if dataset.state is None:
        return random.choice(CREATIONS)(dataset, random)
    if random.random() < 0.02:
        return remove(dataset, random)
    return random.choice(OPERATIONS)(dataset, random)
