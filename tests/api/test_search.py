"""Search with a filter: answers, pages, refusals, the time limit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import connect
from tests.api.helpers import (
    Dataset,
    assert_problem,
    delete_examples,
    make_dataset,
    new_version,
    numbered,
    ok,
    send,
    three,
)
from tests.serving import Served, database_arguments


def search(client: httpx.Client, dataset: Dataset, **body: object) -> httpx.Response:
    return send(client, "POST", f"{dataset.examples_url}/search", body)


def ids(answer: dict[str, Any]) -> list[str]:
    return [example["id"] for example in answer["examples"]]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("answer = 'Lima'", [0]),
        ("answer != 'Lima'", [1, 2]),
        ("question LIKE '%of%' AND meta.level > 1", [2]),
        ("meta.by IN ('a', 'b') OR answer = 'green'", [0, 1, 2]),
        ("NOT (meta.level BETWEEN 2 AND 3)", [0]),
        ("nothing IS NULL AND answer IS NOT NULL", [0, 1, 2]),
        ("answer = 6", []),
        ("annotation.quality.score > 0", []),
    ],
)
def test_a_filter_finds_examples(client: httpx.Client, filter: str, expected: list[int]) -> None:
    dataset = three(client)
    everything = ok(client.get(dataset.examples_url))["examples"]
    answer = ok(search(client, dataset, filter=filter))
    assert answer == {
        "examples": [everything[index] for index in expected],
        "pagination": {"has_more": False},
    }


def test_an_example_is_found_by_its_id(client: httpx.Client) -> None:
    dataset = three(client)
    wanted = dataset.example_ids[1]
    assert ids(ok(search(client, dataset, filter=f"id = '{wanted}'"))) == [wanted]


@pytest.mark.parametrize("filter", ["n > 9", "NOT n <= 9"])
@pytest.mark.parametrize("limit", [1, 5, 10, 11])
def test_pages_show_every_match_once(client: httpx.Client, filter: str, limit: int) -> None:
    dataset = make_dataset(client, numbered(20))
    found: list[str] = []
    cursor = ""
    while True:
        answer = ok(search(client, dataset, filter=filter, limit=limit, cursor=cursor))
        found += ids(answer)
        if not answer["pagination"]["has_more"]:
            break
        assert len(answer["examples"]) == limit
        cursor = answer["pagination"]["next_cursor"]
    assert found == list(dataset.example_ids[10:])


def test_the_addressed_version_alone_is_searched(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(4))
    a, b, c, d = dataset.example_ids
    latest = new_version(client, dataset, [{"id": a, "n": 100}])
    ok(delete_examples(client, dataset, latest, [d]))
    for version, filter, expected in [
        (dataset.version_id, "n >= 0", [a, b, c, d]),
        (dataset.version_id, "n = 100", []),
        (latest, "n >= 0", [a, b, c]),
        (latest, "n = 0", []),
        ("", "n = 100", [a]),
    ]:
        answer = ok(search(client, dataset, filter=filter, dataset_version_id=version))
        assert ids(answer) == expected


def test_pages_stay_with_the_version_that_they_began_with(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(4))
    first = ok(search(client, dataset, filter="n < 100", limit=2))
    new_version(client, dataset, [{"id": dataset.example_ids[3], "n": 100}])
    cursor = first["pagination"]["next_cursor"]
    second = ok(search(client, dataset, filter="n < 100", limit=2, cursor=cursor))
    assert ids(second) == list(dataset.example_ids[2:])


@pytest.mark.parametrize(
    ("filter", "detail"),
    [
        ("n == 1", "filter, character 3: write = instead of =="),
        ("n = 1 AND upper(m) = 'X'", "filter, character 11: there are no functions in a filter"),
        ("n = 1; DROP TABLE examples", "filter, character 6: a filter is one condition"),
        ("n = 'x", "filter, character 5: the string that starts here has no closing '"),
        ("n IN (SELECT id FROM examples)", "filter, character 7: there are no subqueries"),
        ("(" * 10_000, "filter, character 31: parentheses and NOT are nested deeper"),
        ("x" * 100_000, "filter, character 10001: the filter is longer than 10,000 characters"),
        ("\0", "filter, character 1"),
    ],
    ids=lambda text: text[:20],
)
def test_a_bad_filter_is_refused_with_its_place(
    client: httpx.Client, filter: str, detail: str
) -> None:
    response = search(client, three(client), filter=filter)
    assert_problem(response, 400, "invalid-request", detail)


def test_a_filter_reads_nothing_of_the_database(client: httpx.Client) -> None:
    dataset = three(client)
    for name in ("body", "ordinal", "dataset_id", "e.id", "r.body", "examples.id", "secret_hash"):
        assert ids(ok(search(client, dataset, filter=f"{name} IS NOT NULL"))) == []
    for text in ("' OR 1=1 --", "x') OR ('1'='1", '$."answer"', "%s %(ids)s :after {0} ?"):
        quoted = text.replace("'", "''")
        assert ids(ok(search(client, dataset, filter=f"answer = '{quoted}'"))) == []
        name = text.replace('"', '""')
        assert ids(ok(search(client, dataset, filter=f"\"{name}\" = '{quoted}'"))) == []


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_search_has_a_time_limit(
    engine: str, tmp_path: Path, new_postgres_url: Callable[[], str]
) -> None:
    url = new_postgres_url() if engine == "postgres" else ""
    arguments = database_arguments(engine, tmp_path, url)
    served = Served.start(*arguments, EXEMPLA_QUERY_TIMEOUT="0.001")
    try:
        with connect(served, Authorization=f"Bearer {served.key}") as client:
            dataset = make_dataset(
                client, [{"n": n, "m": {"t": "x" * 9_000}} for n in range(1_000)]
            )
            response = search(client, dataset, filter="m.t LIKE '%_y%' OR NOT n >= 0")
            assert_problem(response, 503, "internal-error", "EXEMPLA_QUERY_TIMEOUT")
            assert response.headers["Retry-After"]
            ok(client.get(dataset.examples_url))
    finally:
        assert served.stop() == 0
    assert "unavailable" in served.output
    assert "cause=None" not in served.output.replace("'", "").replace(": ", "=")
