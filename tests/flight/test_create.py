"""Datasets made over Arrow Flight: all of the stream, or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pyarrow as pa
import pytest
from pyarrow import flight

from tests.api.helpers import default_space, ok, unique
from tests.clients.environments import ROOT
from tests.flight.client import connect, create, create_command, options, read, refusal
from tests.flight.streams import creating, numbers, putting
from tests.serving import Served

TEXTS = pa.table({"text": ["one", "two", "three"]})


@pytest.fixture
def space(client: httpx.Client) -> str:
    return default_space(client)


def names(client: httpx.Client, name: str) -> list[str]:
    """Return the names of the datasets that have this in theirs."""
    found = ok(client.get("/v2/datasets", params={"name": name}))["datasets"]
    return [dataset["name"] for dataset in found]


def shown(client: httpx.Client, dataset: str) -> list[dict[str, Any]]:
    """Return the first 500 examples as REST shows them."""
    page = ok(client.get(f"/v2/datasets/{dataset}/examples", params={"limit": "500"}))
    return list(page["examples"])


def test_a_dataset_is_made(served: Served, client: httpx.Client, space: str) -> None:
    name = unique()
    made = ok(client.get(f"/v2/datasets/{create(served, space, name, TEXTS)}"))
    assert (made["name"], made["space_id"]) == (name, space)
    assert [version["name"] for version in made["versions"]] == ["v1"]
    examples = shown(client, made["id"])
    assert [example["text"] for example in examples] == ["one", "two", "three"]
    assert len({example["id"] for example in examples}) == 3
    changed = {"examples": [{"id": examples[1]["id"], "text": "TWO"}], "new_version": "v2"}
    answer = client.patch(f"/v2/datasets/{made['id']}/examples", json=changed)
    assert ok(answer)["example_ids"] == [examples[1]["id"]]
    assert read(served, datasetId=made["id"])["text"].to_pylist() == ["one", "TWO", "three"]


def test_many_batches_are_one_dataset(served: Served, client: httpx.Client, space: str) -> None:
    batches = [pa.record_batch({"n": range(n * 7, n * 7 + 7)}) for n in range(500)]
    dataset = create(served, space, unique(), [pa.record_batch({"n": [-1]}), *batches])
    assert read(served, datasetId=dataset)["n"].to_pylist() == list(range(-1, 3_500))


def test_ids_times_and_order_are_those_given(
    served: Served, client: httpx.Client, space: str
) -> None:
    table = pa.table(
        {
            "id": ["b", "a", "c", "ü"],
            "created_at": [2_000, 2_000, 1_000, 2_000],
            "updated_at": [9_000, 8_000, None, 7_000],
            "n": [1, 2, 3, 4],
        }
    )
    examples = shown(client, create(served, space, unique(), table))
    assert [(example["id"], example["n"]) for example in examples] == [
        ("c", 3),
        ("a", 2),
        ("b", 1),
        ("ü", 4),
    ]
    assert examples[0]["created_at"] == "1970-01-01T00:00:01.000000Z"
    assert [example["updated_at"][17:19] for example in examples] == ["01", "08", "09", "07"]


BAD = {
    "an id twice": ({"id": ["a", "b", "a"], "n": [1, 2, 3]}, "row 2: the id 'a' is that of row 0"),
    "an empty id": ({"id": ["a", ""], "n": [1, 2]}, "row 1: the id is empty"),
    "a missing id": ({"id": ["a", None], "n": [1, 2]}, "row 1: the id is empty"),
    "an id with U+0000": ({"id": ["a", "b\0"], "n": [1, 2]}, "row 1: the id contains"),
    "no columns": ({"id": ["a"]}, "there are no columns but the id and times"),
    "a binary column": ({"n": [1], "picture": [b"x"]}, "the column 'picture'"),
    "annotations": ({"n": [1], "annotations": ["x"]}, "the column 'annotations'"),
    "infinity": ({"n": [1.0, float("-inf")]}, "row 1: the column 'n' cannot be read: infinity is"),
    "a time out of range": ({"n": [1, 2], "created_at": [1, -1]}, "row 1: 'created_at'"),
    "very many rows": ({"n": pa.nulls(1_000_001)}, "a record batch has 1000001 rows"),
    "no rows": ({"n": pa.array([], pa.int64())}, "there are no rows"),
}


@pytest.mark.parametrize("columns", BAD)
def test_a_bad_row_leaves_nothing(
    served: Served, client: httpx.Client, space: str, columns: str
) -> None:
    given, said = BAD[columns]
    good = unique()
    problem = refusal(create, served, space, good, pa.table(given))
    assert said in problem.detail
    assert problem.status == 422
    assert names(client, good) == []
    create(served, space, good, TEXTS)


def test_a_bad_row_after_many_good_ones_is_named(served: Served, space: str) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, 5_000, 500):
            ids = [f"id {n}" for n in range(start, start + 500)]
            yield pa.record_batch({"id": ids if start < 4_500 else ["", *ids[1:]], "n": range(500)})

    problem = refusal(create, served, space, unique(), batches())
    assert problem.detail.startswith("row 4500: the id is empty")


@pytest.mark.parametrize(("name", "said"), [("", "blank"), (" ", "blank"), ("x" * 256, "255")])
def test_a_bad_name_is_refused(served: Served, space: str, name: str, said: str) -> None:
    problem = refusal(create, served, space, name, TEXTS)
    assert "datasetName" in problem.detail
    assert said in problem.detail


def test_a_taken_name_is_refused(served: Served, client: httpx.Client, space: str) -> None:
    name = unique()
    create(served, space, name, TEXTS)
    assert refusal(create, served, space, name, TEXTS).status == 409
    assert names(client, name) == [name]


def test_of_two_at_once_with_a_name_one_is_made(
    served: Served, client: httpx.Client, space: str
) -> None:
    name, outcomes = unique(), []
    table = pa.table({"n": range(20_000)})

    def make() -> None:
        try:
            outcomes.append(create(served, space, name, table))
        except pa.ArrowException as error:
            outcomes.append("taken" if "choose another" in str(error) else str(error))

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[1:] == ["taken", "taken"]
    assert read(served, datasetId=min(outcomes)).num_rows == 20_000
    assert names(client, name) == [name]


KILLED = """
import sys, time
import pyarrow as pa
from pyarrow import flight
from tests.flight.client import create_command, options

