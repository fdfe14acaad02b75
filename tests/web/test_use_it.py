"""The lines that the pages offer to copy: each does what the page shows."""

from __future__ import annotations

import shlex
import subprocess
import uuid
from pathlib import Path

import pytest

from exempla.ids import ResourceId, parse_id
from exempla.web import use_it
from exempla.web.use_it import Snippet
from tests.api.helpers import Dataset, ok, read_fields
from tests.clients.ax import open_ax
from tests.clients.environments import client_python, outside
from tests.serving import Served
from tests.web.site import Site

FILTER = "q = 'it''s \"two\" \\ $HOME'"
TWO = 'it\'s "two" \\ $HOME'


@pytest.fixture
def dataset(site: Site) -> Dataset:
    return site.dataset({"q": "one"}, {"q": TWO})


def ids(dataset: Dataset) -> tuple[ResourceId, ResourceId]:
    return (
        parse_id(dataset.id, "Dataset", "dataset"),
        parse_id(dataset.version_id, "DatasetVersion", "version"),
    )


def run(snippet: Snippet, served: Served, folder: Path) -> str:
    """Run the lines as someone who has set what they need."""
    if snippet.title == "ax":
        return run_ax(snippet, served, folder)
    command = ["bash", "-c", snippet.code]
    environment = {"KEY": served.key, "PATH": "/usr/bin:/bin"}
    if snippet.title == "Python":
        command = [str(client_python("sdk-8.61")), "-c", snippet.code]
        environment = {
            **outside(),
            "HOME": str(folder),
            "ARIZE_API_KEY": served.key,
            "ARIZE_API_HOST": "127.0.0.1",
            "ARIZE_API_PORT": str(served.port),
            "ARIZE_API_SCHEME": "http",
            "ARIZE_ENABLE_CACHING": "false",
            "ARIZE_DIRECTORY": str(folder),
        }
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_ax(snippet: Snippet, served: Served, folder: Path) -> str:
    name, *arguments = shlex.split(snippet.code)
    assert name == "ax"
    home = folder / uuid.uuid4().hex
    home.mkdir()
    with open_ax(served, home) as ax:
        done = ax(*arguments)
    done.succeeded()
    return done.output


@pytest.mark.parametrize("place", [0, 1, 2], ids=["curl", "Python", "ax"])
def test_the_lines_read_what_the_table_shows(
    site: Site, dataset: Dataset, tmp_path: Path, place: int
) -> None:
    snippet = use_it.examples(site.served.base_url, *ids(dataset), FILTER)[place]
    part = run(snippet, site.served, tmp_path)
    assert dataset.example_ids[0] not in part
    assert dataset.example_ids[1] in part


@pytest.mark.parametrize("place", [0, 1, 2], ids=["curl", "Python", "ax"])
def test_the_lines_update_an_example_in_a_new_version(
    site: Site, dataset: Dataset, tmp_path: Path, place: int
) -> None:
    first = dataset.example_ids[0]
    snippets = use_it.update(site.served.base_url, *ids(dataset), first, "it's a field")
    run(snippets[place], site.served, tmp_path)
    new = ok(site.api.get(dataset.url))["versions"][0]
    assert new["name"] == use_it.NEW_VERSION
    changed = [{"q": "one", "it's a field": "new value"}, {"q": TWO}]
    assert read_fields(site.api, dataset, new["id"]) == changed
    assert read_fields(site.api, dataset, dataset.version_id) == [{"q": "one"}, {"q": TWO}]


def test_the_lines_compare_two_versions(site: Site, dataset: Dataset, tmp_path: Path) -> None:
    id, version = ids(dataset)
    curl, command = use_it.diff(site.served.base_url, id, version, version)
    assert '"unchanged":2' in run(curl, site.served, tmp_path)
    assert shlex.split(command.code) == ["exempla", "diff", str(id), str(version), str(version)]


def test_the_line_without_a_filter_reads_the_whole_page(
    site: Site, dataset: Dataset, tmp_path: Path
) -> None:
    curl, *_ = use_it.examples(site.served.base_url, *ids(dataset), "")
    whole = run(curl, site.served, tmp_path)
    assert all(id in whole for id in dataset.example_ids)
