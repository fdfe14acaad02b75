"""Journeys of a person who looks: find a dataset, read its table of 100,000, compare versions."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, Page, expect

from exempla.web.choices import AT_ONCE, LISTED
from tests.api.helpers import unique
from tests.web.conftest import new_context
from tests.web.site import LARGE, Site

HOSTILE = (
    "<b>bold</b><script>alert(1)</script><img src=x onerror=alert(2)> "
    "\u202egnp.exe \u2066\u200b&amp;"
)


def numbers(page: Page) -> list[int]:
    """Return the numbers of the examples in the table."""
    return [int(text.split()[-1]) for text in page.locator("tbody th").all_inner_texts()]


def test_log_in_and_find_a_dataset(browser: Browser, site: Site) -> None:
    name, space = unique("Capitals"), site.space()
    site.dataset({"q": "one"}, name=name)
    other = site.dataset({"q": "one"}, {"q": "two"}, name=name + " too", space=space)
    with new_context(browser, site) as context:
        page = context.new_page()
        page.goto("/?name=CAPITALS")
        page.get_by_label("API key").fill("exk_this_key_was_never_made_0123456789")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("unknown, revoked or expired")
        page.get_by_label("API key").fill(site.served.key)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/\?name=CAPITALS$"))
        page.keyboard.press("/")
        page.keyboard.press("Control+a")
        page.keyboard.type(name.upper())
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr")).to_have_count(2)
        page.get_by_label("Space").select_option(space)
        row = page.locator("tbody tr")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("2")
        expect(row).to_contain_text("by admin@localhost")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(other.name)
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(re.compile("/login$"))
        page.goto(f"/datasets/{other.id}")
        expect(page.get_by_label("API key")).to_be_visible()


def test_empty_states_say_what_to_do(page: Page, site: Site) -> None:
    page.goto(f"/?name={unique()}")
    expect(page.get_by_text("No dataset has this in its name.")).to_be_visible()
    page.get_by_role("link", name="Show all datasets").click()
    expect(page).to_have_url(re.compile("/$"))
    space = site.space()
    page.goto(f"/?space={quote(space)}")
    expect(page.get_by_text("This space holds no datasets yet.")).to_be_visible()
    page.get_by_role("link", name="import a file").click()
    expect(page.get_by_label("Space")).to_have_value(space)
    page.go_back()
    page.get_by_role("link", name="Make one").click()
    expect(page.get_by_label("Space")).to_have_value(space)
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}?filter=q%20%3D%20'two'")
    page.get_by_role("link", name="Show all 1").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_table_of_a_large_dataset(page: Page, site: Site) -> None:
    page.goto(f"/datasets/{site.large}")
    assert numbers(page) == list(range(1, 51))
    expect(page.get_by_text(f"{LARGE:,} examples in v1")).to_be_visible()
    page.keyboard.press("]")
    expect(page.locator("tbody th").first).to_contain_text("51")
    page.get_by_role("link", name="Next").click()
    expect(page.locator("tbody th").first).to_contain_text("101")
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("tbody th").first).to_contain_text("51")
    shared = page.url
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("tbody th").first).to_have_text(re.compile(r"\b1$"))
    expect(page.get_by_role("link", name="Previous")).to_have_count(0)
    page.goto(shared)
    assert numbers(page) == list(range(51, 101))
    header = page.locator("thead th").nth(1)
    before = header.bounding_box()
    page.locator(".scroller").evaluate("one => one.scrollTo(0, 800)")
    assert header.bounding_box() == before


def test_a_filter_is_completed_and_its_pages_are_walked(page: Page, site: Site) -> None:
    page.goto(f"/datasets/{site.large}")
    page.keyboard.press("/")
    page.keyboard.type("top")
    option = page.get_by_role("option", name="topic", exact=True)
    expect(option).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type(" = 'topic-07' and")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type(" n > 200")
    page.keyboard.press("Escape")
    page.get_by_label("Filter").focus()
    page.keyboard.press("Enter")
    first = list(range(208, 208 + 50 * 20, 20))
    expect(page.locator("tbody th").first).to_contain_text("208")
    assert page.get_by_label("Filter").input_value() == "topic = 'topic-07' AND n > 200"
    assert numbers(page) == first
    page.get_by_role("link", name="Next").click()
    expect(page.locator("tbody th").first).to_contain_text(str(first[-1] + 20))
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("tbody th").first).to_contain_text("208")
    assert numbers(page) == first
    page.locator("tbody a").nth(1).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Example 228")
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=1)).to_have_text("Example 248")
    page.keyboard.press("k")
    expect(page.get_by_role("heading", level=1)).to_have_text("Example 228")


def test_a_mistake_in_a_filter_is_shown_at_its_place(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}")
    page.get_by_label("Filter").fill("q == 'one'")
    page.get_by_role("button", name="Show").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("at character 3: write = instead of ==")
    expect(alert.locator(".here")).to_have_text("=")
    expect(page.get_by_label("Filter")).to_have_value("q == 'one'")
    expect(page.get_by_label("Filter")).to_have_attribute("aria-invalid", "true")


def test_columns_are_chosen_kept_and_in_the_address(
    browser: Browser, page: Page, site: Site
) -> None:
    dataset = site.dataset({"a": 1, "b": 2, "c": 3})
    heads = page.locator("thead th[data-column]:visible")
    page.goto(f"/datasets/{dataset.id}")
    expect(heads).to_have_count(3)
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("b", exact=True).uncheck()
    expect(heads).to_have_text(["a", "c"])
    shared = page.url
    assert shared.endswith("?columns=a&columns=c")
    page.goto(f"/datasets/{dataset.id}")
    expect(heads).to_have_text(["a", "c"])  # kept for this person
    with new_context(browser, site) as other:
        other.add_cookies([site.cookie(site.served.key)])
        theirs = other.new_page()
        theirs.goto(f"/datasets/{dataset.id}")
        expect(theirs.locator("thead th[data-column]:visible")).to_have_count(3)
        theirs.goto(shared)
        expect(theirs.locator("thead th[data-column]:visible")).to_have_text(["a", "c"])


def test_any_of_many_fields_can_be_shown(page: Page, site: Site) -> None:
    dataset = site.dataset({f"field_{n}": n for n in range(AT_ONCE + 50)})
    heads = page.locator("thead th[data-column]:visible")
    page.goto(f"/datasets/{dataset.id}")
    expect(heads).to_have_count(AT_ONCE)
    expect(page.locator("main")).to_contain_text(f"shows {AT_ONCE} columns at most")
    expect(page.locator("#columns-count")).to_have_text(f"{AT_ONCE} of {AT_ONCE + 50}")
    page.locator("summary", has_text="Columns").click()
    page.get_by_role("button", name="None").click()
    expect(heads).to_have_count(0)
    page.get_by_label("field_140", exact=True).check()
    expect(page).to_have_url(re.compile("columns=field_140$"))
    expect(heads).to_have_text(["field_140"])
    expect(page.get_by_label("field_140", exact=True)).to_be_focused()
    page.get_by_label("field_141", exact=True).check()
    expect(heads).to_have_text(["field_140", "field_141"])


def test_of_very_many_fields_the_address_can_name_any(page: Page, site: Site) -> None:
    dataset = site.dataset({f"field_{n}": n for n in range(LISTED + 10)})
    page.goto(f"/datasets/{dataset.id}")
    expect(page.locator("main")).to_contain_text(f"{LISTED + 10:,} fields")
    expect(page.locator("input[name=columns]")).to_have_count(LISTED + 1)  # and the id
    page.goto(f"/datasets/{dataset.id}?columns=field_{LISTED + 9}")
    expect(page.locator("thead th[data-column]")).to_have_text([f"field_{LISTED + 9}"])


def test_what_was_said_is_not_in_a_link(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}?said=saved&filter=q+%3D+%27one%27")
    expect(page.get_by_role("status")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"{dataset.id}\?filter=q\+%3D\+%27one%27$"))


def test_use_it_fits_a_phone(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/datasets/{dataset.id}")
    page.locator("summary", has_text="Use it").click()
    box = page.locator(".use-it .panel").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_long_values_are_folded_and_versions_switched(page: Page, site: Site) -> None:
    long = "word " * 200 + "END"
    dataset = site.dataset({"q": long, "meta": {"list": list(range(100))}})
    new = site.patch(dataset, {"id": dataset.example_ids[0], "q": "short"}, new_version="second")
    page.goto(f"/datasets/{dataset.id}")
    expect(page.get_by_text("short", exact=True)).to_be_visible()
    page.get_by_label("Version").select_option(label="v1")
    expect(page).to_have_url(re.compile(r"version="))
    cell = page.locator("td summary .cell").first
    folded = cell.evaluate("one => one.clientHeight")
    cell.click()
    assert cell.evaluate("one => one.clientHeight") > 2 * folded
    expect(cell).to_contain_text("END")
    assert new != dataset.version_id


def test_a_text_is_shown_as_text(page: Page, site: Site) -> None:
    dataset = site.dataset(
        {HOSTILE: HOSTILE, "deep": {HOSTILE: HOSTILE}}, name=unique(HOSTILE[:60])
    )
    change = {"id": dataset.example_ids[0], HOSTILE: HOSTILE + "changed"}
    second = site.patch(dataset, change, new_version=HOSTILE)
    where = f"/datasets/{dataset.id}"
    for path in (
        "/",
        where,
        f"{where}?filter=%22{'%3Cscript%3E'}%22%20%3D%201",
        f"{where}?filter=%3Cscript%3Ealert(3)%3C/script%3E",
        f"{where}/example?id={dataset.example_ids[0]}",
        f"{where}/example?id={dataset.example_ids[0]}&edit=1",
        f"{where}/versions",
        f"{where}/diff?base={dataset.version_id}&head={second}",
        f"{where}/columns",
        f"{where}/log",
        f"{where}/settings",
    ):
        page.goto(path)
        assert page.locator("main b, main img, main script").count() == 0, path
        body = page.locator("main").inner_text()
        assert "\u202e" not in body, path
        assert "\u200b" not in body, path
    page.goto(where)
    cell = page.locator("td.string .cell").first
    expect(cell).to_contain_text("<b>bold</b><script>alert(1)</script>")
    expect(cell.locator(".mark").first).to_have_text("RLO")


def test_what_changed_is_shown_word_by_word(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one two three"}, {"q": "stays"}, {"q": "goes"})
    first, _, third = dataset.example_ids
    site.patch(dataset, {"id": first, "q": "one 2 three"}, new_version="second")
    site.api.request(
        "DELETE",
        dataset.examples_url,
        json={"dataset_version_id": site.patch(dataset, {"id": first}), "example_ids": [third]},
    ).raise_for_status()
    page.goto(f"/datasets/{dataset.id}/versions")
    line = page.locator(".line > li")
    expect(line).to_have_count(2)
    expect(line.first).to_contain_text("second")
    expect(line.first.locator(".delta")).to_have_text(re.compile(r"~1.*−1"))
    expect(line.last.locator(".delta")).to_have_text(re.compile(r"\+3"))
    page.get_by_role("link", name="What changed in second").click()
    expect(page.locator(".counts")).to_contain_text("~1 changed")
    expect(page.locator(".counts")).to_contain_text("−1 removed")
    change = page.locator(".change").first
    expect(change.locator("del")).to_have_text("two")
    expect(change.locator("ins")).to_have_text("2")
    expect(change.locator("dd")).to_contain_text("one")
    page.get_by_role("link", name="The other way").click()
    expect(page.locator(".counts")).to_contain_text("+1 added")
    page.get_by_role("link", name="Log").click()
    expect(page.locator("tbody tr").first).to_contain_text("−1")


def test_a_diff_shows_json_as_code_and_folds_what_is_the_same(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "same " * 200 + "old", "meta": {"n": 1}})
    change = {"id": dataset.example_ids[0], "q": "same " * 200 + "new", "meta": {"n": 2}}
    second = site.patch(dataset, change, new_version="second")
    page.goto(f"/datasets/{dataset.id}/diff?base={dataset.version_id}&head={second}")
    text, json = page.locator(".change dd").all()
    expect(json).to_have_class(re.compile(r"\bcode\b"))
    expect(text).not_to_have_class(re.compile(r"\bcode\b"))
    folded = text.bounding_box()
    assert folded is not None
    assert folded["height"] < 100
    text.get_by_text("characters as before").click()
    opened = text.bounding_box()
    assert opened is not None
    assert opened["height"] > folded["height"]


def test_statistics_of_a_large_dataset_come_after_the_page(page: Page, site: Site) -> None:
    page.goto(f"/datasets/{site.large}/columns")
    row = page.locator("tbody tr", has_text="topic").first
    expect(row).to_contain_text("topic-00", timeout=60_000)
    expect(row.locator("svg").first).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(4)
    page.goto(f"/datasets/{site.large}/columns")  # kept now
    assert page.locator("tbody tr").count() == 4


def test_reading_works_without_scripts(browser: Browser, site: Site) -> None:
    dataset = site.dataset({"q": "x" * 500}, {"q": "two"})
    site.patch(dataset, {"id": dataset.example_ids[1], "q": "2"}, new_version="second")
    with new_context(browser, site, java_script_enabled=False) as context:
        context.add_cookies([site.cookie(site.served.key)])
        page = context.new_page()
        page.goto("/")
        page.get_by_label("Part of the name").fill(dataset.name)
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name=dataset.name).click()
        expect(page.locator("tbody tr")).to_have_count(2)
        page.get_by_label("Version").select_option(label="v1")
        page.get_by_label("Filter").fill("q = 'two'")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.locator("tbody a").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Example 2")
        page.goto(f"/datasets/{dataset.id}/versions")
        page.get_by_role("button", name="Show the difference").click()
        expect(page.locator(".change ins")).to_have_text("2")
        page.get_by_role("link", name="Columns").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        many = site.dataset(*({"n": n} for n in range(1_000)))
        site.api.post(many.examples_url, json={"examples": [{"n": 1_000}]}).raise_for_status()
        page.goto(f"/datasets/{many.id}/columns")
        page.get_by_role("link", name="Read them").click()
        expect(page.locator("tbody tr")).to_have_count(1)


def test_no_page_is_wider_than_a_phone(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "word " * 100, "a": "x" * 300, "n": 1, "meta": {"a": [1] * 50}})
    path, id = f"/datasets/{dataset.id}", dataset.example_ids[0]
    parts = ["", f"/example?id={id}", f"/example?id={id}&edit=1", "/new-example", "/columns"]
    parts += ["/versions", "/diff", "/log", "/settings", "/import"]
    paths = [
        "/",
        "/help",
        "/datasets/new",
        "/datasets/new-from-file",
        "/admin/spaces",
        "/admin/keys",
    ]
    page.set_viewport_size({"width": 360, "height": 740})
    widths = {}
    for one in [*(path + part for part in parts), *paths]:
        page.goto(one)
        widths[one] = page.evaluate("document.documentElement.scrollWidth")
    assert {one: width for one, width in widths.items() if width > 360} == {}


def test_the_keys_of_a_page_are_told(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Next row")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_lines_to_copy_work_and_hold_no_key(
    context: BrowserContext, page: Page, site: Site, tmp_path: Path
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    dataset = site.dataset({"q": "it's"}, {"q": "two"})
    page.goto(f"/datasets/{dataset.id}?filter=q%20%3D%20'it''s'")
    page.get_by_text("Use it").click()
    page.get_by_role("button", name="Copy").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert site.served.key not in page.content()
    done = subprocess.run(
        ["bash", "-c", copied],
        env={"KEY": site.served.key, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert '"q":"it\'s"' in done.stdout
    assert '"q":"two"' not in done.stdout
