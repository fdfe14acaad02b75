"""The lines that the pages offer to copy: each does what the page shows."""

from __future__ import annotations

import shlex
import subprocess
import uuid
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

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


CLIENTS = pytest.mark.parametrize("place", [0, 1, 2], ids=["curl", "Python", "ax"])


@CLIENTS
def test_the_lines_read_what_the_table_shows(
    site: Site, dataset: Dataset, tmp_path: Path, place: int
) -> None:
    snippet = use_it.examples(site.served.base_url, *ids(dataset), FILTER, 50)[place]
    part = run(snippet, site.served, tmp_path)
    assert dataset.example_ids[0] not in part
    assert dataset.example_ids[1] in part


@CLIENTS
@pytest.mark.parametrize("filter", ["", "n >= 0"])
def test_the_lines_read_the_page_that_is_looked_at(
    site: Site, page: Page, tmp_path: Path, place: int, filter: str
) -> None:
    dataset = site.dataset(*({"n": n} for n in range(130)))
    page.goto(f"/datasets/{dataset.id}?filter={quote(filter)}")
    for way, first in (("Next", 50), ("Next", 100), ("Previous", 50)):
        page.get_by_role("link", name=way).click()
        expect(page.locator("tbody th").first).to_contain_text(str(first + 1))
    page.get_by_text("Use it").click()
    title = page.locator(".snippet h3").nth(place).inner_text()
    code = page.locator(".snippet pre").nth(place).inner_text()
    read = run(Snippet(title, "", code), site.served, tmp_path)
    for number, id in enumerate(dataset.example_ids):
        assert (id in read) == (50 <= number < 100), number


@CLIENTS
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


def test_the_lines_compare_two_versions(site: Site, page: Page, tmp_path: Path) -> None:
    dataset = site.dataset(*({"n": n} for n in range(40)))
    changes = [{"id": id, "n": -1} for id in dataset.example_ids]
    other = site.patch(dataset, *changes, new_version="second")
    page.goto(f"/datasets/{dataset.id}/diff?base={dataset.version_id}&head={other}")
    page.get_by_role("link", name="Next changes").click()
    expect(page.locator(".change")).to_have_count(15)
    page.get_by_text("Use it").click()
    curl, command = page.locator(".snippet pre").all_inner_texts()
    read = run(Snippet("curl", "KEY", curl), site.served, tmp_path)
    assert [id for id in dataset.example_ids if id in read] == list(dataset.example_ids[25:])
    assert shlex.split(command) == ["exempla", "diff", dataset.id, dataset.version_id, other]
    expect(page.locator(".snippet").last).to_contain_text("on the machine of the server")
