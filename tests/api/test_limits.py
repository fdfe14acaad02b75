"""Limits: 64 MiB of body, 1,000 items (contract: which status; PATCH, rule 1)."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.helpers import (
    Dataset,
    assert_problem,
    default_space,
    delete_examples,
    examples_body,
    make_dataset,
    numbered,
    ok,
    patch,
    read_fields,
    read_texts,
    send,
    snapshot,
    three,
    unique,
)
from tests.serving import Served

MIB = 2**20
LARGEST = 64 * MIB
TIMEOUT_S = 60


class Connection:
    """A connection that sends a request piece by piece, and may read the answer before its end."""

    def __init__(self, served: Served, method: str, url: str, *headers: str) -> None:
        self.request = httpx.Request(method, served.base_url + url)
        self._socket = socket.create_connection(("127.0.0.1", served.port), timeout=TIMEOUT_S)
        lines = [
            f"{method} {urlsplit(url).path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {served.key}",
            "Content-Type: application/json",
            *headers,
        ]
        self.send("\r\n".join([*lines, "", ""]).encode())

    def send(self, data: bytes) -> None:
        """Send some bytes."""
        self._socket.sendall(data)

    def send_chunk(self, data: bytes) -> None:
        """Send some bytes as one chunk."""
        self.send(b"%x\r\n" % len(data) + data + b"\r\n")

    def answer(self) -> httpx.Response:
        """Read the answer and close the connection."""
        with self._socket:
            answer = http.client.HTTPResponse(self._socket, method=self.request.method)
            answer.begin()
            content = answer.read()
        return httpx.Response(
            answer.status, headers=answer.getheaders(), content=content, request=self.request
        )


def targets(dataset: Dataset) -> list[tuple[str, str]]:
    """Return the requests that take a body."""
    return [
        ("POST", "/v2/datasets"),
        ("PATCH", dataset.url),
        ("POST", dataset.examples_url),
        ("PATCH", dataset.examples_url),
        ("DELETE", dataset.examples_url),
        ("POST", f"{dataset.examples_url}/search"),
        ("POST", "/v2/spaces"),
        ("POST", "/v2/organizations"),
    ]


@pytest.mark.parametrize("length", [LARGEST + 1, 10 * LARGEST, 10**18])
def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(
    served: Served, client: httpx.Client, length: int
) -> None:
    dataset = three(client)
    before = snapshot(client, dataset)
    for method, url in targets(dataset):
        connection = Connection(served, method, url, f"Content-Length: {length}")
        connection.send(b'{"examples":[')
        assert_problem(connection.answer(), 413, "payload-too-large", "64 MiB")
    assert snapshot(client, dataset) == before


def test_a_body_of_unknown_length_is_refused_once_it_is_too_large(
    served: Served, client: httpx.Client
) -> None:
    dataset = three(client)
    before = snapshot(client, dataset)
    headers = "Transfer-Encoding: chunked"
    connection = Connection(served, "PATCH", dataset.examples_url, headers)
    item = f'{{"id":"{dataset.example_ids[0]}","answer":"changed"}}'
    start = examples_body([item])
    connection.send_chunk(start)
    for _ in range(63):
        connection.send_chunk(b" " * MIB)
    connection.send_chunk(b" " * (MIB - len(start)))
    connection.send_chunk(b" ")  # one byte over, and no end
    assert_problem(connection.answer(), 413, "payload-too-large", "64 MiB")
    assert snapshot(client, dataset) == before


@pytest.mark.parametrize("chunked", [False, True], ids=["content-length", "chunked"])
def test_a_body_of_64_mib_is_accepted(client: httpx.Client, chunked: bool) -> None:
    dataset = three(client)
    start = examples_body([f'{{"id":"{dataset.example_ids[0]}","answer":"changed"}}'])

    def pieces() -> Iterator[bytes]:
        yield start
        yield b" " * (LARGEST - len(start))

    content = pieces() if chunked else b"".join(pieces())
    ok(client.patch(dataset.examples_url, content=content))
    assert read_fields(client, dataset)[0]["answer"] == "changed"


def test_a_value_of_many_mib_comes_back(client: httpx.Client) -> None:
    dataset = three(client)
    text = '"' + "😀 grass " * (16 * MIB // 11) + '"'
    item = f'{{"id":"{dataset.example_ids[0]}","answer":{text}}}'
    ok(send(client, "PATCH", dataset.examples_url, examples_body([item])))
    assert read_texts(client, dataset.id)[0]["answer"] == text


def test_a_thousand_items_are_accepted(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1_000))
    changes = [{"id": id, "n": -1} for id in dataset.example_ids]
    assert ok(patch(client, dataset, changes))["example_ids"] == list(dataset.example_ids)
    assert {fields["n"] for fields in read_fields(client, dataset)} == {-1}
    body = {"examples": numbered(1_000, start=1_000)}
    added = ok(send(client, "POST", dataset.examples_url, body), 201)["example_ids"]
    assert read_fields(client, dataset)[1_000:] == numbered(1_000, start=1_000)
    gone = ok(delete_examples(client, dataset, dataset.version_id, added))
    assert sorted(gone["deleted_example_ids"]) == sorted(added)
    assert len(read_fields(client, dataset)) == 1_000


def test_more_than_a_thousand_items_are_refused(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1_000))
    ok(send(client, "POST", dataset.examples_url, {"examples": numbered(1)}), 201)
    ids = [json.loads(text["id"]) for text in read_texts(client, dataset.id)]
    assert len(ids) == 1_001
    before = snapshot(client, dataset)
    name = unique("refused")
    create = {"name": name, "space_id": default_space(client), "examples": numbered(1_001)}
    for response, detail in (
        (patch(client, dataset, [{"id": id, "n": -1} for id in ids]), "examples"),
        (patch(client, dataset, [{"id": id} for id in ids], new_version="next"), "examples"),
        (send(client, "POST", dataset.examples_url, {"examples": numbered(1_001)}), "examples"),
        (delete_examples(client, dataset, dataset.version_id, ids), "example_ids"),
        (send(client, "POST", "/v2/datasets", create), "examples"),
    ):
        assert_problem(response, 422, "validation-error", detail)
    assert snapshot(client, dataset) == before
    assert ok(client.get("/v2/datasets", params={"name": name}))["datasets"] == []
