"""`exempla demo`: the main job, shown on a server with data of its own."""

from __future__ import annotations

import json
import re
import signal
import socket
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli.support import (
    Place,
    assert_one_line,
    client,
    run_shown_curl,
    running,
    secrets_in,
)
from tests.serving import exempla


class Exchange(NamedTuple):
    """A request and its answer, as the demo shows them."""

    method: str
    path: str
    sent: dict[str, Any]
    status: int
    got: dict[str, Any]


_EXCHANGE = re.compile(
    r"^> (?P<method>[A-Z]+) (?P<path>/\S+)\n(?P<sent>(?:[{}\] ].*\n)*)"
    r"< (?P<status>\d+)[^\n]*\n(?P<got>(?:[{}\] ].*\n)*)",
    re.MULTILINE,
)


def exchanges_in(output: str) -> list[Exchange]:
    """Return the requests and answers that the demo has shown."""
    return [
        Exchange(
            found["method"],
            found["path"],
            json.loads(found["sent"] or "{}"),
            int(found["status"]),
            json.loads(found["got"]),
        )
        for found in _EXCHANGE.finditer(output)
    ]


def shown_by_id(exchange: Exchange) -> dict[str, dict[str, Any]]:
    """Return the examples of a page."""
    return {one["id"]: one for one in exchange.got["examples"] if isinstance(one, dict)}


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> list[Exchange]:
    """Run the demo once; return what it shows."""
    folder = tmp_path_factory.mktemp("temporary")
    result = exempla("demo", "--once", "--port", "0", "--flight-port", "0", TMPDIR=str(folder))
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert not list(folder.iterdir()), "the demo leaves something behind"
    shown = exchanges_in(result.stdout)
    assert len(shown) == result.stdout.count("\n> ")
    return shown


def patches(exchanges: list[Exchange]) -> list[Exchange]:
    """Return the PATCHes of examples: the one in place and the one with a new version."""
    return [
        one
        for one in exchanges
        if one.method == "PATCH" and re.fullmatch(r"/v2/datasets/[^/]+/examples", one.path)
    ]


def test_every_request_of_the_demo_succeeds(exchanges: list[Exchange]) -> None:
    assert exchanges
    assert {one.status for one in exchanges} <= {200, 201}


def test_demo_shows_an_update_in_place(exchanges: list[Exchange]) -> None:
    (created,) = [one for one in exchanges if one.path == "/v2/datasets"]
    in_place, _ = patches(exchanges)
    assert "new_version" not in in_place.sent
    assert in_place.got["dataset_version_id"] == created.got["versions"][0]["id"]
    assert in_place.got["example_ids"] == [one["id"] for one in in_place.sent["examples"]]


def test_demo_shows_an_update_into_a_new_version(exchanges: list[Exchange]) -> None:
    in_place, into_new = patches(exchanges)
    assert into_new.sent["new_version"]
    assert into_new.got["dataset_version_id"] != in_place.got["dataset_version_id"]
    assert into_new.got["example_ids"]


def test_demo_shows_that_v1_kept_its_answers(exchanges: list[Exchange]) -> None:
    in_place, into_new = patches(exchanges)
    before, new, old = (
        shown_by_id(one)
        for one in exchanges
        if one.path.split("?")[0].endswith("/examples")
        if one.method == "GET"
    )
    updated = {one["id"]: one for one in into_new.sent["examples"] if one["id"] in before}
    assert updated.keys() == set(into_new.got["example_ids"])
    for id, fields in updated.items():
        assert new[id].items() >= fields.items()
        assert old[id] == before[id]
    for fields in in_place.sent["examples"]:
        assert old[fields["id"]] == new[fields["id"]]
        assert old[fields["id"]].items() >= fields.items()


def test_demo_does_not_touch_the_users_database(tmp_path: Path, postgres_place: Place) -> None:
    folder = tmp_path / "data"
    named = {"EXEMPLA_DATA_DIR": str(folder), **postgres_place.environment}
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    result = exempla("demo", "--once", "--port", "0", "--flight-port", "0", **named, **home)
    assert result.returncode == 0, result.stderr
    assert not postgres_place.tables()
    assert not list(tmp_path.rglob("*.db"))


def test_taken_port(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = str(listener.getsockname()[1])
        result = exempla(
            "demo", "--once", "--port", port, "--flight-port", "0", TMPDIR=str(tmp_path)
        )
    assert_one_line(result, port)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_demo_serves_until_it_is_told_to_stop(tmp_path: Path, end: signal.Signals) -> None:
    with running(command="demo", TMPDIR=str(tmp_path)) as served:
        assert len(patches(exchanges_in(served.output))) == 2
        (secret,) = secrets_in(served.output)
        with client(served, secret) as http:
            assert len(http.get("/v2/datasets").raise_for_status().json()["datasets"]) == 1
        answer = run_shown_curl(served.output)
        assert answer.returncode == 0, answer.stderr
        assert "datasets" in json.loads(answer.stdout)
        status = served.stop(end)
    assert "Traceback" not in served.output
    assert not list(tmp_path.iterdir())
    assert status == 0
