"""`Idempotency-Key`: a request that is sent again is done once, and gets the first answer."""

from __future__ import annotations

import itertools
import signal
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.api.helpers import (
    Dataset,
    as_body,
    assert_problem,
    default_space,
    get_dataset,
    list_datasets,
    make_dataset,
    numbered,
    ok,
    read_fields,
    send,
    snapshot,
    unique,
)
from tests.api.key_support import KEYS, acting, listed, service_key
from tests.serving import KEY, Served


def keyed(
    client: httpx.Client, key: str, method: str, url: str, body: object = b"", **query: str
) -> httpx.Response:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return client.request(method, url, content=as_body(body), headers=headers, params=query)


def new_key() -> str:
    return uuid.uuid4().hex


def assert_same(first: httpx.Response, again: httpx.Response) -> None:
    """Check that two answers are one: all but the date and the request's id."""
    assert again.status_code == first.status_code
    assert again.content == first.content
    for name in ("ETag", "Content-Type", "Content-Length"):
        assert again.headers.get(name) == first.headers.get(name)


def insert(client: httpx.Client, dataset: Dataset, key: str, n: int) -> httpx.Response:
    return keyed(client, key, "POST", dataset.examples_url, {"examples": [{"n": n}]})


def test_a_retry_gets_the_first_answer_and_writes_nothing(client: httpx.Client) -> None:
    dataset, key = make_dataset(client, numbered(2)), new_key()
    first = insert(client, dataset, key, 7)
    assert ok(first, 201)
    ok(send(client, "PATCH", dataset.url, {"name": unique()}))
    before = snapshot(client, dataset)
    assert_same(first, insert(client, dataset, key, 7))
    assert snapshot(client, dataset) == before
    second = insert(client, dataset, new_key(), 7)
    assert ok(second, 201)["example_ids"] != ok(first, 201)["example_ids"]


def test_a_dataset_is_made_and_deleted_once(client: httpx.Client) -> None:
    name, key = unique(), new_key()
    body = {"name": name, "space_id": default_space(client), "examples": numbered(3)}
    first = keyed(client, key, "POST", "/v2/datasets", body)
    url = f"/v2/datasets/{ok(first, 201)['id']}"
    assert_same(first, keyed(client, key, "POST", "/v2/datasets", body))
    assert len(list_datasets(client, name=name)) == 1
    assert_problem(keyed(client, new_key(), "POST", "/v2/datasets", body), 409, "conflict")
    key = new_key()
    gone = keyed(client, key, "DELETE", url)
    assert (gone.status_code, gone.content) == (204, b"")
    assert_same(gone, keyed(client, key, "DELETE", url))
    assert_problem(keyed(client, new_key(), "DELETE", url), 404, "not-found")


def test_requests_at_once_are_done_once(client: httpx.Client) -> None:
    dataset, key = make_dataset(client, numbered(1)), new_key()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: insert(client, dataset, key, 7), range(16)))
    for answer in answers:
        assert_same(answers[0], answer)
    assert len(read_fields(client, dataset)) == 2


def test_the_key_is_of_one_request(client: httpx.Client) -> None:
    dataset, key = make_dataset(client, numbered(2)), new_key()
    ok(insert(client, dataset, key, 7), 201)
    before = snapshot(client, dataset)
    url, body = dataset.examples_url, {"examples": [{"n": 7}]}
    for answer in (
        insert(client, dataset, key, 8),
        keyed(client, key, "PATCH", dataset.url, {"name": unique()}),
        keyed(client, key, "POST", url, body, dataset_version_id=dataset.version_id),
        keyed(client, key, "POST", f"/api/v1/datasets/{dataset.id}/versions", {"name": "x"}),
    ):
        assert_problem(answer, 422, "validation-error", "Idempotency-Key")
    assert snapshot(client, dataset) == before


def test_a_refusal_is_the_answer_too(client: httpx.Client) -> None:
    dataset, key = make_dataset(client, numbered(1)), new_key()
    url = f"/api/v1/datasets/{dataset.id}/versions"
    body = {"name": "v1"}
    first = keyed(client, key, "POST", url, body)
    assert_problem(first, 409, "conflict", "'v1'")
    ok(send(client, "PATCH", f"{url}/{dataset.version_id}", {"name": "no longer v1"}))
    assert_same(first, keyed(client, key, "POST", url, body))
    assert len(get_dataset(client, dataset)["versions"]) == 1
    assert ok(keyed(client, new_key(), "POST", url, body), 201)


