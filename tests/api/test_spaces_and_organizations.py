"""Spaces and organizations: the same rules for both, and what ties them together."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

import httpx
import pytest

from tests.api.helpers import (
    assert_problem,
    guessed,
    id_parts,
    list_datasets,
    make_dataset,
    make_id,
    make_space,
    moment,
    numbered,
    ok,
    send,
    unique,
)

Answer = dict[str, Any]


class Kind(NamedTuple):
    """Spaces, or organizations."""

    name: str
    plural: str

    @property
    def url(self) -> str:
        """The address of the list."""
        return f"/v2/{self.plural}"


SPACE = Kind("Space", "spaces")
ORGANIZATION = Kind("Organization", "organizations")
both = pytest.mark.parametrize("kind", [SPACE, ORGANIZATION], ids=["space", "organization"])


def default_organization(client: httpx.Client) -> str:
    """Return the id of the organization `Default`."""
    found = ok(client.get(ORGANIZATION.url, params={"name": "Default"}))["organizations"]
    return str(next(one["id"] for one in found if one["name"] == "Default"))


def post(client: httpx.Client, kind: Kind, name: object, **members: object) -> httpx.Response:
    """Ask for a space in the organization `Default`, or for an organization."""
    body: dict[str, object] = {"name": name, **members}
    if kind is SPACE:
        body.setdefault("organization_id", default_organization(client))
    return send(client, "POST", kind.url, body)


def make(client: httpx.Client, kind: Kind, name: str = "", **members: object) -> Answer:
    """Make a space in the organization `Default`, or an organization."""
    return ok(post(client, kind, name or unique(kind.name), **members), 201)


def get(client: httpx.Client, kind: Kind, id: str) -> Answer:
    """Return one by its id."""
    return ok(client.get(f"{kind.url}/{id}"))


def ids(client: httpx.Client, kind: Kind, **query: str) -> list[str]:
    """Return the ids of one page of the list."""
    return [one["id"] for one in ok(client.get(kind.url, params=query))[kind.plural]]


@both
def test_a_new_server_has_a_default(client: httpx.Client, kind: Kind) -> None:
    found = ok(client.get(kind.url, params={"name": "Default"}))[kind.plural]
    assert [one["name"] for one in found].count("Default") == 1


@both
def test_create_answers_what_get_and_the_list_answer(client: httpx.Client, kind: Kind) -> None:
    name = unique("Größe 😀")
    made = make(client, kind, name, description="For tests.\nTwo lines.")
    assert set(made) == {"id", "name", "description", "created_at"}
    assert (made["name"], made["description"]) == (name, "For tests.\nTwo lines.")
    assert id_parts(made["id"])[0] == kind.name
    moment(made["created_at"])
    assert get(client, kind, made["id"]) == made
    assert ok(client.get(kind.url, params={"name": name}))[kind.plural] == [made]


@both
@pytest.mark.parametrize("members", [{}, {"description": None}, {"description": ""}])
def test_a_description_is_optional(client: httpx.Client, kind: Kind, members: Answer) -> None:
    assert make(client, kind, **members)["description"] == ""


@both
def test_a_taken_name_is_a_conflict(client: httpx.Client, kind: Kind) -> None:
    made, other = make(client, kind), make(client, kind)
    assert_problem(post(client, kind, made["name"]), 409, "conflict", made["name"])
    url = f"{kind.url}/{other['id']}"
    response = send(client, "PATCH", url, {"name": made["name"]})
    assert_problem(response, 409, "conflict", made["name"])
    assert get(client, kind, other["id"]) == other
    assert ok(send(client, "PATCH", url, {"name": other["name"]})) == other


def test_two_organizations_may_have_a_space_of_one_name(client: httpx.Client) -> None:
    space = make(client, SPACE)
    organization = make(client, ORGANIZATION)["id"]
    twin = make(client, SPACE, space["name"], organization_id=organization)
    assert twin["id"] != space["id"]
    assert ids(client, SPACE, name=space["name"]) == [twin["id"], space["id"]]
    assert ids(client, SPACE, org_id=organization) == [twin["id"]]
    assert ids(client, SPACE, org_id=organization, name="no such name") == []


@both
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "N"}, {"name": "N"}),
        ({"description": "D"}, {"description": "D"}),
        ({"description": None}, {"description": ""}),
        ({"name": "N", "description": "D"}, {"name": "N", "description": "D"}),
    ],
)
def test_update_changes_what_is_given(
    client: httpx.Client, kind: Kind, changes: Answer, expected: Answer
) -> None:
    made = make(client, kind, description="before")
    if "name" in changes:
        changes = changes | {"name": unique("renamed")}
        expected = expected | {"name": changes["name"]}
    answer = ok(send(client, "PATCH", f"{kind.url}/{made['id']}", changes))
    assert answer == made | expected
    assert get(client, kind, made["id"]) == answer


@both
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("", 422),
        (" \t\u3000", 422),
        ("n" * 256, 422),
        ("😀" * 256, 422),
        ("a\0b", 422),
        (None, 400),
        (7, 400),
        (["x"], 400),
    ],
    ids=["empty", "blank", "256", "256 emoji", "NUL", "null", "number", "list"],
)
def test_a_bad_name_is_refused(client: httpx.Client, kind: Kind, name: object, status: int) -> None:
    slug = "validation-error" if status == 422 else "invalid-request"
    assert_problem(post(client, kind, name), status, slug, "name")
    made = make(client, kind)
    response = send(client, "PATCH", f"{kind.url}/{made['id']}", {"name": name})
    assert_problem(response, status, slug, "name")
    assert get(client, kind, made["id"]) == made


@both
def test_a_name_of_255_characters_is_kept(client: httpx.Client, kind: Kind) -> None:
    name = ("😀" * 255 + unique("x"))[-255:]
    assert make(client, kind, name)["name"] == name


@both
@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 400, "body"),
        ([], 400, "body"),
        (b"{", 400, "JSON"),
        (b'{"name":"\xff"}', 400, "UTF-8"),
        (b'{"name":"\\udfff"}', 400, ""),
        ({"nom": "x"}, 422, ""),
        ({"name": "x", "description": 7}, 400, "description"),
        ({"name": "x", "owner": "me"}, 422, "owner"),
    ],
)
def test_a_bad_body_is_refused(
    client: httpx.Client, kind: Kind, body: object, status: int, detail: str
) -> None:
    slug = "validation-error" if status == 422 else "invalid-request"
    made = make(client, kind)
    for method, url in (("POST", kind.url), ("PATCH", f"{kind.url}/{made['id']}")):
        sent = body
        if kind is SPACE and method == "POST" and isinstance(body, dict):
            sent = body | {"organization_id": default_organization(client)}
        assert_problem(send(client, method, url, sent), status, slug, detail)
    assert get(client, kind, made["id"]) == made


@pytest.mark.parametrize(
    ("organization", "status"),
    [
        ("garbage", 400),
        (make_id("Space", 1, "aBcDeFgHiJ"), 400),
        (None, 400),
        (make_id("Organization", 999_999_999, "aBcDeFgHiJ"), 404),
    ],
)
def test_a_space_needs_an_organization(
    client: httpx.Client, organization: object, status: int
) -> None:
    response = post(client, SPACE, unique(), organization_id=organization)
    slug = "invalid-request" if status == 400 else "not-found"
    assert_problem(response, status, slug, "organization")
    missing = send(client, "POST", SPACE.url, {"name": unique()})
    assert_problem(missing, 422, "validation-error", "organization_id")


@both
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_id_that_leads_nowhere(client: httpx.Client, kind: Kind, method: str) -> None:
    made = make(client, kind)
    for id, status, slug in (
        ("garbage", 400, "invalid-request"),
        (make_id("Dataset", 1, "aBcDeFgHiJ"), 400, "invalid-request"),
        (make_id(kind.name, 999_999_999, "aBcDeFgHiJ"), 404, "not-found"),
        (guessed(made["id"]), 404, "not-found"),
    ):
        response = send(client, method, f"{kind.url}/{id}", {"name": unique()})
        assert_problem(response, status, slug)
    assert get(client, kind, made["id"]) == made


@both
def test_delete(client: httpx.Client, kind: Kind) -> None:
    made = make(client, kind)
    url = f"{kind.url}/{made['id']}"
    response = client.delete(url)
    assert (response.status_code, response.content) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        assert_problem(send(client, method, url, {"name": "x"}), 404, "not-found")
    assert ids(client, kind, name=made["name"]) == []
    assert make(client, kind, made["name"])["id"] != made["id"]


def test_delete_takes_all_that_is_inside_along(client: httpx.Client) -> None:
    organization = make(client, ORGANIZATION)["id"]
    kept = make_dataset(client, numbered(1))
    first, second = (make(client, SPACE, organization_id=organization)["id"] for _ in range(2))
    inside = [make_dataset(client, numbered(2), space_id=space) for space in (first, second)]
    assert client.delete(f"{SPACE.url}/{first}").status_code == 204
    assert client.get(inside[0].url).status_code == 404
    assert client.get(inside[1].url).status_code == 200
    assert client.delete(f"{ORGANIZATION.url}/{organization}").status_code == 204
    for url in (inside[1].url, inside[1].examples_url, f"{SPACE.url}/{second}"):
        assert_problem(client.get(url), 404, "not-found")
    assert list_datasets(client, name=inside[1].name) == []
    body = {"name": unique(), "space_id": first, "examples": numbered(1)}
    assert_problem(send(client, "POST", "/v2/datasets", body), 404, "not-found")
    assert client.get(kept.url).status_code == 200


@both
def test_pages_are_newest_first_and_stable(client: httpx.Client, kind: Kind) -> None:
    mark = unique("paged")
    made = [make(client, kind, f"{mark} {index}")["id"] for index in range(5)][::-1]
    assert ids(client, kind, name=mark.upper()) == made
    first = ok(client.get(kind.url, params={"name": mark, "limit": "2"}))
    assert [one["id"] for one in first[kind.plural]] == made[:2]
    make(client, kind, f"{mark} late")
    for gone in (made[1], made[2]):
        assert client.delete(f"{kind.url}/{gone}").status_code == 204
    cursor = first["pagination"]["next_cursor"]
    rest = ok(client.get(kind.url, params={"name": mark, "limit": "2", "cursor": cursor}))
    assert [one["id"] for one in rest[kind.plural]] == made[3:]
    assert rest["pagination"] == {"has_more": False}


@both
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": "0"}, 422),
        ({"limit": "101"}, 422),
        ({"limit": "abc"}, 400),
        ({"cursor": "garbage"}, 400),
    ],
)
def test_list_refuses_bad_parameters(
    client: httpx.Client, kind: Kind, query: dict[str, str], status: int
) -> None:
    slug = "validation-error" if status == 422 else "invalid-request"
    response = client.get(kind.url, params=query)
    assert_problem(response, status, slug, next(iter(query)))


def test_spaces_are_listed_by_organization(client: httpx.Client) -> None:
    space = make_space(client)
    assert space in ids(client, SPACE, org_id="", name="", limit="", cursor="")
    for bad in ("garbage", make_id("Space", 1, "aBcDeFgHiJ")):
        response = client.get(SPACE.url, params={"org_id": bad})
        assert_problem(response, 400, "invalid-request", "org_id")


@pytest.mark.parametrize(("is_private", "status"), [(False, 201), (None, 201), (True, 422)])
def test_a_space_cannot_be_private(
    client: httpx.Client, is_private: bool | None, status: int
) -> None:
    organization = client.get("/v2/organizations?name=Default").json()["organizations"][-1]["id"]
    body = {"name": uuid.uuid4().hex, "organization_id": organization, "is_private": is_private}
    answer = client.post("/v2/spaces", json=body)
    assert answer.status_code == status
    if status == 422:
        assert "is_private" in answer.json()["detail"]
