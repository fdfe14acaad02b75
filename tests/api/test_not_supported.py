"""The routes of AX that Exempla lacks say so, so that a client's user sees why."""

from __future__ import annotations

import re

import httpx
import pytest

from exempla.api.access import NEEDS
from exempla.api.not_supported import not_supported_routes
from tests.api.helpers import assert_problem, send

ROUTES = sorted(
    (method, path.replace(":str}", "}"))
    for handler in not_supported_routes()
    for path in handler.paths
    for method in handler.http_methods
    if method != "OPTIONS"
)


def filled(path: str) -> str:
    """Put something into the places of a path."""
    return re.sub(r"\{[a-z_]+\}", "RXZhbHVhdG9yOjE6YUJjRA==", path)


def test_there_are_such_routes_and_none_is_served_too() -> None:
    assert len(ROUTES) == len(set(ROUTES)) > 100
    assert not {f"{method} {path}" for method, path in ROUTES} & set(NEEDS)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_it_says_that_it_is_not_supported(client: httpx.Client, method: str, path: str) -> None:
    response = send(client, method, filled(path), {} if method in ("POST", "PATCH") else b"")
    name = path.removeprefix("/v2/")
    assert_problem(response, 501, "internal-error", f"{method} {name}")
    assert response.reason_phrase == "Not Implemented"
    assert response.json()["title"] == "Not supported"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", {"name": "x"}, [1]])
def test_the_body_does_not_matter(client: httpx.Client, body: object) -> None:
    response = send(client, "POST", "/v2/experiments", body)
    assert_problem(response, 501, "internal-error", "POST experiments")


def test_it_needs_a_key(stranger: httpx.Client) -> None:
    assert_problem(stranger.get("/v2/experiments"), 401, "authentication-required")


def test_another_method_is_not_allowed(client: httpx.Client) -> None:
    assert_problem(client.put("/v2/experiments"), 405, "invalid-request")
