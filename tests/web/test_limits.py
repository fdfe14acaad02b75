"""What a form may bring, and what is told of one that brings too much or something odd."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from exempla.limits import MAX_LOGIN_BYTES, MAX_UPLOAD_TEXT_BYTES
from exempla.throttle import WRONG_KEYS
from tests.api.helpers import make_dataset, make_space, ok
from tests.api.key_support import acting
from tests.serving import KEY, Served
from tests.web.test_sessions import connect, form_token, log_in, new_key

WRONG = "exk_this_key_was_never_made_0123456789"


MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}


def part(name: str, value: str, *, file_name: str = "") -> bytes:
    """Return a part of a form; of a file the head alone."""
    names = f'name="{name}"' + (f'; filename="{file_name}"' if file_name else "")
    head = f"--b\r\nContent-Disposition: form-data; {names}\r\n\r\n"
    return (head if file_name else f"{head}{value}\r\n").encode()


@pytest.fixture
def visitor(served: Served) -> Iterator[httpx.Client]:
    """Someone who is logged in as the administrator."""
    with connect(served) as http:
        assert log_in(http, KEY).status_code == 303
        yield http


def test_a_stranger_cannot_send_a_large_form(served: Served) -> None:
    with connect(served) as http:
        answer = http.post("/login", data={"key": "x" * MAX_LOGIN_BYTES})
        assert answer.status_code == 413
        assert answer.headers["Content-Type"].startswith("text/html")


def test_too_many_wrong_keys_get_a_page_that_says_when(tmp_path: Path) -> None:
    own = Served.start("--data-dir", str(tmp_path))
    with connect(own) as http:
        answers = [log_in(http, WRONG)]
        while answers[-1].status_code == 401:  # on a slow machine some are allowed meanwhile
            answers.append(log_in(http, WRONG))
        assert len(answers) > WRONG_KEYS.number
        refused = answers[-1]
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert 'role="alert"' in refused.text
        assert "too many wrong keys" in refused.text.lower()
        assert log_in(http, KEY).status_code == 303
    assert own.stop() == 0
    assert WRONG not in own.output


def test_a_page_over_the_rate_of_its_key_says_when(tmp_path: Path) -> None:
    own = Served.start("--data-dir", str(tmp_path), "--rate-limit", "3/hour")
    with connect(own) as http:
        log_in(http, KEY)
        answers = [http.get("/help") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["RateLimit"].startswith('"key";r=2;')
        assert int(answers[3].headers["Retry-After"]) > 0
        assert answers[3].headers["Content-Type"].startswith("text/html")
    assert own.stop() == 0


@pytest.mark.parametrize("token", ["é", "\N{SNOWMAN}" * 64, "0" * 64])
def test_an_odd_token_is_a_wrong_one(visitor: httpx.Client, token: str) -> None:
    answer = visitor.post("/admin/keys", data={"form_token": token, "action": "create"})
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["http://[", "http://[::1"])
def test_an_odd_origin_is_another_site(visitor: httpx.Client, origin: str) -> None:
    answer = visitor.post(
        "/logout", data={"form_token": form_token(visitor)}, headers={"Origin": origin}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/datasets/日本", "/help?q=é&x=%E6%97%A5#ü"])
def test_a_log_in_leads_to_any_path(served: Served, path: str) -> None:
    with connect(served) as http:
        answer = http.post("/login", data={"key": KEY, "next": path})
        assert answer.status_code == 303
        assert answer.headers["Location"].isascii()
        assert httpx.URL(answer.headers["Location"]) == httpx.URL(path)


def test_the_way_back_is_the_address_that_was_asked_for(served: Served) -> None:
    with connect(served) as http:
        answer = http.get("/datasets/a%3Fb%25?filter=x")
        assert answer.headers["Location"] == "/login?next=%2Fdatasets%2Fa%253Fb%2525%3Ffilter%3Dx"


def test_a_file_waits_where_the_database_has_room(tmp_path: Path) -> None:
    own = Served.start("--data-dir", str(tmp_path))
    open_files = Path(f"/proc/{own.process.pid}/fd")

    def deleted() -> list[str]:
        links = []
        for link in open_files.iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                links.append(str(link.readlink()))
        return [link for link in links if link.endswith("(deleted)") and str(tmp_path) in link]

    def file(token: str) -> Iterator[bytes]:
        yield part("form_token", token)
        yield part("file", "", file_name="more.jsonl")
        line = b'{"q":"' + b"x" * 1000 + b'"}\n'
        yield line * 3000
        until = time.monotonic() + 20
        while not deleted():
            assert time.monotonic() < until, "there is no temporary file beside the database"
            time.sleep(0.01)
        yield b"\r\n--b--\r\n"

    with connect(own) as http, acting(own, KEY) as api:
        log_in(http, KEY)
        dataset = make_dataset(api, [{"q": "one"}])
        path = f"/datasets/{dataset.id}/import"
        answer = http.post(path, content=file(form_token(http, path)), headers=MULTIPART)
        assert answer.status_code == 303, answer.text
        page = ok(api.get(dataset.examples_url, params={"limit": "1"}))
        assert page["examples"][0]["q"] == "one"
        assert "3,001" in http.get(f"/datasets/{dataset.id}").text
        assert deleted() == []
    assert own.stop() == 0


def test_the_texts_beside_a_file_are_short(visitor: httpx.Client, client: httpx.Client) -> None:
    dataset = make_dataset(client, [{"q": "one"}])
    path = f"/datasets/{dataset.id}/import"
    data = {"form_token": form_token(visitor, path), "mode": "x" * MAX_UPLOAD_TEXT_BYTES}
    answer = visitor.post(path, data=data, files={"file": ("a.jsonl", b'{"q":1}')})
    assert answer.status_code == 400
    assert "too much text" in answer.text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"x"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="file"'),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=\xe9", b"x"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="mode"\r\n\r\n\xff\r\n--b--',
        ),
        ("application/x-www-form-urlencoded", b"form_token=x"),
        ("application/json", b"{}"),
    ],
)
def test_an_upload_that_is_none_is_told(
    visitor: httpx.Client, client: httpx.Client, content_type: str, body: bytes
) -> None:
    dataset = make_dataset(client, [{"q": "one"}])
    answer = visitor.post(
        f"/datasets/{dataset.id}/import",
        content=body,
        headers={b"Content-Type": content_type.encode("latin-1")},
    )
    assert answer.status_code == 400, answer.text
    assert "cannot be read" in answer.text


def answer_to_a_beginning(http: httpx.Client, path: str, token: str) -> int:
    """Send the first 2 MiB of a file that is said to be 1 GiB; return the status."""
    connection = HTTPConnection(http.base_url.host, http.base_url.port, timeout=30)
    with closing(connection):
        connection.putrequest("POST", path)
        cookie = f"exempla_session={http.cookies['exempla_session']}"
        for name, value in (MULTIPART | {"Cookie": cookie, "Content-Length": str(2**30)}).items():
            connection.putheader(name, value)
        head = part("form_token", token) + part("file", "", file_name="a.jsonl")
        connection.endheaders(head + b" " * 2**21)
        return connection.getresponse().status


@pytest.mark.parametrize("way", ["import", "foreign", "new-from-file", "token"])
def test_who_may_not_write_cannot_send_a_file(
    served: Served, client: httpx.Client, way: str
) -> None:
    space = make_space(client)
    dataset = make_dataset(client, [{"q": "one"}], space_id=space)
    foreign = make_dataset(client, [{"q": "one"}])
    organization = ok(client.get("/v2/organizations"))["organizations"][-1]["id"]
    role = {"type": "PREDEFINED", "name": "MEMBER" if way == "token" else "READ_ONLY"}
    assigned = [{"org_id": organization, "spaces": [{"space_id": space, "role": role}]}]
    key = new_key(client, key_type="SERVICE", organizations=assigned)["key"]
    path = {
        "import": f"/datasets/{dataset.id}/import",
        "foreign": f"/datasets/{foreign.id}/import",
        "new-from-file": "/datasets/new-from-file",
        "token": f"/datasets/{dataset.id}/import",
    }[way]
    with connect(served) as http:
        log_in(http, key)
        token = "0" * 64 if way == "token" else form_token(http)
        status = answer_to_a_beginning(http, path, token)
        assert status == (404 if way == "foreign" else 403)
