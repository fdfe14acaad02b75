"""What a person is told when a request failed: nothing that was typed is lost, and all lead on."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from exempla.limits import MAX_STRANGER_FORM_BYTES
from tests.api.helpers import Dataset, default_space, make_dataset, ok, send, unique
from tests.serving import KEY, Served
from tests.web import test_sessions
from tests.web.conftest import new_context
from tests.web.site import Site
from tests.web.test_files import DROP, lines
from tests.web.test_sessions import connect, form_token, log_in

TYPED = 'two lines\nand a "quote" & <b>more</b>'


FOR_PROGRAMS = re.compile(r"\[\d|GET|/api|/v2|POST|\(byte|cursor|READ_ONLY|MEMBER|_id|_at\b")
"""What says something to programs alone."""


@pytest.fixture
def own(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A window with a session of its own, which may end."""
    with new_context(browser, site) as context:
        page = context.new_page()
        log_in_at(page, site, "/login")
        page.close()
        yield context


def log_in_at(page: Page, site: Site, path: str, key: str = "") -> None:
    page.goto(path)
    page.get_by_label("API key").fill(key or site.served.key)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def log_out(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/help")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    page.close()


def edit(page: Page, dataset: Dataset) -> None:
    page.goto(f"/datasets/{dataset.id}/example?id={dataset.example_ids[0]}&edit=1")
    page.get_by_label("answer").fill(TYPED)


def test_what_was_typed_outlives_the_session(own: BrowserContext, site: Site) -> None:
    dataset = site.dataset({"answer": "one"})
    page = own.new_page()
    edit(page, dataset)
    log_out(own)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are logged out")
    expect(page.get_by_label("answer")).to_have_value(TYPED)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="log in").click()
    beside = opened.value
    beside.get_by_label("API key").fill(site.served.key)
    beside.get_by_role("button", name="Log in").click()
    expect(beside.get_by_role("heading", level=1)).to_have_text("Edit example 1")
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    assert site.example(dataset, dataset.example_ids[0])["answer"] == TYPED


def test_what_was_typed_outlives_another_log_in(own: BrowserContext, site: Site) -> None:
    dataset = site.dataset({"answer": "one"})
    page = own.new_page()
    page.goto(f"/datasets/{dataset.id}/new-example")
    page.get_by_label("answer").fill(TYPED)
    page.get_by_placeholder("name", exact=True).fill("source")
    page.get_by_label("Value of the new field").fill('"atlas"')
    log_out(own)
    log_in_at(own.new_page(), site, "/login")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_label("answer")).to_have_value(TYPED)
    expect(page.get_by_label("Name of the new field")).to_have_value("source")
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Example 2")
    found = ok(site.api.get(dataset.examples_url))["examples"][1]
    assert (found["answer"], found["source"]) == (TYPED, "atlas")


def test_what_was_typed_outlives_what_it_was_for(page: Page, site: Site) -> None:
    dataset = site.dataset({"answer": "one"})
    edit(page, dataset)
    body = {"dataset_version_id": dataset.version_id, "example_ids": dataset.example_ids}
    ok(send(site.api, "DELETE", dataset.examples_url, body))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    expect(page.get_by_label("answer")).to_have_value(TYPED)
    expect(page.get_by_role("button", name="Send it again")).to_have_count(0)
    page.get_by_role("navigation").get_by_role("link", name="Datasets").click()
    page.goto(f"/datasets/{dataset.id}/versions")
    page.get_by_text("Rename or describe").click()
    page.get_by_label("Description").first.fill(TYPED)
    site.api.delete(dataset.url).raise_for_status()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Description")).to_have_value(TYPED)


