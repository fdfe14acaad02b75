"""The table of a dataset: what it shows of any data, its columns, its filter, how it looks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from exempla.web import columns
from exempla.web.choices import AT_ONCE
from tests.api.helpers import ok
from tests.web.conftest import new_context
from tests.web.site import Site

SIZES = [(1280, 800), (390, 800)]
FIELDS = 300

GAPS = [
    {
        f"field_{(7 * row + n) % 25}": "word " * (3 + row * n % 60) if n % 3 else row * n
        for n in range(4)
    }
    for row in range(60)
]

_EXTENT = """one => {
  const table = one.querySelector("table");
  return [one.scrollWidth - Math.max(table.offsetWidth, one.clientWidth),
          one.scrollHeight - Math.max(table.offsetHeight, one.clientHeight)];
}"""


def heads(page: Page) -> Any:
    """The heads of the columns that are shown."""
    return page.locator("thead th[data-column]:visible")


@pytest.fixture
def wide(site: Site) -> str:
    """The address of a dataset of many fields."""
    fields = {f"field_{n}": n for n in range(FIELDS)}
    return f"/datasets/{site.dataset(fields, fields).id}"


@pytest.fixture
def plain(browser: Browser, site: Site) -> Iterator[Page]:
    """A page without scripts."""
    with new_context(browser, site, java_script_enabled=False) as context:
        context.add_cookies([site.cookie(site.served.key)])
        yield context.new_page()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_beside_or_below_the_table(
    page: Page, site: Site, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"/datasets/{site.dataset(*GAPS).id}")
    assert page.locator(".scroller").evaluate(_EXTENT) == [0, 0]
    document = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert document[0] <= document[1]
    empty = page.locator("td.missing").first
    assert empty.evaluate("one => getComputedStyle(one, '::before').content") == '"–"'


def test_the_table_alone_scrolls_on_a_large_screen(page: Page, site: Site) -> None:
    page.goto(f"/datasets/{site.dataset(*GAPS).id}")
    assert page.evaluate("document.documentElement.scrollHeight") == 800
    expect(page.get_by_role("link", name="Next")).to_be_in_viewport()
    page.locator(".scroller").evaluate("one => one.scrollTo(500, 9999)")
    expect(page.locator("thead th").first).to_be_in_viewport()
    expect(page.locator("tbody th").last).to_be_in_viewport()


def test_words_are_not_broken_but_where_they_must(page: Page, site: Site) -> None:
    name = "unbreakable" * 20
    dataset = site.dataset(
        {"topic": "payments", "long": "word " * 60, "one": "x" * 900, "n": 1, "m": 1},
        name=name,
    )
    page.goto(f"/datasets/{dataset.id}")
    line = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.cell')).lineHeight)")
    cell = page.locator("td[data-column=topic] .cell")
    assert cell.evaluate("one => one.clientHeight") < 2 * line
    broken = page.locator("td[data-column=one] .cell")
    assert broken.evaluate("one => one.clientWidth") < 600
    page.goto("/")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 1280


def test_numbers_stand_under_their_head(page: Page, site: Site) -> None:
    page.goto(f"/datasets/{site.dataset({'a long name': 1, 'mixed': 1}, {'mixed': 'x'}).id}")

    def aligned(selector: str) -> str:
        return str(page.locator(selector).first.evaluate("one => getComputedStyle(one).textAlign"))

    for name, side in (("a long name", "right"), ("mixed", "left")):
        assert aligned(f"thead th[data-column='{name}']") == side
        assert aligned(f"td.number[data-column='{name}']") == side


def test_the_number_of_an_example_takes_no_room(page: Page, site: Site) -> None:
    page.goto(f"/datasets/{site.dataset({'a': 'short', 'b': 'x'}).id}?columns=a")
    assert page.locator("thead th").first.evaluate("one => one.offsetWidth") < 120


def test_text_is_folded_by_its_lines(page: Page, site: Site) -> None:
    fits, many_lines, long = "x " * 40, "a\nb\nc\nd\ne\nf", "word " * 200
    dataset = site.dataset({"fits": fits, "lines": many_lines, "long": long})
    page.goto(f"/datasets/{dataset.id}")
    expect(page.locator("td[data-column=fits] .fold")).to_have_count(0)
    folds = page.locator(".fold")
    expect(folds).to_have_count(2)
    heights = folds.locator(".cell").evaluate_all("all => all.map((one) => one.clientHeight)")
    assert heights[0] == heights[1]


def test_any_field_of_many_is_shown(page: Page, wide: str) -> None:
    page.goto(wide)
    expect(heads(page)).to_have_count(AT_ONCE)
    expect(page.locator("#columns-count")).to_have_text(f"{AT_ONCE} of {FIELDS}")
    expect(page.locator("#cut")).to_contain_text(f"shows {AT_ONCE} columns at most")
    page.goto(f"{wide}?columns=field_250")
    expect(heads(page)).to_have_text(["field_250"])
    expect(page.locator("#cut")).to_have_count(0)
    expect(page.locator("#columns-count")).to_have_text(f"1 of {FIELDS}")


def test_columns_are_found_and_chosen_by_the_keyboard(page: Page, wide: str) -> None:
    page.goto(wide)
    page.locator("#columns-menu summary").focus()
    page.keyboard.press("Enter")
    page.get_by_label("field_299", exact=True).click()
    said = page.locator("#columns-said")
    expect(said).to_have_text(f"At most {AT_ONCE} are shown at once: take one away first.")
    expect(page.get_by_label("field_299", exact=True)).not_to_be_checked()
    page.get_by_role("button", name="None").focus()
    page.keyboard.press("Enter")
    expect(heads(page)).to_have_count(0)
    page.get_by_label("Find a field").focus()
    page.keyboard.type("D_29")
    page.keyboard.press("Enter")
    expect(said).to_have_text("11 found")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(heads(page)).to_have_count(11)
    expect(page).to_have_url(re.compile("columns=field_29&columns=field_290"))
    page.goto(wide)
    expect(heads(page)).to_have_count(11)


def test_columns_are_chosen_without_scripts(plain: Page, wide: str) -> None:
    plain.goto(f"{wide}?columns=field_1&columns=field_250")
    plain.locator("summary", has_text="Columns").click()
    expect(plain.get_by_label("Find a field")).to_be_hidden()
    plain.get_by_label("field_1", exact=True).uncheck()
    plain.get_by_label("field_299", exact=True).check()
    plain.get_by_role("button", name="Apply").click()
    expect(heads(plain)).to_have_text(["field_250", "field_299"])


def test_what_takes_long_is_not_said_to_be_read_without_scripts(plain: Page, site: Site) -> None:
    dataset = site.dataset({"n": 0})
    more = {"examples": [{"n": n} for n in range(columns.AT_ONCE)]}
    ok(site.api.post(dataset.examples_url, json=more), 201)
    plain.goto(f"/datasets/{dataset.id}/columns")
    expect(plain.get_by_text("Reading")).to_have_count(0)
    expect(plain.get_by_role("link", name="Read them")).to_be_visible()


def test_ids_are_a_column_to_choose(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"}, {"q": "two"})
    page.goto(f"/datasets/{dataset.id}")
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("id of the example").check()
    expect(page.locator("td.id")).to_have_text(dataset.example_ids)
    expect(page.locator("#columns-count")).to_have_text("1 of 1")


def test_every_address_has_the_columns_that_are_kept(
    browser: Browser, page: Page, site: Site
) -> None:
    dataset = site.dataset(*({"a": n, "b": n, "c": n} for n in range(60)))
    page.goto(f"/datasets/{dataset.id}")
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("b", exact=True).uncheck()
    page.goto(f"/datasets/{dataset.id}?filter=a%20%3E%201")
    chosen = "columns=a&columns=c"
    expect(page).to_have_url(re.compile(f"filter=.*&{chosen}$"))
    for name in ("Next", "Clear"):
        link = page.get_by_role("link", name=name, exact=True)
        expect(link).to_have_attribute("href", re.compile(chosen))
    page.get_by_role("link", name="Next").click()
    expect(page).to_have_url(re.compile(chosen))
    with new_context(browser, site) as other:
        other.add_cookies([site.cookie(site.served.key)])
        theirs = other.new_page()
        theirs.goto(page.url)
        expect(heads(theirs)).to_have_text(["a", "c"])


def test_a_long_value_is_cut_before_it_is_read(page: Page, site: Site) -> None:
    end = "THE END"
    dataset = site.dataset(
        {"text": "é\\\U0001f600" * 50_000 + end, "list": [*range(60_000), end], "n": 1}
    )
    page.goto(f"/datasets/{dataset.id}")
    for name, beginning in (("text", "é\\\U0001f600" * 9), ("list", "[0, 1, 2,")):
        text = page.locator(f"td[data-column={name}] .cell").inner_text()
        assert text.startswith(beginning), name
        assert text[-1] == "…", name
        assert end not in text, name
    assert len(page.content()) < 120_000


def test_the_foot_tells_how_many_match(page: Page, site: Site) -> None:
    dataset = site.dataset(*({"n": n} for n in range(120)))
    foot = page.locator("nav.paging")

    def ask(filter: str) -> None:
        page.goto(f"/datasets/{dataset.id}?filter={quote(filter)}")

    ask("n < 3")
    expect(foot).to_contain_text("3 matches, of 120 examples in v1")
    ask("n >= 3")
    expect(foot).to_contain_text("the first 50 matches, of 120 examples")
    page.get_by_role("link", name="Next").click()
    expect(foot).to_contain_text("50 matches on this page, of 120 examples")
    ask("n > 1000")
    expect(foot).to_contain_text("0 matches, of 120 examples")


def test_a_long_search_shows_what_it_has_and_goes_on(page: Page, plain: Page, site: Site) -> None:
    slow = " OR ".join(f"question LIKE '%q{n}%z%'" for n in range(20))  # matches nothing
    some = f"/datasets/{site.large}?filter={quote(f'n < 3 OR {slow}')}"
    none = f"/datasets/{site.large}?filter={quote(slow)}"
    foot = plain.locator("nav.paging")
    plain.goto(some)
    expect(foot).to_contain_text("3 matches so far, up to number")
    expect(plain.locator("tbody tr")).to_have_count(3)
    plain.get_by_role("link", name="Look at the rest").click()
    expect(foot).to_contain_text("3 matches, of 100,000 examples")
    plain.goto(none)
    expect(plain.get_by_text("Of the examples looked at so far none matches")).to_be_visible()
    page.goto(none)
    expect(page.get_by_text("No example of this version matches the filter.")).to_be_visible()
    expect(page).not_to_have_url(re.compile("whole"))


def test_the_next_match_is_found_when_it_is_asked_for(page: Page, site: Site) -> None:
    slow = " OR ".join(f"question LIKE '%q{n}%z%'" for n in range(20))  # matches nothing
    page.goto(f"/datasets/{site.large}?filter={quote(f'n = 0 OR n = 99999 OR {slow}')}")
    page.locator("tbody a").first.click()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Example 100000")
    expect(page.get_by_role("link", name="Next")).to_have_count(0)
    page.get_by_role("link", name="Previous").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Example 1")
    expect(page.get_by_role("link", name="Previous")).to_have_count(0)
    page.goto(f"/datasets/{site.large}?filter={quote(f'n = 0 OR {slow}')}")
    page.locator("tbody a").first.click()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("status")).to_contain_text("No other example in this direction")


def test_a_filter_without_matches_can_be_mended(page: Page, site: Site) -> None:
    dataset = site.dataset({"topic": "rivers", "n": 1}, {"topic": "lakes", "n": 2})
    page.goto(f"/datasets/{dataset.id}?filter=n%20%3D%203")
    expect(page.locator("#columns-count")).to_have_text("2 of 2")
    page.get_by_label("Filter").fill("")
    page.get_by_label("Filter").press_sequentially("top")
    expect(page.get_by_role("option", name="topic", exact=True)).to_be_visible()


def test_values_are_completed_as_a_filter_writes_them(page: Page, site: Site) -> None:
    dataset = site.dataset(
        {"the topic": "it's", "ok": True, "meta": {"source": "chat"}},
        {"the topic": "it's", "ok": True, "meta": {"source": "chat"}},
        {"the topic": "else", "ok": False, "meta": {"source": "mail"}},
    )
    page.goto(f"/datasets/{dataset.id}")
    box, options = page.get_by_label("Filter"), page.locator(".completions li")
    box.press_sequentially("the")
    page.keyboard.press("Tab")
    expect(box).to_have_value('"the topic"')
    box.press_sequentially(" = ")
    expect(options).to_have_text(["'it''s'", "'else'"])
    box.press_sequentially("'i")
    page.keyboard.press("Tab")
    expect(box).to_have_value("\"the topic\" = 'it''s'")
    box.press_sequentially(" AND ok = ")
    expect(options).to_have_text(["TRUE", "FALSE"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    box.press_sequentially(" AND meta.source IN ('mail', ")
    expect(options).to_have_text(["'chat'", "'mail'"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    box.press_sequentially(")")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(2)


def test_values_come_from_the_statistics_once_they_were_read(page: Page, site: Site) -> None:
    dataset = site.dataset(*({"topic": "early" if n < 50 else "later"} for n in range(120)))
    page.goto(f"/datasets/{dataset.id}")
    known = page.get_by_label("Filter").get_attribute("data-completions")
    assert json.loads(known or "")["topic"] == ["'early'"]
    page.goto(f"/datasets/{dataset.id}/columns")
    page.goto(f"/datasets/{dataset.id}")
    known = page.get_by_label("Filter").get_attribute("data-completions")
    assert json.loads(known or "")["topic"] == ["'later'", "'early'"]


def test_versions_of_several_pages_each_tell_what_changed(page: Page, site: Site) -> None:
    dataset = site.dataset({"n": 0})
    for n in range(1, 22):
        site.patch(dataset, {"id": dataset.example_ids[0], "n": n}, new_version=f"version {n}")
    page.goto(f"/datasets/{dataset.id}/versions")
    line = page.locator(".line > li")
    expect(line).to_have_count(20)
    expect(line.locator(".delta", has_text="~1")).to_have_count(20)
    page.get_by_role("link", name="Older").click()
    expect(line).to_have_count(2)
    expect(line.first.locator(".delta")).to_contain_text("~1")
    expect(line.last.locator(".delta")).to_contain_text("+1")
