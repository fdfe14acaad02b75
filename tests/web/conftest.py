"""A browser, a server and a person who is logged in, for the tests of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.serving import Served
from tests.web.chromium import HOW_TO_GET_IT, chromium, is_needed
from tests.web.site import Site

PATIENCE_MS = 20_000
"""How long to wait for what a page shows: machines that test are busy."""

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if chromium() or is_needed():
        return
    here = str(Path(__file__).parent)
    left_out = [
        item
        for item in items
        if str(item.path).startswith(here) and "browser" in getattr(item, "fixturenames", ())
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium.

    For one module: while it is there an event loop runs, beside which others' `asyncio.run` fails.
    """
    path = chromium()
    assert path, HOW_TO_GET_IT
    with sync_playwright() as playwright:
        # No sandbox: CI runs as root, which Chromium's sandbox refuses.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server on SQLite, and a client of its API."""
    folder = str(tmp_path_factory.mktemp("site"))
    server = Served.start("--data-dir", folder, "--query-timeout", "60")
    headers = {"Authorization": f"Bearer {server.key}"}
    with httpx.Client(base_url=server.base_url, headers=headers, timeout=120) as api:
        yield Site(server, api)
    assert server.stop() == 0, server.output
    assert "Traceback" not in server.output, server.output


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A browser window in which someone is logged in as the administrator."""
    with new_context(browser, site) as context:
        context.add_cookies([site.cookie(site.served.key)])
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of that window."""
    return context.new_page()


class new_context:  # noqa: N801
    """A window that must not talk to another host, nor have a fault in a script."""

    def __init__(self, browser: Browser, site: Site, **options: object) -> None:
        options = {"viewport": {"width": 1280, "height": 800}, **options}
        self._context = browser.new_context(base_url=site.served.base_url, **options)  # type: ignore[arg-type]
        self._host = urlsplit(site.served.base_url).netloc
        self._faults: list[str] = []

    def __enter__(self) -> BrowserContext:
        self._context.set_default_timeout(PATIENCE_MS)
        self._context.on("request", self._check_host)
        self._context.on("weberror", lambda error: self._faults.append(str(error.error)))
        self._context.on("console", lambda message: self._check_console(message.text))
        self._context.on("dialog", lambda dialog: self._faults.append(f"dialog: {dialog.message}"))
        return self._context

    def __exit__(self, *_: object) -> None:
        self._context.close()
        assert not self._faults, self._faults

    def _check_host(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self._host:
            self._faults.append(f"asked for {request.url}")

    def _check_console(self, text: str) -> None:
        if "Content Security Policy" in text or "Uncaught" in text:
            self._faults.append(text)
