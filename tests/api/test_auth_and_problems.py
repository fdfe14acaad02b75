"""Who may call, and the form of every error (contract: common to every route)."""

from __future__ import annotations

import re

import httpx
import pytest

from exempla.api.access import NEEDS
from exempla.api.access import OPEN as OPEN_ROUTES
from tests.api.helpers import (
    TYPES,
    assert_problem,
    default_space,
    guessed,
    make_dataset,
    make_id,
    numbered,
    ok,
    send,
    three,
    unique,
)
from tests.serving import Served

DATASET = f"/v2/datasets/{make_id('Dataset', 1, 'aBcDeFgHiJ')}"
SPACE = f"/v2/spaces/{make_id('Space', 1, 'aBcDeFgHiJ')}"
ORGANIZATION = f"/v2/organizations/{make_id('Organization', 1, 'aBcDeFgHiJ')}"
ROUTES = [
    ("GET", "/v2/datasets"),
    ("POST", "/v2/datasets"),
    ("GET", DATASET),
    ("PATCH", DATASET),
    ("DELETE", DATASET),
    ("GET", f"{DATASET}/examples"),
    ("POST", f"{DATASET}/examples"),
    ("PATCH", f"{DATASET}/examples"),
    ("DELETE", f"{DATASET}/examples"),
    ("POST", f"{DATASET}/examples/search"),
    ("GET", "/v2/spaces"),
    ("POST", "/v2/spaces"),
    ("GET", SPACE),
    ("PATCH", SPACE),
    ("DELETE", SPACE),
    ("GET", "/v2/organizations"),
    ("POST", "/v2/organizations"),
    ("GET", ORGANIZATION),
    ("PATCH", ORGANIZATION),
    ("DELETE", ORGANIZATION),
]
OPEN = ["/healthz", "/readyz", "/errors"]


def assert_unauthorized(response: httpx.Response) -> None:
    """Check that a key was asked for."""
    assert_problem(response, 401, "authentication-required")
    assert response.headers["WWW-Authenticate"].split()[0] == "Bearer"


# Keys


@pytest.mark.parametrize(("method", "url"), ROUTES)
@pytest.mark.parametrize("body", [b"", b"not JSON", b"{}"], ids=["empty", "not JSON", "object"])
def test_every_route_asks_for_a_key_before_anything_else(
    stranger: httpx.Client, method: str, url: str, body: bytes
) -> None:
    assert_unauthorized(send(stranger, method, url, body))


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "Bearer",
        "Bearer exk_this_key_was_never_made_0123456789",
        "exk_this_key_was_never_made_0123456789",
        "Bearer <key>x",
        "Bearer <start>",
        "Bearer <key> <key>",
        "Basic <key>",
        "Bearer: <key>",
        "<key>, <key>",
        "Bearer ' OR 1=1 --",
        "Bearer " + "x" * 5_000,
    ],
)
def test_no_key_or_an_unknown_one_is_refused(
    served: Served, stranger: httpx.Client, sent: str
) -> None:
    value = sent.replace("<key>", served.key).replace("<start>", served.key[:-1])
    response = stranger.get("/v2/datasets", headers={"Authorization": value})
    assert_unauthorized(response)
    assert served.key not in response.text
    assert "never_made" not in response.text


def test_a_key_that_is_not_text_is_refused(stranger: httpx.Client) -> None:
    for value in (b"Bearer \xff\xfe", "Bearer clé".encode(), b"\xf0\x9f\x98\x80"):
        assert_unauthorized(stranger.get("/v2/datasets", headers={b"Authorization": value}))


@pytest.mark.parametrize("form", ["Bearer {}", "{}", "bearer {}", "BEARER {}", "Bearer  {}"])
def test_a_key_is_accepted_bare_and_as_bearer(
    served: Served, stranger: httpx.Client, form: str
) -> None:
    ok(stranger.get("/v2/datasets", headers={"authorization": form.format(served.key)}))


def test_without_a_key_nothing_is_written(client: httpx.Client, stranger: httpx.Client) -> None:
    dataset = three(client)
    before = client.get(dataset.examples_url).content
    body = {"examples": [{"id": dataset.example_ids[0], "answer": "changed"}]}
    assert_unauthorized(send(stranger, "PATCH", dataset.examples_url, body))
    assert_unauthorized(stranger.delete(dataset.url))
    assert client.get(dataset.examples_url).content == before


@pytest.mark.parametrize("url", OPEN)
def test_what_needs_no_key(stranger: httpx.Client, url: str) -> None:
    response = stranger.get(url)
    assert response.status_code == 200
    assert response.headers["X-Request-Id"]


# Problems


