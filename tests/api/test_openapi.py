"""`/openapi.json` and `/docs`: complete, true to what the server does, and nothing from outside."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from exempla.api.access import NEEDS, OPEN
from tests.api.helpers import line_of_versions
from tests.serving import KEY, Served

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)


@pytest.fixture
def document(client: httpx.Client) -> dict[str, Any]:
    answer = client.get("/openapi.json", headers={"Authorization": ""})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_every_route_is_described(document: dict[str, Any]) -> None:
    assert operations(document).keys() == NEEDS.keys() | OPEN


def test_every_operation_tells_its_problems_and_has_an_example(document: dict[str, Any]) -> None:
    for route, operation in operations(document).items():
        responses = operation["responses"]
        assert "500" in responses, route
        assert ("401" in responses) == ("security" in operation) == (route not in OPEN)
        assert operation["summary"], route
        assert operation["description"].startswith(operation["summary"])
        if "requestBody" in operation:
            (content,) = operation["requestBody"]["content"].values()
            assert "example" in content, route


def test_every_write_tells_the_headers_that_it_heeds(document: dict[str, Any]) -> None:
    for route, operation in operations(document).items():
        method, path = route.split()
        headers = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
        expected = set()
        if method in ("POST", "PUT", "PATCH", "DELETE") and not path.endswith("/search"):
            expected = {"Idempotency-Key"} if "/api-keys" not in path else set()
            expected |= {"If-Match"} if "{dataset_id}" in path else set()
            assert ("412" in operation["responses"]) >= ("If-Match" in expected), route
        assert headers == expected, route
    page = operations(document)["GET /v2/datasets/{dataset_id}/examples"]
    assert "ETag" in page["responses"]["200"]["headers"]


def test_problems_are_problem_details(document: dict[str, Any]) -> None:
    responses = document["components"]["responses"]
    assert {
        "400",
        "401",
        "403",
        "404",
        "409",
        "413",
        "422",
        "429",
        "500",
        "503",
    } <= responses.keys()
    for response in responses.values():
        (content,) = response["content"]
        assert content == "application/problem+json"


def test_problems_tell_their_headers(document: dict[str, Any]) -> None:
    responses = document["components"]["responses"]
    assert "WWW-Authenticate" in responses["401"]["headers"]
    for status in ("429", "503"):
        assert responses[status]["headers"]["Retry-After"]["schema"] == {"type": "integer"}


def test_parameters_tell_what_they_allow(client: httpx.Client, document: dict[str, Any]) -> None:
    dataset, _ = line_of_versions(client)
    ids = {"{dataset_id}": dataset.id, "{example_id}": dataset.example_ids[0]}
    told = set()
    for route, operation in operations(document).items():
        if not route.startswith("GET "):
            continue
        path = route.removeprefix("GET ")
        for name, id in ids.items():
            path = path.replace(name, id)
        for parameter in operation.get("parameters", []):
            name, schema = parameter["name"], parameter["schema"]
            good = schema.get("enum") or [schema.get(end) for end in ("minimum", "maximum")]
            bad = "NONE" if "enum" in schema else str((good[1] or 0) + 1)
            if name in ("limit", "key_type", "status"):
                told.add((name, schema.get("maximum")))
                assert {client.get(path, params={name: one}).status_code for one in good} == {200}
                assert client.get(path, params={name: bad}).status_code == 422, route
    assert told == {("limit", 100), ("limit", 500), ("key_type", None), ("status", None)}


def test_the_limit_of_a_search_is_told(document: dict[str, Any]) -> None:
    limit, _ = document["components"]["schemas"]["SearchExamples"]["properties"]["limit"]["oneOf"]
    assert limit == {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}


def test_the_page_shows_every_route_and_loads_nothing(
    client: httpx.Client, document: dict[str, Any]
) -> None:
    page = client.get("/docs", headers={"Authorization": ""}).text
    for route in operations(document):
        assert f"<code>{route}</code>" in page
    assert not re.search(r"<script|<link|<img|src=|url\(|https?:", page)


def test_what_is_described_is_what_the_server_does(tmp_path: Path) -> None:
    served = Served.start("--data-dir", str(tmp_path / "data"))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{served.base_url}/openapi.json"),
            *("--header", f"Authorization: Bearer {KEY}", "--checks", ",".join(CHECKS)),
            *("--phases", "examples,fuzzing", "--max-examples", "20", "--seed", "1"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert served.stop() == 0
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested, done.stdout[-2_000:]
    assert int(tested[1]) >= len(NEEDS)


def test_the_example_of_an_update_is_accepted_as_a_body(document: dict[str, Any]) -> None:
    from exempla.api.body import read
    from exempla.api.examples import UpdateExamples

    operation = document["paths"]["/v2/datasets/{dataset_id}/examples"]["patch"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    assert read(msgspec.json.encode(example), UpdateExamples).new_version == "with years"
