"""`/metrics`: what is counted, under few labels, and only where it was asked for."""

from __future__ import annotations

from pathlib import Path

import httpx
import pyarrow as pa
from prometheus_client.parser import text_string_to_metric_families

from tests.api.helpers import assert_problem, default_space, make_dataset, numbered, patch
from tests.cli.support import client, running
from tests.flight.client import create, read, refusal
from tests.serving import KEY, Served

DATASET = "/v2/datasets/{dataset_id}"
Samples = dict[tuple[str, tuple[str, ...]], float]


def samples(served: Served) -> Samples:
    """Return the numbers by their name and the values of their labels, without those of Python."""
    answer = httpx.get(f"{served.base_url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=1.0.0")
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name.startswith("exempla_")
    }


def requests(found: Samples, *labels: str) -> float:
    """Return how many requests there were of a route, a method and a status."""
    route, method, status = labels
    return found.get(("exempla_http_request_duration_seconds_count", (method, route, status)), 0)


def test_requests_are_counted_by_route(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path)) as served, client(served) as http:
        datasets = [make_dataset(http, numbered(1)) for _ in range(3)]
        for dataset in datasets:
            http.get(dataset.url)
            http.head(dataset.url)
            http.get(dataset.url, headers={"Authorization": "x"})
        http.get("/nothing/here")
        http.request("PROPFIND", "/v2/datasets")
        http.get("/v2/datasets", headers={"Host": "evil.example"})
        found = samples(served)
    assert requests(found, DATASET, "GET", "200") == 3
    assert requests(found, DATASET, "HEAD", "200") == 3
    assert requests(found, DATASET, "GET", "401") == 3
    assert requests(found, "/v2/datasets", "POST", "201") == 3
    assert requests(found, "", "GET", "404") == 1
    assert requests(found, "", "other", "405") == 1
    assert requests(found, "", "GET", "421") == 1
    buckets = [v for (_, labels), v in found.items() if labels[1:] == ("GET", DATASET, "200")]
    assert (max(buckets), len(buckets)) == (3, 15)


def test_what_clients_send_makes_no_labels(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path)) as served, client(served) as http:
        before = None
        for number in range(120):
            http.get(f"/nothing/{number}")
            http.get(f"/v2/datasets/{number}")
            http.request(f"M{number}", "/v2/datasets")
            http.get("/v2/spaces", params={"name": f"n{number}"})
            if number == 1:
                before = samples(served).keys()
                before = samples(served).keys()  # with those of the first look
        assert samples(served).keys() == before
        assert served.key not in httpx.get(f"{served.base_url}/metrics").text


def test_the_database_and_flight_are_counted(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path)) as served, client(served) as http:
        dataset = make_dataset(http, numbered(1))
        for number in range(5):
            patch(http, dataset, [{"id": dataset.example_ids[0], "n": number}])
        id = create(served, default_space(http), "numbers", pa.table({"n": list(range(30))}))
        assert read(served, KEY, datasetId=id).num_rows == 30
        refusal(read, served, KEY, datasetId="x")
        found = samples(served)
        assert served.stop() == 0
    assert found["exempla_database_commit_writes_sum", ()] >= 7
    assert found["exempla_database_commit_writes_count", ()] >= 7
    for pool in ("reader", "writer", "bulk"):
        assert found["exempla_database_wait_seconds_count", (pool,)] > 0
        assert found["exempla_database_waiting", (pool,)] == 0
    assert found["exempla_flight_calls_total", ("DoPut", "OK")] == 1
    assert found["exempla_flight_calls_total", ("DoGet", "OK")] == 1
    assert found["exempla_flight_calls_total", ("DoGet", "INVALID_ARGUMENT")] == 1
    assert found["exempla_flight_rows_total", ("DoPut",)] == 30
    assert found["exempla_flight_rows_total", ("DoGet",)] == 30
    assert found["exempla_flight_streams", ("DoGet",)] == 0


def test_writes_that_wait_for_the_others_are_shown(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path)) as served, client(served) as http:
        make_dataset(http, numbered(2))
        assert samples(served)["exempla_database_wait_seconds_sum", ("writer",)] > 0


def test_they_are_not_there_unless_asked_for(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path), EXEMPLA_METRICS="") as served, client(served) as http:
        assert_problem(http.get("/metrics"), 404, "not-found", "--metrics")
    with running("--data-dir", str(tmp_path), "--metrics", EXEMPLA_METRICS="") as served:
        assert requests(samples(served), "/metrics", "GET", "404") == 0
