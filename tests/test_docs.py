"""The documents: every command in them runs, and they name all that there is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from typer.main import get_command

from exempla.api.app import create_litestar
from exempla.api.not_supported import not_supported_routes
from exempla.cli import app
from exempla.settings import Settings
from exempla.store import setup
from tests.api.helpers import make_dataset, read_pages
from tests.serving import KEY, Served

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SDK_PYTHON = ROOT / ".venv-sdk-8.61" / "bin" / "python"


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", document.read_text(), re.M | re.S)


def environment(folder: Path, served: Served | None = None) -> dict[str, str]:
    """The environment of a reader: the commands at hand, an empty home, a key."""
    port = {"EXEMPLA_PORT": "0"} if served is None else {}
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "KEY": KEY,
        "NO_COLOR": "1",
        **port,
    }


def run(block: str, folder: Path, served: Served | None = None) -> str:
    """Run the lines of a block; `exempla serve` is started and stopped again."""
    lines = [
        line for line in block.splitlines() if line != "pip install ."
    ]  # has a test of its own
    for line in [line for line in lines if line.startswith("exempla serve")]:
        lines.remove(line)
        arguments = line.removeprefix("exempla serve").split()
        started = Served.start(*arguments, folder=folder, HOME=str(folder))
        assert started.stop() == 0
    script = "\n".join(lines)
    if served:
        script = script.replace("8787", str(served.port))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(folder, served),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_commands_of_the_readme(served: Served, tmp_path: Path) -> None:
    start, use = blocks(ROOT / "README.md", "sh")
    run(start, tmp_path)
    answers = run(
        use.replace('"capitals', f'"{served.port}').replace("capitals", tmp_path.name),
        tmp_path,
        served,
    )
    assert '"status":4' not in answers
    assert answers.count('"answer":"Lima"') == 1
    assert '"name":"checked"' in answers


def test_the_python_of_the_readme(served: Served, tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "README.md", "python")
    done = subprocess.run(
        [
            str(SDK_PYTHON),
            "-c",
            code.replace("8787", str(served.port)).replace("rivers", str(tmp_path)),
        ],
        env={"KEY": KEY, "HOME": str(tmp_path), "ARIZE_DIRECTORY": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "['spelled out', 'v1']" in done.stdout


def test_the_commands_of_versions(served: Served, tmp_path: Path) -> None:
    script = "".join(blocks(ROOT / "docs" / "versions.md", "sh"))
    answers = run(script.replace("planets", tmp_path.name), tmp_path, served)
    assert answers.count('"status":409') == 1
    assert answers.count('"status":412') == 1
    assert answers.count('"status":') == 2
    assert '"name":"as in May"' in answers
    *_, first, second = answers.rstrip("}").split("}{")
    assert first == second
    assert '"example_ids":["' in first


def test_the_commands_of_the_api(served: Served, tmp_path: Path) -> None:
    document = ROOT / "docs" / "api.md"
    (script,) = blocks(document, "sh")
    answer = json.loads(run(script.replace("seas", tmp_path.name), tmp_path, served))
    _, shown, _ = (json.loads(block) for block in blocks(document, "json"))
    (deleted,) = answer["deleted_example_ids"]
    assert answer == shown | {"deleted_example_ids": [deleted]}


def test_the_commands_of_schema(served: Served, tmp_path: Path) -> None:
    document = ROOT / "docs" / "schema.md"
    script = "".join(blocks(document, "sh"))
    answers = run(script.replace("mountains", tmp_path.name), tmp_path, served)
    refused, report, columns = (json.loads(block) for block in blocks(document, "json"))
    assert json.dumps(refused["detail"]) in answers
    (errors,) = re.findall(r'"errors":(\[.*?\])', answers)
    assert sorted(json.loads(errors), key=repr) == sorted(report["examples"][0]["errors"], key=repr)
    assert json.dumps(columns["columns"], separators=(",", ":")) in answers


def test_the_commands_of_files(served: Served, tmp_path: Path) -> None:
    script = "".join(blocks(ROOT / "docs" / "files.md", "sh"))
    answers = run(script.replace("mountains", tmp_path.name), tmp_path, served)
    assert '"status":' not in answers
    assert answers.startswith("id,created_at,updated_at,question,answer,height\n")
    inserted, tried, done = [
        json.loads(line) for line in answers.splitlines()[-1].replace("}{", "}\n{").split("\n")
    ]
    assert inserted["inserted"] == 1
    assert tried["diff"]["counts"] == {"added": 0, "removed": 0, "changed": 1, "unchanged": 2}
    (change,) = tried["diff"]["changes"]
    assert change["fields"] == {"answer": {"old": "Kenya", "new": "Kilimanjaro"}}
    assert (done["updated"], done["unchanged"], done["dry_run"]) == (1, 1, False)


def make_capitals(folder: Path) -> None:
    """Put the dataset of the documents into a database."""
    served = Served.start("--data-dir", str(folder))
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=served.base_url, headers=headers) as http:
        space = http.get("/v2/spaces").json()["spaces"][0]["id"]
        body = {"name": "capitals", "space_id": space, "examples": [{"n": 1}, {"n": 2}]}
        url = f"/v2/datasets/{http.post('/v2/datasets', json=body).json()['id']}/examples"
        id = http.get(url).json()["examples"][0]["id"]
        change = {"examples": [{"id": id, "n": 3}], "new_version": "checked"}
        http.patch(url, json=change).raise_for_status()
    assert served.stop() == 0


def test_the_digest_that_the_document_defines(client: httpx.Client) -> None:
    (code,) = blocks(ROOT / "docs" / "digest.md", "python")
    defined: dict[str, Any] = {}
    exec(code, defined)
    texts = [
        '{"q":"é \\u00e9\\/ \\n","n":1e400,"nested":[ 1, {"b" : 2,"a":[]} ]}',
        '{"":-0}',
        '{"q":1.0}',
    ]
    dataset = make_dataset(client, texts)
    version = f"/api/v1/datasets/{dataset.id}/versions/{dataset.version_id}"
    pages = read_pages(client, dataset.id, limit=2)
    examples = [
        one for page in pages for one in msgspec.json.decode(page.examples, type=list[msgspec.Raw])
    ]
    assert defined["digest"](examples) == client.get(version).json()["digest"]
    assert defined["digest"](examples[::-1]) != defined["digest"](examples[1:])


def test_the_commands_of_running(tmp_path: Path) -> None:
    serve, several, keys, on_data, files = blocks(ROOT / "docs" / "running.md", "sh")
    run(serve, tmp_path)
    run(several, tmp_path)
    make_capitals(tmp_path / "exempla-data")
    shown = run(on_data, tmp_path)
    assert "1 changed, 1 unchanged" in shown
    assert "capitals: 2 versions verified, 2 for the first time" in shown
    assert "MiB before" in shown
    (verify,) = blocks(ROOT / "docs" / "digest.md", "sh")
    assert run(verify, tmp_path) == "capitals: 2 versions verified\n"
    shown = run(files, tmp_path)
    assert "capitals again, version v1: 2 inserted" in shown
    assert "nothing was written; it would be: 0 added, 0 removed, 1 changed, 1 unchanged" in shown
    shown = run(keys, tmp_path)
    assert shown.startswith("exk_")
    assert "active" in shown


def test_the_commands_of_operations(tmp_path: Path) -> None:
    make_capitals(tmp_path / "exempla-data")
    shown = run("".join(blocks(ROOT / "docs" / "operations.md", "sh")), tmp_path)
    backed_up, *checked, restored = shown.splitlines()
    assert backed_up.startswith("wrote exempla-backup.db (")
    assert checked == 2 * ["capitals: sound", "1 dataset is sound"]
    assert restored == "restored exempla-backup.db to exempla-data"


def test_every_test_that_shows_a_guarantee_is_there() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text()
    named = re.findall(r"`(tests/[^`:]+)(?:::(\w+))?`", text)
    assert len(named) > 20
    for file, test in named:
        assert (ROOT / file).exists(), file
        assert f"def {test or 'test_'}" in (ROOT / file).read_text(), test
    for row in re.findall(r"^\| .* \|$", text.partition("## What it does not")[0], re.M):
        assert "`tests/" in row or "shown by" in row, row


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_json_and_link_is_right(document: Path) -> None:
    for block in blocks(document, "json"):
        json.loads(block)
    for link in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        assert (document.parent / link).exists(), link


def test_every_route_is_documented(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    database, _ = setup.open_database(setup.open_engine(Settings(data_dir=tmp_path)))
    routes = create_litestar(database).routes
    database.close()
    assert len(routes) > 10
    lacking = {path for handler in not_supported_routes() for path in handler.paths}
    for route in routes:
        if route.path in lacking:
            continue
        for method in route.methods - {"OPTIONS"}:
            assert f"`{method} {route.path_format}`" in text


def test_every_command_and_setting_is_documented() -> None:
    text = (ROOT / "docs" / "running.md").read_text()
    commands = {"": get_command(app)}
    for name, command in dict(commands).items():
        commands |= {f"{name} {sub}": c for sub, c in getattr(command, "commands", {}).items()}
    for name in list(commands):
        commands |= {f"{name} {s}": c for s, c in getattr(commands[name], "commands", {}).items()}
    for name, command in commands.items():
        if not getattr(command, "commands", {}):
            assert f"exempla{name}".rsplit(" ", 1)[-1] in text, name
        for parameter in command.params:
            if parameter.name != "help" and parameter.param_type_name == "option":
                assert parameter.opts[0] in text or getattr(parameter, "hidden", False), parameter
                assert (getattr(parameter, "envvar", None) or "") in text


def test_an_installed_exempla_works(tmp_path: Path) -> None:
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    subprocess.run([*pip, str(ROOT)], check=True, timeout=120)
    served = Served.start(
        "--data-dir", str(tmp_path / "data"), folder=tmp_path, PYTHONPATH=str(target)
    )
    assert served.stop() == 0
    where = "import exempla; print(exempla.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", where],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(target))


def test_the_python_of_arrow(served: Served, tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "docs" / "arrow.md", "python")
    for word, instead in [
        ("8787", str(served.port)),
        ("8788", str(served.flight_port)),
        ('"lakes"', repr(str(tmp_path))),
    ]:
        assert word in code
        code = code.replace(word, instead)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment(tmp_path, served),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"This prints `{done.stdout.strip()}`." in (ROOT / "docs" / "arrow.md").read_text()
