"""Which names the server answers to, and what each answer tells a browser."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from exempla.api.hosts import checker
from exempla.errors import InvalidRequest, Misdirected
from tests.api.helpers import assert_problem, three
from tests.serving import KEY, Served, exempla

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def raw(served: Served, request: str) -> str:
    """Send this text and return the answer."""
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        connection.settimeout(30)
        return connection.recv(65_536).decode()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8787",
        "192.0.2.7:80",
        "[::1]:8787",
        "[2001:db8::1]",
        "localhost",
        "LOCALHOST:1",
        "localhost.:8787",
        "data.localhost:8787",
        "data.example.com",
        "Data.Example.com:8787",
        "data.example.com.",
    ],
)
def test_addresses_and_known_names_are_served(host: str) -> None:
    assert checker(["Data.example.com."])(host.encode()) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "data.example.com.evil.example",
        "x.data.example.com",
        "localhost.evil.example",
        "127.0.0.1.evil.example:8787",
        "0x7f000001",
        "127.1",
        "2130706433",
    ],
)
def test_other_names_are_not(host: str) -> None:
    problem = checker(["data.example.com"])(host.encode())
    assert isinstance(problem, Misdirected)
    assert "--allowed-host" in problem.detail


@pytest.mark.parametrize(
    "host", [b"", b":80", b"[::1", b"::1", b"a b", b"a:b", b"a@b", b"a/b", b"\xff \xfe", None]
)
def test_what_names_no_host_is_refused(host: bytes | None) -> None:
    assert isinstance(checker([])(host), InvalidRequest)


@pytest.mark.parametrize("path", ["/v2/spaces", "/healthz", "/docs", "/nothing", "/v2//spaces"])
def test_a_page_bound_to_another_name_gets_nothing(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example:8787"})
    assert_problem(answer, 421, "invalid-request", "--allowed-host evil.example")


def test_a_request_needs_one_host(served: Served) -> None:
    assert " 400 " in raw(served, "GET /healthz HTTP/1.1\n\n")
    assert " 400 " in raw(served, "GET /healthz HTTP/1.1\nHost: localhost\nHost: localhost\n\n")
    assert " 421 " in raw(served, "GET /healthz HTTP/1.0\nHost: evil.example\n\n")
    assert " 200 " in raw(served, "GET /healthz HTTP/1.0\n\n")


@pytest.mark.parametrize("by", ["flag", "environment"])
def test_names_can_be_allowed(tmp_path: Path, by: str) -> None:
    names = ["data.example.com", "exempla"]
    if by == "flag":
        flags = [part for name in names for part in ("--allowed-host", name)]
        served = Served.start("--data-dir", str(tmp_path), *flags)
    else:
        allowed = " ".join(names)
        served = Served.start("--data-dir", str(tmp_path), EXEMPLA_ALLOWED_HOSTS=allowed)
    try:
        for name, status in [*((name, 200) for name in names), ("other.example.com", 421)]:
            answer = httpx.get(f"{served.base_url}/healthz", headers={"Host": f"{name}:80"})
            assert answer.status_code == status
    finally:
        assert served.stop() == 0


def test_the_name_that_it_listens_on_is_known(tmp_path: Path) -> None:
    name = socket.gethostname()
    assert checker([name])(name.encode()) is None
    served = Served.start("--data-dir", str(tmp_path), "--host", "localhost")
    assert httpx.get(f"http://localhost:{served.port}/healthz").status_code == 200
    assert served.stop() == 0


@pytest.mark.parametrize("name", ["http://data.example.com", "data.example.com:80", "a,b", "*"])
def test_a_name_that_is_none_is_refused_at_the_start(tmp_path: Path, name: str) -> None:
    done = exempla("serve", "--data-dir", str(tmp_path), "--allowed-host", name)
    assert done.returncode == 1
    assert "give a name such as data.example.com" in done.stderr


def test_every_answer_has_the_headers(client: httpx.Client) -> None:
    dataset = three(client)
    answers = [
        client.get("/docs"),
        client.get("/errors"),
        client.get("/healthz"),
        client.get("/nothing"),
        client.get(dataset.url),
        client.head(dataset.url),
        client.delete(dataset.url),
        client.get("/v2/datasets", headers={"Authorization": "x"}),
        client.get("/v2/datasets", headers={"Host": "evil.example"}),
        client.get("/v2//datasets"),
        client.options("/v2/datasets"),
        client.put("/v2/datasets"),
    ]
    assert {answer.status_code for answer in answers} == {200, 204, 401, 404, 405, 421}
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_no_answer_lets_another_site_read_it(client: httpx.Client) -> None:
    asked = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization",
    }
    for method in ("OPTIONS", "GET", "POST"):
        answer = client.request(method, "/v2/datasets", headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_no_answer_sets_a_cookie(client: httpx.Client) -> None:
    for path in ("/docs", "/errors", "/v2/spaces"):
        assert "set-cookie" not in client.get(path, headers={"Authorization": KEY}).headers
