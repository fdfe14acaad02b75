"""`/api/v1/datasets/{dataset_id}/schema`, its report, and `.../columns` over HTTP."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.api.helpers import (
    Dataset,
    assert_problem,
    examples_body,
    guessed,
    make_dataset,
    new_version,
    numbered,
    ok,
    patch,
    send,
    snapshot,
)

QUESTION = {
    "properties": {"question": {"type": "string", "minLength": 1}, "n": {"type": "integer"}},
    "required": ["question"],
}


def schema_url(dataset: Dataset, path: str = "") -> str:
    return f"/api/v1/datasets/{dataset.id}/schema{path}"


def put(client: httpx.Client, dataset: Dataset, schema: object) -> httpx.Response:
    return send(client, "PUT", schema_url(dataset), {"schema": schema})


def report(client: httpx.Client, dataset: Dataset, **query: str) -> dict[str, Any]:
    return ok(client.get(schema_url(dataset, "/report"), params=query))


def test_a_schema_is_set_read_and_removed(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    first = client.get(schema_url(dataset))
    assert ok(first) == {"schema": None}
    made = put(client, dataset, QUESTION)
    assert ok(made) == {"schema": QUESTION}
    found = client.get(schema_url(dataset))
    assert found.content == made.content
    assert found.headers["ETag"] == made.headers["ETag"] != first.headers["ETag"]
    assert found.headers["ETag"] == client.get(dataset.url).headers["ETag"]
    assert ok(put(client, dataset, None)) == {"schema": None}
    assert ok(client.get(schema_url(dataset))) == {"schema": None}


def test_the_text_of_a_schema_comes_back_as_it_was_sent(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    text = b'{"maximum":1e400,"const":1.0,"enum":[ 123456789012345678901234567890 ],"\\u0000":0}'
    assert ok(send(client, "PUT", schema_url(dataset), b'{"schema":' + text + b"}"))
    assert client.get(schema_url(dataset)).content == b'{"schema":' + text + b"}"


def test_a_write_that_does_not_satisfy_it_writes_nothing(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(9))
    ok(put(client, dataset, QUESTION))
    before = snapshot(client, dataset)
    changes = [{"id": id, "n": n} for n, id in enumerate(dataset.example_ids)]
    changes[7]["n"] = "seven"
    place = "examples[7] does not satisfy the dataset's schema at '/n': \"seven\" is not"
    for members in ({}, {"new_version": "v2"}):
        refused = patch(client, dataset, changes, **members)
        assert_problem(refused, 422, "validation-error", place)
    given = examples_body(['{"question":"?"}', '{"question":""}'])
    refused = send(client, "POST", dataset.examples_url, given)
    assert_problem(refused, 422, "validation-error", "examples[1] does not satisfy")
    assert snapshot(client, dataset) == before
    changes[7]["n"] = 1.0
    assert ok(patch(client, dataset, changes))["example_ids"] == list(dataset.example_ids)


def test_an_update_that_repairs_an_example_is_accepted(client: httpx.Client) -> None:
    dataset = make_dataset(client, [{"n": "one"}, {"n": "two"}])
    ok(put(client, dataset, QUESTION))
    one = {"id": dataset.example_ids[0], "question": "?"}
    assert_problem(patch(client, dataset, [one]), 422, "validation-error", "'/n'")
    assert ok(patch(client, dataset, [one | {"n": 1}]))


@pytest.mark.parametrize(
    ("body", "status", "slug", "detail"),
    [
        (b"{}", 422, "validation-error", "schema is required"),
        (b'{"schema":true}', 400, "invalid-request", "schema must be"),
        (b'{"schema":{},"x":1}', 422, "validation-error", "x is not a known member"),
        (b'{"schema":{"type":"text"}}', 422, "validation-error", "'/type'"),
        (b'{"schema":{"pattern":"(?!a)"}}', 422, "validation-error", "look-around"),
        (b'{"schema":{"$ref":"http://127.0.0.1/"}}', 422, "validation-error", "nothing is fetched"),
        (b'{"schema":{"title":"%s"}}' % (b"x" * 70_000), 422, "validation-error", "65536"),
        (
            b'{"schema":{"not":' + b'{"not":' * 100 + b"{}" + b"}" * 102,
            422,
            "validation-error",
            "schema is nested deeper than 100 levels",
        ),
    ],
)
def test_what_is_no_schema_is_refused(
    client: httpx.Client, body: bytes, status: int, slug: str, detail: str
) -> None:
    dataset = make_dataset(client, numbered(1))
    ok(put(client, dataset, QUESTION))
    assert_problem(send(client, "PUT", schema_url(dataset), body), status, slug, detail)
    assert ok(client.get(schema_url(dataset))) == {"schema": QUESTION}


def test_a_report_by_pages(client: httpx.Client) -> None:
    dataset = make_dataset(client, [{"n": n} for n in range(5)])
    assert report(client, dataset) == {
        "version_id": dataset.version_id,
        "examples": [],
        "pagination": {"has_more": False},
    }
    ok(put(client, dataset, QUESTION | {"additionalProperties": False}))
    change = [{"id": dataset.example_ids[2], "question": "?", "more": [1]}]
    latest = new_version(client, dataset, [{"id": dataset.example_ids[0]}])
    assert_problem(patch(client, dataset, change), 422, "validation-error", "more")
    missing = [{"path": "", "message": '"question" is a required property'}]
    found: list[dict[str, Any]] = []
    query = {"limit": "2"}
    for _ in range(3):
        page = report(client, dataset, **query)
        assert page["version_id"] == latest
        found += page["examples"]
        query["cursor"] = page["pagination"].get("next_cursor", "")
    assert found == [{"id": id, "errors": missing} for id in dataset.example_ids]
    assert page["pagination"] == {"has_more": False}
    first = report(client, dataset, version_id=dataset.version_id, limit="1")
    wrong = {"version_id": latest, "cursor": first["pagination"]["next_cursor"]}
    refused = client.get(schema_url(dataset, "/report"), params=wrong)
    assert_problem(refused, 400, "invalid-request", "cursor")


def test_columns(client: httpx.Client) -> None:
    texts = ['{"q":"é","n":1.50}', '{"q":"four","n":-2}', '{"q":"four","m":{"a": 1}}', '{"m":null}']
    dataset = make_dataset(client, texts)
    response = client.get(f"/api/v1/datasets/{dataset.id}/columns")
    assert '"number_range":{"min":-2,"max":1.50}' in response.text
    answer = ok(response)
    assert (answer["version_id"], answer["example_count"]) == (dataset.version_id, 4)
    q, n, m = answer["columns"]
    assert q == {
        "name": "q",
        "count": 3,
        "fill_rate": 0.75,
        "null_count": 0,
        "types": {"string": 3},
        "distinct_count": 2,
        "distinct_is_exact": True,
        "string_length": {"min": 1, "max": 4, "mean": 3.0, "histogram": [0, 1, 0, 2]},
        "number_range": None,
        "top_values": [{"value": "four", "count": 2}, {"value": "é", "count": 1}],
    }
    assert (n["types"], n["fill_rate"]) == ({"integer": 1, "number": 1}, 0.5)
    assert (m["types"], m["null_count"], m["distinct_count"]) == ({"null": 1, "object": 1}, 1, 2)
    new_version(client, dataset, [{"id": dataset.example_ids[0], "extra": True}])
    url = f"/api/v1/datasets/{dataset.id}/columns"
    old = ok(client.get(url, params={"version_id": dataset.version_id}))
    assert json.dumps(old) == json.dumps(answer)
    assert [one["name"] for one in ok(client.get(url))["columns"]] == ["q", "n", "extra", "m"]


@pytest.mark.parametrize("path", ["schema/report", "columns"])
def test_what_is_not_there(client: httpx.Client, path: str) -> None:
    dataset = make_dataset(client, numbered(1))
    url = f"/api/v1/datasets/{dataset.id}/{path}"
    missing = {"version_id": guessed(dataset.version_id)}
    assert_problem(client.get(url, params=missing), 404, "not-found")
    assert_problem(client.get(url, params={"version_id": "?"}), 400, "invalid-request")
    other = url.replace(dataset.id, guessed(dataset.id))
    assert_problem(client.get(other), 404, "not-found")