def test_an_annotation_outlives_the_session_and_leads_to_the_log_in(
    own: BrowserContext, site: Site
) -> None:
    space = site.space()
    site.config(space, "FREEFORM")
    dataset = site.dataset({"q": "one"}, space=space)
    page = own.new_page()
    page.goto(f"/datasets/{dataset.id}/example?id={dataset.example_ids[0]}")
    log_out(own)
    page.keyboard.press("m")
    page.keyboard.type(TYPED)
    page.keyboard.press("Control+Enter")
    expect(page.locator("output")).to_contain_text("the session is over")
    expect(page.locator("[name=text]")).to_have_value(TYPED)
    with page.expect_popup() as opened:
        page.locator("output").get_by_role("link", name="Log in").click()
    opened.value.get_by_label("API key").fill(site.served.key)
    opened.value.get_by_role("button", name="Log in").click()
    expect(opened.value.get_by_role("button", name="Log out")).to_be_visible()
    page.locator("[name=text]").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("output")).to_have_text("saved")
    (saved,) = site.example(dataset, dataset.example_ids[0])["annotations"]
    assert saved["text"] == TYPED


def test_nothing_is_sent_again_as_another_person(own: BrowserContext, site: Site) -> None:
    space = site.space()
    site.config(space, "FREEFORM")
    dataset = site.dataset({"q": "one"}, space=space)
    page, importing = own.new_page(), own.new_page()
    page.goto(f"/datasets/{dataset.id}/example?id={dataset.example_ids[0]}")
    importing.goto(f"/datasets/{dataset.id}/import")
    importing.evaluate(DROP, ["a.jsonl", lines({"q": "two"})])
    expect(importing.locator("#result")).to_contain_text("+1 added")
    log_out(own)
    log_in_at(own.new_page(), site, "/login", site.service_key(space, "MEMBER"))
    page.keyboard.press("m")
    page.keyboard.type(TYPED)
    page.keyboard.press("Control+Enter")
    expect(page.locator("output")).to_contain_text("there was another log-in")
    importing.get_by_role("button", name="Import 1 row").click()
    expect(importing.locator("#result")).to_contain_text("there was another log-in")
    (found,) = ok(site.api.get(dataset.examples_url))["examples"]
    assert "annotations" not in found


def test_a_file_is_sent_again_after_another_log_in(own: BrowserContext, site: Site) -> None:
    dataset = site.dataset({"q": "one"})
    page = own.new_page()
    page.goto(f"/datasets/{dataset.id}/import")
    page.evaluate(DROP, ["a.jsonl", lines({"q": "two"})])
    expect(page.locator("#result")).to_contain_text("+1 added")
    log_out(own)
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.locator("#result")).to_contain_text("You are logged out")
    log_in_at(own.new_page(), site, "/login")
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.get_by_role("status")).to_contain_text("1 added")


@pytest.mark.parametrize("path", ["/nothing", "/datasets/x", "/datasets/x/nothing"])
def test_a_page_that_fails_leads_on(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Spaces").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Spaces")


visitor = test_sessions.visitor  # the fixture