port, space, name = sys.argv[1:]
client = flight.FlightClient(f"grpc://127.0.0.1:{port}")
table = pa.table({"text": ["x" * 1_000] * 2_000})
writer, _ = client.do_put(create_command(space, name), table.schema, options())
writer.write_table(table)
print("written", flush=True)
time.sleep(60)
"""


def test_a_client_that_is_killed_leaves_nothing(
    served: Served, client: httpx.Client, space: str
) -> None:
    name = unique()
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(served.flight_port), space, name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        os.kill(process.pid, signal.SIGKILL)
    time.sleep(0.3)
    assert names(client, name) == []
    create(served, space, name, TEXTS)


def test_a_stream_whose_time_is_over_leaves_nothing(
    served: Served, client: httpx.Client, space: str
) -> None:
    name = unique()
    short = flight.FlightCallOptions(headers=options().headers, timeout=0.5)
    with connect(served) as connection:
        writer, _ = connection.do_put(create_command(space, name), TEXTS.schema, short)
        writer.write_table(TEXTS)
        time.sleep(0.7)
        with pytest.raises((flight.FlightTimedOutError, flight.FlightCancelledError)):
            writer.close()
    assert names(client, name) == []


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (b"", 422, "cannot be read"),
        (b"\xff", 422, "cannot be read"),
        (b"[]", 422, "cannot be read"),
        (b"{}", 422, "createDataset is required"),
        (b'{"postExperimentData":{}}', 501, "postExperimentData"),
        (b'{"createDataset":{"datasetName":"x"}}', 422, "spaceId"),
        (b'{"createDataset":{"spaceId":"x","datasetName":"x"}}', 422, "spaceId"),
        (b'{"createDataset":{"spaceId":1}}', 422, "cannot be read"),
    ],
)
def test_a_bad_command_is_refused(served: Served, command: bytes, status: int, said: str) -> None:
    def send() -> None:
        with connect(served) as client:
            descriptor = flight.FlightDescriptor.for_command(command)
            writer, answers = client.do_put(descriptor, TEXTS.schema, options())
            with writer:
                writer.done_writing()
                answers.read()

    problem = refusal(send)
    assert problem.status == status
    assert said in problem.detail


def test_a_message_of_a_wrong_length_is_no_end_of_the_stream(
    served: Served, client: httpx.Client, space: str
) -> None:
    """Eight zero bytes look like the end of an Arrow stream."""
    name = unique()
    sent = [creating(space, name), numbers(0, 1, padding=bytes(8)), numbers(2, 3)]
    with putting(served.flight_port, iter(sent)) as call, pytest.raises(grpc.RpcError) as caught:
        list(call)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert names(client, name) == []
