"""Journeys with files: drop one, see what it would change, import it, export it again."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.api.helpers import ok, send, unique
from tests.web.conftest import new_context
from tests.web.site import Site

DROP = """([name, text]) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name));
    document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
}"""


def lines(*examples: dict[str, object]) -> str:
    return "".join(json.dumps(one) + "\n" for one in examples)


def test_a_dropped_file_is_tried_and_then_imported(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "Capital of Peru?", "a": "lima"}, {"q": "two"})
    first = dataset.example_ids[0]
    page.goto(f"/datasets/{dataset.id}")
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("Changes of examples").check()
    text = lines({"id": first, "a": "Lima"}, {"id": "not there", "a": "x"})
    page.evaluate(DROP, ["changes.jsonl", text])
    result = page.locator("#result")
    expect(result).to_contain_text("~1 changed")
    expect(result).to_contain_text("1 rows have an id that is not there")
    expect(result.locator("del")).to_have_text("lima")
    expect(result.locator("ins")).to_have_text("Lima")
    assert site.example(dataset, first)["a"] == "lima"
    page.get_by_label("Into a new version").check()
    page.get_by_placeholder("name of the new version").fill("imported")
    expect(page.get_by_role("button", name="Show again what would change")).to_be_enabled()
    main = page.locator("form[data-upload] button.main")
    expect(main).to_have_text("Import 2 rows")
    main.click()
    told = page.get_by_role("status")
    expect(told).to_contain_text("Imported: 1 changed, 1 with an id that is not there.")
    expect(page.get_by_label("Version")).to_contain_text("imported (latest)")
    told.get_by_role("link", name="What changed").click()
    expect(page.locator("main")).to_contain_text("~1 changed")
    expect(page.locator("del")).to_have_text("lima")
    assert site.example(dataset, first)["a"] == "Lima"
    assert site.example(dataset, first, dataset.version_id)["a"] == "lima"


def test_an_array_of_json_is_imported(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}/import")
    page.evaluate(DROP, ["more.json", json.dumps([{"q": "two"}, {"q": "three", "n": 3}], indent=2)])
    expect(page.locator("#result")).to_contain_text("+2 added")
    page.get_by_role("button", name="Import 2 rows").click()
    told = page.get_by_role("status")
    expect(told).to_contain_text("Imported: 2 added.")
    expect(page.locator("tbody tr")).to_have_count(3)
    told.get_by_role("link", name="The log").click()
    expect(page.locator("tbody tr").first).to_contain_text("2")


def test_a_file_that_is_dropped_on_a_dataset_is_tried(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.evaluate(DROP, ["more.csv", "q;a\ntwo;2,5\n"])
    expect(page.locator("#result")).to_contain_text("+1 added")
    expect(page.locator("#result dl")).to_contain_text("2,5")
    expect(page).to_have_url(re.compile("/import$"))
    page.evaluate(DROP, ["more.jsonl", lines({"q": "two"}, {"q": "three"})])
    expect(page.locator("#result")).to_contain_text("+2 added")
    page.get_by_label("Changes of examples").check()
    expect(page.get_by_role("alert")).to_contain_text("line 1: the id is missing")
    page.get_by_label("New examples").check()
    page.get_by_role("button", name="Import 2 rows").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Import a file")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text(dataset.name)


def test_the_first_of_many_mistakes_are_told(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}/import")
    page.evaluate(DROP, ["bad.jsonl", lines({"q": "two"}, {"id": 3}) + "x\n" * 30 + '{"id": ""}\n'])
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Nothing was imported: line 2: the id must be a string")
    expect(alert.locator("li")).to_have_count(19)
    expect(alert.locator("li").last).to_contain_text("Line 21 is not valid JSON")
    expect(alert).to_contain_text("And at least 12 more.")
    page.evaluate(DROP, ["bad.csv", 'q,a\n1,2\n3\n4,5\n6,7,8\n9,"\n'])
    expect(alert).to_contain_text("line 3 has 1 cell, but the header 2")
    expect(alert.locator("li")).to_have_text(
        ["Line 5 has 3 cells, but the header 2.", re.compile("Line 6 is not valid CSV")]
    )
    expect(alert).not_to_contain_text("more.")
    schema = {"properties": {"n": {"type": "integer"}}}
    ok(send(site.api, "PUT", f"/api/v1/datasets/{dataset.id}/schema", {"schema": schema}))
    rows: list[dict[str, object]] = [{"n": "one" if n % 2 else n} for n in range(50)]
    page.evaluate(DROP, ["bad.jsonl", lines(*rows)])
    expect(alert).to_contain_text("line 2 does not satisfy the dataset's schema at '/n'")
    expect(alert.locator("li").first).to_contain_text("Line 4 does not satisfy")
    expect(alert).to_contain_text("And at least 5 more.")


def test_what_is_wrong_with_a_file_is_told_by_its_line(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}/import")
    page.evaluate(DROP, ["bad.jsonl", lines({"q": "two"}) + '{"q" 3}\n'])
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Nothing was imported: line 2")
    page.evaluate(DROP, ["unknown.txt", lines({"q": "two"})])
    expect(alert).to_contain_text("choose the format of 'unknown.txt'")
    page.get_by_label("Format").select_option("jsonl")
    expect(page.locator("#result")).to_contain_text("+1 added")
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.locator("tbody tr")).to_have_count(2)


def test_a_dataset_is_made_of_a_file(page: Page, site: Site, tmp_path: Path) -> None:
    file = tmp_path / f"{unique('rivers')}.csv"
    file.write_text('q,a\r\nLongest?,"Nile, or not"\r\n')
    page.goto("/datasets/new")
    page.get_by_role("link", name="From a file").click()
    page.get_by_label("A file with examples").set_input_files(file)
    expect(page.get_by_label("Name", exact=True)).to_have_value(file.stem)
    page.get_by_label("Space").select_option("Default")
    page.get_by_role("button", name="Make the dataset").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(file.stem)
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("Nile, or not")


def test_export_is_the_file_of_the_version(page: Page, site: Site, tmp_path: Path) -> None:
    dataset = site.dataset('{"q":"one","n":1.0}', '{"q":"two"}')
    site.patch(dataset, {"id": dataset.example_ids[0], "q": "1"}, new_version="second")
    page.goto(f"/datasets/{dataset.id}?version={dataset.version_id}")
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="JSON Lines").click()
    file = tmp_path / "export.jsonl"
    waiting.value.save_as(file)
    assert waiting.value.suggested_filename == f"{dataset.name} v1.jsonl"
    first, second = file.read_text().splitlines()
    assert re.search(r'"q":"one","n":1.0}$', first)
    assert second.endswith('"q":"two"}')


def test_a_file_is_imported_without_scripts(browser: Browser, site: Site, tmp_path: Path) -> None:
    dataset = site.dataset({"q": "one"})
    file = tmp_path / "more.jsonl"
    file.write_text(lines({"q": "two"}, {"q": "three"}))
    with new_context(browser, site, java_script_enabled=False) as context:
        context.add_cookies([site.cookie(site.served.key)])
        page = context.new_page()
        page.goto(f"/datasets/{dataset.id}/import")
        page.get_by_label("A file with examples").set_input_files(file)
        page.get_by_role("button", name="Show what would change").click()
        expect(page.locator("#result")).to_contain_text("+2 added")
        expect(page.locator("#result")).to_contain_text("Choose the file again to import it.")
        page.get_by_label("A file with examples").set_input_files(file)
        page.get_by_role("button", name="Import 2 rows").click()
        expect(page.locator("tbody tr")).to_have_count(3)
    assert len(ok(site.api.get(dataset.examples_url))["examples"]) == 3