@pytest.mark.parametrize(
    "url",
    [
        "/v2",
        "/v2/nothing",
        "/v1/datasets",
        "/v2/datasets/a/b/c",
        "/v2/spaces/a/b",
        "/index.php",
        "/v2/datasets/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/%F0%9F%98%80",
        "/%00",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_does_not_exist(client: httpx.Client, method: str, url: str) -> None:
    assert_problem(send(client, method, url), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("PUT", "/v2/datasets", {"GET", "POST"}),
        ("DELETE", "/v2/datasets", {"GET", "POST"}),
        ("PATCH", "/v2/spaces", {"GET", "POST"}),
        ("POST", DATASET, {"GET", "PATCH", "DELETE"}),
        ("PUT", f"{DATASET}/examples", {"GET", "POST", "PATCH", "DELETE"}),
        ("GET", f"{DATASET}/examples/search", {"POST"}),
        ("POST", "/healthz", {"GET"}),
        ("DELETE", "/errors", {"GET"}),
    ],
)
def test_a_method_that_a_path_does_not_have(
    client: httpx.Client, method: str, url: str, allowed: set[str]
) -> None:
    response = client.request(method, url)
    assert response.status_code == 405
    assert_problem(response, 405, response.json()["type"].removeprefix("/errors#"), method)
    assert set(re.split(r",\s*", response.headers["Allow"])) >= allowed


def test_options_names_every_method_of_a_path(stranger: httpx.Client) -> None:
    methods: dict[str, set[str]] = {}
    for route in [*NEEDS, *OPEN_ROUTES]:
        method, path = route.split()
        methods.setdefault(re.sub(r"\{[a-z_]+\}", "x", path), {"OPTIONS"}).add(method)
    for path, expected in methods.items():
        response = stranger.request("OPTIONS", path)
        assert response.status_code == 204
        head = {"HEAD"} if "GET" in expected else set()
        assert set(response.headers["Allow"].split(", ")) == expected | head, path


def test_head_is_answered_as_get_without_a_body(
    client: httpx.Client, stranger: httpx.Client
) -> None:
    dataset = make_dataset(client, numbered(3))
    for url in ("/healthz", "/v2/spaces", dataset.url, dataset.examples_url, "/openapi.json"):
        got, head = client.get(url), client.head(url)
        assert head.status_code == 200
        assert head.content == b""
        for header in ("Content-Type", "Content-Length"):
            assert head.headers[header] == got.headers[header]
        assert head.headers["X-Request-Id"]
    assert stranger.head(dataset.url).status_code == 401
    assert client.head(f"/v2/datasets/{guessed(dataset.id)}").status_code == 404
    assert client.head(f"{dataset.examples_url}/search").status_code == 405


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png;q=0.1", "nonsense"])
def test_answers_are_json_whatever_is_accepted(client: httpx.Client, accept: str) -> None:
    headers = {"Accept": accept}
    ok(client.get("/v2/datasets", headers=headers))
    assert_problem(client.get("/v2/nothing", headers=headers), 404, "not-found")
    assert_problem(client.get(DATASET, headers=headers), 404, "not-found")


def test_the_page_of_errors_has_a_section_for_each_type(stranger: httpx.Client) -> None:
    response = stranger.get("/errors")
    assert response.headers["Content-Type"].startswith("text/html")
    assert set(re.findall(r'\bid="([^"]+)"', response.text)) >= set(TYPES)


def test_the_type_of_a_problem_leads_to_its_section(client: httpx.Client) -> None:
    answer = client.get("/v2/nothing")
    link = answer.request.url.join(answer.json()["type"])
    assert f'id="{link.fragment}"' in client.get(link).text


@pytest.mark.parametrize("url", ["/v2/datasets/%F0%9F%98%80", "/v2/a%20b", "/v2/%22%3C%3E%00"])
def test_the_instance_of_a_problem_is_a_uri_reference(client: httpx.Client, url: str) -> None:
    instance = client.get(url).json()["instance"]
    assert re.fullmatch(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+", instance)


def test_a_conflict_names_what_is_taken_and_nothing_internal(client: httpx.Client) -> None:
    name = unique("' \" ; DROP TABLE datasets; --")
    body = {"name": name, "space_id": default_space(client), "examples": [{"n": 1}]}
    ok(send(client, "POST", "/v2/datasets", body), 201)
    assert_problem(send(client, "POST", "/v2/datasets", body), 409, "conflict", "name")


# The id of a request


@pytest.mark.parametrize("url", ["/v2/datasets", "/v2/nothing", DATASET, *OPEN])
def test_every_answer_has_a_request_id_of_its_own(client: httpx.Client, url: str) -> None:
    ids = {client.get(url).headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("sent", ["a", "run-7.step_3", "8c1f8d1e-5d1c-4c57-9f0e-2f6b7f0a1d11"])
@pytest.mark.parametrize("url", ["/v2/datasets", "/v2/nothing", "/healthz"])
def test_a_sane_request_id_is_echoed(client: httpx.Client, url: str, sent: str) -> None:
    response = client.get(url, headers={"X-Request-Id": sent})
    assert response.headers.get_list("X-Request-Id") == [sent]


@pytest.mark.parametrize(
    "sent",
    [b"", b"a b", b"a\tb", b"<b>", b'"', b"a,b", "é".encode(), b"\xff", b"x" * 10_000],
    ids=ascii,
)
def test_any_other_request_id_is_replaced(client: httpx.Client, sent: bytes) -> None:
    response = client.get("/v2/nothing", headers={b"X-Request-Id": sent})
    assert_problem(response, 404, "not-found")
    (id,) = response.headers.get_list("X-Request-Id")
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", id)
    assert id.encode() != sent


# Health


@pytest.mark.parametrize("url", ["/healthz", "/readyz"])
def test_health_is_told_to_anyone(stranger: httpx.Client, url: str) -> None:
    ok(stranger.get(url))
    ok(stranger.get(url, headers={"Authorization": "Bearer no such key"}))
