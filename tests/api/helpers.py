"""What the tests of the REST API share: make datasets, read them whole, check problems."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import msgspec

Example = dict[str, Any]
Texts = dict[str, str]
"""The members of an example, each with its value as the JSON text that the server sent."""

MANAGED = ("id", "created_at", "updated_at")
TYPES = (
    "invalid-request",
    "authentication-required",
    "access-forbidden",
    "not-found",
    "conflict",
    "precondition-failed",
    "payload-too-large",
    "validation-error",
    "rate-limited",
    "internal-error",
)
"""The types of problems: each is a section of the page `/errors`."""

_JSON = {"Content-Type": "application/json"}
_INTERNAL = re.compile(
    r"sqlite|postgres|psycopg|traceback|msgspec|litestar|\.py\b"
    r"|\bselect\b.*\bfrom\b|insert into|\bupdate\b.*\bset\b|\bnull byte"
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_RESOURCE_ID = re.compile(r"([A-Za-z]+):(\d+):([A-Za-z0-9]+)")


class Pagination(msgspec.Struct, forbid_unknown_fields=True):
    """What a page says about the next one."""

    has_more: bool
    next_cursor: str | msgspec.UnsetType = msgspec.UNSET


class Page(msgspec.Struct, forbid_unknown_fields=True):
    """A page of examples, these as the text that the server sent."""

    examples: msgspec.Raw
    pagination: Pagination

    @property
    def texts(self) -> list[Texts]:
        """The examples, each value as text."""
        found = msgspec.json.decode(self.examples, type=list[dict[str, msgspec.Raw]])
        return [{name: bytes(value).decode() for name, value in one.items()} for one in found]

    @property
    def ids(self) -> list[str]:
        """The ids of the examples, in order."""
        return [json.loads(text["id"]) for text in self.texts]


@dataclass(frozen=True)
class Dataset:
    """A dataset as it was made: its ids, and the ids of its first version and examples."""

    id: str
    name: str
    space_id: str
    version_id: str
    version_name: str
    example_ids: tuple[str, ...]

    @property
    def url(self) -> str:
        """The address of the dataset."""
        return f"/v2/datasets/{self.id}"

    @property
    def examples_url(self) -> str:
        """The address of its examples."""
        return f"{self.url}/examples"


def unique(stem: str = "questions") -> str:
    """Return a name that no other test uses."""
    return f"{stem} {uuid.uuid4().hex}"


def as_body(body: object) -> bytes:
    """Return bytes as they are, anything else as JSON."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def send(
    client: httpx.Client, method: str, url: str, body: object = b"", **query: str
) -> httpx.Response:
    """Send a request with this body, given as bytes or as a value to write as JSON."""
    return client.request(method, url, content=as_body(body), headers=_JSON, params=query or None)


def examples_body(examples: Sequence[str], **members: object) -> bytes:
    """Put examples, given as JSON text, and other members into a request body."""
    rest = "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in members.items())
    return f'{{"examples":[{",".join(examples)}]{rest}}}'.encode()


def default_space(client: httpx.Client) -> str:
    """Return the id of the space `Default`."""
    spaces = ok(client.get("/v2/spaces", params={"name": "Default"}))["spaces"]
    return str(next(space["id"] for space in spaces if space["name"] == "Default"))


def make_space(client: httpx.Client, name: str = "") -> str:
    """Make a space and return its id."""
    organization = ok(client.get("/v2/organizations"))["organizations"][-1]["id"]
    body = {"name": name or unique("space"), "organization_id": organization}
    return str(ok(send(client, "POST", "/v2/spaces", body), 201)["id"])


def numbered(count: int, start: int = 0) -> list[Example]:
    """Return examples that can be told apart by their number `n`."""
    return [{"n": n, "question": f"What is {n} + {n}?"} for n in range(start, start + count)]


def make_dataset(
    client: httpx.Client, examples: Sequence[Example | str], name: str = "", space_id: str = ""
) -> Dataset:
    """Make a dataset of these examples, each a dict or JSON text."""
    name, space_id = name or unique(), space_id or default_space(client)
    texts = [one if isinstance(one, str) else json.dumps(one) for one in examples]
    body = examples_body(texts, name=name, space_id=space_id)
    made = ok(send(client, "POST", "/v2/datasets", body), 201)
    version = made["versions"][0]
    ids = [id for page in read_pages(client, made["id"]) for id in page.ids]
    return Dataset(made["id"], name, space_id, version["id"], version["name"], tuple(ids))


def patch(
    client: httpx.Client,
    dataset: Dataset,
    examples: Sequence[Mapping[str, object]],
    version: str | None = None,
    **members: object,
) -> httpx.Response:
    """Update examples of a version, or of the latest if none is given."""
    query = {} if version is None else {"dataset_version_id": version}
    return send(
        client, "PATCH", dataset.examples_url, {"examples": list(examples), **members}, **query
    )


def new_version(
    client: httpx.Client,
    dataset: Dataset,
    examples: Sequence[Mapping[str, object]] = ({"id": "no example has this id"},),
    version: str | None = None,
) -> str:
    """Update examples into a new version of some name, and return its id."""
    answer = ok(patch(client, dataset, examples, version, new_version=unique("version")))
    return str(answer["dataset_version_id"])


def three(client: httpx.Client) -> Dataset:
    """Make a dataset of three questions."""
    return make_dataset(
        client,
        [
            {"question": "Capital of Peru?", "answer": "Lima", "meta": {"level": 1, "by": "a"}},
            {"question": "2 + 3?", "answer": "6", "meta": {"level": 2, "by": "b"}},
            {"question": "Colour of grass?", "answer": "green", "meta": {"level": 3, "by": "c"}},
        ],
    )


