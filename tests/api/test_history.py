"""The log of a dataset and the history of an example over HTTP."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx

from tests.api.helpers import (
    Dataset,
    assert_problem,
    delete_examples,
    guessed,
    make_dataset,
    moment,
    new_version,
    numbered,
    ok,
    patch,
    send,
)
from tests.api.key_support import acting, make_config, service_key
from tests.serving import Served


def log_url(dataset: Dataset) -> str:
    return f"/api/v1/datasets/{dataset.id}/log"


def history_url(dataset: Dataset, id: str) -> str:
    return f"/api/v1/datasets/{dataset.id}/examples/{id}/history"


def events(client: httpx.Client, dataset: Dataset, id: str) -> Any:
    return ok(client.get(history_url(dataset, id)))["events"]


def test_what_was_written_to_an_example(client: httpx.Client) -> None:
    dataset = make_dataset(client, ['{"q":"one","n":1.0}', '{"q":"two"}'])
    id = dataset.example_ids[0]
    ok(patch(client, dataset, [{"id": id, "n": 2, "tags": []}]))
    version = new_version(client, dataset, [{"id": id, "q": "uno"}])
    ok(delete_examples(client, dataset, dataset.version_id, [id]))
    response = client.get(history_url(dataset, id))
    assert '"n":{"old":1.0,"new":2}' in response.text
    found = ok(response)["events"]
    assert [(one["kind"], one["version_id"], one["fields"]) for one in found] == [
        (
            "deleted",
            dataset.version_id,
            {"q": {"old": "one"}, "n": {"old": 2}, "tags": {"old": []}},
        ),
        ("updated", version, {"q": {"old": "one", "new": "uno"}}),
        ("updated", dataset.version_id, {"n": {"old": 1.0, "new": 2}, "tags": {"new": []}}),
        ("created", dataset.version_id, {"q": {"new": "one"}, "n": {"new": 1.0}}),
    ]
    times = [moment(one["at"]) for one in found]
    assert times == sorted(times, reverse=True)
    assert {one["by"]["email"] for one in found} == {"admin@localhost"}
    updated_at = ok(client.get(dataset.url))["updated_at"]
    assert found[0]["at"] == updated_at


def test_pages_of_a_history(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    (id,) = dataset.example_ids
    for n in range(5):
        ok(patch(client, dataset, [{"id": id, "n": -n}]))
    whole = events(client, dataset, id)
    found: list[Any] = []
    query = {"limit": "2"}
    while True:
        page = ok(client.get(history_url(dataset, id), params=query))
        found += page["events"]
        if not page["pagination"]["has_more"]:
            break
        query["cursor"] = page["pagination"]["next_cursor"]
    assert found == whole
    assert len(found) == 6


def test_any_id_has_a_history(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    ids = ["a/b", "a//b", "/", "//", "/a", "a/", "%2F", "a%2Fb", "é ?#", "history"]
    rows = "".join(json.dumps({"id": id, "q": id}) + "\n" for id in ids)
    url = f"/api/v1/datasets/{dataset.id}/import"
    assert ok(client.post(url, content=rows))["inserted"] == len(ids)
    for id in ids:
        (event,) = events(client, dataset, quote(id, safe=""))
        assert (event["kind"], event["fields"]) == ("created", {"q": {"new": id}})
    encoded = dataset.id.replace("=", "%3D")
    url = f"/api/v1/datasets/{encoded}/examples/a%2fb/history"
    assert len(ok(client.get(url))["events"]) == 1
    for path in ("a/b/history", "%2F/history/", "/history", "a/history%2F"):
        answer = client.get(f"/api/v1/datasets/{dataset.id}/examples/{path}")
        assert_problem(answer, 404, "not-found", "nothing at")


def test_an_annotation_is_in_the_history(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    name = make_config(client, dataset.space_id)["name"]
    for text in ("first", "second"):
        values = [{"name": name, "text": text}]
        body = {"annotations": [{"record_id": dataset.example_ids[0], "values": values}]}
        assert send(client, "POST", f"{dataset.examples_url}/annotate", body).status_code == 202
    newest = events(client, dataset, dataset.example_ids[0])[0]
    assert newest["kind"] == "annotated"
    assert newest["version_id"] is None
    change = newest["fields"][name]
    assert (change["old"]["text"], change["new"]["text"]) == ("first", "second")


def test_the_log_tells_every_write_and_its_key(served: Served, client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(3))
    organization = ok(client.get("/v2/organizations", params={"name": "Default"}))["organizations"][
        -1
    ]["id"]
    made = service_key(client, organization, {dataset.space_id: "MEMBER"})
    with acting(served, made["key"]) as bot:
        change = [{"id": id, "n": 0} for id in dataset.example_ids[:2]]
        version = new_version(bot, dataset, change)
        ok(send(bot, "PATCH", dataset.url, {"name": dataset.name + "!"}))
    page = ok(client.get(log_url(dataset), params={"limit": "2"}))
    renamed, updated = page["writes"]
    assert renamed["kind"] == "renamed"
    assert renamed["fields"] == {"name": {"old": dataset.name, "new": dataset.name + "!"}}
    assert "from_version_id" not in renamed
    assert {k: updated[k] for k in ("kind", "version_id", "from_version_id", "example_count")} == {
        "kind": "updated",
        "version_id": version,
        "from_version_id": dataset.version_id,
        "example_count": 2,
    }
    assert renamed["by"]["key_id"] == updated["by"]["key_id"] == made["id"]
    query = {"limit": "2", "cursor": page["pagination"]["next_cursor"]}
    rest = ok(client.get(log_url(dataset), params=query))
    assert [(one["kind"], one["example_count"]) for one in rest["writes"]] == [("created", 3)]
    assert rest["pagination"] == {"has_more": False}


def test_what_is_refused(client: httpx.Client) -> None:
    dataset, other = (make_dataset(client, numbered(1)) for _ in range(2))
    url = history_url(dataset, dataset.example_ids[0])
    for query in ({"cursor": "x"}, {"limit": "x"}):
        assert_problem(client.get(url, params=query), 400, "invalid-request")
        assert_problem(client.get(log_url(dataset), params=query), 400, "invalid-request")
    assert_problem(client.get(url, params={"limit": "101"}), 422, "validation-error", "limit")
    for name in ("log", "versions"):
        ok(send(client, "POST", f"/api/v1/datasets/{other.id}/versions", {"name": name}), 201)
        page = ok(client.get(f"/api/v1/datasets/{other.id}/{name}", params={"limit": "1"}))
        query = {"cursor": page["pagination"]["next_cursor"]}
        answer = client.get(f"/api/v1/datasets/{dataset.id}/{name}", params=query)
        assert_problem(answer, 400, "invalid-request", "another list")
    stranger = history_url(dataset, other.example_ids[0])
    assert_problem(client.get(stranger), 404, "not-found", other.example_ids[0])
    unknown = f"/api/v1/datasets/{guessed(dataset.id)}/log"
    assert_problem(client.get(unknown), 404, "not-found")
