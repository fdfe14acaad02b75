"""`POST .../import`: files into versions over HTTP: all or nothing, whatever happens on the way."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exempla.limits import MAX_FILE_BYTES
from tests.api.helpers import (
    Dataset,
    assert_problem,
    get_dataset,
    make_dataset,
    numbered,
    ok,
    read_bytes,
    read_fields,
    read_version,
    send,
    snapshot,
    three,
    unique,
    version_ids,
)
from tests.api.test_limits import MIB, Connection
from tests.serving import Served


def url_of(dataset: Dataset) -> str:
    return f"/api/v1/datasets/{dataset.id}/import"


def send_file(
    client: httpx.Client,
    dataset: Dataset,
    content: bytes | Iterator[bytes],
    query: Mapping[str, str] = MappingProxyType({}),
    headers: Mapping[str, str] = MappingProxyType({}),
) -> httpx.Response:
    return client.post(url_of(dataset), content=content, params=query, headers=headers)


def rows(*examples: Mapping[str, object]) -> bytes:
    return "\n".join(map(json.dumps, examples)).encode()


def test_new_examples(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    answer = ok(send_file(client, dataset, rows({"n": 1}, {"id": "two", "n": 2})))
    told = {k: v for k, v in get_dataset(client, dataset).items() if k != "versions"}
    assert answer == told | {
        "dataset_version_id": dataset.version_id,
        "inserted": 2,
        "updated": 0,
        "unchanged": 0,
        "ignored": 0,
        "dry_run": False,
    }
    assert [one["n"] for one in read_fields(client, dataset)] == [0, 1, 2]
    assert read_version(client, dataset.id)[2]["id"] == "two"


def test_changes_by_id_into_a_new_version(client: httpx.Client) -> None:
    dataset = three(client)
    first, second, _ = dataset.example_ids
    content = rows({"id": first, "answer": "x"}, {"id": second}, {"id": "unknown", "answer": "y"})
    query = {"mode": "update", "version_id": dataset.version_id, "new_version": "from a file"}
    response = send_file(client, dataset, content, query)
    answer = ok(response)
    counts = {name: answer[name] for name in ("inserted", "updated", "unchanged", "ignored")}
    assert counts == {"inserted": 0, "updated": 1, "unchanged": 1, "ignored": 1}
    assert version_ids(client, dataset) == [answer["dataset_version_id"], dataset.version_id]
    assert [one["answer"] for one in read_fields(client, dataset)] == ["x", "6", "green"]
    page = client.get(dataset.examples_url)
    assert response.headers["ETag"] == page.headers["ETag"]
    assert_problem(send_file(client, dataset, content, query), 409, "conflict", "from a file")


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_an_export_is_imported_as_it_was(client: httpx.Client, format: str) -> None:
    dataset = make_dataset(
        client, ['{"a":1.50,"b":null}', r'{"a":"\u00e9\/","":[ 1e400 ]}', '{"c":-0}']
    )
    other = make_dataset(client, numbered(1))
    gone = {"dataset_version_id": other.version_id, "example_ids": list(other.example_ids)}
    ok(client.request("DELETE", other.examples_url, json=gone))
    url = f"/api/v1/datasets/{dataset.id}/export"
    content = client.get(url, params={"format": format}).content
    assert ok(send_file(client, other, content, {"format": format}))["inserted"] == 3
    digests = {
        ok(client.get(f"/api/v1/datasets/{one.id}/versions/{one.version_id}"))["digest"]
        for one in (dataset, other)
    }
    assert len(digests) == 1


def test_csv_and_parquet_of_others(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    ok(send_file(client, dataset, b'question,n\r\n"a, b",1\r\n', {"format": "csv"}))
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": [2, None], "tags": [["x"], []]}), sink)
    ok(send_file(client, dataset, sink.getvalue(), {"format": "parquet"}))
    assert read_fields(client, dataset)[1:] == [
        {"question": "a, b", "n": "1"},
        {"n": 2, "tags": ["x"]},
        {"n": None, "tags": []},
    ]


@pytest.mark.parametrize("into", ["", "next"])
def test_a_dry_run_tells_the_diff_and_writes_nothing(client: httpx.Client, into: str) -> None:
    dataset = three(client)
    before = snapshot(client, dataset)
    content = rows({"id": dataset.example_ids[1], "answer": "5"}, {"id": dataset.example_ids[0]})
    query = {"mode": "update", "new_version": into}
    response = send_file(client, dataset, content, query | {"dry_run": "true"})
    tried = ok(response)
    assert snapshot(client, dataset) == before
    assert response.headers["ETag"] == client.get(dataset.examples_url).headers["ETag"]
    assert tried["dry_run"] is True
    assert tried["dataset_version_id"] == (None if into else dataset.version_id)
    ok(send_file(client, dataset, content, query | {"new_version": "next"}))
    found = ok(client.get(f"/api/v1/datasets/{dataset.id}/diff"))
    assert tried["diff"] == {k: found[k] for k in ("counts", "changes", "pagination")}
    many = rows(*[{"n": n} for n in range(51)])
    keyed = {"Idempotency-Key": unique("dry run")}
    first, again = (send_file(client, dataset, many, {"dry_run": "true"}, keyed) for _ in range(2))
    assert again.content == first.content
    tried = ok(first)
    assert len(tried["diff"]["changes"]) == 50
    assert tried["diff"]["pagination"] == {"has_more": True}


@pytest.mark.parametrize("dry_run", ["", "true"])
@pytest.mark.parametrize(
    ("content", "query", "status", "said"),
    [
        (b'{"n":1}\n{"n":}', {}, 400, "line 2 is not valid JSON"),
        (b'{"n":1}\n{"id":7}', {}, 422, "line 2: the id must be a string"),
        (b'{"n":1}\n{"n":1,"annotations":[]}', {}, 422, "line 2: 'annotations'"),
        (b"", {}, 422, "no rows"),
        (b"a,b\n1,2\n3\n", {"format": "csv"}, 422, "line 3 has 1 cell"),
        (b'{"n":1}', {"format": "parquet"}, 400, "cannot be read as Parquet"),
        (b'{"n":1}', {"format": "xlsx"}, 422, "format"),
        (b'{"n":1}', {"mode": "upsert"}, 422, "mode"),
        (b'{"n":1}', {"new_version": " "}, 422, "new_version"),
        (b'{"n":1}', {"version_id": "x"}, 400, "version_id"),
        (b'{"n":1}', {"mode": "update"}, 422, "line 1: the id is missing"),
    ],
)
def test_what_is_refused_leaves_nothing(
    client: httpx.Client,
    content: bytes,
    query: dict[str, str],
    status: int,
    said: str,
    dry_run: str,
) -> None:
    dataset = three(client)
    before = snapshot(client, dataset)
    answer = send_file(client, dataset, content, query | {"dry_run": dry_run})
    slug = "invalid-request" if status == 400 else "validation-error"
    assert_problem(answer, status, slug, said)
    assert snapshot(client, dataset) == before


def test_other_refusals(client: httpx.Client) -> None:
    dataset = three(client)
    before = read_bytes(client, dataset)
    bad = send_file(client, dataset, b'{"n":1}', {"dry_run": "yes"})
    assert_problem(bad, 422, "validation-error", "dry_run")
    packed = send_file(client, dataset, b'{"n":1}', headers={"Content-Encoding": "gzip"})
    assert_problem(packed, 415, "invalid-request", "Content-Encoding")
    changed = send_file(client, dataset, b'{"n":1}', headers={"If-Match": '"1-2"'})
    assert_problem(changed, 412, "precondition-failed")
    ok(
        client.patch(
            f"/api/v1/datasets/{dataset.id}/versions/{dataset.version_id}", json={"locked": True}
        )
    )
    locked = send_file(client, dataset, b'{"n":1}')
    assert_problem(locked, 409, "conflict", "locked")
    unknown = client.post(
        "/api/v1/datasets/RGF0YXNldDo5ODc2NTQzMjE6YUJjRA==/import", content=b'{"n":1}'
    )
    assert_problem(unknown, 404, "not-found")
    assert read_bytes(client, dataset) == before


def test_a_file_over_the_limit_of_other_bodies(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    line = rows({"text": "x" * MIB}) + b"\n"
    answer = ok(send_file(client, dataset, iter([line] * 70)))
    assert answer["inserted"] == 70


def test_a_file_that_says_it_is_too_large_is_refused_before_it_is_read(
    served: Served, client: httpx.Client
) -> None:
    dataset = three(client)
    connection = Connection(
        served, "POST", url_of(dataset), f"Content-Length: {MAX_FILE_BYTES + 1}"
    )
    connection.send(b'{"n":1}')
    assert_problem(connection.answer(), 413, "payload-too-large", f"{MAX_FILE_BYTES // MIB} MiB")


@pytest.mark.parametrize("chunked", [True, False])
def test_an_upload_that_breaks_leaves_nothing(
    served: Served, client: httpx.Client, chunked: bool
) -> None:
    dataset = three(client)
    before = snapshot(client, dataset)
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 1000"
    content = rows(*numbered(10))
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        head = f"POST {url_of(dataset)} HTTP/1.1\r\nHost: x\r\nAuthorization: {served.key}\r\n"
        connection.sendall(f"{head}{length}\r\n\r\n".encode())
        connection.sendall(b"%x\r\n%s\r\n" % (len(content), content) if chunked else content)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1_000)
    assert snapshot(client, dataset) == before


def test_a_file_that_is_sent_again_is_taken_once(client: httpx.Client) -> None:
    dataset = three(client)
    headers = {"Idempotency-Key": unique("file")}
    content = b"\n".join([rows({"text": "x" * 1_000})] * 3_000)  # more than one piece
    first, again = (send_file(client, dataset, content, headers=headers) for _ in range(2))
    assert ok(first)["inserted"] == 3_000
    assert again.content == first.content
    assert again.headers["ETag"] == first.headers["ETag"]
    assert len(read_fields(client, dataset)) == 3_003
    for other in (content + b"\n", b""):
        refused = send_file(client, dataset, other, headers=headers)
        assert_problem(refused, 422, "validation-error")
    assert client.delete(dataset.url).status_code == 204
    assert send_file(client, dataset, content, headers=headers).content == first.content


def test_other_writers_are_heard_after_an_import(client: httpx.Client) -> None:
    dataset = three(client)
    seen = client.get(dataset.examples_url).headers["ETag"]
    answer = send_file(client, dataset, b'{"n":1}', headers={"If-Match": seen})
    assert ok(answer)["inserted"] == 1
    again = send_file(client, dataset, b'{"n":1}', headers={"If-Match": seen})
    assert_problem(again, 412, "precondition-failed", answer.headers["ETag"].strip('"'))
    ok(send(client, "POST", dataset.examples_url, {"examples": numbered(1)}), 201)
    assert len(read_fields(client, dataset)) == 5


def test_no_file_is_left(tmp_path: Path) -> None:
    served = Served.start("--data-dir", str(tmp_path))
    headers = {"Authorization": f"Bearer {served.key}"}
    with httpx.Client(base_url=served.base_url, headers=headers) as client:
        dataset = three(client)
        files = {path.name for path in tmp_path.iterdir()}
        ok(send_file(client, dataset, b"\n".join([rows({"text": "x" * MIB})] * 20)))
        client.get(f"/api/v1/datasets/{dataset.id}/export")
        assert {path.name for path in tmp_path.iterdir()} == files
    assert served.stop() == 0, served.output
