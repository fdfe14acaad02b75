"""The page of keys: what each may do, who may make and revoke them; and bots, called by name."""

from __future__ import annotations

import httpx
from playwright.sync_api import Browser, Page, expect

from tests.api.helpers import ok
from tests.api.test_annotations import annotate
from tests.web.conftest import new_context
from tests.web.site import Site


def space_name(site: Site, space: str) -> str:
    return str(ok(site.api.get(f"/v2/spaces/{space}"))["name"])


def test_what_a_key_may_do_is_told(page: Page, site: Site) -> None:
    space = site.space()
    key = site.service_key(space, "MEMBER")
    page.goto(f"/admin/keys?space={space}")
    row = page.get_by_role("table", name="Service keys").locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator("[data-label=May]")).to_contain_text("reads and writes in")
    expect(row.locator("[data-label=May]")).to_contain_text(space_name(site, space))
    expect(page.get_by_role("table", name="Your keys")).to_contain_text("everything")
    assert key[:8] in row.inner_text()


def test_who_may_make_no_key_is_told_why(browser: Browser, site: Site) -> None:
    space = site.space()
    reader, manager = (site.service_key(space, role) for role in ("READ_ONLY", "ADMIN"))
    with new_context(browser, site) as context:
        context.add_cookies([site.cookie(reader)])
        page = context.new_page()
        page.goto(f"/admin/keys?space={space}")
        expect(page.get_by_role("table", name="Service keys").locator("tbody tr")).to_have_count(2)
        expect(page.get_by_text("Revoke…")).to_have_count(1)  # its own
        expect(page.get_by_text("cannot make keys that act as its bot")).to_be_visible()
        expect(page.get_by_role("button", name="Make it")).to_have_count(0)
    with new_context(browser, site) as context:
        context.add_cookies([site.cookie(manager)])
        page = context.new_page()
        page.goto(f"/admin/keys?space={space}")
        expect(page.get_by_text("Revoke…")).to_have_count(2)
        expect(page.get_by_label("Acts as").locator("option")).to_have_text(
            [f"a bot in {space_name(site, space)}"]
        )


def test_a_bot_is_called_by_its_name(browser: Browser, page: Page, site: Site) -> None:
    space = site.space()
    key, config = site.service_key(space, "MEMBER"), site.config(space, "FREEFORM")
    (listed,) = ok(site.api.get("/v2/api-keys", params={"space_id": space}))["api_keys"]
    name = f"{listed['name']} (bot)"
    with httpx.Client(
        base_url=site.served.base_url, headers={"Authorization": f"Bearer {key}"}
    ) as client:
        bot = Site(site.served, client)
        dataset = bot.dataset({"q": "one"}, space=space)
        (id,) = dataset.example_ids
        bot.patch(dataset, {"id": id, "q": "1"}, new_version="second")
        values = [{"name": config, "text": "fine"}]
        annotate(client, dataset, {"record_id": id, "values": values})
    path = f"/datasets/{dataset.id}"
    page.goto(f"/?space={space}")
    expect(page.locator("tbody")).to_contain_text(f"by {name}")
    for part, times in (("/log", 3), ("/versions", 3), (f"/example?id={id}", 4)):
        page.goto(path + part)
        assert page.content().count(name) == times, part
        assert "bots.invalid" not in page.content()
    with new_context(browser, site) as context:
        context.add_cookies([site.cookie(key)])
        theirs = context.new_page()
        theirs.goto("/")
        expect(theirs.locator(".who")).to_contain_text(name)
