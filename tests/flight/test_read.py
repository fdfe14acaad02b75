"""Versions read whole over Arrow Flight."""

from __future__ import annotations

from functools import partial

import httpx
import pyarrow as pa
import pytest
from pyarrow import flight

from tests.api.helpers import default_space, make_dataset, numbered, ok, unique
from tests.flight.client import connect, create, options, read, refusal, ticket
from tests.serving import Served


@pytest.fixture
def space(client: httpx.Client) -> str:
    return default_space(client)


def change(client: httpx.Client, dataset: str, id: str, **members: object) -> None:
    """Set the field `n` of an example."""
    ok(
        client.patch(
            f"/v2/datasets/{dataset}/examples", json={"examples": [{"id": id, "n": -1}]} | members
        )
    )


def test_a_version_is_found_by_id_and_by_name(served: Served, client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(3))
    change(client, dataset.id, dataset.example_ids[0], new_version="changed")
    latest = ok(client.get(dataset.url))["versions"][0]["id"]
    by_name = {"spaceId": dataset.space_id, "datasetName": dataset.name}
    for found in (
        read(served, datasetId=dataset.id),
        read(served, datasetId=dataset.id, datasetVersion=latest),
        read(served, datasetId=dataset.id, datasetVersion="changed"),
        read(served, **by_name),
        read(served, **by_name, datasetVersion="changed"),
    ):
        assert found["n"].to_pylist() == [-1, 1, 2]
        assert found["id"].to_pylist() == list(dataset.example_ids)
    for found in (
        read(served, datasetId=dataset.id, datasetVersion=dataset.version_id),
        read(served, **by_name, datasetVersion=dataset.version_name),
    ):
        assert found["n"].to_pylist() == [0, 1, 2]


def test_a_version_without_examples_has_the_columns_of_the_system(
    served: Served, client: httpx.Client
) -> None:
    dataset = make_dataset(client, numbered(1))
    gone = {"dataset_version_id": dataset.version_id, "example_ids": list(dataset.example_ids)}
    ok(client.request("DELETE", dataset.examples_url, json=gone))
    table = read(served, datasetId=dataset.id)
    assert table.num_rows == 0
    assert table.schema.names == ["id", "created_at", "updated_at"]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        (b"", 422, "cannot be read"),
        (b'{"getExperiment":{}}', 501, "getExperiment"),
        (b'{"getDataset":{}}', 422, "datasetId"),
        (b'{"getDataset":{"datasetName":"x"}}', 422, "spaceId"),
        (b'{"getDataset":{"datasetId":"x"}}', 422, "datasetId"),
        (b'{"getDataset":{"datasetId":"RGF0YXNldDo5ODc2NTQzMjE6YUJjRA=="}}', 404, "no dataset"),
    ],
)
def test_a_bad_ticket_is_refused(served: Served, asked: bytes, status: int, said: str) -> None:
    def send() -> None:
        with connect(served) as client:
            client.do_get(flight.Ticket(asked), options()).read_all()

    problem = refusal(send)
    assert problem.status == status
    assert said in problem.detail


def test_what_is_not_there_is_not_found(served: Served, client: httpx.Client, space: str) -> None:
    dataset, other = make_dataset(client, numbered(1)), make_dataset(client, numbered(1))
    unknown = [
        {"datasetId": dataset.id, "datasetVersion": "other"},
        {"datasetId": dataset.id, "datasetVersion": other.version_id},
        {"spaceId": space, "datasetName": unique()},
    ]
    for asked in unknown:
        assert refusal(partial(read, served, **asked)).status == 404


def test_other_calls_of_flight_are_refused(served: Served) -> None:
    path = flight.FlightDescriptor.for_path("x")
    with connect(served) as client:
        for call in (
            lambda: list(client.list_flights(options=options())),
            lambda: list(client.do_action(flight.Action("x", b""), options())),
            lambda: client.get_flight_info(path, options()),
            lambda: client.get_schema(path, options()),
            lambda: client.list_actions(options=options()),
        ):
            assert refusal(call).status == 501


def test_a_slow_reader_stops_no_writer_and_sees_one_state(
    served: Served, client: httpx.Client, space: str
) -> None:
    size = 30_000  # more than the connection holds by itself
    table = pa.table(
        {"n": range(size), "text": ["x" * 1_000] * size, "id": list(map(str, range(size)))}
    )
    dataset = create(served, space, unique(), table)
    with connect(served) as connection:
        slow = connection.do_get(ticket(datasetId=dataset), options())
        first = slow.read_chunk().data
        change(client, dataset, "29999")
        change(client, dataset, "29998", new_version="other")
        assert ok(client.get("/readyz", headers={}))
        rest = slow.read_all()
    found = first["n"].to_pylist() + rest["n"].to_pylist()
    assert sorted(found) == list(range(size))
    assert sorted(read(served, datasetId=dataset)["n"].to_pylist())[:3] == [-1, -1, 0]


def test_readers_that_leave_are_forgotten(served: Served, client: httpx.Client, space: str) -> None:
    table = pa.table({"n": range(30_000), "text": ["x" * 1_000] * 30_000})
    dataset = create(served, space, unique(), table)
    for _ in range(5):
        with connect(served) as connection:
            stream = connection.do_get(ticket(datasetId=dataset), options())
            stream.read_chunk()
            stream.cancel()
    assert read(served, datasetId=dataset).num_rows == 30_000
