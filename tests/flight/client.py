"""A plain pyarrow client of Arrow Flight: what the SDK sends, without the SDK around it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from pyarrow import flight

from tests.serving import KEY, Served


def connect(served: Served) -> flight.FlightClient:
    """Return a client of this server; close it, or use it in a `with`."""
    return flight.FlightClient(f"grpc://127.0.0.1:{served.flight_port}")


def options(key: str = KEY) -> flight.FlightCallOptions:
    """Return the options of a call with this key, as the SDK sends it; a call may last 60 s."""
    return flight.FlightCallOptions(headers=[(b"auth-token-bin", key.encode())], timeout=60)


def create_command(space_id: str, name: str) -> flight.FlightDescriptor:
    """Return the descriptor of a `DoPut` that makes a dataset."""
    asked = {"spaceId": space_id, "datasetName": name, "datasetType": "GENERATIVE"}
    return flight.FlightDescriptor.for_command(json.dumps({"createDataset": asked}).encode())


def create(served: Served, space_id: str, name: str, rows: Any, key: str = KEY) -> str:
    """Make a dataset of these rows, a table or an iterable of record batches; return its id."""
    reader = rows.to_reader() if isinstance(rows, pa.Table) else _reader(iter(rows))
    with connect(served) as client:
        writer, answers = client.do_put(create_command(space_id, name), reader.schema, options(key))
        with writer:
            for batch in reader:
                writer.write_batch(batch)
            writer.done_writing()
            answer = answers.read().to_pybytes()
            assert answers.read() is None
    assert answer[:1] == b"\x0a", answer
    assert answer[1] == len(answer) - 2, answer
    return str(answer[2:].decode())


def _reader(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    first = next(batches)
    return pa.RecordBatchReader.from_batches(first.schema, itertools.chain([first], batches))


def ticket(**get_dataset: str) -> flight.Ticket:
    """Return the ticket of a `DoGet` with these members: `datasetId`, `datasetVersion` and so."""
    return flight.Ticket(json.dumps({"getDataset": get_dataset}).encode())


def read(served: Served, key: str = KEY, **get_dataset: str) -> pa.Table:
    """Read a version whole: `read(served, datasetId=..., datasetVersion=...)`."""
    with connect(served) as client:
        return client.do_get(ticket(**get_dataset), options(key)).read_all()


_STATUSES: dict[type[Exception], int] = {
    flight.FlightUnauthenticatedError: 401,
    flight.FlightUnauthorizedError: 403,
    pa.ArrowKeyError: 404,
    pa.ArrowInvalid: 422,
    pa.ArrowNotImplementedError: 501,
    pa.ArrowException: 409,  # pyarrow has no type for ALREADY_EXISTS
}
"""The status that REST has for an error of Flight."""


class Refusal(NamedTuple):
    """What the server said."""

    status: int
    """422 stands for 400 too."""
    detail: str


def refusal(call: Callable[..., object], *arguments: Any, **named: Any) -> Refusal:
    """Make a call that the server must refuse, and return what it said.

    For example `refusal(create, served, space_id, "name", table).detail`.
    """
    with pytest.raises(tuple(_STATUSES)) as caught:
        call(*arguments, **named)
    said = str(caught.value)
    assert "Traceback" not in said
    assert ".py" not in said
    detail = re.search(r"with message: (.*?)\.?(?: gRPC client debug context|$)", said, re.DOTALL)
    assert detail, said
    return Refusal(_STATUSES[type(caught.value)], detail[1])
