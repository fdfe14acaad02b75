"""What was refused can be corrected: the form is there as it was filled in, with what is wrong."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.api.helpers import Dataset, ok, unique
from tests.web.site import Site


def edit(page: Page, dataset: Dataset) -> None:
    page.goto(f"/datasets/{dataset.id}/example?id={dataset.example_ids[0]}&edit=1")


def add_field(page: Page, name: str, value: str) -> None:
    page.get_by_label("A new field").last.fill(name)
    page.get_by_label("Value of the new field").last.fill(value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("q", "1", "There is a field 'q' already"),
        (" q ", "1", "There is a field 'q' already"),
        ("", "1", "Give the new field a name"),
        ("  ", "1", "Give the new field a name"),
        ("id", "1", "The server gives each example its 'id'"),
        ("n", "", "Write a value"),
        ("n", "one", "This is not JSON"),
    ],
)
def test_a_new_field_can_be_corrected_or_dropped(
    page: Page, site: Site, name: str, value: str, said: str
) -> None:
    dataset = site.dataset({"q": "one"})
    edit(page, dataset)
    add_field(page, name, value)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".wrong")).to_contain_text(said)
    page.get_by_label("A new field").first.fill(" source ")
    page.get_by_label("Value of the new field").first.fill('"atlas"')
    add_field(page, "m", "{")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".wrong")).to_have_count(1)
    page.get_by_label("A new field").nth(1).fill("")
    page.get_by_label("Value of the new field").nth(1).fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    found = site.example(dataset, dataset.example_ids[0])
    assert {n: v for n, v in found.items() if n in "q source m n"} == {
        "q": "one",
        "source": "atlas",
    }


def test_no_field_is_added_twice_to_a_new_example(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one", "a": "two"})
    page.goto(f"/datasets/{dataset.id}/new-example")
    page.get_by_label("q", exact=False).first.fill("three")
    add_field(page, "a", "4")
    page.get_by_role("button", name="Add it").click()
    expect(page.locator(".wrong")).to_contain_text("There is a field 'a' already")
    page.get_by_label("A new field").first.fill("b")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Example 2")
    added = ok(site.api.get(dataset.examples_url))["examples"][1]
    assert (added["q"], added["b"], "a" in added) == ("three", 4, False)


def test_fields_without_a_name_and_hidden_characters_are_seen(page: Page, site: Site) -> None:
    dataset = site.dataset({"": "one", "q": "a\u202eb\u200b"})
    edit(page, dataset)
    expect(page.get_by_label("without a name")).to_have_value("one")
    expect(page.locator(".field", has_text="cannot be seen")).to_contain_text("RLO ZWSP")
    page.get_by_label("without a name").fill("two")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    assert site.example(dataset, dataset.example_ids[0])[""] == "two"


def test_what_was_typed_of_a_version_is_kept(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    id = dataset.example_ids[0]
    for number in range(21):  # the first one is on the second page
        site.patch(dataset, {"id": id, "q": number}, new_version=f"n{number}")
    page.goto(f"/datasets/{dataset.id}/versions")
    page.get_by_role("link", name="Older").click()
    first = page.locator(".line > li").last
    first.get_by_text("Rename or describe").click()
    first.get_by_label("Name", exact=True).fill("n5")
    first.get_by_label("Description").first.fill("Run in May")
    first.get_by_role("button", name="Save").click()
    expect(first.locator(".warning")).to_contain_text("a version named 'n5' already")
    expect(first.locator(".warning")).to_be_focused()
    expect(first.get_by_label("Description").first).to_have_value("Run in May")
    first.get_by_label("Name", exact=True).fill("as in May")
    first.get_by_role("button", name="Save").click()
    expect(first).to_contain_text("Run in May")
    first.get_by_text("Restore", exact=True).click()
    first.get_by_label("Its name").fill("n5")
    first.get_by_label("Description").last.fill("as it was")
    first.get_by_role("button", name="Make it").click()
    expect(first.locator(".warning")).to_contain_text("a version named 'n5' already")
    expect(first.get_by_label("Description").last).to_have_value("as it was")
    first.get_by_label("Its name").fill("n5 again")
    first.get_by_role("button", name="Make it").click()
    expect(page.locator(".line > li").first).to_contain_text("as it was")


def test_who_renames_what_was_renamed_meanwhile_is_told_and_can_go_on(
    page: Page, site: Site
) -> None:
    dataset, name = site.dataset({"q": "one"}), unique("mine")
    page.goto(f"/datasets/{dataset.id}/settings")
    theirs = unique("theirs")
    ok(site.api.patch(dataset.url, json={"name": theirs}))
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(theirs)
    expect(page.locator(".warning")).to_contain_text("Someone else changed it meanwhile")
    expect(page.get_by_label("Name", exact=True)).to_have_value(name)
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_what_was_typed_of_a_dataset_is_kept(page: Page, site: Site) -> None:
    dataset, other = site.dataset({"q": "one"}), site.dataset({"q": "one"}, name=unique("taken"))
    taken = ok(site.api.get(other.url))["name"]
    page.goto(f"/datasets/{dataset.id}/settings")
    page.get_by_label("Name", exact=True).fill(taken)
    page.get_by_role("button", name="Rename").click()
    expect(page.locator(".warning")).to_contain_text("already")
    expect(page.get_by_label("Name", exact=True)).to_have_value(taken)
    page.get_by_label("JSON Schema").fill("{")
    page.get_by_role("button", name="Save the schema").click()
    expect(page.locator(".warning")).to_have_count(1)
    expect(page.get_by_label("JSON Schema")).to_have_value("{")


def test_what_was_typed_of_a_space_is_kept(page: Page, site: Site) -> None:
    name = unique("space")
    space = site.space(name)
    taken = site.config(space, "FREEFORM")
    page.goto("/admin/spaces")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Description").fill("of the team")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator(".warning")).to_contain_text("already")
    expect(page.get_by_label("Description")).to_have_value("of the team")

    page.goto(f"/admin/spaces/{space}")
    page.get_by_text("New annotation config").click()
    form = page.locator("form[data-config]")
    form.get_by_label("Name").fill(taken)
    form.get_by_label("Labels, one").fill("right = 1\nright = 0")
    form.get_by_label("Better is").select_option("higher")
    form.get_by_role("button", name="Make it").click()
    expect(form.locator(".warning")).to_have_text("Label 2 is one that an earlier line has too.")
    form.get_by_label("Labels, one").fill("right = 1\nwrong = 0")
    form.get_by_role("button", name="Make it").click()
    expect(form.locator(".warning")).to_contain_text("already")
    expect(form.get_by_label("Labels, one")).to_have_value("right = 1\nwrong = 0")
    expect(form.get_by_label("Better is")).to_have_value("MAXIMIZE")
    form.get_by_label("Labels, one").fill("")
    form.get_by_role("button", name="Make it").click()
    expect(form.locator(".warning")).to_contain_text("There are 0 labels; give 1 to")
    form.get_by_label("Labels, one").fill("right = 1\nwrong = 0")
    form.get_by_label("Name").fill("verdict")
    form.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("status")).to_have_text("Created.")
    configs = ok(site.api.get("/v2/annotation-configs", params={"space_id": space}))
    labels = [
        one.get("values") for one in configs["annotation_configs"] if one["name"] == "verdict"
    ]
    assert labels == [[{"label": "right", "score": 1}, {"label": "wrong", "score": 0}]]


def test_what_was_typed_of_a_key_is_kept(page: Page, site: Site) -> None:
    page.goto("/admin/keys")
    form = page.locator("form", has=page.locator("input[name=days]"))
    form.get_by_label("Name").fill(unique("key"))
    form.get_by_label("Acts as").select_option("a bot in Default")
    form.get_by_label("A bot's role").select_option("reads")
    form.get_by_label("Expires").fill("99999")
    form.get_by_role("button", name="Make it").click()
    expect(page.locator(".warning")).to_contain_text("must lie from 1 to 3650")
    assert form.evaluate(
        "one => [one.space.selectedOptions[0].text, one.role.value, one.days.value]"
    ) == [
        "a bot in Default",
        "READ_ONLY",
        "99999",
    ]
    form.get_by_label("Expires").fill("9")
    form.get_by_role("button", name="Make it").click()
    expect(page.locator("#secret")).to_be_visible()


def test_a_table_is_never_left_without_a_column(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one", "a": "two"})
    page.goto(f"/datasets/{dataset.id}")
    page.locator("summary", has_text="Columns").click()
    page.get_by_role("button", name="None").click()
    expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    expect(page.locator("#columns-said")).to_contain_text("choose one")
    page.locator("#columns-menu").get_by_label("q").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("thead th[data-column]")).to_have_text(["q"])
