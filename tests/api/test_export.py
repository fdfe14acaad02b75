"""`GET .../export`: every version as JSONL, CSV and Parquet, of one state, at the client's pace."""

from __future__ import annotations

import csv
import io
import json
from functools import partial
from urllib.parse import quote

import httpx
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.api.helpers import (
    Dataset,
    assert_problem,
    line_of_versions,
    make_dataset,
    numbered,
    ok,
    patch,
    read_texts,
    three,
)
from tests.flight.client import create
from tests.serving import Served

ODD = [
    '{"q":"\\u00e9\\/ \\n","n":1e400,"nested":[ 1, {"b" : 2,\n"a":[]} ],"x":1.50}',
    '{"":-0,"n":null,"a,b":"say \\"hi\\",\\r\\nthen go"}',
    '{"q":1.0,"n":12345678901234567890}',
]


def export(
    client: httpx.Client, dataset: Dataset, format: str = "jsonl", version: str = ""
) -> httpx.Response:
    query = {"format": format, "version_id": version}
    return client.get(f"/api/v1/datasets/{dataset.id}/export", params=query)


def texts(line: bytes) -> dict[str, str]:
    """The members of a line, each value as text without line breaks."""
    found = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    return {name: bytes(value).decode() for name, value in found.items()}


def test_jsonl_is_what_the_api_shows(client: httpx.Client) -> None:
    dataset = make_dataset(client, ODD)
    ok(patch(client, dataset, [{"id": dataset.example_ids[2], "é": "\u2028"}]))
    answer = export(client, dataset)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/jsonl"
    *lines, last = answer.content.split(b"\n")
    assert last == b""
    shown = read_texts(client, dataset.id)
    assert shown[0]["nested"].count("\n") == 1
    shown[0]["nested"] = shown[0]["nested"].replace("\n", " ")
    assert [texts(line) for line in lines] == shown


def test_every_version_can_be_exported(client: httpx.Client) -> None:
    dataset, versions = line_of_versions(client)
    for version in [*versions, ""]:
        answer = export(client, dataset, version=version)
        found = [texts(line) for line in answer.content.splitlines()]
        assert found == read_texts(client, dataset.id, version or None)
        page = client.get(dataset.examples_url, params={"dataset_version_id": version})
        assert answer.headers["ETag"] == page.headers["ETag"]


