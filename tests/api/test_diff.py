"""`GET /api/v1/datasets/{dataset_id}/diff` over HTTP."""

from __future__ import annotations

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
    new_version,
    numbered,
    ok,
    patch,
    send,
)


def diff_url(dataset: Dataset) -> str:
    return f"/api/v1/datasets/{dataset.id}/diff"


def compare(client: httpx.Client, dataset: Dataset, **query: str) -> Any:
    return ok(client.get(diff_url(dataset), params=query))


def test_what_changed_between_two_versions(client: httpx.Client) -> None:
    dataset = make_dataset(client, ['{"q":"one","n":1.0}', '{"q":"two"}', '{"q":"three"}'])
    first, second, _ = dataset.example_ids
    version = new_version(client, dataset, [{"id": first, "n": 1, "tags": ["a"]}])
    ok(delete_examples(client, dataset, version, [second]))
    added = examples_body(['{"q":1e400}'])
    (fourth,) = ok(send(client, "POST", dataset.examples_url, added), 201)["example_ids"]
    response = client.get(diff_url(dataset))
    assert '"n":{"old":1.0,"new":1}' in response.text
    assert '"q":{"new":1e400}' in response.text
    answer = ok(response)
    assert {k: answer[k] for k in ("base", "head", "counts", "pagination")} == {
        "base": dataset.version_id,
        "head": version,
        "counts": {"added": 1, "removed": 1, "changed": 1, "unchanged": 1},
        "pagination": {"has_more": False},
    }
    assert [(one["id"], one["kind"]) for one in answer["changes"]] == [
        (first, "changed"),
        (second, "removed"),
        (fourth, "added"),
    ]
    assert answer["changes"][0]["fields"]["tags"] == {"new": ["a"]}
    assert answer["changes"][1]["fields"] == {"q": {"old": "two"}}


def test_pages_of_changes_join_to_all_of_them(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(9))
    version = new_version(client, dataset, [{"id": id, "n": -1} for id in dataset.example_ids])
    whole = compare(client, dataset)
    found: list[Any] = []
    query = {"limit": "4"}
    while True:
        page = compare(client, dataset, **query)
        assert page["counts"] == whole["counts"]
        found += page["changes"]
        if not page["pagination"]["has_more"]:
            break
        query = {"limit": "4", "cursor": page["pagination"]["next_cursor"]}
        new_version(client, dataset)  # the cursor goes on with the versions it began with
    assert found == whole["changes"]
    assert len(found) == 9
    assert page["head"] == version


def test_changes_are_counted_with_the_first_page(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(3))
    new_version(client, dataset, [{"id": id, "n": -1} for id in dataset.example_ids[:2]])
    first = compare(client, dataset, limit="1")
    assert first["counts"] == {"added": 0, "removed": 0, "changed": 2, "unchanged": 1}
    ok(patch(client, dataset, [{"id": dataset.example_ids[2], "n": -1}], first["head"]))
    query = {"limit": "5", "cursor": first["pagination"]["next_cursor"]}
    rest = compare(client, dataset, **query)
    assert rest["counts"] == first["counts"]
    assert [change["id"] for change in rest["changes"]] == list(dataset.example_ids[1:])


def test_any_two_versions_either_way(client: httpx.Client) -> None:
    dataset, (v1, v2, v3) = line_of_versions(client)
    forth = compare(client, dataset, base=v1, head=v3)
    back = compare(client, dataset, base=v3, head=v1)
    assert forth["changes"][0]["fields"] == {"step": {"new": 2}}
    assert back["changes"][0]["fields"] == {"step": {"old": 2}}
    assert compare(client, dataset, base=v2, head=v2)["changes"] == []
    assert compare(client, dataset)["base"] == v2
    ok(patch(client, dataset, [{"id": dataset.example_ids[0], "step": 1}], v3))
    assert compare(client, dataset)["counts"]["changed"] == 2


def test_what_is_refused(client: httpx.Client) -> None:
    dataset, (v1, v2, v3) = line_of_versions(client)
    other = make_dataset(client, numbered(1))
    url = diff_url(dataset)
    page = compare(client, dataset, base=v1, head=v2, limit="1")
    cursor = page["pagination"]["next_cursor"]
    for query, status, slug, detail in (
        ({"head": v1}, 422, "validation-error", "base"),
        ({"base": "x", "head": v1}, 400, "invalid-request", "base"),
        ({"base": v1, "head": dataset.id}, 400, "invalid-request", "head"),
        ({"base": guessed(v1)}, 404, "not-found", "version"),
        ({"base": other.version_id}, 404, "not-found", "version"),
        ({"limit": "501"}, 422, "validation-error", "limit"),
        ({"cursor": "x"}, 400, "invalid-request", "cursor"),
        ({"cursor": cursor, "head": v3}, 400, "invalid-request", "cursor"),
    ):
        assert_problem(client.get(url, params=query), status, slug, detail)
    stranger = client.get(diff_url(other), params={"cursor": cursor})
    assert_problem(stranger, 400, "invalid-request", "cursor")
    rest = compare(client, dataset, base=v1, head="", cursor=cursor)
    assert len(rest["changes"]) == 2


@pytest.mark.parametrize("limit", ["", "500"])
def test_an_empty_value_counts_as_left_out(client: httpx.Client, limit: str) -> None:
    dataset, (_, v2, v3) = line_of_versions(client)
    answer = compare(client, dataset, base="", head="", cursor="", limit=limit)
    assert (answer["base"], answer["head"]) == (v2, v3)
