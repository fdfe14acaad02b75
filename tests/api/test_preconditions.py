"""`ETag` on what is read and written, and `If-Match` on every write to a dataset."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api.helpers import (
    Dataset,
    as_body,
    assert_problem,
    make_dataset,
    new_version,
    numbered,
    ok,
    patch,
    send,
    snapshot,
    unique,
)
from tests.api.key_support import make_config, make_tag


def versions_url(dataset: Dataset, version: str = "") -> str:
    return f"/api/v1/datasets/{dataset.id}/versions" + (f"/{version}" if version else "")


def sent(
    client: httpx.Client, method: str, url: str, body: object, match: str, **query: str
) -> httpx.Response:
    headers = {"Content-Type": "application/json", "If-Match": match}
    return client.request(method, url, content=as_body(body), headers=headers, params=query)


def tag(client: httpx.Client, url: str, **query: str) -> str:
    """Return the ETag of what is at this address now."""
    response = client.get(url, params=query)
    assert ok(response)
    found = response.headers["ETag"]
    assert found[0] == found[-1] == '"'
    return str(found)


def page_tag(client: httpx.Client, dataset: Dataset, version: str = "") -> str:
    return tag(client, dataset.examples_url, dataset_version_id=version)


def a_change(dataset: Dataset) -> object:
    return {"examples": [{"id": dataset.example_ids[0], "n": 99}]}


def a_deletion(dataset: Dataset) -> object:
    return {"dataset_version_id": dataset.version_id, "example_ids": [dataset.example_ids[1]]}


OF_VERSION: dict[str, Callable[[Dataset], tuple[str, str, object]]] = {
    "update": lambda d: ("PATCH", d.examples_url, a_change(d)),
    "update into new": lambda d: (
        "PATCH",
        d.examples_url,
        {"examples": [{"id": "no"}], "new_version": unique("version")},
    ),
    "insert": lambda d: ("POST", d.examples_url, {"examples": numbered(1)}),
    "delete": lambda d: ("DELETE", d.examples_url, a_deletion(d)),
    "branch": lambda d: ("POST", versions_url(d), {"name": unique("version")}),
    "lock": lambda d: (
        "PATCH",
        versions_url(d, d.version_id),
        {"description": unique("said")},
    ),
}
"""Writes that address a version."""


@pytest.mark.parametrize("name", OF_VERSION)
def test_a_write_to_a_version_that_has_changed(client: httpx.Client, name: str) -> None:
    dataset = make_dataset(client, numbered(3))
    method, url, body = OF_VERSION[name](dataset)
    seen = page_tag(client, dataset)
    ok(patch(client, dataset, [{"id": dataset.example_ids[2], "n": 5}]))
    before = snapshot(client, dataset)
    refused = sent(client, method, url, body, seen)
    assert_problem(refused, 412, "precondition-failed", page_tag(client, dataset))
    assert snapshot(client, dataset) == before
    done = sent(client, method, url, body, page_tag(client, dataset))
    assert done.status_code < 300, done.text
    assert snapshot(client, dataset) != before


def of_dataset(client: httpx.Client, name: str, dataset: Dataset) -> tuple[str, str, object]:
    """Return a write that addresses the dataset."""
    if name == "rename":
        return "PATCH", dataset.url, {"name": unique()}
    if name == "annotate":
        values = [{"name": make_config(client, dataset.space_id)["name"], "text": "fine"}]
        records = [{"record_id": dataset.example_ids[0], "values": values}]
        return "POST", f"{dataset.examples_url}/annotate", {"annotations": records}
    if name == "delete":
        return "DELETE", dataset.url, b""
    if name == "schema":
        url = f"/api/v1/datasets/{dataset.id}/schema"
        return "PUT", url, {"schema": {"title": unique()}}
    tags = {"tag_ids": [make_tag(client, dataset.space_id)["id"]]}
    if name == "detach":
        ok(send(client, "POST", f"{dataset.url}/tags", tags))
    return "POST" if name == "attach" else "DELETE", f"{dataset.url}/tags", tags


@pytest.mark.parametrize("name", ["rename", "annotate", "attach", "detach", "schema", "delete"])
def test_a_write_to_a_dataset_that_has_changed(client: httpx.Client, name: str) -> None:
    dataset = make_dataset(client, numbered(2))
    method, url, body = of_dataset(client, name, dataset)
    seen = tag(client, dataset.url)
    new_version(client, dataset)
    before = tag(client, dataset.url)
    refused = sent(client, method, url, body, seen)
    assert_problem(refused, 412, "precondition-failed", before)
    assert tag(client, dataset.url) == before
    done = sent(client, method, url, body, before)
    assert done.status_code < 300, done.text
    if name != "delete":
        assert done.headers["ETag"] == tag(client, dataset.url) != before


def test_every_write_answers_with_the_tag_for_the_next(client: httpx.Client) -> None:
    space = make_dataset(client, numbered(1)).space_id
    given = {"name": unique(), "space_id": space, "examples": numbered(2)}
    made = send(client, "POST", "/v2/datasets", given)
    url = f"/v2/datasets/{ok(made, 201)['id']}"
    assert made.headers["ETag"] == tag(client, url)
    ids = [one["id"] for one in ok(client.get(f"{url}/examples"))["examples"]]
    known = tag(client, f"{url}/examples")
    writes: list[tuple[str, Any]] = [
        ("PATCH", {"examples": [{"id": ids[0], "n": 7}]}),
        ("POST", {"examples": numbered(1)}),
        ("PATCH", {"examples": [{"id": ids[0], "n": 8}], "new_version": "next"}),
        ("PATCH", {"examples": [{"id": ids[0], "n": 9}]}),
        ("PATCH", {"examples": [{"id": "unknown", "n": 9}]}),
    ]
    for method, body in writes:
        answer = sent(client, method, f"{url}/examples", body, known)
        assert answer.status_code < 300, answer.text
        known = answer.headers["ETag"]
        assert known == tag(client, f"{url}/examples")
    search = send(client, "POST", f"{url}/examples/search", {})
    assert search.headers["ETag"] == known


def test_a_change_elsewhere_does_not_count(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(2))
    old = page_tag(client, dataset)
    version = new_version(client, dataset, [{"id": dataset.example_ids[0], "n": 7}])
    ok(send(client, "PATCH", dataset.url, {"name": unique()}))
    query = {"dataset_version_id": dataset.version_id}
    assert page_tag(client, dataset, dataset.version_id) == old
    latest = page_tag(client, dataset)
    assert latest == page_tag(client, dataset, version) != old
    # Who saw the old version as the latest must not write to the new one.
    body = a_change(dataset)
    refused = sent(client, "PATCH", dataset.examples_url, body, old)
    assert_problem(refused, 412, "precondition-failed")
    assert ok(sent(client, "PATCH", dataset.examples_url, body, old, **query))
    assert page_tag(client, dataset) == latest


def test_an_annotation_changes_every_page(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    version = new_version(client, dataset)
    before = [page_tag(client, dataset, one) for one in (dataset.version_id, version)]
    method, url, body = of_dataset(client, "annotate", dataset)
    assert send(client, method, url, body).status_code == 202
    after = [page_tag(client, dataset, one) for one in (dataset.version_id, version)]
    assert not set(before) & set(after)


def test_forms_of_if_match(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    for form, status in (
        ("*", 200),
        ('"x", {}', 200),
        ('{} , "x"', 200),
        (',, {},W/"y",', 200),
        ('"x"', 412),
        ("W/{}", 412),
        ('""', 412),
        ('"a,b", W/"c"', 412),
        ("", 400),
        ("x", 400),
        ("{}x", 400),
        ('*, "x"', 400),
        ('"x', 400),
        ('"x" "y"', 400),
        ('"a b"', 400),
        ("w/{}", 400),
        ("," * 5_000 + "x", 400),
    ):
        match = form.format(page_tag(client, dataset))
        answer = sent(client, "PATCH", dataset.examples_url, a_change(dataset), match)
        if status == 200:
            assert ok(answer), form
        else:
            slug = {400: "invalid-request", 412: "precondition-failed"}[status]
            assert_problem(answer, status, slug, "If-Match")
    missing = f"/v2/datasets/{dataset.id[:-4]}xxxx"
    assert sent(client, "PATCH", missing, {"name": "x"}, "*").status_code in (400, 404)


def test_several_lines_of_if_match_are_one_list(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    lines = [("If-Match", '"x"'), ("If-Match", page_tag(client, dataset))]
    headers = [("Content-Type", "application/json"), *lines]
    body = as_body(a_change(dataset))
    assert ok(client.request("PATCH", dataset.examples_url, content=body, headers=headers))


def test_of_many_writers_who_saw_the_same_one_wins(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    seen = page_tag(client, dataset)

    def write(n: int) -> Any:
        body = {"examples": [{"id": dataset.example_ids[0], "n": n}]}
        return sent(client, "PATCH", dataset.examples_url, body, seen).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(write, range(16)))
    assert statuses == [200] + [412] * 15


def test_a_read_takes_no_condition(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    for url in (dataset.url, dataset.examples_url):
        assert ok(client.get(url, headers={"If-Match": "nonsense"}))


def test_what_has_no_tag_takes_no_condition(client: httpx.Client) -> None:
    space = ok(client.get("/v2/spaces"))["spaces"][-1]["id"]
    body: object = {"name": unique(), "space_id": space, "examples": [{"n": 1}]}
    for method, url, sent_body in (
        ("POST", "/v2/datasets", body),
        ("PATCH", f"/v2/spaces/{space}", {"description": "changed"}),
        ("POST", "/v2/tags", {"name": unique(), "space_id": space}),
    ):
        answer = sent(client, method, url, sent_body, '"1-1"')
        assert_problem(answer, 412, "precondition-failed", "leave it out")
    assert ok(sent(client, "POST", "/v2/datasets", body, "*"), 201)
