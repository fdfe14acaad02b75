"""What others do while a page is open: nothing is written elsewhere, and pages say what is so."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import httpx
import psycopg
from playwright.sync_api import Browser, Page, expect

from tests.api.helpers import Dataset, make_dataset, ok
from tests.serving import Served
from tests.web.conftest import new_context
from tests.web.site import Site
from tests.web.test_files import DROP, lines
from tests.web.test_sessions import connect, form_token, log_in


def make_version(site: Site, dataset: Dataset, name: str, **fields: object) -> str:
    """Make a version in which the first example has these fields; return its id."""
    return site.patch(dataset, {"id": dataset.example_ids[0], **fields}, new_version=name)


def values(site: Site, dataset: Dataset, version: str = "") -> list[object]:
    query = {"dataset_version_id": version} if version else {}
    return [one["q"] for one in ok(site.api.get(dataset.examples_url, params=query))["examples"]]


def test_a_file_goes_into_the_version_that_the_form_names(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}/import")
    page.evaluate(DROP, ["a.jsonl", lines({"q": "two"})])
    expect(page.locator("#result")).to_contain_text("+1 added")
    newer = make_version(site, dataset, "newer", q="three")
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.get_by_role("status")).to_contain_text("1 added")
    expect(page.locator("[name=version] option:checked")).to_have_text("v1")
    expect(page.locator("tbody tr")).to_have_count(2)
    assert values(site, dataset, dataset.version_id) == ["one", "two"]
    assert values(site, dataset, newer) == ["three"]


def test_no_file_replaces_what_came_after_its_changes_were_shown(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    id = dataset.example_ids[0]
    page.goto(f"/datasets/{dataset.id}/import")
    page.get_by_label("Changes of examples").check()
    page.evaluate(DROP, ["a.jsonl", lines({"id": id, "q": "of the file"})])
    expect(page.locator("#result del")).to_have_text("one")
    site.patch(dataset, {"id": id, "q": "precious"})
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.get_by_role("alert")).to_contain_text("someone changed the version")
    expect(page.locator("#result del")).to_have_text("precious")
    assert values(site, dataset) == ["precious"]
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.get_by_role("status")).to_contain_text("1 changed")
    assert values(site, dataset) == ["of the file"]


def test_an_old_version_is_added_to_and_imported_into(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    newer = make_version(site, dataset, "newer", q="three")
    page.goto(f"/datasets/{dataset.id}?version={dataset.version_id}")
    page.get_by_role("link", name="Import").click()
    expect(page.locator(".heading")).to_contain_text("into v1")
    page.evaluate(DROP, ["a.jsonl", lines({"q": "two"})])
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.locator("[name=version] option:checked")).to_have_text("v1")
    page.get_by_role("link", name="Add an example").click()
    page.get_by_label("q", exact=False).first.fill("four")
    page.get_by_role("button", name="Add it").click()
    expect(page.locator(".heading")).to_contain_text("in v1")
    assert values(site, dataset, dataset.version_id) == ["one", "two", "four"]
    assert values(site, dataset, newer) == ["three"]
    assert page.goto(f"/datasets/{dataset.id}/import?version=zz").status == 400  # type: ignore[union-attr]


def test_the_pages_of_a_table_stay_with_their_version(page: Page, site: Site) -> None:
    dataset = site.dataset(*({"q": f"old {number}"} for number in range(120)))
    page.goto(f"/datasets/{dataset.id}")
    page.get_by_role("link", name="Next").click()
    expect(page.locator("tbody tr").first).to_contain_text("old 50")
    make_version(site, dataset, "newer", q="three")
    page.reload()
    expect(page.locator("[name=version] option:checked")).to_have_text("v1")
    export = page.locator("a[download]").first.get_attribute("href")
    assert f"version={quote(dataset.version_id)}" in str(export)
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("[name=version] option:checked")).to_have_text("v1")
    page.locator("tbody th a").first.click()
    expect(page.locator(".heading")).to_contain_text("in v1")
    expect(page.locator(".field")).to_contain_text("old 0")


def test_what_was_written_is_shown_in_its_version(page: Page, site: Site) -> None:
    dataset = site.dataset({"q": "one"}, {"q": "two"})
    id, other = dataset.example_ids
    page.goto(f"/datasets/{dataset.id}/example?id={id}&edit=1")
    make_version(site, dataset, "newer", q="three")
    page.get_by_label("q", exact=False).first.fill("mine")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.locator(".heading")).to_contain_text("in v1")
    expect(page.locator(".field").first).to_contain_text("mine")

    page.goto(f"/datasets/{dataset.id}/new-example")
    make_version(site, dataset, "newest", q="three")
    page.get_by_label("q", exact=False).first.fill("five")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Example 3")
    expect(page.locator(".heading")).to_contain_text("in newer")

    page.goto(f"/datasets/{dataset.id}/example?id={other}")
    make_version(site, dataset, "last", q="three")
    page.get_by_text("Take it out of this version").click()
    page.get_by_role("button", name="Take it out of newest").click()
    expect(page.locator("[name=version] option:checked")).to_have_text("newest")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_without_scripts_a_new_version_that_was_only_named_is_refused(
    browser: Browser, site: Site
) -> None:
    dataset = site.dataset({"q": "one"})
    with new_context(browser, site, java_script_enabled=False) as context:
        context.add_cookies([site.cookie(site.served.key)])
        page = context.new_page()
        page.goto(f"/datasets/{dataset.id}/example?id={dataset.example_ids[0]}&edit=1")
        page.get_by_label("q", exact=False).first.fill("mine")
        page.get_by_label("Name of the new version").fill("checked")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("named 'checked', but not chosen")
        page.get_by_label("Into a new version").check()
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".heading")).to_contain_text("in checked")
        page.goto(f"/datasets/{dataset.id}/import")
        page.get_by_label("Name of the new version").fill("imported")
        file = {"name": "a.jsonl", "mimeType": "", "buffer": b'{"q": "two"}'}
        page.locator("[type=file]").set_input_files(file)  # type: ignore[arg-type]
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("named 'imported', but not chosen")
    assert values(site, dataset) == ["mine"]
    assert values(site, dataset, dataset.version_id) == ["one"]


def test_a_score_that_is_refused_can_be_corrected_at_once(page: Page, site: Site) -> None:
    space = site.space()
    site.config(space, "CATEGORICAL", values=[{"label": "good"}])
    site.config(space, "CONTINUOUS", minimum_score=0, maximum_score=10)
    dataset = site.dataset({"q": "one"}, space=space)
    page.goto(f"/datasets/{dataset.id}/example?id={dataset.example_ids[0]}")
    score = page.locator("[name=score]")
    for typed, said in (("1,0", "a number, as in 0.5"), ("11", "from 0 to 10")):
        score.fill(typed)
        page.keyboard.press("Enter")
        expect(page.locator("output").last).to_contain_text(said)
        expect(score).to_be_focused()
    score.evaluate("one => { one.dataset.high = 100 }")
    score.fill("12")
    page.keyboard.press("Enter")
    expect(page.locator("output").last).to_contain_text("must lie from 0 to 10")
    expect(score).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("1.5")
    page.keyboard.press("Enter")
    expect(page.locator("output").last).to_have_text("saved")
    (found,) = site.example(dataset, dataset.example_ids[0])["annotations"]
    assert (found["score"], found["label"]) == (1.5, None)


def test_no_note_of_another_is_replaced_unseen(page: Page, site: Site) -> None:
    space = site.space()
    remark = site.config(space, "FREEFORM")
    dataset = site.dataset({"q": "one"}, space=space)
    (id,) = dataset.example_ids
    page.goto(f"/datasets/{dataset.id}/example?id={id}")
    values = [{"name": remark, "text": "of the bot"}]
    body = {"annotations": [{"record_id": id, "values": values}]}
    bot = {"Authorization": f"Bearer {site.service_key(space, 'MEMBER')}"}
    url = f"{dataset.examples_url}/annotate"
    site.api.post(url, json=body, headers=bot).raise_for_status()
    note = page.locator("[name=text]")
    note.fill("mine")
    page.keyboard.press("Control+Enter")
    expect(page.locator("output")).to_contain_text("'of the bot' meanwhile")
    expect(note).to_have_value("mine")
    assert site.example(dataset, id)["annotations"][0]["text"] == "of the bot"
    for text in ("mine", "mine, corrected"):
        note.fill(text)
        page.keyboard.press("Control+Enter")
        expect(page.locator("output")).to_have_text("saved")
        assert site.example(dataset, id)["annotations"][0]["text"] == text


def test_a_label_that_was_not_saved_is_sent_again_by_its_key(page: Page, site: Site) -> None:
    space = site.space()
    site.config(space, "CATEGORICAL", values=[{"label": "good"}, {"label": "bad"}])
    dataset = site.dataset({"q": "one"}, {"q": "two"}, space=space)
    page.goto(f"/datasets/{dataset.id}/example?id={dataset.example_ids[0]}")
    page.context.set_offline(True)
    page.keyboard.press("1")
    expect(page.locator("output")).to_contain_text("not saved: ")
    page.context.set_offline(False)
    page.keyboard.press("1")
    expect(page.locator("output")).to_have_text("saved")
    page.get_by_text("bad", exact=True).click()
    expect(page.locator("output")).to_have_text("saved")
    expect(page.locator(".events > li").first.locator("ins")).to_contain_text("bad")
    assert site.example(dataset, dataset.example_ids[0])["annotations"][0]["label"] == "bad"
    page.keyboard.press("j")  # also with the focus on the label
    expect(page.get_by_role("heading", level=1)).to_have_text("Example 2")


def test_who_describes_and_who_renames_a_version_keep_each_others_work(
    page: Page, site: Site
) -> None:
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}/versions")
    url = f"/api/v1/datasets/{dataset.id}/versions/{dataset.version_id}"
    ok(site.api.patch(url, json={"description": "theirs"}))
    page.get_by_text("Rename or describe").click()
    page.get_by_label("Name", exact=True).fill("mine")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".warning")).to_contain_text("Someone else changed it meanwhile")
    expect(page.get_by_label("Name", exact=True)).to_have_value("mine")
    expect(page.get_by_label("Description").first).to_have_value("theirs")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".line > li")).to_contain_text("theirs")
    found = ok(site.api.get(url))
    assert (found["name"], found["description"]) == ("mine", "theirs")


def test_a_mistake_in_a_choice_leaves_the_choice(page: Page, site: Site) -> None:
    dataset = site.dataset({"a": [1], "b": [1], "c": 1})
    (id,) = dataset.example_ids
    page.goto(f"/datasets/{dataset.id}/example?id={id}&edit=1")
    for name in "abc":
        page.get_by_label(name, exact=False).and_(page.locator("textarea")).first.fill("[2]")
    page.get_by_label("Name of the new version").fill("checked")
    site.patch(dataset, {"id": id, "a": [3], "b": [3]})
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Name of the new version")).to_have_value("checked")
    page.get_by_label("Theirs").first.check()
    page.get_by_label("Your text of b").fill("[2")
    site.patch(dataset, {"id": id, "a": [4], "c": 9})  # a third time, and another field
    page.get_by_role("button", name="Save this choice").click()
    expect(page.locator(".wrong")).to_contain_text("This is not JSON")
    expect(page.get_by_label("Theirs").first).not_to_be_checked()  # it is another value now
    expect(page.get_by_label("Yours").nth(1)).to_be_checked()
    expect(page.get_by_label("Your text of b")).to_have_value("[2")
    expect(page.get_by_label("Your text of c")).to_have_value("[2]")
    page.get_by_label("Theirs").first.check()
    page.get_by_label("Yours").nth(2).check()
    page.get_by_label("Your text of b").fill("[2, 3]")
    page.get_by_role("button", name="Save this choice").click()
    expect(page.locator(".heading")).to_contain_text("in checked")
    found = site.example(dataset, id)
    assert (found["a"], found["b"], found["c"]) == ([4], [2, 3], [2])


def test_what_was_typed_outlives_the_database(new_postgres_url: Callable[[], str]) -> None:
    url = new_postgres_url()
    served = Served.start("--database-url", url)
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    headers = {"Authorization": f"Bearer {served.key}"}
    with (
        connect(served) as http,
        httpx.Client(base_url=served.base_url, headers=headers) as api,
        psycopg.connect(url, dbname="postgres", autocommit=True) as other,
    ):
        log_in(http, served.key)
        dataset = make_dataset(api, [{"q": "one"}])
        path = f"/datasets/{dataset.id}/new-example"
        sent = {"form_token": form_token(http), "name.0": "q", "kind.0": "text"}
        sent["value.0"] = "typed"
        other.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false'.encode())
        kill = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s"
        other.execute(kill, [name])
        answer = http.post(path, data=sent)
        assert answer.status_code == 503
        assert ">typed</textarea>" in answer.text.replace("\n", "")
        assert "Send it again" in answer.text
        login = http.post("/login", data={"key": served.key})
        assert served.key not in login.text
        assert "not shown here" not in login.text
        other.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true'.encode())
        assert http.post(path, data=sent).status_code == 303
    assert served.stop() == 0