def test_the_condition_is_part_of_the_request(client: httpx.Client) -> None:
    dataset, key = make_dataset(client, numbered(1)), new_key()
    seen = client.get(dataset.url).headers["ETag"]
    body = {"name": unique()}
    headers = {"Idempotency-Key": key, "If-Match": '"other"'}
    assert_problem(
        client.patch(dataset.url, json=body, headers=headers), 412, "precondition-failed"
    )
    again = client.patch(dataset.url, json=body, headers=headers | {"If-Match": seen})
    assert_problem(again, 422, "validation-error", "If-Match")
    headers = {"Idempotency-Key": new_key(), "If-Match": seen}
    assert ok(client.patch(dataset.url, json=body, headers=headers))["name"] == body["name"]


def test_only_one_key_may_be_sent(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    answer = client.patch(dataset.url, json={"name": unique()}, headers=headers)
    assert_problem(answer, 400, "invalid-request", "more than once")


def test_what_is_malformed_does_not_use_up_the_key(client: httpx.Client) -> None:
    dataset, key = make_dataset(client, numbered(1)), new_key()
    bad = keyed(client, key, "POST", dataset.examples_url, {"examples": []})
    assert_problem(bad, 422, "validation-error", "examples")
    assert ok(insert(client, dataset, key, 7), 201)


def test_keys_are_those_of_a_user(served: Served, client: httpx.Client) -> None:
    dataset, key = make_dataset(client, numbered(1)), new_key()
    organization = ok(client.get("/v2/organizations", params={"name": "Default"}))["organizations"][
        -1
    ]["id"]
    made = service_key(client, organization, {dataset.space_id: "MEMBER"})
    ok(insert(client, dataset, key, 7), 201)
    with acting(served, made["key"]) as bot:
        ok(insert(bot, dataset, key, 8), 201)
    assert [one["n"] for one in read_fields(client, dataset)] == [0, 7, 8]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "caf\xe9"])
def test_a_key_that_is_none(client: httpx.Client, key: str) -> None:
    dataset = make_dataset(client, numbered(1))
    headers = {b"Content-Type": b"application/json", b"Idempotency-Key": key.encode("latin-1")}
    body = as_body({"examples": numbered(1)})
    answer = client.post(dataset.examples_url, content=body, headers=headers)
    assert_problem(answer, 400, "invalid-request", "Idempotency-Key")
    assert len(read_fields(client, dataset)) == 1
    assert ok(insert(client, dataset, "!" * 200 + new_key(), 7), 201)


def test_the_secret_of_a_new_key_is_not_kept(client: httpx.Client) -> None:
    before = listed(client)
    body = {"key_type": "USER", "name": unique("key")}
    refused = keyed(client, new_key(), "POST", KEYS, body)
    assert_problem(refused, 422, "validation-error", "Idempotency-Key")
    made = ok(send(client, "POST", KEYS, body), 201)
    refresh = keyed(client, new_key(), "POST", f"{KEYS}/{made['id']}/refresh", {})
    assert_problem(refresh, 422, "validation-error", "Idempotency-Key")
    assert len(listed(client)) == len(before) + 1


def test_a_write_is_done_once_though_the_server_was_killed(tmp_path: Path) -> None:
    """Writes go on until the server is killed in one of them; then each is sent again."""
    sent: list[str] = []

    def write_on(client: httpx.Client, dataset: Dataset) -> None:
        for n in itertools.count(1):
            sent.append(new_key())
            try:
                insert(client, dataset, sent[-1], n)
            except httpx.TransportError:
                return

    served = Served.start("--data-dir", str(tmp_path))
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=served.base_url, headers=headers, timeout=60) as client:
        dataset = make_dataset(client, numbered(1))
        writer = threading.Thread(target=write_on, args=(client, dataset))
        writer.start()
        while len(sent) < 50:
            writer.join(0.01)
        served.stop(signal.SIGKILL)
        writer.join()
    again = Served.start("--data-dir", str(tmp_path))
    with httpx.Client(base_url=again.base_url, headers=headers, timeout=60) as client:
        for n, key in enumerate(sent, 1):
            assert ok(insert(client, dataset, key, n), 201)
        found = [one["n"] for one in read_fields(client, dataset)]
    assert again.stop() == 0
    assert found == list(range(len(sent) + 1))
