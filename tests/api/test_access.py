"""Who may do what: every route, with every role, in the key's own space and in another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from exempla.api.access import NEEDS, OPEN
from exempla.api.app import create_litestar
from exempla.api.not_supported import not_supported_routes
from exempla.settings import Settings
from exempla.store import setup
from tests.api.conftest import connect
from tests.api.helpers import (
    Dataset,
    as_body,
    assert_problem,
    make_dataset,
    new_version,
    numbered,
    ok,
    send,
    unique,
)
from tests.api.key_support import (
    CONFIGS,
    KEYS,
    ROLES,
    acting,
    make_config,
    make_tag,
    new_organization,
    new_space,
    role,
    service_body,
    service_key,
)
from tests.serving import Served

READ, WRITE, MANAGE, ADMINISTER = "READ_ONLY", "MEMBER", "ADMIN", "ADMINISTRATOR"
RANKS = (READ, WRITE, MANAGE, ADMINISTER)
PROBLEMS = {401: "authentication-required", 403: "access-forbidden", 404: "not-found"}


@dataclass(frozen=True)
class World:
    """Two organizations with a space each, and clients with every role in one of them."""

    admin: httpx.Client
    stranger: httpx.Client
    organization: str
    space: str
    own: dict[str, httpx.Client]
    """By role, of keys that have it in `space`."""
    foreign: dict[str, httpx.Client]
    """By role, of keys that have it in a space of another organization."""

    def dataset(self) -> Dataset:
        """Make a dataset in the space."""
        return make_dataset(self.admin, numbered(2), space_id=self.space)

    def key(self, role: str = READ) -> str:
        """Make a service key for the space and return its id."""
        return str(service_key(self.admin, self.organization, {self.space: role})["id"])


def keys_by_role(
    served: Served, admin: httpx.Client, organization: str, space: str, stack: ExitStack
) -> dict[str, httpx.Client]:
    """Make a service key for each role in the space, and a client that sends it."""
    return {
        name: stack.enter_context(
            acting(served, service_key(admin, organization, {space: name})["key"])
        )
        for name in ROLES
    }


@pytest.fixture(scope="module")
def world(served: Served) -> Iterator[World]:
    """The two spaces and the clients."""
    with ExitStack() as stack:
        admin = stack.enter_context(acting(served, served.key))
        organization, elsewhere = new_organization(admin), new_organization(admin)
        space, other = new_space(admin, organization), new_space(admin, elsewhere)
        yield World(
            admin,
            stack.enter_context(connect(served)),
            organization,
            space,
            keys_by_role(served, admin, organization, space, stack),
            keys_by_role(served, admin, elsewhere, other, stack),
        )


class Call(NamedTuple):
    """What to send: the address and the body."""

    url: str
    body: object = b""


Prepare = Callable[[World], Call]


class Route(NamedTuple):
    """What a route needs, what it answers, and how to call it on things made for that."""

    needs: str
    status: int
    prepare: Prepare
    foreign: int = 404
    """The answer to a key of another space."""


def of_organization(body: object = b"") -> Prepare:
    return lambda world: Call(f"/v2/organizations/{world.organization}", body)


def of_dataset(path: str, body: Callable[[World, Dataset], object]) -> Prepare:
    def prepare(world: World) -> Call:
        dataset = world.dataset()
        return Call(dataset.url + path, body(world, dataset))

    return prepare


def of_versions(body: Callable[[World, Dataset], object]) -> Prepare:
    def prepare(world: World) -> Call:
        dataset = world.dataset()
        return Call(f"/api/v1/datasets/{dataset.id}/versions", body(world, dataset))

    return prepare


def of_version(body: object = b"") -> Prepare:
    def prepare(world: World) -> Call:
        dataset = world.dataset()
        return Call(f"/api/v1/datasets/{dataset.id}/versions/{dataset.version_id}", body)

    return prepare


def under_v1(path: str, body: object = b"") -> Prepare:
    return lambda world: Call(f"/api/v1/datasets/{world.dataset().id}/{path}", body)


def of_diff(world: World) -> Call:
    dataset = world.dataset()
    version = dataset.version_id
    return Call(f"/api/v1/datasets/{dataset.id}/diff?base={version}&head={version}")


def of_history(world: World) -> Call:
    dataset = world.dataset()
    return Call(f"/api/v1/datasets/{dataset.id}/examples/{dataset.example_ids[0]}/history")


def of_config(body: object = b"") -> Prepare:
    return lambda w: Call(f"{CONFIGS}/{make_config(w.admin, w.space)['id']}", body)


def of_tag(body: object = b"") -> Prepare:
    return lambda w: Call(f"/v2/tags/{make_tag(w.admin, w.space)['id']}", body)


def of_key(path: str, body: object = b"") -> Prepare:
    return lambda world: Call(f"{KEYS}/{world.key()}/{path}", body)


def listing(url: str) -> Prepare:
    return lambda world: Call(url)


def nothing(world: World, dataset: Dataset) -> object:
    return b""


def named(world: World, dataset: Dataset) -> object:
    return {"name": unique()}


def some_examples(world: World, dataset: Dataset) -> object:
    return {"examples": numbered(1)}


def a_change(world: World, dataset: Dataset) -> object:
    return {"examples": [{"id": dataset.example_ids[0], "n": 9}]}


def a_deletion(world: World, dataset: Dataset) -> object:
    return {"dataset_version_id": dataset.version_id, "example_ids": [dataset.example_ids[0]]}


def an_annotation(world: World, dataset: Dataset) -> object:
    name = make_config(world.admin, world.space)["name"]
    values = [{"name": name, "text": "fine"}]
    return {"annotations": [{"record_id": dataset.example_ids[0], "values": values}]}


def a_tag(world: World, dataset: Dataset) -> object:
    return {"tag_ids": [make_tag(world.admin, world.space)["id"]]}


def a_filterless_search(world: World, dataset: Dataset) -> object:
    return {"limit": 10}


def in_the_space(url: str, **members: object) -> Prepare:
    return lambda w: Call(url, {"name": unique(), "space_id": w.space, **members})


DATASET = "/v2/datasets/{dataset_id}"
CONFIG = CONFIGS + "/{annotation_config_id}"
ORGANIZATION = "/v2/organizations/{org_id}"
SPACE = "/v2/spaces/{space_id}"
UNDER_V1 = "/api/v1/datasets/{dataset_id}"
VERSIONS = UNDER_V1 + "/versions"
VERSION = VERSIONS + "/{version_id}"
FREEFORM = {"annotation_config_type": "FREEFORM"}

ROUTES: dict[str, Route] = {
    "GET /v2/organizations": Route(READ, 200, listing("/v2/organizations"), 200),
    "POST /v2/organizations": Route(
        ADMINISTER, 201, lambda w: Call("/v2/organizations", {"name": unique()}), 403
    ),
    f"GET {ORGANIZATION}": Route(READ, 200, of_organization()),
    f"PATCH {ORGANIZATION}": Route(ADMINISTER, 200, of_organization({"description": "new"})),
    f"DELETE {ORGANIZATION}": Route(ADMINISTER, 204, of_organization()),
    "GET /v2/spaces": Route(READ, 200, listing("/v2/spaces"), 200),
    "POST /v2/spaces": Route(
        ADMINISTER,
        201,
        lambda w: Call("/v2/spaces", {"name": unique(), "organization_id": w.organization}),
    ),
    f"GET {SPACE}": Route(READ, 200, lambda w: Call(f"/v2/spaces/{w.space}")),
    f"PATCH {SPACE}": Route(
        MANAGE, 200, lambda w: Call(f"/v2/spaces/{w.space}", {"description": "new"})
    ),
    f"DELETE {SPACE}": Route(MANAGE, 204, lambda w: Call(f"/v2/spaces/{w.space}")),
    "GET /v2/datasets": Route(READ, 200, listing("/v2/datasets"), 200),
    "POST /v2/datasets": Route(WRITE, 201, in_the_space("/v2/datasets", examples=numbered(1))),
    f"GET {DATASET}": Route(READ, 200, of_dataset("", nothing)),
    f"PATCH {DATASET}": Route(WRITE, 200, of_dataset("", named)),
    f"DELETE {DATASET}": Route(WRITE, 204, of_dataset("", nothing)),
    f"GET {DATASET}/examples": Route(READ, 200, of_dataset("/examples", nothing)),
    f"POST {DATASET}/examples": Route(WRITE, 201, of_dataset("/examples", some_examples)),
    f"PATCH {DATASET}/examples": Route(WRITE, 200, of_dataset("/examples", a_change)),
    f"DELETE {DATASET}/examples": Route(WRITE, 200, of_dataset("/examples", a_deletion)),
    f"POST {DATASET}/examples/search": Route(
        READ, 200, of_dataset("/examples/search", a_filterless_search)
    ),
    f"POST {DATASET}/examples/annotate": Route(
        WRITE, 202, of_dataset("/examples/annotate", an_annotation)
    ),
    f"GET {DATASET}/tags": Route(READ, 200, of_dataset("/tags", nothing)),
    f"POST {DATASET}/tags": Route(WRITE, 200, of_dataset("/tags", a_tag)),
    f"DELETE {DATASET}/tags": Route(WRITE, 200, of_dataset("/tags", a_tag)),
    f"GET {CONFIGS}": Route(READ, 200, listing(CONFIGS), 200),
    f"POST {CONFIGS}": Route(WRITE, 201, in_the_space(CONFIGS, **FREEFORM)),
    f"GET {CONFIG}": Route(READ, 200, of_config()),
    f"PATCH {CONFIG}": Route(WRITE, 200, of_config(FREEFORM)),
    f"DELETE {CONFIG}": Route(WRITE, 204, of_config()),
    "POST /v2/tags": Route(WRITE, 201, in_the_space("/v2/tags")),
    "PATCH /v2/tags/{tag_id}": Route(WRITE, 200, of_tag({"color": "RED"})),
    "DELETE /v2/tags/{tag_id}": Route(WRITE, 204, of_tag()),
    f"GET {KEYS}": Route(READ, 200, listing(KEYS), 200),
    f"POST {KEYS}": Route(
        MANAGE, 201, lambda w: Call(KEYS, service_body(w.organization, {w.space: READ}))
    ),
    f"GET {VERSIONS}": Route(READ, 200, of_versions(nothing)),
    f"POST {VERSIONS}": Route(WRITE, 201, of_versions(named)),
    f"GET {VERSION}": Route(READ, 200, of_version()),
    f"PATCH {VERSION}": Route(WRITE, 200, of_version({"locked": True})),
    f"GET {UNDER_V1}/diff": Route(READ, 200, of_diff),
    f"GET {UNDER_V1}/export": Route(READ, 200, under_v1("export")),
    f"POST {UNDER_V1}/import": Route(WRITE, 200, under_v1("import", b'{"n": 1}')),
    f"GET {UNDER_V1}/log": Route(READ, 200, under_v1("log")),
    f"GET {UNDER_V1}/schema": Route(READ, 200, under_v1("schema")),
    f"PUT {UNDER_V1}/schema": Route(
        WRITE, 200, under_v1("schema", {"schema": {"required": ["n"]}})
    ),
    f"GET {UNDER_V1}/schema/report": Route(READ, 200, under_v1("schema/report")),
    f"GET {UNDER_V1}/columns": Route(READ, 200, under_v1("columns")),
    f"GET {UNDER_V1}/examples/{{example_id}}/history": Route(READ, 200, of_history),
    "GET /v2/audit-logs": Route(ADMINISTER, 200, listing("/v2/audit-logs"), 403),
    f"POST {KEYS}/{{api_key_id}}/refresh": Route(MANAGE, 200, of_key("refresh", {})),
    f"PUT {KEYS}/{{api_key_id}}/revoke": Route(MANAGE, 204, of_key("revoke")),
}
"""Every route that needs a key, by its method and path."""

TAKES_THE_SPACE_ALONG = {f"DELETE {SPACE}", f"DELETE {ORGANIZATION}"}


def real_routes(folder: Path) -> set[str]:
    """Return the routes that the application has, but those that answer `501`."""
    database, _ = setup.open_database(setup.open_engine(Settings(data_dir=folder)))
    routes = create_litestar(database).routes
    database.close()
    lacking = {path for handler in not_supported_routes() for path in handler.paths}
    return {
        f"{method} {route.path_format}"
        for route in routes
        if route.path not in lacking
        for method in route.methods - {"OPTIONS"}
    }


def test_the_table_names_every_route_and_no_other(tmp_path: Path) -> None:
    routes = real_routes(tmp_path)
    assert len(routes) > 30
    assert not OPEN & set(NEEDS)
    assert routes == OPEN | set(NEEDS)


def test_the_table_needs_what_these_tests_try() -> None:
    assert set(NEEDS) == set(ROUTES)


@pytest.mark.parametrize("route", sorted(OPEN))
def test_an_open_route_needs_no_key(stranger: httpx.Client, route: str) -> None:
    method, path = route.split()
    assert stranger.request(method, path).status_code == 200


def attempt(client: httpx.Client, world: World, name: str) -> httpx.Response:
    """Call the route on things that were made anew."""
    call = ROUTES[name].prepare(world)
    return send(client, name.split()[0], call.url, call.body)


def assert_refused(response: httpx.Response, status: int) -> None:
    """Check that the answer is this problem, and does not give away the reason of a `404`."""
    assert_problem(response, status, PROBLEMS[status])


def expected(name: str, rank: str) -> int:
    """Return the status for a key with this role in the space."""
    route = ROUTES[name]
    return route.status if RANKS.index(rank) >= RANKS.index(route.needs) else 403


@pytest.mark.parametrize("name", ROUTES)
def test_without_a_key_every_route_is_closed(world: World, name: str) -> None:
    assert_refused(attempt(world.stranger, world, name), 401)


@pytest.mark.parametrize("name", ROUTES)
def test_a_role_of_another_space_opens_nothing(world: World, name: str) -> None:
    for client in world.foreign.values():
        response = attempt(client, world, name)
        if ROUTES[name].foreign == 200:
            assert world.space not in response.text
            assert ok(response)
        else:
            assert_refused(response, ROUTES[name].foreign)


@pytest.mark.parametrize("name", [name for name in ROUTES if name not in TAKES_THE_SPACE_ALONG])
def test_a_role_of_the_space_opens_what_it_should(world: World, name: str) -> None:
    for rank, client in {**world.own, ADMINISTER: world.admin}.items():
        response = attempt(client, world, name)
        status = expected(name, rank)
        if status == 403:
            assert_refused(response, 403)
        assert response.status_code == status, (rank, response.text)


WRITES = [
    name
    for name in ROUTES
    if name.split()[0] in ("POST", "PUT", "PATCH", "DELETE")
    and name not in TAKES_THE_SPACE_ALONG
    and "/search" not in name
    and KEYS not in name
]


@pytest.mark.parametrize("name", WRITES)
def test_every_write_that_is_sent_again_is_done_once(world: World, name: str) -> None:
    call = ROUTES[name].prepare(world)
    headers = {"Content-Type": "application/json", "Idempotency-Key": unique("key")}
    content = as_body(call.body)
    method = name.split()[0]
    first, again = (
        world.admin.request(method, call.url, content=content, headers=headers) for _ in range(2)
    )
    assert first.status_code == ROUTES[name].status, first.text
    assert again.status_code == first.status_code, again.text
    assert again.content == first.content
    assert again.headers.get("ETag") == first.headers.get("ETag")
    other = world.admin.request(method, call.url + "?x=", content=content, headers=headers)
    assert_problem(other, 422, "validation-error", "Idempotency-Key")


@pytest.mark.parametrize("rank", [*ROLES, ADMINISTER])
@pytest.mark.parametrize("name", sorted(TAKES_THE_SPACE_ALONG))
def test_who_may_delete_a_space_and_an_organization(
    served: Served, client: httpx.Client, name: str, rank: str
) -> None:
    organization = new_organization(client)
    space = new_space(client, organization)
    url = f"/v2/spaces/{space}" if name.endswith(SPACE) else f"/v2/organizations/{organization}"
    secret = served.key
    if rank != ADMINISTER:
        secret = service_key(client, organization, {space: rank})["key"]
    with acting(served, secret) as one:
        status = expected(name, rank)
        assert one.delete(url).status_code == status
        assert client.get(url).status_code == (200 if status == 403 else 404)
        assert one.get(url).status_code == (200 if status == 403 else 404)


@pytest.mark.parametrize(
    ("url", "plural", "make"),
    [
        ("/v2/organizations", "organizations", lambda w: w.organization),
        ("/v2/spaces", "spaces", lambda w: w.space),
        ("/v2/datasets", "datasets", lambda w: w.dataset().id),
        (CONFIGS, "annotation_configs", lambda w: make_config(w.admin, w.space)["id"]),
    ],
)
def test_a_list_shows_what_can_be_read_and_nothing_else(
    world: World, url: str, plural: str, make: Callable[[World], str]
) -> None:
    made = make(world)
    for client in (*world.own.values(), world.admin):
        assert made in [one["id"] for one in ok(client.get(url))[plural]]
    for client in world.foreign.values():
        everything = ok(client.get(url, params={"limit": "100"}))[plural]
        assert made not in [one["id"] for one in everything]
    others = [one["id"] for one in ok(world.own[READ].get(url, params={"limit": "100"}))[plural]]
    assert all(ok(world.own[READ].get(f"{url}/{id}"))["id"] == id for id in others), (
        "a list and its items disagree"
    )


@pytest.mark.parametrize("url", ["/v2/datasets", CONFIGS])
@pytest.mark.parametrize("by", ["space_id", "space_name"])
def test_a_filter_finds_nothing_that_cannot_be_read(world: World, url: str, by: str) -> None:
    world.dataset()
    make_config(world.admin, world.space)
    name = ok(world.admin.get(f"/v2/spaces/{world.space}"))["name"]
    query = {by: world.space if by == "space_id" else name}
    (plural,) = set(ok(world.admin.get(url, params=query))) - {"pagination"}
    assert ok(world.admin.get(url, params=query))[plural]
    for client in world.foreign.values():
        response = client.get(url, params=query)
        assert ok(response)[plural] == []


def test_spaces_of_an_organization_that_cannot_be_read(world: World) -> None:
    query = {"org_id": world.organization}
    assert ok(world.own[READ].get("/v2/spaces", params=query))["spaces"]
    assert ok(world.foreign[MANAGE].get("/v2/spaces", params=query))["spaces"] == []


def test_keys_of_a_space_are_for_those_who_can_read_it(world: World) -> None:
    made = world.key()
    query = {"space_id": world.space, "limit": "100"}
    for client in (*world.own.values(), world.admin):
        assert made in [one["id"] for one in ok(client.get(KEYS, params=query))["api_keys"]]
    for client in world.foreign.values():
        assert ok(client.get(KEYS, params=query))["api_keys"] == []


def test_an_organization_shows_no_space_beyond_the_key_s(
    served: Served, client: httpx.Client
) -> None:
    organization = new_organization(client)
    space, hidden = new_space(client, organization), new_space(client, organization)
    secret = service_key(client, organization, {space: MANAGE})["key"]
    with acting(served, secret) as one:
        assert [s["id"] for s in ok(one.get("/v2/spaces"))["spaces"]] == [space]
        for method in ("GET", "PATCH", "DELETE"):
            assert_refused(send(one, method, f"/v2/spaces/{hidden}", {"name": "x"}), 404)
        assert_refused(one.delete(f"/v2/organizations/{organization}"), 403)
    assert client.get(f"/v2/spaces/{hidden}").status_code == 200


def test_a_key_has_its_role_in_each_of_its_spaces(served: Served, client: httpx.Client) -> None:
    organization = new_organization(client)
    first, second = new_space(client, organization), new_space(client, organization)
    secret = service_key(client, organization, {first: READ, second: WRITE})["key"]
    there, here = (make_dataset(client, numbered(1), space_id=s) for s in (first, second))
    with acting(served, secret) as one:
        assert send(one, "PATCH", here.url, {"name": unique()}).status_code == 200
        assert_refused(send(one, "PATCH", there.url, {"name": unique()}), 403)
        assert one.get(there.url).status_code == 200


def test_a_role_left_out_is_member(served: Served, client: httpx.Client) -> None:
    organization = new_organization(client)
    space = new_space(client, organization)
    made = service_key(client, organization, {space: None})
    assert made["bot_user"]["organizations"][0]["spaces"] == [
        {"space_id": space, "role": role(WRITE)}
    ]
    dataset = make_dataset(client, numbered(1), space_id=space)
    with acting(served, made["key"]) as one:
        assert send(one, "PATCH", dataset.url, {"name": unique()}).status_code == 200
        assert_refused(send(one, "PATCH", f"/v2/spaces/{space}", {"name": "x"}), 403)


def test_a_version_of_another_dataset_opens_nothing(world: World) -> None:
    dataset = world.dataset()
    version = new_version(world.admin, dataset)
    query = {"dataset_version_id": version}
    url = world.dataset().examples_url
    for client in (world.own[READ], world.admin):
        assert_refused(client.get(url, params=query), 404)
    for client in world.foreign.values():
        assert_refused(client.get(dataset.examples_url, params=query), 404)


def test_an_admin_gives_keys_to_its_own_spaces_alone(served: Served, client: httpx.Client) -> None:
    organization = new_organization(client)
    first, second = new_space(client, organization), new_space(client, organization)
    secret = service_key(client, organization, {first: MANAGE, second: WRITE})["key"]
    with acting(served, secret) as one:
        service_key(one, organization, {first: MANAGE})
        body = service_body(organization, {first: READ, second: READ})
        assert_refused(send(one, "POST", KEYS, body), 403)


def test_a_key_of_a_deleted_space_reads_nothing(served: Served, client: httpx.Client) -> None:
    organization = new_organization(client)
    space = new_space(client, organization)
    secret = service_key(client, organization, {space: MANAGE})["key"]
    with acting(served, secret) as one:
        assert one.delete(f"/v2/spaces/{space}").status_code == 204
        assert ok(one.get("/v2/spaces"))["spaces"] == []
        assert ok(one.get("/v2/datasets"))["datasets"] == []
        assert_refused(one.get(f"/v2/spaces/{space}"), 404)
        assert_refused(one.get(f"/v2/organizations/{organization}"), 404)
