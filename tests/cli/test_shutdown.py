"""How a server ends: told to, it finishes what is in flight; killed, it loses nothing."""

from __future__ import annotations

import http.client
import itertools
import json
import signal
import socket
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.cli.support import (
    WAIT_LIMIT_S,
    Place,
    all_examples,
    client,
    create_dataset,
    running,
    wait_until,
)
from tests.serving import KEY, Served

STOPS = [signal.SIGTERM, signal.SIGINT]
WORKERS = ["1", "3"]
LARGE = "x" * 5_000
COUNT = 1_000
WRITERS = 3


def create_numbered(http: httpx.Client, count: int) -> tuple[str, list[str]]:
    """Make a dataset of examples `{"n": 0}`, ...; return its id and theirs."""
    dataset = create_dataset(http, *[{"n": n} for n in range(count)])
    return dataset, [example["id"] for example in all_examples(http, dataset)]


# Told to stop


def test_idle_connections_do_not_hold_up_the_end(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path)) as served, client(served) as http:
        assert http.get("/v2/spaces").status_code == 200
        assert served.stop(signal.SIGINT) == 0
    assert "Traceback" not in served.output


@pytest.mark.parametrize("stop", STOPS)
def test_stop_right_after_the_start(tmp_path: Path, stop: signal.Signals) -> None:
    served = Served.start("--data-dir", str(tmp_path))
    try:
        assert served.stop(stop) == 0
        assert "Traceback" not in served.output
    finally:
        served.stop(signal.SIGKILL)


@pytest.mark.parametrize("workers", WORKERS)
def test_requests_in_flight_are_finished(place: Place, workers: str) -> None:
    with running(*place.flags, "--workers", workers) as served:
        with client(served) as http:
            dataset, ids = create_numbered(http, COUNT)
        updates = [{"id": id, "large": LARGE} for id in ids]
        new = [{"large": LARGE} for _ in ids]
        path = f"/v2/datasets/{dataset}/examples"
        updated, inserted = stop_amid(served, path, {"PATCH": updates, "POST": new})
        exit_status = served.process.wait(WAIT_LIMIT_S)  # a second signal would end it at once
    assert (updated.status, inserted.status) == (200, 201)
    assert updated.example_ids == ids
    assert exit_status == 0
    with running(*place.flags) as again, client(again) as http:
        stored = all_examples(http, dataset)
    assert [one["id"] for one in stored] == ids + inserted.example_ids
    assert {one["large"] for one in stored} == {LARGE}


class Answer(NamedTuple):
    """What the answer to a write of examples says."""

    status: int
    example_ids: list[str]


def stop_amid(served: Served, path: str, requests: dict[str, list[dict[str, str]]]) -> list[Answer]:
    """Send half of each request, tell the server to stop, send the rest; return the answers."""
    with ExitStack() as stack:
        rests = []
        for method, examples in requests.items():
            body = json.dumps({"examples": examples}).encode()
            connection = stack.enter_context(closing(begin(served, method, path, len(body))))
            connection.send(body[: len(body) // 2])
            rests.append((connection, body[len(body) // 2 :]))
        served.process.send_signal(signal.SIGTERM)
        assert wait_until(lambda: refuses(served)), "the server still takes new connections"
        return [finish(connection, rest) for connection, rest in rests]


def finish(connection: http.client.HTTPConnection, rest: bytes) -> Answer:
    """Send the rest of the body and read the answer."""
    connection.send(rest)
    answer = connection.getresponse()
    return Answer(answer.status, json.loads(answer.read()).get("example_ids", []))


def begin(served: Served, method: str, path: str, length: int) -> http.client.HTTPConnection:
    """Send the head of a request; return when the server waits for its body."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.putrequest(method, path)
    connection.putheader("Authorization", f"Bearer {KEY}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(length))
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    assert read_head(connection.sock).startswith(b"HTTP/1.1 100 ")
    return connection


def read_head(connection: socket.socket) -> bytes:
    """Read the head of an answer, and no byte more."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := connection.recv(1)):
        head += byte
    return head


def refuses(served: Served) -> bool:
    """Tell whether the server has stopped listening."""
    try:
        socket.create_connection(("127.0.0.1", served.port), timeout=WAIT_LIMIT_S).close()
    except ConnectionError:
        return True
    return False


# Told to stop, or killed, while it writes


class Writer(threading.Thread):
    """Send one PATCH after the other, each with a field of its own, until the server is gone."""

    def __init__(self, served: Served, dataset: str, ids: list[str], name: str) -> None:
        super().__init__(name=name)
        self._served = served
        self._path = f"/v2/datasets/{dataset}/examples"
        self._ids = ids
        self.acknowledged: set[str] = set()
        self.refused: list[httpx.Response] = []

    def run(self) -> None:
        with client(self._served) as http:
            for number, id in enumerate(itertools.cycle(self._ids)):
                field = f"{self.name}_{number}"
                try:
                    answer = http.patch(self._path, json={"examples": [{"id": id, field: number}]})
                except httpx.TransportError:
                    return
                if answer.status_code != 200:
                    self.refused.append(answer)
                    return
                self.acknowledged.add(field)


def write_until(served: Served, dataset: str, ids: list[str], end: signal.Signals) -> set[str]:
    """Write from some threads, end the server meanwhile, return what was acknowledged."""
    writers = [Writer(served, dataset, ids, f"writer{number}") for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    written = wait_until(lambda: all(len(writer.acknowledged) >= 40 for writer in writers))
    status = served.stop(end)
    for writer in writers:
        writer.join()
    assert written
    assert status == (0 if end == signal.SIGTERM else -end)
    assert [answer.text for writer in writers for answer in writer.refused] == []
    return set[str]().union(*(writer.acknowledged for writer in writers))


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_acknowledged_writes_are_kept(place: Place, end: signal.Signals, workers: str) -> None:
    with running(*place.flags, "--workers", workers) as served:
        with client(served) as http:
            dataset, ids = create_numbered(http, 50)
        acknowledged = write_until(served, dataset, ids, end)
    with running(*place.flags) as again, client(again) as http:
        examples = all_examples(http, dataset)
    stored = {field for one in examples for field in one if field.startswith("writer")}
    assert acknowledged <= stored
    assert [one["id"] for one in examples] == ids
    if end == signal.SIGTERM:
        assert stored == acknowledged, "a write that was done must have been answered"
