"""`/api/v1/datasets/{dataset_id}/versions` over HTTP: make, restore, describe, lock."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.api.helpers import (
    Dataset,
    assert_problem,
    delete_examples,
    examples_body,
    guessed,
    line_of_versions,
    make_dataset,
    moment,
    numbered,
    ok,
    patch,
    read_version,
    send,
    snapshot,
)
from tests.api.key_support import make_config

MEMBERS = {
    "id",
    "name",
    "description",
    "dataset_id",
    "parent_id",
    "example_count",
    "locked",
    "created_by",
    "created_at",
    "updated_at",
}


def versions_url(dataset: Dataset, version: str = "") -> str:
    return f"/api/v1/datasets/{dataset.id}/versions" + (f"/{version}" if version else "")


def lock(client: httpx.Client, dataset: Dataset, version: str, locked: bool = True) -> Any:
    return ok(send(client, "PATCH", versions_url(dataset, version), {"locked": locked}))


def test_a_version_as_it_is_made_and_read(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(3))
    body = {"name": "golden", "description": "shipped", "from_version_id": dataset.version_id}
    made = ok(send(client, "POST", versions_url(dataset), body), 201)
    assert set(made) >= MEMBERS
    assert {k: made[k] for k in ("name", "description", "locked", "example_count")} == {
        "name": "golden",
        "description": "shipped",
        "locked": False,
        "example_count": 3,
    }
    assert (made["dataset_id"], made["parent_id"]) == (dataset.id, dataset.version_id)
    assert made["created_by"]["email"] == "admin@localhost"
    assert moment(made["created_at"]) == moment(made["updated_at"])
    found = ok(client.get(versions_url(dataset, made["id"])))
    assert found == made | {"digest": found["digest"]}
    assert re.fullmatch("[0-9a-f]{64}", found["digest"])
    first = ok(client.get(versions_url(dataset, dataset.version_id)))
    assert first["parent_id"] is None
    assert read_version(client, dataset.id) == read_version(client, dataset.id, dataset.version_id)


def test_the_digest_tells_whether_content_is_the_same(client: httpx.Client) -> None:
    dataset, versions = line_of_versions(client)
    body = {"name": "back", "from_version_id": versions[0]}
    versions.append(ok(send(client, "POST", versions_url(dataset), body), 201)["id"])
    found = [ok(client.get(versions_url(dataset, one)))["digest"] for one in versions]
    assert found[0] == found[3]
    assert len(set(found)) == 3
    change = [{"id": dataset.example_ids[0], "step": 9}]
    ok(patch(client, dataset, change, versions[0]))
    assert ok(client.get(versions_url(dataset, versions[0])))["digest"] not in found
    assert ok(client.get(versions_url(dataset, versions[3])))["digest"] == found[0]


def test_an_old_version_is_restored(client: httpx.Client) -> None:
    dataset, (v1, v2, v3) = line_of_versions(client)
    body = {"name": "back", "from_version_id": v1}
    back = ok(send(client, "POST", versions_url(dataset), body), 201)["id"]
    assert read_version(client, dataset.id) == read_version(client, dataset.id, v1)
    assert read_version(client, dataset.id, v3) != read_version(client, dataset.id, v1)
    listed = ok(client.get(versions_url(dataset)))["versions"]
    assert [one["id"] for one in listed] == [back, v3, v2, v1]
    assert [one["parent_id"] for one in listed] == [v1, v2, v1, None]


def test_versions_come_by_pages(client: httpx.Client) -> None:
    dataset, ids = line_of_versions(client)
    page = ok(client.get(versions_url(dataset), params={"limit": "2"}))
    query = {"limit": "2", "cursor": page["pagination"]["next_cursor"]}
    rest = ok(client.get(versions_url(dataset), params=query))
    assert [v["id"] for v in page["versions"] + rest["versions"]] == ids[::-1]
    assert rest["pagination"] == {"has_more": False}


def test_a_locked_version_stays_what_it_is(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(2))
    assert lock(client, dataset, dataset.version_id)["locked"] is True
    before = snapshot(client, dataset)
    for answer in (
        patch(client, dataset, [{"id": dataset.example_ids[0], "n": 7}]),
        patch(client, dataset, [{"id": "unknown", "n": 7}], dataset.version_id),
        send(client, "POST", dataset.examples_url, examples_body(['{"n":1}'])),
        delete_examples(client, dataset, dataset.version_id, dataset.example_ids[:1]),
    ):
        assert_problem(answer, 409, "conflict", "new_version")
    assert snapshot(client, dataset) == before
    answer = patch(client, dataset, [{"id": dataset.example_ids[0], "n": 7}], new_version="next")
    assert ok(answer)["example_ids"] == [dataset.example_ids[0]]
    lock(client, dataset, dataset.version_id, False)
    change = [{"id": dataset.example_ids[0], "n": 8}]
    assert ok(patch(client, dataset, change, dataset.version_id))


def test_a_lock_does_not_stop_annotations_and_a_new_name(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    lock(client, dataset, dataset.version_id)
    values = [{"name": make_config(client, dataset.space_id)["name"], "text": "seen"}]
    body = {"annotations": [{"record_id": dataset.example_ids[0], "values": values}]}
    assert send(client, "POST", f"{dataset.examples_url}/annotate", body).status_code == 202
    renamed = {"name": "golden"}
    answer = ok(send(client, "PATCH", versions_url(dataset, dataset.version_id), renamed))
    assert (answer["name"], answer["locked"]) == ("golden", True)
    (example,) = read_version(client, dataset.id)
    assert example["annotations"][0]["text"] == "seen"


def test_v2_tells_a_version_s_new_name_and_nothing_more(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    body = {"name": "renamed", "description": None}
    ok(send(client, "PATCH", versions_url(dataset, dataset.version_id), body))
    (version,) = ok(client.get(dataset.url))["versions"]
    assert version["name"] == "renamed"
    assert set(version) == {"id", "name", "dataset_id", "created_at", "updated_at"}


@pytest.mark.parametrize(
    ("method", "body", "status", "slug", "detail"),
    [
        ("POST", {}, 422, "validation-error", "name is required"),
        ("POST", {"name": " "}, 422, "validation-error", "name is blank"),
        ("POST", {"name": "x" * 256}, 422, "validation-error", "256 characters"),
        ("POST", {"name": "v1"}, 409, "conflict", "'v1'"),
        ("POST", {"name": "x", "from_version_id": "?"}, 400, "invalid-request", "from_version_id"),
        ("POST", {"name": "x", "locked": True}, 422, "validation-error", "locked"),
        ("PATCH", {}, 422, "validation-error", "nothing to change"),
        ("PATCH", {"name": None}, 400, "invalid-request", "name"),
        ("PATCH", {"locked": "yes"}, 400, "invalid-request", "locked"),
        ("PATCH", {"description": "x" * 1001}, 422, "validation-error", "description"),
        ("PATCH", {"name": "v2"}, 409, "conflict", "'v2'"),
    ],
)
def test_what_is_refused(
    client: httpx.Client, method: str, body: object, status: int, slug: str, detail: str
) -> None:
    dataset = make_dataset(client, numbered(1))
    ok(send(client, "POST", versions_url(dataset), {"name": "v2"}), 201)
    before = snapshot(client, dataset)
    url = versions_url(dataset, dataset.version_id if method == "PATCH" else "")
    assert_problem(send(client, method, url, body), status, slug, detail)
    assert snapshot(client, dataset) == before


def test_a_version_of_another_dataset_is_not_there(client: httpx.Client) -> None:
    dataset, other = (make_dataset(client, numbered(1)) for _ in range(2))
    ok(send(client, "POST", versions_url(other), {"name": "second"}), 201)
    for version in (other.version_id, guessed(dataset.version_id)):
        assert_problem(client.get(versions_url(dataset, version)), 404, "not-found")
        body = {"name": "x", "from_version_id": version}
        assert_problem(send(client, "POST", versions_url(dataset), body), 404, "not-found")
