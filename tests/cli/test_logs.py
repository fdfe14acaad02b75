"""The logs: their form, what they tell, and what they never hold."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

from exempla.api.access import NEEDS, OPEN
from tests.api.helpers import default_space, make_dataset, make_id, ok, send
from tests.api.key_support import user_key
from tests.api.test_not_supported import ROUTES as NOT_SUPPORTED
from tests.cli.support import client, running, wait_until
from tests.flight.client import create, read, refusal
from tests.serving import Served, exempla

SECRET = "sEcReT-9f3a"
WRONG = "exk_this_key_was_never_made_0123456789"


def entries(served: Served) -> list[dict[str, Any]]:
    """Return the lines of the log; the other lines are what the command prints."""
    return [json.loads(line) for line in served.lines if line.startswith("{")]


def drive_every_route(served: Served, http: httpx.Client) -> None:
    """Send the secret wherever a client can put one, but for the path; what is there is deleted."""
    dataset = make_dataset(http, [{"text": SECRET}])
    ids = {"{dataset_id}": dataset.id, "{version_id}": dataset.version_id}
    lacking = {f"{method} {path}" for method, path in NOT_SUPPORTED}
    routes = sorted({*NEEDS, *OPEN} | lacking)
    deleting = [route for route in routes if route.startswith("DELETE")]
    for route in [one for one in routes if one not in deleting] + deleting:
        method, path = route.split()
        for name, id in ids.items():
            path = path.replace(name, id)
        path = re.sub(r"\{[a-z_]+\}", dataset.space_id, path)
        bodies: list[object] = [
            b"",
            SECRET.encode(),
            {SECRET: SECRET},
            {"examples": [{"id": dataset.example_ids[0], "text": SECRET}]},
            {"filter": f"text = '{SECRET}' AND", "name": SECRET, "space_id": SECRET},
        ]
        for body in bodies[-1:] if route in lacking else bodies:
            answer = send(http, method, path, body, name=SECRET, cursor=SECRET, limit=SECRET)
            assert answer.status_code == 501 if route in lacking else answer.status_code < 500
        headers = {"Authorization": f"Bearer {WRONG}", "X-Other": SECRET}
        wrong = http.request(method, path, headers=headers)
        assert wrong.status_code in (200, 401, 429)


def test_no_secret_is_in_them(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path)) as served, client(served) as http:
        secret = user_key(http)["key"]
        id = create(served, default_space(http), SECRET, pa.table({"text": [SECRET]}), secret)
        assert read(served, secret, datasetId=id).num_rows == 1
        refusal(read, served, WRONG, datasetId=SECRET)
        refusal(create, served, SECRET, SECRET, pa.table({"text": [SECRET]}))
        with socket.create_connection(("127.0.0.1", served.port)) as raw:
            raw.sendall(f"{SECRET}\r\n\r\n".encode())
            assert b"400" in raw.recv(1_000)
        drive_every_route(served, http)
        assert http.get("/v2/spaces").json()["spaces"] == []  # deleted by the last of them
        assert served.stop() == 0
        assert {entry["event"] for entry in entries(served)} >= {"wrong key"}
        for text in (SECRET, WRONG, WRONG[:12], secret, served.key):
            assert text not in served.output


def test_each_line_is_an_object_with_the_request(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path)) as served:
        headers = {"Authorization": WRONG, "X-Request-Id": "my-own.id_1"}
        answer = httpx.get(f"{served.base_url}/v2/spaces", headers=headers)
        assert answer.headers["X-Request-Id"] == "my-own.id_1"
        assert wait_until(lambda: bool(entries(served)))
        (entry,) = entries(served)
        assert entry["event"] == "wrong key"
        assert entry["level"] == "warning"
        assert entry["request_id"] == "my-own.id_1"
        assert entry["address"] == "127.0.0.1"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", entry["timestamp"])


@pytest.mark.parametrize("sent", ["a b", "x" * 129, "é", '{"a":1}', "", "a;b", "$(id)"])
def test_a_request_id_that_could_forge_a_line_is_not_taken(served: Served, sent: str) -> None:
    answer = httpx.get(f"{served.base_url}/healthz", headers={b"X-Request-Id": sent.encode()})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])


def test_every_request_has_a_line_at_the_level_debug(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path), EXEMPLA_LOG_LEVEL="debug") as served:
        with client(served) as http:
            path = f"/v2/datasets/{make_id('Dataset', 999_999, 'aBcDeFgHiJ')}"
            answer = http.head(path)
        assert wait_until(lambda: any(e.get("path") == path for e in entries(served)))
        (line,) = [e for e in entries(served) if e.get("path") == path]
        assert line["request_id"] == answer.headers["X-Request-Id"]
        assert (line["method"], line["status"]) == ("HEAD", 404)
        assert line["route"] == "/v2/datasets/{dataset_id}"
        assert 0 < line["milliseconds"] < 60_000
        assert served.key not in served.output


def test_none_has_one_at_the_default_level_and_none_at_all_above(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path)) as served, client(served) as http:
        ok(http.get("/v2/spaces"))
        assert served.stop() == 0
        assert entries(served) == []
    with running("--data-dir", str(tmp_path), "--log-level", "error") as served:
        assert httpx.get(f"{served.base_url}/v2/spaces", headers={"Authorization": WRONG}).text
        assert served.stop() == 0
        assert entries(served) == []


def test_they_can_be_text(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path), "--log-format", "text") as served:
        httpx.get(f"{served.base_url}/v2/spaces", headers={"Authorization": WRONG})
        assert served.stop() == 0
        assert entries(served) == []
        (line,) = [line for line in served.lines if "wrong key" in line]
        assert "[warning" in line
        assert "address=127.0.0.1" in line
        assert "\x1b" not in line


def test_what_libraries_log_has_the_same_form(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path)) as served:
        with socket.create_connection(("127.0.0.1", served.port)) as raw:
            raw.sendall(b"no request\r\n\r\n")
            assert raw.recv(1_000)
        assert wait_until(lambda: bool(entries(served)))
        (entry,) = entries(served)
        assert (entry["level"], entry["event"]) == ("warning", "Invalid HTTP request received.")


@pytest.mark.parametrize("flag", ["--log-level", "--log-format"])
def test_an_unknown_word_is_refused(flag: str) -> None:
    done = exempla("serve", flag, "loud")
    assert done.returncode == 2
    assert flag in done.stderr