def test_a_stranger_gets_back_a_short_form_alone(served: Served) -> None:
    text = "x" * (MAX_STRANGER_FORM_BYTES // 2)
    with connect(served) as http:
        answer = http.post("/datasets/x/new-example", data={"text": text})
        assert answer.status_code == 401
        assert text in answer.text
        assert 'href="/login?next=%2Fdatasets%2Fx"' in answer.text
        answer = http.post("/datasets/x/new-example", data={"text": text * 2})
        assert answer.status_code == 401
        assert text not in answer.text


def test_a_form_over_the_rate_of_its_key_can_be_sent_again(tmp_path: Path) -> None:
    limited = Served.start("--data-dir", str(tmp_path), "--rate-limit", "1/hour")
    with connect(limited) as http:
        log_in(http, KEY)
        token = form_token(http, "/help")
        data = {"form_token": token, "name.0": "q", "value.0": "typed"}
        answer = http.post("/datasets/x/new-example", data=data)
        assert answer.status_code == 429
        assert ">typed</textarea>" in answer.text.replace("\n", "")
        assert "Send it again" in answer.text
        assert f'name="form_token" value="{token}"' in answer.text
    assert limited.stop() == 0


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
@pytest.mark.parametrize("path", ["/admin/keys", "/login"])
def test_no_form_of_another_site_is_offered_to_be_sent_again(
    visitor: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    name = unique("evil")
    data = {"form_token": form_token(visitor), "action": "create", "name": name}
    answer = visitor.post(path, data=data, headers=headers)
    assert answer.status_code == 403
    assert name not in answer.text
    assert "This form is from another site" in answer.text


def test_the_way_back_stays_on_this_server(visitor: httpx.Client, client: httpx.Client) -> None:
    dataset = make_dataset(client, [{"q": "one"}])
    path = f"/datasets/{dataset.id}/new-example"
    base = str(visitor.base_url)
    for referer, back in (
        ("https://evil.example/x", f"/datasets/{dataset.id}"),
        (f"{base}//evil.example", "/"),
        (f"{base}/help?a=b", "/help?a=b"),
    ):
        answer = visitor.post(path, data={"value.0": "1"}, headers={"Referer": referer})
        assert answer.status_code == 403
        assert f'<a href="{back}">Go back without it' in answer.text


def told(answer: httpx.Response) -> str:
    """Return what a page says went wrong."""
    pattern = r'<p class="(?:warning|lead|wrong)"[^>]*>(.*?)</p>'
    (found, *_) = re.findall(pattern, answer.text, re.DOTALL)
    return html.unescape(re.sub("<[^>]*>", "", found))


def test_what_went_wrong_is_told_in_sentences(visitor: httpx.Client, client: httpx.Client) -> None:
    dataset = make_dataset(client, [{"q": "one"}])
    schema = {"properties": {"n": {"type": "number"}, "q": {"minLength": 2}}}
    ok(send(client, "PUT", f"/api/v1/datasets/{dataset.id}/schema", {"schema": schema}))
    path, token = f"/datasets/{dataset.id}", {"form_token": form_token(visitor)}
    new = {"name.0": "n", "kind.0": "json", "value.0": '"x"'}
    edit = new | {"id": dataset.example_ids[0], "seen": "e30=", "into": "this"}
    space = default_space(client)
    typed = {"name": unique(), "space": space}

    def say(part: str, data: dict[str, str]) -> str:
        return told(visitor.post(part, data=token | data))

    found = [
        say(f"{path}/new-example", new),
        say(f"{path}/example", edit),
        say("/datasets/new", typed | {"text": "[{}, 1]"}),
        say("/datasets/new", typed | {"text": '{"a": 1}\n{"ü": x}'}),
        say("/datasets/new", typed | {"text": '[{"a": 1}, {"id": "x"}]'}),
        say(
            f"/admin/spaces/{space}",
            {"action": "create-config", "name": unique()}
            | {"type": "CONTINUOUS", "minimum": "2", "maximum": "1"},
        ),
        told(visitor.get("/datasets/x")),
        told(visitor.get("/datasets/x/annotate")),
        told(visitor.get(f"{path}?version={dataset.id}")),
        told(visitor.get(f"{path}?cursor=x")),
        told(visitor.get(f"{path}/log?cursor=x")),
    ]
    url = f"/api/v1/datasets/{dataset.id}/versions/{dataset.version_id}"
    ok(send(client, "PATCH", url, {"locked": True}))
    found.append(say(f"{path}/new-example", new | {"value.0": "1"}))
    found.append(say(f"{path}/take-out", {"id": "x", "version_seen": dataset.version_id}))
    for sentence in found:
        assert not FOR_PROGRAMS.search(sentence), sentence
        assert sentence[0].isupper(), sentence
        assert sentence.endswith("."), sentence


@pytest.mark.parametrize("query", ["?version=x", "?cursor=x", "/versions?cursor=x"])
def test_a_part_of_a_dataset_that_is_not_there_leads_to_the_dataset(
    page: Page, site: Site, query: str
) -> None:
    dataset = site.dataset({"q": "one"})
    page.goto(f"/datasets/{dataset.id}{query}")
    page.get_by_role("link", name="The dataset").click()
    expect(page.locator("tbody tr")).to_have_count(1)
