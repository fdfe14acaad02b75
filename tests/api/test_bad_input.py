"""Bad input: a clear error, and nothing changed. The table is in `bad_requests.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from exempla.api.body import read
from exempla.errors import InvalidRequest
from tests.api.bad_requests import TABLE, Bad
from tests.api.conftest import connect
from tests.api.helpers import (
    Dataset,
    assert_problem,
    default_space,
    guessed,
    list_datasets,
    make_dataset,
    new_version,
    numbered,
    ok,
    send,
    snapshot,
    unique,
)
from tests.serving import Served

SLUGS = {400: "invalid-request", 404: "not-found", 409: "conflict", 422: "validation-error"}


@dataclass
class World:
    """A dataset of two versions as last seen, and what `<...>` stands for in the table."""

    client: httpx.Client
    dataset: Dataset
    values: dict[str, str]
    seen: list[bytes]

    def fill(self, text: bytes) -> bytes:
        """Put in what `<...>` stands for."""
        for name, value in self.values.items():
            text = text.replace(f"<{name}>".encode(), value.encode())
        return text

    def is_unchanged(self) -> bool:
        """Tell whether the dataset is as when last seen, and no dataset was made."""
        before, self.seen = self.seen, snapshot(self.client, self.dataset)
        made = list_datasets(self.client, name=self.values["name"])
        return self.seen == before and not made


def make_world(client: httpx.Client) -> World:
    """Make what the table names."""
    dataset, foreign = (make_dataset(client, numbered(3)) for _ in range(2))
    taken = unique("version")
    update = {"examples": [{"id": dataset.example_ids[0], "n": -1}], "new_version": taken}
    ok(send(client, "PATCH", dataset.examples_url, update))
    deleted = make_dataset(client, numbered(1))
    assert client.delete(deleted.url).status_code == 204
    space = default_space(client)
    values = {
        "dataset": dataset.id,
        "dataset name": dataset.name,
        "guessed dataset": guessed(dataset.id),
        "v1": dataset.version_id,
        "first name": dataset.version_name,
        "taken": taken,
        "guessed version": guessed(dataset.version_id),
        "foreign": new_version(client, foreign),
        "deleted": deleted.id,
        "space": space,
        "guessed space": guessed(space),
        "name": unique("refused"),
        **{f"id{index}": id for index, id in enumerate(dataset.example_ids)},
    }
    return World(client, dataset, values, snapshot(client, dataset))


@pytest.fixture(scope="module")
def world(served: Served) -> Iterator[World]:
    """One dataset per engine for the whole table: each request must leave it alone."""
    with connect(served, Authorization=f"Bearer {served.key}") as client:
        yield make_world(client)


@pytest.mark.parametrize("bad", TABLE, ids=[bad.name for bad in TABLE])
def test_bad_input_is_refused_and_changes_nothing(world: World, bad: Bad) -> None:
    url = world.fill(bad.url.encode()).decode()
    response = send(world.client, bad.method, url, world.fill(bad.body))
    unchanged = world.is_unchanged()
    detail = world.fill(bad.detail.encode()).decode()
    assert_problem(response, bad.status, SLUGS[bad.status], detail)
    assert unchanged


@pytest.mark.parametrize("before", [0, 1, 2**20 - 3, 2**20 - 2, 2**20 - 1, 2**20])
def test_a_large_body_is_checked_to_be_utf8_in_parts(before: int) -> None:
    start = b'["' + b"x" * before + "é😀".encode()
    assert read(start + b'"]', list[str]) == ["x" * before + "é😀"]
    with pytest.raises(InvalidRequest, match=rf"not UTF-8 \(byte {len(start)}\)"):
        read(start + b'\xff"]', list[str])
    with pytest.raises(InvalidRequest, match=rf"not UTF-8 \(byte {len(start)}\)"):
        read(start + b"\xf0\x9f", list[str])
