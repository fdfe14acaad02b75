"""`docs/clients.md`: its commands run, and its table names what the real SDK has."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.clients.environments import ROOT, client_python, outside
from tests.clients.sdk_support import RELEASES
from tests.serving import Served

NOTES = ROOT / "docs" / "clients.md"

PROGRAM = """
import importlib, json

clients = ["datasets", "spaces", "organizations", "annotation_configs", "api_keys"]
found = []
for name in clients:
    module = importlib.import_module(f"arize.{name}.client")
    (client,) = [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and thing.__module__ == module.__name__
    ]
    found += [f"{name}.{method}" for method in dir(client) if not method.startswith("_")]
print(json.dumps(found))
"""


def block(language: str, number: int = 0) -> str:
    """Return a block of code in this language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", NOTES.read_text(), re.M | re.S)
    return str(found[number])


def table() -> list[tuple[str, dict[str, str], str]]:
    """Return the rows of the table: the method, its state by release, and why."""
    row = r"^\| `(\w+\.\w+)` \| (\w+) \| (\w+) \| (.*?) ?\|$"
    found = re.findall(row, NOTES.read_text(), re.M)
    return [(name, {"8.42": old, "8.61": new}, why) for name, old, new, why in found]


def sdk_methods(release: str) -> list[str]:
    """Return the public methods that this release of the SDK has."""
    command = [str(client_python(f"sdk-{release}")), "-I", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    methods: list[str] = json.loads(done.stdout)
    return sorted(methods)


@pytest.mark.parametrize("release", RELEASES)
def test_the_table_names_every_method_of_the_sdk(release: str) -> None:
    rows = table()
    assert len({name for name, _, _ in rows}) == len(rows)
    listed = [name for name, state, _ in rows if state[release] != "absent"]
    assert sorted(listed) == sdk_methods(release)


def test_the_table_says_why_a_method_does_not_work() -> None:
    rows = table()
    assert {one for _, state, _ in rows for one in state.values()} == {"yes", "no", "absent"}
    for name, state, why in rows:
        assert why or "no" not in state.values(), name


def test_every_method_that_works_is_played() -> None:
    played = "".join(path.read_text() for path in Path(__file__).parent.glob("sdk_*.py"))
    for name, state, _ in table():
        if "yes" in state.values():
            area, method = name.split(".")
            last = area.split("_")[-1]  # of a variable's name at least
            assert re.search(rf"{last}\.{method}\b", played), name


def test_the_commands_run(served: Served, tmp_path: Path) -> None:
    profile = block("toml").replace("8787", str(served.port))
    profile = profile.replace("8788", str(served.flight_port))
    (tmp_path / "exempla.toml").write_text(profile)
    commands = "\n".join([block("sh", 0), block("sh", 1)]).replace("8787", str(served.port))
    path = f"{client_python('ax').parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=tmp_path,
        env=outside() | {"PATH": path, "HOME": str(tmp_path), "KEY": served.key},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown, _, listed = done.stdout.partition("{")
    assert shown.endswith("\nDefault\n")  # the SDK warns on the standard output
    assert "datasets" in json.loads("{" + listed)
