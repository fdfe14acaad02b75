"""Who may see a page and send a form: sessions, origins, roles, and the headers of every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from tests.api.helpers import default_space, make_dataset, make_space, ok, send, three, unique
from tests.api.key_support import acting
from tests.serving import KEY, Served

HTML = {"Accept": "text/html"}


def connect(served: Served) -> httpx.Client:
    return httpx.Client(base_url=served.base_url, headers=HTML, timeout=60)


def log_in(http: httpx.Client, key: str) -> httpx.Response:
    return http.post("/login", data={"key": key, "next": "/admin/keys"})


@pytest.fixture
def visitor(served: Served) -> Iterator[httpx.Client]:
    """Someone who is logged in as the administrator."""
    with connect(served) as http:
        assert log_in(http, KEY).status_code == 303
        yield http


def form_token(http: httpx.Client, path: str = "/") -> str:
    page = http.get(path)
    assert page.status_code == 200, page.text
    match = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
    assert match
    return match[1]


def new_key(client: httpx.Client, **members: Any) -> dict[str, Any]:
    body = {"key_type": "USER", "name": unique("key"), **members}
    return ok(send(client, "POST", "/v2/api-keys", body), 201)


def test_a_page_needs_a_log_in_and_leads_back(served: Served) -> None:
    with connect(served) as http:
        answer = http.get("/datasets/x?filter=a%20%3D%201")
        assert answer.status_code == 303
        assert (
            answer.headers["Location"] == "/login?next=%2Fdatasets%2Fx%3Ffilter%3Da%2520%253D%25201"
        )
        login = http.get(answer.headers["Location"])
        assert 'name="next" value="/datasets/x?filter=a%20%3D%201"' in login.text


def test_the_cookie_is_of_this_site_alone_and_not_for_scripts(served: Served) -> None:
    with connect(served) as http:
        answer = log_in(http, KEY)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/keys")
        cookie = answer.headers["Set-Cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/" in cookie
        assert "secure" not in cookie  # it is plain HTTP
        assert KEY not in answer.headers["Set-Cookie"]
        assert http.get("/").status_code == 200
        assert http.get("/login?next=/help").headers["Location"] == "/help"


def test_the_cookie_is_secure_under_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued = authority.issue_cert("127.0.0.1")
    cert.write_bytes(issued.cert_chain_pems[0].bytes())
    issued.private_key_pem.write_to_path(key)
    served = Served.start(
        "--data-dir", str(tmp_path), "--tls-cert", str(cert), "--tls-key", str(key)
    )
    with httpx.Client(base_url=served.base_url, verify=False) as http:
        assert "secure" in log_in(http, KEY).headers["Set-Cookie"].lower()
    assert served.stop() == 0


@pytest.mark.parametrize("key", ["", " ", "exk_this_key_was_never_made_0123456789"])
def test_a_wrong_key_gets_no_session(served: Served, key: str) -> None:
    with connect(served) as http:
        answer = log_in(http, key)
        assert answer.status_code == 401
        assert "Set-Cookie" not in answer.headers
        assert 'role="alert"' in answer.text


def test_a_log_in_ends_the_session_before(served: Served) -> None:
    with connect(served) as http, connect(served) as another:
        log_in(http, KEY)
        before = dict(http.cookies)
        assert log_in(http, "exk_this_key_was_never_made_0123456789").status_code == 401
        assert http.get("/").status_code == 200
        log_in(another, KEY)
        assert log_in(http, KEY).status_code == 303
        assert dict(http.cookies) != before
        assert http.get("/").status_code == another.get("/").status_code == 200
    with httpx.Client(base_url=served.base_url, headers=HTML, cookies=before) as old:
        assert old.get("/").status_code == 303


def filled(http: httpx.Client, path: str, **fields: str) -> dict[str, str]:
    """Return the form of a page that is sent with these fields: what is hidden in it, and they."""
    page = http.get(path)
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', page.text)
    return {**{name: value for name, value in hidden if name in ("form_token", "once")}, **fields}


def test_a_form_that_is_sent_again_makes_nothing_anew(
    visitor: httpx.Client, client: httpx.Client
) -> None:
    name, space = unique(), default_space(client)
    form = filled(visitor, "/datasets/new", name=name, space=space, text='{"q": 1}')
    first, again = (visitor.post("/datasets/new", data=form) for _ in range(2))
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["Location"] == again.headers["Location"]
    path = first.headers["Location"].partition("?")[0]
    assert visitor.post("/datasets/new", data={**form, "text": '{"q": 2}'}).status_code == 409

    form = filled(visitor, f"{path}/new-example", **{"name.0": "q", "value.0": "2"})
    wrong = {**form, "value.0": "two"}
    statuses = [
        visitor.post(f"{path}/new-example", data=one).status_code
        for one in (wrong, form, form, wrong)
    ]
    assert statuses == [422, 303, 303, 422]
    url = f"/v2{path}/examples"
    assert [one["q"] for one in ok(client.get(url))["examples"]] == [1, 2]
    another = filled(visitor, f"{path}/new-example", **{"name.0": "q", "value.0": "2"})
    assert visitor.post(f"{path}/new-example", data=another).status_code == 303
    assert [one["q"] for one in ok(client.get(url))["examples"]] == [1, 2, 2]


def test_a_form_that_is_sent_again_after_a_new_log_in_makes_nothing_anew(
    visitor: httpx.Client, client: httpx.Client
) -> None:
    form = filled(
        visitor, "/datasets/new", name=unique(), space=default_space(client), text='{"q": 1}'
    )
    first = visitor.post("/datasets/new", data=form)
    log_in(visitor, KEY)
    token = filled(visitor, "/datasets/new")["form_token"]
    assert token != form["form_token"]
    again = visitor.post("/datasets/new", data={**form, "form_token": token})
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["Location"] == again.headers["Location"]


def test_a_key_is_made_once_by_a_form(visitor: httpx.Client, client: httpx.Client) -> None:
    form = filled(visitor, "/admin/keys", action="create", name=unique("key"), space="")
    first, again = (visitor.post("/admin/keys", data=form) for _ in range(2))
    (secret,) = re.findall(r"exk_[\w-]{43}", first.text)
    assert again.status_code == 409
    assert "This form was sent before and made a key" in again.text
    assert not re.findall(r"exk_[\w-]{43}", again.text)
    keys = ok(client.get("/v2/api-keys"))["api_keys"]
    assert [one["name"] for one in keys].count(form["name"]) == 1
    assert client.get("/v2/api-keys", headers={"Authorization": f"Bearer {secret}"})


def test_a_session_ends_with_its_key_and_with_the_log_out(
    served: Served, client: httpx.Client
) -> None:
    with connect(served) as http:
        key = new_key(client)
        assert log_in(http, key["key"]).status_code == 303
        assert http.get("/").status_code == 200
        client.put(f"/v2/api-keys/{key['id']}/revoke").raise_for_status()
        assert http.get("/").status_code == 303
    with connect(served) as http:
        log_in(http, KEY)
        token = dict(http.cookies)["exempla_session"]
        answer = http.post("/logout", data={"form_token": form_token(http)})
        assert answer.headers["Location"] == "/login"
        assert http.get("/", headers={"Cookie": f"exempla_session={token}"}).status_code == 303


def test_a_session_ends_at_once_in_every_process(tmp_path: Path) -> None:
    own = Served.start("--data-dir", str(tmp_path), "--workers", "2")
    with connect(own) as http, acting(own, KEY) as client:
        key = new_key(client)
        assert log_in(http, key["key"]).status_code == 303
        cookie = f"exempla_session={http.cookies['exempla_session']}"

        def statuses() -> set[int]:
            """Ask over connections of their own, which come to different processes."""
            headers = {"Cookie": cookie, "Connection": "close"}
            url = f"{own.base_url}/help"
            return {httpx.get(url, headers=headers).status_code for _ in range(20)}

        assert statuses() == {200}
        client.put(f"/v2/api-keys/{key['id']}/revoke").raise_for_status()
        assert statuses() == {303}
    assert own.stop() == 0


def test_the_api_does_not_take_the_cookie_nor_the_pages_the_key(
    served: Served, visitor: httpx.Client, client: httpx.Client
) -> None:
    assert visitor.get("/v2/datasets").status_code == 401
    assert client.get("/admin/keys", headers=HTML).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_forms_of_other_sites_are_refused(visitor: httpx.Client, headers: dict[str, str]) -> None:
    data = {"form_token": form_token(visitor), "action": "create", "name": "x", "space": ""}
    for path in ("/admin/keys", "/login", "/logout"):
        assert visitor.post(path, data=data, headers=headers).status_code == 403
    assert visitor.get("/").status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "same-origin", "Origin": "https://known.to.a.proxy"}]
)
def test_forms_of_this_site_are_taken(visitor: httpx.Client, headers: dict[str, str]) -> None:
    data = {"form_token": form_token(visitor)}
    assert visitor.post("/logout", data=data, headers=headers).status_code == 303


def test_a_form_needs_the_token_of_its_session(
    served: Served, visitor: httpx.Client, client: httpx.Client
) -> None:
    with connect(served) as other:
        log_in(other, new_key(client)["key"])
        mine = form_token(visitor)[:16]  # whose it is; the same in each session of a person
        for token in ("", "0" * 64, mine + "0" * 48, mine, form_token(other)):
            answer = visitor.post("/admin/keys", data={"form_token": token, "action": "create"})
            assert answer.status_code == 403, answer.text


ROUTES = [
    ("GET", "/"),
    ("GET", "/help"),
    ("GET", "/admin/keys"),
    ("POST", "/admin/keys"),
    ("GET", "/admin/spaces"),
    ("POST", "/admin/spaces"),
    ("GET", "/admin/spaces/x"),
    ("POST", "/admin/spaces/x"),
    *[
        (method, f"/datasets/{way}")
        for method in ("GET", "POST")
        for way in ("new", "new-from-file")
    ],
    ("GET", "/datasets/x/export"),
    ("GET", "/datasets/x/import"),
    ("POST", "/datasets/x/import"),
    *[("GET", f"/datasets/x{part}") for part in ("", "/example", "/versions", "/log", "/diff")],
    *[("GET", f"/datasets/x/{part}") for part in ("columns", "settings", "new-example")],
    *[("POST", f"/datasets/x/{part}") for part in ("example", "annotate", "take-out", "settings")],
    ("POST", "/datasets/x/new-example"),
    ("POST", "/datasets/x/versions/y"),
    ("POST", "/logout"),
]


def test_no_page_but_the_log_in_answers_a_stranger(served: Served) -> None:
    from exempla.web.app import HANDLERS

    known = {
        (method, path)
        for handler in HANDLERS
        for path in handler.paths
        for method in handler.http_methods - {"OPTIONS", "HEAD"}
    }
    asked = {
        (
            method,
            re.sub(
                r"/x\b", "/{dataset:str}" if "/datasets" in path else "/{space:str}", path
            ).replace("/y", "/{version:str}"),
        )
        for method, path in ROUTES
    }
    static = ("GET", "/static/{content:str}/{name:str}")
    assert known - asked == {("GET", "/login"), ("POST", "/login"), static}
    with connect(served) as http:
        for method, path in ROUTES:
            answer = http.request(method, path)
            assert answer.status_code == (303 if method == "GET" else 401), path


def test_every_page_has_the_headers_of_safety(visitor: httpx.Client) -> None:
    for path in ("/", "/login?next=//x", "/nothing", "/datasets/x", "/help"):
        headers = visitor.get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'self'; base-uri 'none'")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Request-Id"]


def test_a_browser_gets_a_page_for_what_is_not_there_and_a_client_gets_a_problem(
    visitor: httpx.Client,
) -> None:
    for path in ("/nothing", "/datasets/x/nothing"):
        answer = visitor.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/html")
    for path, accept in (("/nothing", "application/json"), ("/v2/nothing", "text/html")):
        answer = visitor.get(path, headers={"Accept": accept})
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_link_on_another_site_leads_through(served: Served) -> None:
    with connect(served) as http:
        answer = http.get("/help", headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 200
        assert 'http-equiv="refresh" content="0; url=/login?next=%2Fhelp"' in answer.text


def test_a_reader_sees_no_forms_and_may_send_none(served: Served, client: httpx.Client) -> None:
    space = make_space(client)
    dataset = make_dataset(client, [{"q": "one"}], space_id=space)
    foreign = three(client)
    organization = ok(client.get("/v2/organizations"))["organizations"][-1]["id"]
    role = {"type": "PREDEFINED", "name": "READ_ONLY"}
    spaces = [{"space_id": space, "role": role}]
    key = new_key(
        client, key_type="SERVICE", organizations=[{"org_id": organization, "spaces": spaces}]
    )
    path = f"/datasets/{dataset.id}"
    with connect(served) as http:
        log_in(http, key["key"])
        assert "New dataset" not in http.get("/").text
        assert foreign.name not in http.get("/").text
        for part in ("", f"/example?id={dataset.example_ids[0]}", "/versions", "/settings"):
            page = http.get(path + part)
            assert page.status_code == 200
            posts = re.findall(r'<form method="post"[^>]*>', page.text)
            assert posts == ['<form method="post" action="/logout">'], part
        example = f"/example?id={dataset.example_ids[0]}"
        for part in (f"{example}&edit=1", f"{example}&edit=json", "/new-example", "/import"):
            page = http.get(path + part)
            posts = re.findall(r'<form method="post"[^>]*>', page.text)
            assert posts == ['<form method="post" action="/logout">'], part
            assert re.search(r'class="warning".*>Your key may ', page.text), part
        assert http.get(f"/datasets/{foreign.id}").status_code == 404
        token = form_token(http)
        for part, data in (
            ("/settings", {"action": "delete", "name": dataset.name}),
            ("/annotate", {"id": dataset.example_ids[0], "name": "x", "text": "y"}),
            ("/take-out", {"id": dataset.example_ids[0], "version_seen": dataset.version_id}),
            (f"/versions/{dataset.version_id}", {"action": "lock"}),
        ):
            answer = http.post(path + part, data=data | {"form_token": token})
            assert answer.status_code == 403, part
    assert len(ok(client.get(dataset.examples_url))["examples"]) == 1


def test_static_files_are_kept_for_ever_by_their_content(visitor: httpx.Client) -> None:
    page = visitor.get("/").text
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        answer = visitor.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        old = re.sub(r"/static/[0-9a-f]+/", "/static/0123456789abcdef/", address)
        assert visitor.get(old).status_code == 404
    assert visitor.get("/static/x/..%2f..%2fapp.py").status_code == 404


def test_head_is_answered_as_get(visitor: httpx.Client) -> None:
    answer = visitor.head("/")
    assert answer.status_code == 200
    assert answer.content == b""


def test_the_space_of_a_new_dataset_must_be_one_that_can_be_written_to(
    visitor: httpx.Client, client: httpx.Client
) -> None:
    data = {"form_token": form_token(visitor), "name": unique(), "space": "x", "text": '{"a":1}'}
    assert visitor.post("/datasets/new", data=data).status_code == 400
    data["space"] = default_space(client)
    assert visitor.post("/datasets/new", data=data).status_code == 303
