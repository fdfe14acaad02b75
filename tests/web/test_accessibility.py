"""axe finds no serious fault on any page, in light and in dark."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.api.helpers import ok, unique
from tests.web.site import Site
from tests.web.test_files import DROP, lines

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}

PATHS = {
    "log in": "/login",
    "datasets": "/",
    "no datasets": "/?name=there+is+none",
    "table": "{dataset}",
    "filter": "{dataset}?filter=answer+IS+NOT+NULL",
    "wrong filter": "{dataset}?filter=a+%3D%3D+1",
    "example": "{dataset}/example?id={example}",
    "edit": "{dataset}/example?id={example}&edit=1",
    "add": "{dataset}/new-example",
    "columns": "{dataset}/columns",
    "versions": "{dataset}/versions",
    "diff": "{dataset}/diff",
    "log": "{dataset}/log",
    "settings": "{dataset}/settings",
    "import": "{dataset}/import",
    "new": "/datasets/new",
    "new from a file": "/datasets/new-from-file",
    "spaces": "/admin/spaces",
    "space": "/admin/spaces/{space}",
    "keys": "/admin/keys",
    "help": "/help",
    "not there": "/nothing",
}


@pytest.fixture(scope="session")
def places(site: Site) -> dict[str, str]:
    """The parts of the addresses: a dataset that has something of everything."""
    space = site.space()
    labels = [{"label": "right", "score": 1}, {"label": "wrong", "score": 0}]
    verdict = site.config(space, "CATEGORICAL", values=labels)
    site.config(space, "CONTINUOUS", minimum_score=0, maximum_score=10)
    site.config(space, "FREEFORM")
    tag = ok(site.api.post("/v2/tags", json={"name": "golden", "space_id": space}), 201)["id"]
    fields = {"question": "word " * 100, "answer": None, "n": 1.5, "ok": True, "odd": "\u202ex"}
    many = {"list": list(range(80)), "empty": ""}
    dataset = site.dataset(fields | many, {"question": "two"}, space=space)
    first = dataset.example_ids[0]
    site.api.post(f"{dataset.url}/tags", json={"tag_ids": [tag]}).raise_for_status()
    site.patch(dataset, {"id": first, "question": "word " * 99 + "end"}, new_version="second")
    values = [{"name": verdict, "label": "right", "text": "a note"}]
    body = {"annotations": [{"record_id": first, "values": values}]}
    site.api.post(f"{dataset.examples_url}/annotate", json=body).raise_for_status()
    locked = f"/api/v1/datasets/{dataset.id}/versions/{dataset.version_id}"
    site.api.patch(locked, json={"locked": True, "description": "as it was"}).raise_for_status()
    return {"dataset": f"/datasets/{dataset.id}", "example": first, "space": space}


def check(page: Page) -> None:
    """Check what the page shows now, in light and in dark."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=OPTIONS).response["violations"]
        serious = [
            (one["id"], [node["html"] for node in one["nodes"]], one["nodes"][0]["any"][:1])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == [], scheme


@pytest.mark.parametrize("name", PATHS)
def test_no_page_has_a_serious_fault(
    page: Page, places: dict[str, str], name: str, request: pytest.FixtureRequest
) -> None:
    if name == "log in":
        page.context.clear_cookies()
    page.goto(PATHS[name].format(**places))
    for summary in page.locator("main details:not(.menu) > summary").all():
        if summary.is_visible():
            summary.click()
    check(page)


@pytest.mark.parametrize("summary", ["Columns", "Use it"])
def test_no_menu_has_a_serious_fault(page: Page, places: dict[str, str], summary: str) -> None:
    page.goto(places["dataset"])
    page.locator("summary", has_text=summary).click()
    check(page)


def test_the_choice_between_two_values_has_no_serious_fault(page: Page, site: Site) -> None:
    dataset = site.dataset({"answer": "one", "long": "word " * 200})
    (id,) = dataset.example_ids
    page.goto(f"/datasets/{dataset.id}/example?id={id}&edit=1")
    page.get_by_label("answer").fill("mine")
    page.get_by_label("long").fill("mine too")
    site.patch(dataset, {"id": id, "answer": "theirs", "long": "theirs too"})
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Someone else was faster")
    check(page)


def test_what_was_typed_into_an_old_form_has_no_serious_fault(page: Page, site: Site) -> None:
    dataset = site.dataset({"answer": "one"})
    page.goto(f"/datasets/{dataset.id}/new-example")
    page.get_by_label("answer").fill("two")
    page.locator("main [name=form_token]").evaluate("one => one.value = ''")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("button", name="Send it again")).to_be_visible()
    check(page)


def test_a_trial_and_its_mistakes_have_no_serious_fault(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}/import")
    page.get_by_label("Changes of examples").check()
    page.evaluate(DROP, ["a.jsonl", lines({"id": dataset.example_ids[0], "q": "two"})])
    expect(page.locator("#result")).to_contain_text("~1 changed")
    check(page)
    page.evaluate(DROP, ["a.jsonl", "[1"])
    expect(page.get_by_role("alert")).to_contain_text("Nothing was imported")
    check(page)


def test_a_new_key_and_a_wrong_field_have_no_serious_fault(page: Page, site: Site) -> None:
    page.goto("/admin/keys")
    page.locator("input[name=name]").first.fill(unique("key"))
    page.locator("form", has=page.locator("input[name=days]")).first.locator("button").click()
    expect(page.locator("#secret")).to_be_visible()
    check(page)
    dataset = site.dataset({"n": [1]})
    page.goto(f"/datasets/{dataset.id}/example?id={dataset.example_ids[0]}&edit=1")
    page.locator("textarea.json").first.fill("[1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".wrong")).to_contain_text("This is not JSON")
    check(page)
