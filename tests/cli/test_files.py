"""`exempla export` and `exempla import`: every suffix, pipes, versions, errors, bars."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

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

ROWS: list[dict[str, Any]] = [
    {"q": "one", "n": 1.5, "tags": ["a"]},
    {"q": None, "n": 0},
    {"q": "three", "é": True},
]


class Made(NamedTuple):
    """A database with a dataset named `data`, whose version `second` differs from `v1`."""

    place: Place
    ids: list[str]

    def run(self, *arguments: str) -> Result:
        return exempla_here(*arguments, *self.place.flags)

    def export(self, name: str = "data", version: str = "") -> list[dict[str, Any]]:
        chosen = ["--version", version] if version else []
        result = self.run("export", name, *chosen)
        assert result.returncode == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def made(new_place: Callable[[], Place]) -> Iterator[Made]:
    place = new_place()
    with running(*place.flags) as served, client(served) as http:
        dataset = create_dataset(http, *ROWS)
        ids = [one["id"] for one in all_examples(http, dataset)]
        body = {"examples": [{"id": ids[0], "n": 2}], "new_version": "second"}
        http.patch(f"/v2/datasets/{dataset}/examples", json=body).raise_for_status()
        yield Made(place, ids)


def piped(made: Made, content: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command with this on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "exempla", *arguments, *made.place.flags],
        env={**os.environ, "NO_COLOR": "1"},
        input=content,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_versions_go_to_pipes(made: Made) -> None:
    fields = [{k: v for k, v in one.items() if not k.endswith("_at")} for one in made.export()]
    rows = [{"id": id, **row} for id, row in zip(made.ids, ROWS, strict=True)]
    assert fields == [rows[0] | {"n": 2}, *rows[1:]]
    assert made.export(version="v1")[0]["n"] == 1.5
    shown = made.run("export", "data", "-", "--format", "csv").stdout.splitlines()
    assert shown[0] == "id,created_at,updated_at,q,n,tags,é"
    content = piped(made, b"", "export", "data", "--format", "parquet").stdout
    assert content[:4] == content[-4:] == b"PAR1"


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_every_suffix_goes_out_and_in(
    made: Made, tmp_path: Path, format: str, packing: str
) -> None:
    file = tmp_path / f"data.{format}{packing}"
    result = made.run("export", "data", str(file))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    start = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}.get(packing, b"")
    assert file.read_bytes().startswith(start)
    name = f"{format}{packing}"
    result = made.run("import", str(file), name, "--create")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{name}, version v1: 3 inserted\n"
    found, given = made.export(name), made.export()
    if format != "csv":
        assert found == given
    else:
        assert [one["id"] for one in found] == made.ids
        assert found[0] | {"n": 2, "tags": ["a"]} == given[0]
        assert found[0]["n"] == "2"


def test_an_array_goes_in(made: Made, tmp_path: Path) -> None:
    file = tmp_path / "data.json.gz"
    file.write_bytes(gzip.compress(json.dumps(made.export()).encode()))
    result = made.run("import", str(file), "array", "--create")
    assert result.stdout == "array, version v1: 3 inserted\n", result.stderr
    assert made.export("array") == made.export()
    file.write_bytes(gzip.compress(b'[{"n":1},{"n":2,}]'))
    assert_one_line(made.run("import", str(file), "array"), "item 2 is not valid JSON")
    assert_one_line(made.run("export", "array", str(tmp_path / "array.json")), ".jsonl, .csv")


def test_pipes_go_in(made: Made) -> None:
    done = piped(made, b'{"id":"a","n":1}\n{"n":2}\n', "import", "-", "piped", "--create")
    assert done.returncode == 0, done.stderr
    done = piped(made, b"id,q\na,x\n", "import", "-", "piped", "--update", "--format", "csv")
    assert done.stdout == b"piped, version v1: 1 updated\n"
    done = piped(
        made, b'{"n":3}', "import", "-", "piped", "--new-version", "third", "--space", "Default"
    )
    assert done.stdout == b"piped, version third: 1 inserted\n"
    done = piped(made, b'{"n":4}', "import", "-", "piped", "--version", "v1")
    assert done.stdout == b"piped, version v1: 1 inserted\n"
    assert [one["n"] for one in made.export("piped")] == [1, 2, 3]
    assert [one["n"] for one in made.export("piped", "v1")] == [1, 2, 4]


def test_a_dry_run_shows_the_changes(made: Made) -> None:
    change = f'{{"id":"{made.ids[0]}","n":7}}\n{{"id":"unknown"}}\n'.encode()
    before = made.export()
    done = piped(made, change, "import", "-", "data", "--update", "--dry-run")
    assert done.stdout.decode().splitlines() == [
        f"~ {made.ids[0]}",
        "    n:",
        "      - 2",
        "      + 7",
        "nothing was written; it would be: 0 added, 0 removed, 1 changed, 2 unchanged "
        "(1 updated, 1 ignored)",
    ]
    assert made.export() == before
    many = b"\n".join([b'{"n":1}'] * 51)
    assert b"\n...\n" in piped(made, many, "import", "-", "data", "--dry-run").stdout
    assert made.export() == before


def test_an_import_that_fails_leaves_nothing(made: Made, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"n":1}\n{"n":}\n')
    assert_one_line(made.run("import", str(file), "data"), "line 2 is not valid JSON")
    assert_one_line(made.run("import", str(file), "never", "--create"), "line 2")
    assert_one_line(made.run("export", "never"), "never")
    assert len(made.export()) == 3


def test_readable_errors(made: Made, tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text('{"n":1}\n')
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(gzip.compress(file.read_bytes() * 1_000)[:-20])
    plain = tmp_path / "plain.jsonl.zst"
    plain.write_bytes(file.read_bytes())
    for arguments, said in [
        (("export", "data", str(tmp_path / "x.txt")), ".jsonl, .csv, .parquet"),
        (("export", "data", "--format", "xml"), "jsonl, csv, parquet"),
        (("export", "data", str(tmp_path / "none" / "x.csv")), "No such file"),
        (("export", "unknown"), "unknown"),
        (("export", "data", "--version", "none"), "no version named"),
        (("import", str(tmp_path / "none.csv"), "data"), "No such file"),
        (("import", str(tmp_path / "none.csv.zst"), "data"), "No such file"),
        (("import", str(broken), "data"), "broken.jsonl.gz"),
        (("import", str(plain), "data"), "plain.jsonl.zst"),
        (("import", str(file), "unknown"), "unknown"),
        (("import", str(file), "data", "--create"), "already"),
        (("import", str(file), "new", "--create", "--space", "none"), "no space named"),
        (("import", str(file), " ", "--create"), "NAME is blank"),
        (("import", str(file), "data", "--new-version", " "), "--new-version is blank"),
        (("import", str(file), "data", "--new-version", "second"), "second"),
    ]:
        assert_one_line(made.run(*arguments), said)
    assert made.run("import", str(file), "data", "--create", "--update").returncode == 2
    assert len(made.export()) == 3
    assert {path.name for path in tmp_path.iterdir()} == {file.name, broken.name, plain.name}


def test_a_truncated_zst_is_refused(made: Made, tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl.zst"
    assert made.run("export", "data", str(file)).returncode == 0
    file.write_bytes(file.read_bytes()[:-5])
    assert_one_line(made.run("import", str(file), "new", "--create"), "data.jsonl.zst")


def test_bars_are_for_terminals(made: Made, tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    assert "examples read" in in_terminal(80, "export", "data", str(file), *made.place.flags)
    shown = in_terminal(80, "import", str(file), "data", "--update", *made.place.flags)
    assert "examples written" in shown
    assert "3 unchanged" in shown


def test_a_pipe_that_closes_is_no_fault(made: Made, tmp_path: Path) -> None:
    file = tmp_path / "large.jsonl"
    file.write_text('{"text":"' + "x" * 1_000 + '"}\n')
    with file.open("a") as more:
        more.writelines(['{"text":"' + "x" * 1_000 + '"}\n'] * 3_000)
    assert made.run("import", str(file), "large", "--create").returncode == 0
    command = [sys.executable, "-m", "exempla", "export", "large", *made.place.flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1
