"""Journeys of a person who works: edit, annotate, make, restore, and the keys and spaces."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.api.helpers import ok, unique
from tests.web.conftest import new_context
from tests.web.site import Site

RAW = '{"question":"Capital of Peru?","answer":"lima","n":1.0,"big":1e400,"meta":[ 1, {"b" : 2} ]}'


def open_example(page: Page, dataset: str, id: str) -> None:
    page.goto(f"/datasets/{dataset}/example?id={id}")


def test_edit_a_field_and_nothing_else(page: Page, site: Site) -> None:
    dataset = site.dataset(RAW)
    (id,) = dataset.example_ids
    open_example(page, dataset.id, id)
    page.keyboard.press("e")
    page.get_by_label("answer").fill("Lima\nsince 1535")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_have_text("Saved.")
    assert "said=" not in page.url  # an address to give to others
    expect(page.locator(".field", has_text="answer")).to_contain_text("since 1535")
    text = site.api.get(dataset.examples_url).text
    assert '"answer":"Lima\\nsince 1535","n":1.0,"big":1e400,"meta":[ 1, {"b" : 2} ]' in text
    event = page.locator(".events > li").first
    expect(event).to_contain_text("updated in v1")
    expect(event.locator("del")).to_have_text("lima")
    expect(event.locator("ins")).to_contain_text("Lima")


def test_wrong_json_is_told_at_its_field_and_nothing_is_lost(page: Page, site: Site) -> None:
    dataset = site.dataset(RAW)
    (id,) = dataset.example_ids
    page.goto(f"/datasets/{dataset.id}/example?id={id}&edit=1")
    page.get_by_label("answer").fill("Lima")
    page.get_by_label("meta").fill("[1,\n 2")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".warning")).to_have_text("Nothing was saved: see below.")
    expect(page.get_by_label("meta")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("meta")).to_be_focused()
    expect(page.locator(".wrong")).to_contain_text("This is not JSON")
    expect(page.get_by_label("answer")).to_have_value("Lima")
    page.get_by_label("meta").fill("[1, 2]")
    page.get_by_label("name", exact=True)
    page.get_by_placeholder("name", exact=True).fill("source")
    page.get_by_label("Value of the new field").fill('"atlas"')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    found = site.example(dataset, id)
    assert (found["answer"], found["meta"], found["source"]) == ("Lima", [1, 2], "atlas")


def test_save_into_a_new_version(page: Page, site: Site) -> None:
    dataset = site.dataset(RAW)
    (id,) = dataset.example_ids
    page.goto(f"/datasets/{dataset.id}/example?id={id}&edit=1")
    page.get_by_label("answer").fill("Lima")
    page.get_by_label("Name of the new version").fill("v1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".warning")).to_contain_text("a version named 'v1' already")
    expect(page.get_by_label("answer")).to_have_value("Lima")
    page.get_by_label("Name of the new version").fill("checked")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".heading")).to_contain_text("in checked (latest)")
    assert site.example(dataset, id)["answer"] == "Lima"
    assert site.example(dataset, id, dataset.version_id)["answer"] == "lima"


def test_who_was_slower_sees_both_values_and_chooses(page: Page, site: Site) -> None:
    dataset = site.dataset(RAW)
    (id,) = dataset.example_ids
    for choice, answer in (("Theirs", "THEIRS Theirs"), ("Yours", "mine too")):
        page.goto(f"/datasets/{dataset.id}/example?id={id}&edit=1")
        page.get_by_label("question").fill(f"Changed by me: {choice}")
        page.get_by_label("answer").fill("mine too")
        site.patch(dataset, {"id": id, "answer": f"THEIRS {choice}", "n": f"2 {choice}"})
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Someone else was faster")
        sides = page.locator(".sides")
        expect(sides).to_have_count(1)
        expect(sides).to_contain_text("THEIRS")
        expect(page.get_by_label("Your text of answer")).to_have_value("mine too")
        expect(page.locator("fieldset ins")).to_have_text("mine too")
        expect(page.locator("section", has_text="They also changed")).to_contain_text("2")
        expect(page.locator("main")).to_contain_text("your change of question will be saved")
        page.get_by_role("button", name="Save this choice").click()  # there is none yet
        expect(page.get_by_role("heading", level=1)).to_have_text("Someone else was faster")
        page.get_by_label(choice).check()
        page.get_by_role("button", name="Save this choice").click()
        expect(page.get_by_role("status")).to_have_text("Saved.")
        found = site.example(dataset, id)
        assert (found["answer"], found["n"]) == (answer, f"2 {choice}")
        assert found["question"] == f"Changed by me: {choice}"


def test_who_was_slower_can_bring_both_texts_together(page: Page, site: Site) -> None:
    dataset = site.dataset(RAW)
    (id,) = dataset.example_ids
    page.goto(f"/datasets/{dataset.id}/example?id={id}&edit=1")
    page.get_by_label("meta").fill("[1, 2]")
    site.patch(dataset, {"id": id, "meta": [1, 3]})
    page.get_by_role("button", name="Save").click()
    expect(page.locator("fieldset del")).to_have_text("3")
    page.get_by_label("Your text of meta").fill("[1, 2, 3]")  # which chooses it
    page.get_by_role("button", name="Save this choice").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    assert site.example(dataset, id)["meta"] == [1, 2, 3]


def test_changes_of_different_fields_are_both_kept(page: Page, site: Site) -> None:
    dataset = site.dataset(RAW, RAW)
    id, other = dataset.example_ids
    page.goto(f"/datasets/{dataset.id}/example?id={id}&edit=1")
    page.get_by_label("answer").fill("mine")
    site.patch(dataset, {"id": id, "n": 7}, {"id": other, "answer": "of another"})
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    assert (site.example(dataset, id)["answer"], site.example(dataset, id)["n"]) == ("mine", 7)


def test_annotate_with_the_keyboard_alone(page: Page, site: Site) -> None:
    space = site.space()
    labels = [{"label": "right", "score": 1}, {"label": "wrong", "score": 0}]
    verdict = site.config(space, "CATEGORICAL", values=labels)
    tone = site.config(space, "CONTINUOUS", minimum_score=0, maximum_score=10)
    remark = site.config(space, "FREEFORM")
    dataset = site.dataset({"q": "one"}, {"q": "two"}, space=space)
    open_example(page, dataset.id, dataset.example_ids[0])
    form = page.locator(".annotations form")
    page.keyboard.press("2")
    expect(form.filter(has_text=verdict).locator("output")).to_have_text("saved")
    expect(page.locator(".events > li").first).to_contain_text("annotated")
    expect(page.locator(".events > li").first.locator("ins")).to_contain_text("wrong")
    expect(form.filter(has_text=verdict).locator(".by")).to_contain_text("by admin@localhost")
    page.keyboard.press("s")
    page.keyboard.type("7.5")
    page.keyboard.press("Enter")
    expect(form.filter(has_text=tone).locator("output")).to_have_text("saved")
    page.keyboard.press("m")
    page.keyboard.type("too short")
    page.keyboard.press("Control+Enter")
    expect(form.filter(has_text=remark).locator("output")).to_have_text("saved")
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=1)).to_have_text("Example 2")
    page.keyboard.press("1")
    expect(form.filter(has_text=verdict).locator("output")).to_have_text("saved")
    first, second = (site.example(dataset, id) for id in dataset.example_ids)
    said = {one["name"]: (one["label"], one["score"], one["text"]) for one in first["annotations"]}
    assert said == {
        verdict: ("wrong", 0, None),
        tone: (None, 7.5, None),
        remark: (None, None, "too short"),
    }
    assert [one["label"] for one in second["annotations"]] == ["right"]
    page.goto(f"/datasets/{dataset.id}")
    expect(page.locator("tbody tr").first).to_contain_text("wrong")


def test_a_score_out_of_range_is_told(page: Page, site: Site) -> None:
    space = site.space()
    tone = site.config(space, "CONTINUOUS", minimum_score=0, maximum_score=10)
    dataset = site.dataset({"q": "one"}, space=space)
    open_example(page, dataset.id, dataset.example_ids[0])
    page.locator("[name=score]").evaluate("one => { one.dataset.high = 100 }")
    page.locator("[name=score]").fill("11")
    page.keyboard.press("Enter")
    expect(page.locator("output")).to_contain_text(f"{tone}.score is 11; it must lie from 0 to 10")


def test_a_note_is_taken_back_and_a_score_is_not(page: Page, site: Site) -> None:
    space = site.space()
    remark = site.config(space, "FREEFORM")
    tone = site.config(space, "CONTINUOUS", minimum_score=0, maximum_score=10)
    dataset = site.dataset({"q": "one"}, space=space)
    (id,) = dataset.example_ids
    values = [{"name": remark, "text": "too short"}, {"name": tone, "score": 7}]
    body = {"annotations": [{"record_id": id, "values": values}]}
    site.api.post(f"{dataset.examples_url}/annotate", json=body).raise_for_status()
    open_example(page, dataset.id, id)
    form = page.locator(".annotations form")
    page.locator("[name=text]").fill("")
    page.keyboard.press("Control+Enter")
    expect(form.filter(has_text=remark).locator("output")).to_have_text("saved")
    page.locator("[name=score]").fill("")
    page.keyboard.press("Enter")
    expect(form.filter(has_text=tone).locator("output")).to_contain_text("not saved: ")
    found = {
        one["name"]: (one["text"], one["score"]) for one in site.example(dataset, id)["annotations"]
    }
    assert found == {remark: ("", None), tone: (None, 7)}


def test_a_score_is_saved_once_and_one_that_cannot_be_is_told(page: Page, site: Site) -> None:
    space = site.space()
    site.config(space, "CONTINUOUS", minimum_score=0, maximum_score=10)
    dataset = site.dataset({"q": "one"}, space=space)
    open_example(page, dataset.id, dataset.example_ids[0])
    sent: list[str] = []
    page.on(
        "request", lambda request: sent.append(request.url) if request.method == "POST" else None
    )
    page.locator("[name=score]").fill("7")
    page.keyboard.press("Enter")  # which leaves the field too
    expect(page.locator("output")).to_have_text("saved")
    assert len(sent) == 1
    page.locator("[name=score]").fill("11")
    page.keyboard.press("Tab")
    expect(page.locator("output")).to_contain_text("not saved: ")
    expect(page.locator("[name=score]")).to_have_value("11")
    assert len(sent) == 1


def test_lock_rename_and_restore_a_version(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    (id,) = dataset.example_ids
    site.patch(dataset, {"id": id, "q": "two"}, new_version="second")
    page.goto(f"/datasets/{dataset.id}/versions")
    first = page.locator(".line > li").last
    first.get_by_text("Lock", exact=True).click()
    first.get_by_role("button", name="Lock v1").click()
    expect(page.get_by_role("status")).to_contain_text("Locked")
    expect(first.locator(".chip.locked")).to_be_visible()
    first.get_by_text("Rename or describe").click()
    first.get_by_label("Name", exact=True).fill("second")
    first.get_by_role("button", name="Save").click()
    expect(page.locator(".warning")).to_contain_text("a version named 'second' already")
    first.get_by_label("Name", exact=True).fill("as in May")
    first.get_by_label("Description").first.fill("Run in May")
    first.get_by_role("button", name="Save").click()
    expect(first).to_contain_text("Run in May")
    first.get_by_text("Restore", exact=True).click()
    first.get_by_label("Its name").fill("back again")
    first.get_by_role("button", name="Make it").click()
    expect(page.locator(".line > li")).to_have_count(3)
    expect(page.locator(".line > li").first).to_contain_text("back again")
    assert site.example(dataset, id)["q"] == "one"
    page.goto(f"/datasets/{dataset.id}/example?id={id}&version={dataset.version_id}&edit=1")
    expect(page.get_by_label("Into as in May, which is locked")).to_be_disabled()
    expect(page.get_by_label("Into a new version")).to_be_checked()


def test_a_version_tells_who_made_it_and_who_changed_it_last(page: Page, site: Site) -> None:
    space = site.space()
    dataset = site.dataset({"q": "one"}, space=space)
    site.patch(dataset, {"id": dataset.example_ids[0], "q": "two"}, new_version="second")
    bot = {"Authorization": f"Bearer {site.service_key(space, 'MEMBER')}"}
    for version, change in (("", {"q": "three"}), (dataset.version_id, {"q": "four"})):
        query = {"dataset_version_id": version} if version else {}
        body = {"examples": [{"id": dataset.example_ids[0], **change}]}
        answer = site.api.patch(dataset.examples_url, params=query, json=body, headers=bot)
        answer.raise_for_status()
    page.goto(f"/datasets/{dataset.id}/versions")
    for line in page.locator(".line > li").all():
        expect(line).to_contain_text(re.compile(r"made .* by admin@localhost"))
        expect(line).to_contain_text(re.compile(r"changed .* by (?!admin@)"))
    first = page.locator(".line > li").last
    first.get_by_text("Lock", exact=True).click()
    first.get_by_role("button", name="Lock v1").click()
    expect(first).to_contain_text(re.compile(r"changed .* by admin@localhost"))


def test_make_a_dataset_by_typing_and_add_to_it(page: Page, site: Site) -> None:
    name = unique("typed")
    page.goto("/datasets/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Row 1, field 1").fill("Capital of Peru?")
    page.keyboard.press("Tab")
    page.keyboard.type("Lima")
    page.get_by_label("Row 4, field 1").fill("Capital of France?")
    page.get_by_label("Row 5, field 2").fill("an answer alone")
    page.get_by_label("Row 1, field 3").fill("no name")
    page.get_by_label("Space").select_option("Default")
    page.get_by_role("button", name="Make the dataset").click()
    expect(page.locator(".warning")).to_contain_text("row 1 has a text in a column without a name")
    page.get_by_label("Name of field 3").fill("source")
    page.get_by_text("As JSON: an object").click()
    page.get_by_label("Examples as JSON").fill('{"question": "n?", "n": 1.0}\n{"q" 1}')
    page.get_by_role("button", name="Make the dataset").click()
    expect(page.locator(".warning")).to_contain_text("line 2 of the JSON")
    page.get_by_label("Examples as JSON").fill('{"question": "n?", "n": 1.0}')
    page.get_by_role("button", name="Make the dataset").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator("tbody tr")).to_have_count(4)
    page.get_by_role("link", name="Add an example").click()
    page.get_by_label("question").fill("Capital of Chad?")
    page.get_by_role("textbox", name="n JSON").fill("two")
    page.get_by_role("button", name="Add it").click()
    expect(page.locator(".warning")).to_contain_text("Nothing was added")
    expect(page.get_by_label("question")).to_have_value("Capital of Chad?")
    page.get_by_role("textbox", name="n JSON").fill("2.50")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Example 5")
    dataset = ok(site.api.get("/v2/datasets", params={"name": name}))["datasets"][0]["id"]
    text = site.api.get(f"/v2/datasets/{dataset}/examples").text
    assert '"question":"Capital of Peru?","answer":"Lima","source":"no name"}' in text
    assert '"question":"Capital of Chad?","n":2.50}' in text
    page.get_by_text("Take it out of this version…").click()
    page.get_by_role("button", name="Take it out of v1").click()
    expect(page.locator("tbody tr")).to_have_count(4)


def test_a_new_dataset_goes_where_it_is_said_to(page: Page, site: Site) -> None:
    space, _ = site.space(), site.space()
    page.goto("/datasets/new")
    page.get_by_label("Name", exact=True).fill(unique())
    page.get_by_label("Row 1, field 1").fill("one")
    choice = page.get_by_label("Space")
    expect(choice).to_have_value("")
    page.get_by_role("button", name="Make the dataset").click()
    expect(choice).to_be_focused()
    expect(page).to_have_url(re.compile("/datasets/new$"))
    page.goto(f"/?space={space}")
    page.get_by_role("link", name="New dataset").click()
    expect(choice).to_have_value(space)
    page.get_by_role("link", name="From a file").click()
    expect(choice).to_have_value(space)


def test_fields_whose_names_no_browser_keeps_stay_the_same(page: Page, site: Site) -> None:
    names = ["a\rb", "n\0m", "x\r\ny", "100%0D", "é\n"]
    dataset = site.dataset(dict.fromkeys(names, "old"))
    (id,) = dataset.example_ids
    for part in ("", "/columns?read=1", "/new-example", f"/example?id={id}"):
        page.goto(f"/datasets/{dataset.id}{part}")
        expect(page.locator("#main")).to_contain_text("nU+0000m")
    page.goto(f"/datasets/{dataset.id}/new-example")
    for number in range(len(names)):
        page.locator(f"[name='value.{number}']").fill(f"new {number}")
    page.locator(f"[name='name.{len(names)}']").fill("%41")
    page.locator(f"[name='value.{len(names)}']").fill("x")
    page.get_by_role("button", name="Add it").click()
    expect(page.locator(".warning")).to_contain_text("Nothing was added")
    page.locator(f"[name='value.{len(names)}']").fill("5")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("status")).to_have_text("Created.")
    page.goto(f"/datasets/{dataset.id}/example?id={id}&edit=1")
    page.locator("[name='value.0']").fill("edited")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    first, second = ok(site.api.get(dataset.examples_url))["examples"]
    told = {"id", "created_at", "updated_at"}
    assert {n: v for n, v in first.items() if n not in told} == {
        name: "old" if number else "edited" for number, name in enumerate(names)
    }
    assert {n: v for n, v in second.items() if n not in told} == {
        **{name: f"new {number}" for number, name in enumerate(names)},
        "%41": 5,
    }


def test_what_is_taken_as_text_is_told(page: Page, site: Site) -> None:
    page.goto("/datasets/new")
    hint = page.locator("[data-taken]")
    page.get_by_label("Row 1, field 1").fill("five")
    expect(hint).to_have_count(0)
    page.get_by_label("Row 1, field 2").fill("5")
    expect(hint).to_contain_text("5 is taken as text")
    page.get_by_label("Row 1, field 2").fill("5 or so")
    expect(hint).to_have_count(0)

    dataset = site.dataset({"q": "one", "n": "2", "ok": True})
    page.goto(f"/datasets/{dataset.id}/new-example")
    page.get_by_label("q text").fill("true")
    page.get_by_label("n text").fill("5.0")
    page.get_by_label("ok JSON").fill("false")
    expect(hint).to_have_count(2)
    expect(hint.first).to_contain_text("true is taken as text")
    hint.last.get_by_role("button", name="Take it as JSON").click()
    expect(hint).to_have_count(1)
    expect(page.get_by_label("n JSON")).to_be_focused()
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("status")).to_have_text("Created.")
    (_, added) = ok(site.api.get(dataset.examples_url))["examples"]
    assert (added["q"], added["n"], added["ok"]) == ("true", 5.0, False)


def test_settings_of_a_dataset(page: Page, site: Site) -> None:
    space, tag = site.space(), unique("tag")
    ok(site.api.post("/v2/tags", json={"name": tag, "space_id": space}), 201)
    dataset = site.dataset({"q": "one"}, space=space)
    page.goto(f"/datasets/{dataset.id}/settings")
    renamed = unique("renamed")
    page.get_by_label("Name", exact=True).first.fill(renamed)
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(renamed)
    page.get_by_label(tag).check()
    page.get_by_role("button", name="Save the tags").click()
    expect(page.locator(".heading .tag")).to_have_text(tag)
    page.get_by_label("JSON Schema").fill('{"required": ["q"], "type": 7}')
    page.get_by_role("button", name="Save the schema").click()
    expect(page.locator(".warning")).to_be_visible()
    expect(page.get_by_label("JSON Schema")).to_have_value('{"required": ["q"], "type": 7}')
    page.get_by_label("JSON Schema").fill('{"required": ["q"]}')
    page.get_by_role("button", name="Save the schema").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    page.get_by_text("Delete this dataset").click()
    page.get_by_label("Its name, to be sure").fill("another")
    page.get_by_role("button", name="Delete it for ever").click()
    expect(page.locator(".warning")).to_contain_text("Nothing was deleted")
    page.get_by_label("Its name, to be sure").fill(renamed)
    page.get_by_role("button", name="Delete it for ever").click()
    expect(page.get_by_role("status")).to_have_text("Deleted.")
    assert site.api.get(dataset.url).status_code == 404


def test_spaces_with_their_tags_and_configs(page: Page, site: Site) -> None:
    name = unique("space")
    page.goto("/admin/spaces")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.get_by_label("Name", exact=True).first.fill("correctness")
    page.get_by_role("textbox", name="Labels").fill("right = 1\nwrong = x")
    page.locator("[data-config]").get_by_role("button", name="Make it").click()
    expect(page.locator(".warning")).to_contain_text("The score of 'wrong' must be a number")
    page.get_by_label("Name", exact=True).first.fill("correctness")
    page.get_by_role("textbox", name="Labels").fill("right = 1\nwrong = 0\nunclear")
    page.locator("[data-config]").get_by_role("button", name="Make it").click()
    expect(page.locator("tr", has_text="correctness")).to_contain_text("unclear")
    page.get_by_label("New tag").fill("golden")
    page.get_by_label("Color").select_option("YELLOW")
    page.get_by_label("New tag").press("Enter")
    tag = page.locator("tr", has_text="golden")
    expect(tag).to_be_visible()
    tag.locator("summary").click()
    tag.get_by_role("button", name="Delete it").click()
    expect(page.locator("tr", has_text="golden")).to_have_count(0)
    page.get_by_text("Delete this space").click()
    page.get_by_label("Its name, to be sure").fill(name)
    page.get_by_role("button", name="Delete it for ever").click()
    expect(page.get_by_role("status")).to_have_text("Deleted.")
    assert ok(site.api.get("/v2/spaces", params={"name": name}))["spaces"] == []


def test_a_key_is_shown_once_and_stops_when_revoked(
    browser: Browser, page: Page, site: Site
) -> None:
    space, name = site.space(), unique("nightly")
    page.goto("/admin/keys")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Acts as").select_option(space)
    page.get_by_label("A bot's role").select_option("READ_ONLY")
    page.get_by_label("Expires in days").fill("7")
    page.get_by_role("button", name="Make it").click()
    secret = page.locator("#secret").inner_text()
    assert re.fullmatch(r"exk_[\w-]{43}", secret)
    row = page.locator("tr", has_text=name)
    expect(row).to_contain_text("in 7 days")
    page.reload()  # which does not make another
    expect(page.locator("#secret")).to_have_count(0)
    expect(row).to_have_count(1)
    bearer = {"Authorization": f"Bearer {secret}"}
    assert site.api.get(f"/v2/spaces/{space}", headers=bearer).status_code == 200
    assert site.api.delete(f"/v2/spaces/{space}", headers=bearer).status_code == 403
    with new_context(browser, site) as theirs:
        theirs.add_cookies([site.cookie(secret)])
        other = theirs.new_page()
        other.goto("/")
        expect(other.get_by_text("There are no datasets yet.")).to_be_visible()
        page.goto("/admin/keys")
        assert secret not in page.content()
        row.locator("summary").click()
        row.get_by_role("button", name="Revoke it").click()
        expect(page.get_by_role("status")).to_contain_text("Revoked")
        other.reload()
        expect(other.get_by_label("API key")).to_be_visible()
    assert site.api.get(f"/v2/spaces/{space}", headers=bearer).status_code == 401


def test_a_form_is_sent_once(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}/new-example")
    page.get_by_label("q", exact=False).first.fill("two")
    sent = page.evaluate(
        """() => {
            let sent = 0;
            window.addEventListener("submit", (event) => {
                if (!event.defaultPrevented) sent += 1;
                event.preventDefault();
            });
            const form = document.querySelector("main form[method=post]");
            for (let time = 0; time < 3; time += 1) form.requestSubmit();
            return sent;
        }"""
    )
    assert sent == 1