def test_csv_is_a_header_and_a_line_for_each_example(client: httpx.Client) -> None:
    dataset = make_dataset(client, ODD)
    answer = export(client, dataset, "csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.text.count("\r\n") == 4 + 1  # one is in a value
    header, *rows = list(csv.reader(io.StringIO(answer.text, newline=""), strict=True))
    assert header == ["id", "created_at", "updated_at", "q", "n", "nested", "x", "", "a,b"]
    assert [row[0] for row in rows] == list(dataset.example_ids)
    assert [row[3:] for row in rows] == [
        ["é/ \n", "1e400", '[ 1, {"b" : 2,\n"a":[]} ]', "1.50", "", ""],
        ["", "", "", "", "-0", 'say "hi",\r\nthen go'],
        ["1.0", "12345678901234567890", "", "", "", ""],
    ]


def test_parquet_has_columns_of_types(client: httpx.Client) -> None:
    dataset = make_dataset(
        client,
        [
            {"s": "a", "n": 1, "f": 0.5, "b": True, "list": [1], "mixed": 1},
            {"s": "b", "n": 2, "f": 1.0, "b": False, "list": None, "mixed": "1"},
        ],
    )
    answer = export(client, dataset, "parquet")
    table = pq.read_table(pa.BufferReader(answer.content))
    types = [table.schema.field(name).type for name in ("s", "n", "f", "b", "list", "mixed")]
    assert types == [pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.string(), pa.string()]
    assert table["list"].to_pylist() == ["[1]", "null"]
    assert table["mixed"].to_pylist() == ["1", '"1"']
    assert table["id"].to_pylist() == list(dataset.example_ids)


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_a_version_without_examples(client: httpx.Client, format: str) -> None:
    dataset = make_dataset(client, numbered(1))
    gone = {"dataset_version_id": dataset.version_id, "example_ids": list(dataset.example_ids)}
    ok(client.request("DELETE", dataset.examples_url, json=gone))
    content = export(client, dataset, format).content
    if format == "parquet":
        content = b",".join(
            name.encode() for name in pq.read_schema(pa.BufferReader(content)).names
        )
    assert content.strip() == (b"" if format == "jsonl" else b"id,created_at,updated_at")


def test_the_name_of_the_file(client: httpx.Client) -> None:
    dataset = three(client)
    ok(client.patch(dataset.url, json={"name": f'../é "{dataset.id}"'}))
    named = export(client, dataset, "csv").headers["Content-Disposition"]
    stem = dataset.id.rstrip("=")
    assert named.startswith(f'attachment; filename="{stem}')
    assert "filename*=UTF-8''_%C3%A9%20_" in named
    assert named.endswith("_%20v1.csv")


def test_the_name_of_the_file_is_what_it_shows(client: httpx.Client) -> None:
    dataset = three(client)
    ok(client.patch(dataset.url, json={"name": f"a\u202egpj.exe\u200b{dataset.id}"}))
    named = export(client, dataset, "csv").headers["Content-Disposition"]
    assert f"filename*=UTF-8''agpj.exe{quote(dataset.id, safe='')}%20v1.csv" in named


def test_what_cannot_be_exported(client: httpx.Client) -> None:
    dataset, other = three(client), three(client)
    assert_problem(export(client, dataset, "xml"), 422, "validation-error", "jsonl, csv, parquet")
    assert_problem(export(client, dataset, version="x"), 400, "invalid-request", "version_id")
    assert_problem(export(client, dataset, version=other.version_id), 404, "not-found")
    unknown = client.get("/api/v1/datasets/RGF0YXNldDo5ODc2NTQzMjE6YUJjRA==/export")
    assert_problem(unknown, 404, "not-found")
    wide = make_dataset(
        client, [{str(n): n for n in range(start, start + 900)} for start in (0, 900, 1800)]
    )
    for format in ("csv", "parquet"):
        assert_problem(export(client, wide, format), 422, "validation-error", "JSONL")
    assert export(client, wide).status_code == 200


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_a_slow_reader_stops_no_writer_and_sees_one_state(
    served: Served, client: httpx.Client, format: str
) -> None:
    size = 30_000  # more than the connection holds by itself
    table = pa.table(
        {"n": range(size), "text": ["x" * 1_000] * size, "id": list(map(str, range(size)))}
    )
    space = ok(client.get("/v2/spaces"))["spaces"][0]["id"]
    id = create(served, space, f"{served.port} {format} slow", table)
    url, query = f"/api/v1/datasets/{id}/export", {"format": format}
    with client.stream("GET", url, params=query) as slow:
        pieces = slow.iter_bytes()
        content = next(pieces)
        change = partial(client.patch, f"/v2/datasets/{id}/examples")
        ok(change(json={"examples": [{"id": "29999", "n": -1}]}))
        ok(change(json={"examples": [{"id": "29998", "n": -1}], "new_version": "other"}))
        content += b"".join(pieces)
    if format == "parquet":
        found = pq.read_table(pa.BufferReader(content))["n"].to_pylist()
    elif format == "csv":
        found = [int(row["n"]) for row in csv.DictReader(io.StringIO(content.decode(), newline=""))]
    else:
        found = [json.loads(line)["n"] for line in content.splitlines()]
    assert sorted(found) == list(range(size))


def test_readers_that_leave_are_forgotten(served: Served, client: httpx.Client) -> None:
    table = pa.table({"n": range(30_000), "text": ["x" * 1_000] * 30_000})
    space = ok(client.get("/v2/spaces"))["spaces"][0]["id"]
    id = create(served, space, f"{served.port} left", table)
    for _ in range(5):
        with client.stream("GET", f"/api/v1/datasets/{id}/export") as answer:
            next(answer.iter_bytes())
    assert len(client.get(f"/api/v1/datasets/{id}/export").content.splitlines()) == 30_000