def line_of_versions(client: httpx.Client) -> tuple[Dataset, list[str]]:
    """Make a dataset of three versions, oldest first, which all differ in every example."""
    dataset = three(client)
    versions = [dataset.version_id]
    for step in (1, 2):
        changes = [{"id": id, "step": step} for id in dataset.example_ids]
        versions.append(new_version(client, dataset, changes))
    return dataset, versions


def delete_examples(
    client: httpx.Client, dataset: Dataset, version: str, example_ids: Sequence[str]
) -> httpx.Response:
    """Take examples out of a version."""
    body = {"dataset_version_id": version, "example_ids": list(example_ids)}
    return send(client, "DELETE", dataset.examples_url, body)


def read_pages(
    client: httpx.Client, dataset_id: str, version: str | None = None, limit: int = 500
) -> list[Page]:
    """Read a version (the latest if none is given) whole, page by page."""
    query = {"limit": str(limit)}
    if version is not None:
        query["dataset_version_id"] = version
    pages: list[Page] = []
    while True:
        response = client.get(f"/v2/datasets/{dataset_id}/examples", params=query)
        assert response.status_code == 200, response.text
        page = msgspec.json.decode(response.content, type=Page)
        pages.append(page)
        assert page.pagination.has_more == (page.pagination.next_cursor is not msgspec.UNSET)
        if page.pagination.next_cursor is msgspec.UNSET:
            return pages
        query["cursor"] = page.pagination.next_cursor


def read_bytes(client: httpx.Client, dataset: Dataset, version: str | None = None) -> list[bytes]:
    """Return a version's examples as the bytes that the server sent."""
    return [bytes(page.examples) for page in read_pages(client, dataset.id, version)]


def read_texts(client: httpx.Client, dataset_id: str, version: str | None = None) -> list[Texts]:
    """Return a version's examples, each value as the text that the server sent."""
    return [text for page in read_pages(client, dataset_id, version) for text in page.texts]


def read_version(
    client: httpx.Client, dataset_id: str, version: str | None = None
) -> list[Example]:
    """Return a version's examples."""
    texts = read_texts(client, dataset_id, version)
    return [{name: json.loads(text) for name, text in one.items()} for one in texts]


def read_fields(
    client: httpx.Client, dataset: Dataset, version: str | None = None
) -> list[Example]:
    """Return the fields of a version's examples, without what the server manages."""
    found = read_version(client, dataset.id, version)
    return [{k: v for k, v in one.items() if k not in MANAGED} for one in found]


def get_dataset(client: httpx.Client, dataset: Dataset) -> dict[str, Any]:
    """Return the dataset with its versions as the server tells it now."""
    return ok(client.get(dataset.url))


def list_datasets(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    """Return one page of datasets."""
    found: list[dict[str, Any]] = ok(client.get("/v2/datasets", params=query))["datasets"]
    return found


def version_ids(client: httpx.Client, dataset: Dataset) -> list[str]:
    """Return the ids of the dataset's versions, newest first."""
    return [version["id"] for version in get_dataset(client, dataset)["versions"]]


def snapshot(client: httpx.Client, dataset: Dataset) -> list[bytes]:
    """Return all that the server tells about a dataset, as bytes: itself and each version."""
    response = client.get(dataset.url)
    found = [response.content]
    for version in ok(response)["versions"]:
        found += read_bytes(client, dataset, version["id"])
    return found


def ok(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    """Return the JSON object of an answer that has this status."""
    assert response.status_code == status, f"{response.status_code}: {response.text[:500]}"
    assert response.headers["Content-Type"].split(";")[0] == "application/json"
    assert response.headers["X-Request-Id"]
    answer = response.json()
    assert isinstance(answer, dict)
    return answer


def assert_problem(
    response: httpx.Response, status: int, slug: str, detail_contains: str = ""
) -> None:
    """Check an answer that is an error: every member of the problem document, and the headers."""
    assert response.status_code == status, f"{response.status_code}: {response.text[:500]}"
    assert response.headers["Content-Type"].split(";")[0] == "application/problem+json"
    assert response.headers["X-Request-Id"]
    problem = response.json()
    assert set(problem) == {"status", "title", "type", "detail", "instance"}
    assert problem["status"] == status
    assert problem["type"] == f"/errors#{slug}"
    assert slug in TYPES
    assert isinstance(problem["title"], str)
    assert problem["title"].strip()
    assert isinstance(problem["detail"], str)
    assert detail_contains in problem["detail"]
    assert problem["detail"].strip()
    assert unquote(urlsplit(problem["instance"]).path) == response.request.url.path
    assert not _INTERNAL.search(response.text.casefold()), response.text


def moment(text: str) -> datetime:
    """Read a time, which must be RFC 3339 in UTC with `Z` and at most microseconds."""
    assert _MOMENT.fullmatch(text), text
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)


def id_parts(id: str) -> tuple[str, int, str]:
    """Return the kind, the number and the suffix that a resource id is made of."""
    match = _RESOURCE_ID.fullmatch(base64.b64decode(id, validate=True).decode())
    assert match, id
    return match[1], int(match[2]), match[3]


def make_id(kind: str, number: object, suffix: str) -> str:
    """Write a resource id of these parts."""
    return base64.b64encode(f"{kind}:{number}:{suffix}".encode()).decode()


def guessed(id: str) -> str:
    """Return an id that differs from this one in its random suffix only."""
    kind, number, suffix = id_parts(id)
    return make_id(kind, number, suffix[:-1] + ("a" if suffix[-1] != "a" else "b"))
