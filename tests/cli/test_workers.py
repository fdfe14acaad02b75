"""`exempla serve --workers`: several processes, one database, the same promises."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from pyarrow.flight import FlightUnauthenticatedError

from tests.api.helpers import make_dataset, moment
from tests.api.key_support import soon, user_key
from tests.cli.support import (
    Place,
    all_examples,
    assert_one_line,
    client,
    running,
    secrets_in,
    status_of,
    wait_until,
)
from tests.cli.test_shutdown import refuses
from tests.flight.client import create, read
from tests.serving import Served, exempla

WORKERS = 3
FLAGS = ["--workers", str(WORKERS), "--no-flight"]


class Cluster(NamedTuple):
    """A server of several workers, and a connection to each of them."""

    served: Served
    clients: list[httpx.Client]


def children(served: Served) -> list[int]:
    """Return the numbers of the processes that the server has started."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(served.process.pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return sorted(map(int, listed.stdout.split()))


@contextmanager
def connections(served: Served) -> Iterator[list[httpx.Client]]:
    """Give one connection to each worker: while the others are halted, it must be that one's.

    What serves Arrow Flight was started last, and is none of them.
    """
    with ExitStack() as stack:
        clients = []
        workers = children(served)[:WORKERS]
        for worker in workers:
            others = [other for other in workers if other != worker]
            for other in others:
                os.kill(other, signal.SIGSTOP)
            http = stack.enter_context(client(served))
            assert http.get("/healthz").status_code == 200
            for other in others:
                os.kill(other, signal.SIGCONT)
            clients.append(http)
        yield clients


@pytest.fixture(scope="module")
def cluster(new_place: Callable[[], Place]) -> Iterator[Cluster]:
    with (
        running("--workers", str(WORKERS), *new_place().flags) as served,
        connections(served) as clients,
    ):
        assert len(clients) == WORKERS
        yield Cluster(served, clients)
        assert served.stop() == 0
    assert "Traceback" not in served.output


def in_turn(clients: list[httpx.Client], count: int) -> list[httpx.Client]:
    """Return `count` of the connections, each worker's in turn."""
    return [clients[number % len(clients)] for number in range(count)]


