"""`exempla diff`: readable, in colors in a terminal alone, and the API's JSON with `--json`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.support import (
    Place,
    Result,
    all_examples,
    assert_one_line,
    client,
    create_dataset,
    in_terminal,
    running,
)
from tests.serving import exempla_here


class Made(NamedTuple):
    """A dataset named `data` with a second version named `second`."""

    place: Place
    dataset: str
    ids: list[str]
    answer: dict[str, object]
    """What the API says of their difference."""


@pytest.fixture(scope="module")
def made(new_place: Callable[[], Place]) -> Iterator[Made]:
    place = new_place()
    with running(*place.flags) as served, client(served) as http:
        given: list[dict[str, object]] = [{"q": "one", "n": 1}, {"q": "two"}, {"q": "three"}]
        dataset = create_dataset(http, *given)
        ids = [one["id"] for one in all_examples(http, dataset)]
        url = f"/v2/datasets/{dataset}/examples"
        change = [{"id": ids[0], "n": 2, "note": "\x9b31m[bold]é"}]
        body = {"examples": change, "new_version": "second"}
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        patched = http.patch(url, content=content, headers=headers).raise_for_status().json()
        deletion = {"dataset_version_id": patched["dataset_version_id"], "example_ids": [ids[1]]}
        http.request("DELETE", url, json=deletion).raise_for_status()
        http.post(url, json={"examples": [{"q": "four"}]}).raise_for_status()
        answer = http.get(f"/api/v1/datasets/{dataset}/diff").raise_for_status().json()
        yield Made(place, dataset, ids, answer)


def diff(made: Made, *arguments: str) -> Result:
    return exempla_here("diff", *arguments, *made.place.flags)


def test_the_changes_are_shown_to_read(made: Made) -> None:
    result = diff(made, "data", "v1", "second")
    assert result.returncode == 0, result.stderr
    *shown, last = result.stdout.splitlines()
    assert shown[:9] == [
        f"~ {made.ids[0]}",
        "    n:",
        "      - 1",
        "      + 2",
        "    note:",
        '      + "\\u009b31m[bold]é"',
        f"- {made.ids[1]}",
        "    q:",
        '      - "two"',
    ]
    assert shown[10:] == ["    q:", '      + "four"']
    assert last == "v1 to second: 1 added, 1 removed, 1 changed, 1 unchanged"


def test_json_is_what_the_api_answers(made: Made) -> None:
    for name in ("data", made.dataset):
        shown = json.loads(diff(made, name, "v1", str(made.answer["head"]), "--json").stdout)
        assert shown == {k: v for k, v in made.answer.items() if k != "pagination"}
    nothing = json.loads(diff(made, "data", "v1", "v1", "--json").stdout)
    assert nothing["changes"] == []
    assert nothing["counts"] == {"added": 0, "removed": 0, "changed": 0, "unchanged": 3}


def test_colors_are_for_terminals(made: Made) -> None:
    assert "\x1b[" not in diff(made, "data", "v1", "second").stdout
    arguments = ("diff", "data", "v1", "second", *made.place.flags)
    assert "\x1b[31m" in in_terminal(40, *arguments)
    assert "\x1b[31m" not in in_terminal(40, *arguments, NO_COLOR="1")


def test_an_output_that_cannot_be_written(made: Made) -> None:
    command = [sys.executable, "-m", "exempla", "diff", "data", "v1", "second", *made.place.flags]
    for as_json in ([], ["--json"]):
        with Path("/dev/full").open("w") as full:
            found = subprocess.run(
                [*command, *as_json], stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        assert_one_line(Result(found.args, found.returncode, "", found.stderr), "No space left")
        read, write = os.pipe()
        os.close(read)
        gone = subprocess.run(
            [*command, *as_json], stdout=write, stderr=subprocess.PIPE, check=False
        )
        os.close(write)
        assert (gone.returncode, gone.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("unknown", "v1", "second"), "'unknown'"),
        (("dat", "v1", "second"), "'dat'"),
        (("data", "v1", "third"), "'third'"),
        (("data", os.fsdecode(b"\xff"), "v1"), "no version"),
        ((os.fsdecode(b"\xff"), "v1", "v1"), "no dataset"),
    ],
)
def test_what_is_not_there(made: Made, arguments: tuple[str, ...], part: str) -> None:
    assert_one_line(diff(made, *arguments), part)


def test_a_name_that_two_datasets_have(new_place: Callable[[], Place]) -> None:
    place = new_place()
    with running(*place.flags) as served, client(served) as http:
        first = create_dataset(http, {"n": 1})
        organization = http.get("/v2/organizations").json()["organizations"][0]["id"]
        body = {"name": "other", "organization_id": organization}
        space = http.post("/v2/spaces", json=body).raise_for_status().json()["id"]
        twin = {"name": "data", "space_id": space, "examples": [{"n": 1}]}
        http.post("/v2/datasets", json=twin).raise_for_status()
    assert_one_line(exempla_here("diff", "data", "v1", "v1", *place.flags), "id", first)
    assert exempla_here("diff", first, "v1", "v1", *place.flags).returncode == 0