def at_once(requests: list[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Send the requests at the same moment and return the answers."""
    gate = threading.Barrier(len(requests))

    def send(request: Callable[[], httpx.Response]) -> httpx.Response:
        gate.wait()
        return request()

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(send, requests))


def test_no_update_is_lost(cluster: Cluster) -> None:
    dataset = make_dataset(cluster.clients[0], ['{"n":0}', '{"n":1}']).id
    ids = [one["id"] for one in all_examples(cluster.clients[0], dataset)]
    path = f"/v2/datasets/{dataset}/examples"

    def write(number: int) -> list[int]:
        http = cluster.clients[number % WORKERS]
        return [
            http.patch(path, json={"examples": [{"id": id, f"f{number}_{turn}": turn}]}).status_code
            for turn in range(15)
            for id in ids
        ]

    with ThreadPoolExecutor(2 * WORKERS) as threads:
        statuses = [status for some in threads.map(write, range(2 * WORKERS)) for status in some]
    assert set(statuses) == {200}
    for http in cluster.clients:
        for one in all_examples(http, dataset):
            assert len([field for field in one if field.startswith("f")]) == 2 * WORKERS * 15


def is_refused(cluster: Cluster, key: str, dataset: str) -> list[bool]:
    """Tell for each worker, and for Arrow Flight, whether it refuses the key."""
    headers = {"Authorization": f"Bearer {key}"}
    answers = [http.get(f"/v2/datasets/{dataset}", headers=headers) for http in cluster.clients]
    assert {answer.status_code for answer in answers} <= {200, 401}
    refused = [answer.status_code == 401 for answer in answers]
    try:
        return [*refused, not read(cluster.served, key, datasetId=dataset).num_rows]
    except FlightUnauthenticatedError:
        return [*refused, True]


def test_a_revoked_key_is_refused_by_all_processes_at_once(cluster: Cluster) -> None:
    dataset = make_dataset(cluster.clients[0], ['{"n":0}']).id
    made = user_key(cluster.clients[0])
    assert is_refused(cluster, made["key"], dataset) == [False] * (WORKERS + 1)
    revoked = cluster.clients[-1].put(f"/v2/api-keys/{made['id']}/revoke")
    assert revoked.status_code in {200, 204}
    assert is_refused(cluster, made["key"], dataset) == [True] * (WORKERS + 1)


def test_an_expired_key_is_refused_by_all_processes_at_once(cluster: Cluster) -> None:
    dataset = make_dataset(cluster.clients[0], ['{"n":0}']).id
    made = user_key(cluster.clients[0], expires_at=soon(seconds=4))
    assert is_refused(cluster, made["key"], dataset) == [False] * (WORKERS + 1)
    while datetime.now(UTC) < moment(made["expires_at"]):
        time.sleep(0.01)
    assert is_refused(cluster, made["key"], dataset) == [True] * (WORKERS + 1)


def test_if_match_holds_across_workers(cluster: Cluster) -> None:
    dataset = make_dataset(cluster.clients[0], ['{"n":0}']).id
    path = f"/v2/datasets/{dataset}/examples"
    seen = cluster.clients[0].get(path)
    id = seen.json()["examples"][0]["id"]
    condition = {"If-Match": seen.headers["etag"]}
    answers = at_once(
        [
            lambda http=http, n=n: http.patch(  # type: ignore[misc]
                path, json={"examples": [{"id": id, "n": n}]}, headers=condition
            )
            for n, http in enumerate(in_turn(cluster.clients, 6), 1)
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [200] + 5 * [412]


def test_an_idempotency_key_holds_across_workers(cluster: Cluster) -> None:
    dataset = make_dataset(cluster.clients[0], ['{"n":0}']).id
    path = f"/v2/datasets/{dataset}/examples"
    once = {"Idempotency-Key": f"once-{dataset}"}
    answers = at_once(
        [
            lambda http=http: http.post(  # type: ignore[misc]
                path, json={"examples": [{"n": 1}]}, headers=once
            )
            for http in in_turn(cluster.clients, 6)
        ]
    )
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.content for answer in answers}) == 1
    assert len(all_examples(cluster.clients[0], dataset)) == 2


def test_a_deleted_dataset_is_gone_for_all_workers(cluster: Cluster) -> None:
    datasets = [make_dataset(http, ['{"n":0}'] * 50).id for http in cluster.clients]
    paths = [f"/v2/datasets/{dataset}" for dataset in datasets]
    deleted = at_once(
        [
            lambda http=http, path=path: http.delete(path)  # type: ignore[misc]
            for http, path in zip(cluster.clients, paths, strict=True)
        ]
    )
    assert {answer.status_code for answer in deleted} == {204}
    for http in cluster.clients:
        assert {http.get(path).status_code for path in paths} == {404}


def test_one_message_and_one_key(place: Place) -> None:
    with running(*place.flags, "--workers", "2", EXEMPLA_BOOTSTRAP_KEY="") as served:
        assert served.output.count("is listening on") == 1
        assert len(secrets_in(served.output)) == 1
        assert len(children(served)) == 3  # one serves Arrow Flight
        assert served.stop(signal.SIGINT) == 0
    assert "Traceback" not in served.output


def test_one_process_serves_arrow_flight(tmp_path: Path) -> None:
    import pyarrow as pa

    with running("--data-dir", str(tmp_path), EXEMPLA_WORKERS="2") as served:
        with client(served) as http:
            space = http.get("/v2/spaces").json()["spaces"][0]["id"]
        dataset = create(served, space, "bulk", pa.table({"n": [1, 2, 3]}))
        assert read(served, datasetId=dataset)["n"].to_pylist() == [1, 2, 3]
        assert served.stop() == 0


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    with running(*FLAGS, "--data-dir", str(tmp_path)) as served:
        before = children(served)
        os.kill(before[0], signal.SIGKILL)
        assert wait_until(lambda: before[0] not in children(served))
        assert wait_until(lambda: len(children(served)) == WORKERS)
        with connections(served) as clients:
            assert len(clients) == WORKERS
        assert '"event": "a worker ended"' in served.output
        assert served.stop() == 0


def test_a_worker_that_dies_again_and_again_ends_the_server(tmp_path: Path) -> None:
    with running(*FLAGS, "--data-dir", str(tmp_path)) as served:
        first = children(served)
        os.kill(first[0], signal.SIGKILL)
        assert wait_until(lambda: bool(set(children(served)) - set(first)))
        for worker in set(children(served)) - set(first):
            os.kill(worker, signal.SIGKILL)
        assert served.process.wait(30) == 1
        assert refuses(served)
    assert "exempla: a worker that replaced another ended at once, too" in served.output
    assert "Traceback" not in served.output


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    with running(*FLAGS, "--data-dir", str(tmp_path)) as served:
        served.process.kill()
        assert wait_until(lambda: refuses(served))


def test_what_hinders_the_start_is_one_line(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path / "one")) as served:
        flags = ["--workers", "2", "--port", str(served.port), "--flight-port", "0"]
        result = exempla("serve", "--data-dir", str(tmp_path / "two"), *flags)
        assert_one_line(result, "cannot listen on", "--port")
        assert status_of(served, "/healthz") == 200
