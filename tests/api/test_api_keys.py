"""`/v2/api-keys`: make, list, refresh and revoke keys."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.api.helpers import (
    assert_problem,
    guessed,
    id_parts,
    make_id,
    moment,
    ok,
    send,
    unique,
)
from tests.api.key_support import (
    KEYS,
    Answer,
    acting,
    create_key,
    listed,
    new_organization,
    new_space,
    role,
    service_body,
    service_key,
    soon,
    user_key,
    wait_until,
    works,
)
from tests.serving import Served

REQUIRED = {
    "id",
    "name",
    "key_type",
    "status",
    "redacted_key",
    "created_at",
    "created_by_user_id",
}
OPTIONAL = {"description", "expires_at", "last_used_at"}


def check_members(answer: Answer, *more: str) -> None:
    """Check that the answer has the members that all releases of the SDK know, and no other."""
    assert REQUIRED | set(more) <= set(answer) <= REQUIRED | OPTIONAL | set(more)
    assert id_parts(answer["id"])[0] == "ApiKey"
    assert id_parts(answer["created_by_user_id"])[0] == "User"
    assert answer["key_type"] in ("USER", "SERVICE")
    assert answer["status"] in ("ACTIVE", "REVOKED")
    for name in ("created_at", "expires_at", "last_used_at"):
        if answer.get(name) is not None:
            moment(answer[name])


def one_of(client: httpx.Client, id: str, **query: str) -> Answer:
    """Return the key from the list."""
    (found,) = [key for key in listed(client, **query) if key["id"] == id]
    return found


def ids(client: httpx.Client, **query: str) -> set[str]:
    """Return the ids of the keys in the list."""
    return {key["id"] for key in listed(client, **query)}


def space_of(client: httpx.Client) -> tuple[str, str]:
    """Make an organization with a space and return the ids of both."""
    organization = new_organization(client)
    return organization, new_space(client, organization)


def refresh(client: httpx.Client, id: str, body: object = None) -> httpx.Response:
    """Ask for a refresh."""
    return send(client, "POST", f"{KEYS}/{id}/refresh", {} if body is None else body)


def revoke(client: httpx.Client, id: str) -> httpx.Response:
    """Ask for a revocation."""
    return client.put(f"{KEYS}/{id}/revoke")


def test_a_user_key(served: Served, client: httpx.Client) -> None:
    name = unique("Schlüssel 😀")
    made = user_key(client, name=name, description="For tests.\nTwo lines.")
    check_members(made, "key")
    assert (made["name"], made["description"]) == (name, "For tests.\nTwo lines.")
    assert (made["key_type"], made["status"]) == ("USER", "ACTIVE")
    assert made.get("expires_at") is None
    assert works(served, made["key"])


def test_a_user_key_acts_as_its_maker(served: Served, client: httpx.Client) -> None:
    made = user_key(client)
    with acting(served, made["key"]) as one:
        again = user_key(one)
        organization, space = space_of(one)
        assert one.get(f"/v2/spaces/{space}").status_code == 200
        assert one.delete(f"/v2/organizations/{organization}").status_code == 204
    assert again["created_by_user_id"] == made["created_by_user_id"]


def test_a_bot_cannot_make_user_keys(served: Served, client: httpx.Client) -> None:
    """Such a key would outlive the bot's own."""
    organization, space = space_of(client)
    bot = service_key(client, organization, {space: "ADMIN"})
    with acting(served, bot["key"]) as one:
        response = send(one, "POST", KEYS, {"key_type": "USER", "name": unique()})
        assert_problem(response, 403, "access-forbidden", "SERVICE")


@pytest.mark.parametrize("key_type", ["USER", "SERVICE"])
def test_no_key_makes_one_that_outlives_it(
    served: Served, client: httpx.Client, key_type: str
) -> None:
    organization, space = space_of(client)
    body: dict[str, Any] = {"key_type": key_type, "name": unique()}
    if key_type == "SERVICE":
        spaces = [{"space_id": space}]
        body["organizations"] = [{"org_id": organization, "spaces": spaces}]
    own = ok(send(client, "POST", KEYS, {**body, "expires_at": "2040-01-01T00:00:00Z"}), 201)
    if key_type == "SERVICE":
        admin = {"org_id": organization, "spaces": [{"space_id": space, "role": role("ADMIN")}]}
        body_of_admin = {**body, "organizations": [admin], "expires_at": "2040-01-01T00:00:00Z"}
        own = ok(send(client, "POST", KEYS, body_of_admin), 201)
    with acting(served, own["key"]) as one:
        later = send(one, "POST", KEYS, {**body, "expires_at": "2041-01-01T00:00:00Z"})
        assert_problem(later, 422, "validation-error", "expires_at")
        made = ok(send(one, "POST", KEYS, body), 201)
    assert made["expires_at"] == own["expires_at"]


def test_a_service_key(served: Served, client: httpx.Client) -> None:
    organization, space = space_of(client)
    other = new_space(client, organization)
    made = service_key(client, organization, {space: "ADMIN", other: None})
    check_members(made, "key", "bot_user")
    bot = made["bot_user"]
    assert set(bot) == {"id", "name", "account_role", "organizations"}
    assert id_parts(bot["id"])[0] == "User"
    assert bot["id"] != made["created_by_user_id"]
    assert bot["account_role"] == role("MEMBER")
    assert bot["organizations"] == [
        {
            "org_id": organization,
            "role": role("READ_ONLY"),
            "spaces": [
                {"space_id": space, "role": role("ADMIN")},
                {"space_id": other, "role": role("MEMBER")},
            ],
        }
    ]
    assert works(served, made["key"])


def test_a_service_key_in_two_organizations(served: Served, client: httpx.Client) -> None:
    places = [space_of(client), space_of(client)]
    body = service_body(places[0][0], {places[0][1]: "MEMBER"})
    body["organizations"] += service_body(places[1][0], {places[1][1]: "ADMIN"})["organizations"]
    made = create_key(client, body | {"account_role": role("MEMBER")})
    assert [one["org_id"] for one in made["bot_user"]["organizations"]] == [p[0] for p in places]
    with acting(served, made["key"]) as one:
        assert {s["id"] for s in ok(one.get("/v2/spaces"))["spaces"]} == {p[1] for p in places}


def test_a_secret_is_shown_once(client: httpx.Client) -> None:
    organization, space = space_of(client)
    for made, query in (
        (user_key(client), {}),
        (service_key(client, organization, {space: "MEMBER"}), {"space_id": space}),
    ):
        response = client.get(KEYS, params={"limit": "100", **query})
        assert made["key"] not in response.text
        found = one_of(client, made["id"], **query)
        check_members(found)
        assert found == {k: v for k, v in made.items() if k not in ("key", "bot_user")}
        assert made["key"] not in found["redacted_key"]
        assert len(made["key"]) > len(found["redacted_key"])
        assert len(made["key"]) >= 40


def test_secrets_differ(client: httpx.Client) -> None:
    name = unique()
    made = [user_key(client, name=name) for _ in range(5)]
    assert len({one["key"] for one in made}) == len({one["id"] for one in made}) == 5


def test_a_list_is_of_the_caller_s_user_keys(client: httpx.Client) -> None:
    organization, space = space_of(client)
    user, service = user_key(client)["id"], service_key(client, organization, {space: None})["id"]
    assert user in ids(client)
    assert service not in ids(client)
    assert ids(client, key_type="USER") == ids(client)
    assert service in ids(client, key_type="SERVICE")
    assert user not in ids(client, key_type="SERVICE")


def test_a_list_by_space(client: httpx.Client) -> None:
    organization, space = space_of(client)
    other = new_space(client, organization)
    first = service_key(client, organization, {space: "MEMBER"})["id"]
    both = service_key(client, organization, {space: "ADMIN", other: "READ_ONLY"})["id"]
    assert [key["id"] for key in listed(client, space_id=space)] == [both, first]
    assert ids(client, space_id=other) == {both}
    assert ids(client, space_id=other, key_type="SERVICE") == {both}
    assert ids(client, space_id=other, key_type="USER") == set()


def test_a_list_by_user(served: Served, client: httpx.Client) -> None:
    organization, space = space_of(client)
    bot = service_key(client, organization, {space: "MEMBER"})
    made = user_key(client)
    me = made["created_by_user_id"]
    with acting(served, bot["key"]) as one:
        assert ids(one) == ids(one, user_id=bot["bot_user"]["id"]) == set()
        response = one.get(KEYS, params={"user_id": me})
        assert_problem(response, 403, "access-forbidden", "other users")
    assert ids(client, user_id=bot["bot_user"]["id"]) == set()
    assert ids(client, user_id=make_id("User", 999_999_999, "aBcDeFgHiJ")) == set()


def test_a_list_by_status(client: httpx.Client) -> None:
    kept, gone = user_key(client)["id"], user_key(client)["id"]
    assert revoke(client, gone).status_code == 204
    assert {kept, gone} & ids(client) == {kept}
    assert {kept, gone} & ids(client, status="ACTIVE") == {kept}
    assert {kept, gone} & ids(client, status="REVOKED") == {gone}
    assert one_of(client, gone, status="REVOKED")["status"] == "REVOKED"


def test_pages_are_newest_first(client: httpx.Client) -> None:
    organization, space = space_of(client)
    made = [service_key(client, organization, {space: None})["id"] for _ in range(5)][::-1]
    first = ok(client.get(KEYS, params={"space_id": space, "limit": "2"}))
    assert [key["id"] for key in first["api_keys"]] == made[:2]
    service_key(client, organization, {space: None})
    assert revoke(client, made[2]).status_code == 204
    query = {"space_id": space, "limit": "2", "cursor": first["pagination"]["next_cursor"]}
    rest = ok(client.get(KEYS, params=query))
    assert [key["id"] for key in rest["api_keys"]] == made[3:]
    assert rest["pagination"] == {"has_more": False}


def test_empty_parameters_count_as_omitted(client: httpx.Client) -> None:
    empty = {"key_type": "", "status": "", "space_id": "", "user_id": "", "cursor": "", "limit": ""}
    assert ok(client.get(KEYS, params=empty)) == ok(client.get(KEYS))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": "0"}, 422),
        ({"limit": "101"}, 422),
        ({"limit": "many"}, 400),
        ({"cursor": "garbage"}, 400),
        ({"key_type": "ROBOT"}, 422),
        ({"status": "EXPIRED"}, 422),
        ({"space_id": "garbage"}, 400),
        ({"space_id": make_id("User", 1, "aBcDeFgHiJ")}, 400),
        ({"user_id": make_id("Space", 1, "aBcDeFgHiJ")}, 400),
    ],
)
def test_a_list_refuses_bad_parameters(
    client: httpx.Client, query: dict[str, str], status: int
) -> None:
    slug = {400: "invalid-request", 422: "validation-error"}[status]
    assert_problem(client.get(KEYS, params=query), status, slug, next(iter(query)))


@pytest.mark.parametrize(
    ("path", "listed"),
    [
        ("/v2/api-keys", "api_keys"),
        ("/v2/datasets", "datasets"),
        ("/v2/annotation-configs", "annotation_configs"),
    ],
)
def test_a_list_of_what_is_in_an_unknown_space_is_empty(
    client: httpx.Client, path: str, listed: str
) -> None:
    space = ok(client.get("/v2/spaces"))["spaces"][0]["id"]
    for unknown in (make_id("Space", 999_999_999, "aBcDeFgHiJ"), guessed(space)):
        answer = ok(client.get(path, params={"space_id": unknown}))
        assert answer == {listed: [], "pagination": {"has_more": False}}


USER = {"key_type": "USER", "name": "bad"}


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 400, "body"),
        (b"{", 400, "JSON"),
        ([], 400, "body"),
        ({}, 422, "key_type"),
        ({"name": "x"}, 422, "key_type"),
        ({"key_type": "USER"}, 422, "name"),
        ({"key_type": "ROBOT", "name": "x"}, 422, "key_type"),
        ({"key_type": 7, "name": "x"}, 400, "key_type"),
        (USER | {"name": 7}, 400, "name"),
        (USER | {"name": None}, 400, "name"),
        (USER | {"name": ""}, 422, "name"),
        (USER | {"name": " \t"}, 422, "name"),
        (USER | {"name": "a\0b"}, 422, "name"),
        (USER | {"name": "n" * 257}, 422, "name"),
        (USER | {"description": 7}, 400, "description"),
        (USER | {"description": "d" * 1_001}, 422, "description"),
        (USER | {"description": "a\0b"}, 422, "description"),
        (USER | {"secret": "mine"}, 422, "secret"),
        (USER | {"expires_at": 1_900_000_000}, 400, "expires_at"),
        (USER | {"expires_at": "tomorrow"}, 400, "expires_at must be a time with its zone"),
        (USER | {"expires_at": "2030-01-01T00:00:00"}, 400, "expires_at"),
        (USER | {"expires_at": "2020-01-01T00:00:00Z"}, 422, "expires_at"),
        (USER | {"expires_at": "0001-01-01T00:00:00+14:00"}, 422, "expires_at"),
        (USER | {"expires_at": "9999-12-31T23:59:59-12:00"}, 422, "expires_at"),
        (USER | {"organizations": []}, 422, "organizations"),
        (USER | {"account_role": role("MEMBER")}, 422, "account_role"),
        ({"key_type": "SERVICE", "name": "x"}, 422, "organizations"),
        ({"key_type": "SERVICE", "name": "x", "organizations": []}, 422, "organizations"),
        ({"key_type": "SERVICE", "name": "x", "organizations": {}}, 400, "organizations"),
    ],
)
def test_a_bad_body_makes_no_key(
    client: httpx.Client, body: object, status: int, detail: str
) -> None:
    before = ids(client)
    slug = "validation-error" if status == 422 else "invalid-request"
    assert_problem(send(client, "POST", KEYS, body), status, slug, detail)
    assert ids(client) == before


Spoil = Callable[[Answer], object]


@pytest.mark.parametrize(
    ("spoil", "status", "detail"),
    [
        (lambda o: o.update(org_id="garbage"), 400, "organizations[0].org_id"),
        (lambda o: o.update(org_id=None), 400, "org_id"),
        (lambda o: o.pop("org_id"), 422, "org_id"),
        (lambda o: o.pop("spaces"), 422, "spaces"),
        (lambda o: o.update(spaces=[]), 422, "organizations"),
        (lambda o: o.update(spaces=o["spaces"] * 2), 422, "organizations[0].spaces[1].space_id"),
        (lambda o: o["spaces"][0].update(space_id="x"), 400, "organizations[0].spaces[0].space_id"),
        (lambda o: o["spaces"][0].pop("space_id"), 422, "space_id"),
        (lambda o: o["spaces"][0].update(role="ADMIN"), 400, "role"),
        (
            lambda o: o["spaces"][0].update(role=role("OWNER")),
            422,
            "organizations[0].spaces[0].role.name must be one of ADMIN, MEMBER, READ_ONLY, "
            "not 'OWNER'",
        ),
        (
            lambda o: o["spaces"][0].update(role={"type": "CUSTOM", "id": "x"}),
            422,
            "organizations[0].spaces[0].role.type must be PREDEFINED, not 'CUSTOM'",
        ),
        (lambda o: o.update(owner="me"), 422, "owner"),
        (
            lambda o: o.update(org_id=make_id("Organization", 999_999_999, "aBcDeFgHiJ")),
            422,
            "organization",
        ),
    ],
)
def test_a_bad_assignment_makes_no_service_key(
    client: httpx.Client, spoil: Spoil, status: int, detail: str
) -> None:
    organization, space = space_of(client)
    body = service_body(organization, {space: "MEMBER"})
    spoil(body["organizations"][0])
    slug = "validation-error" if status == 422 else "invalid-request"
    assert_problem(send(client, "POST", KEYS, body), status, slug, detail)
    assert listed(client, space_id=space) == []


def test_a_service_key_for_what_does_not_exist(client: httpx.Client) -> None:
    organization, space = space_of(client)
    for id in (make_id("Space", 999_999_999, "aBcDeFgHiJ"), guessed(space)):
        body = service_body(organization, {space: "MEMBER", id: "MEMBER"})
        assert_problem(send(client, "POST", KEYS, body), 404, "not-found", id)
    assert listed(client, space_id=space) == []


def test_a_space_of_another_organization_is_refused(client: httpx.Client) -> None:
    organization, space = space_of(client)
    body = service_body(new_organization(client), {space: "MEMBER"})
    assert_problem(send(client, "POST", KEYS, body), 422, "validation-error", space)
    body = service_body(guessed(organization), {space: "MEMBER"})
    assert_problem(send(client, "POST", KEYS, body), 422, "validation-error", space)


def test_a_role_in_the_account_beyond_member_is_refused(client: httpx.Client) -> None:
    organization, space = space_of(client)
    body = service_body(organization, {space: "MEMBER"}, account_role=role("ADMIN"))
    assert_problem(send(client, "POST", KEYS, body), 422, "validation-error", "account_role")


def test_the_longest_name_and_description_are_kept(client: httpx.Client) -> None:
    name, description = ("😀" * 256 + unique())[-256:], "é" * 1_000
    made = user_key(client, name=name, description=description)
    assert (made["name"], made["description"]) == (name, description)


def test_an_expiry_keeps_its_microseconds(client: httpx.Client) -> None:
    for sent, kept in (
        ("2031-02-03T04:05:06.123457+00:00", "2031-02-03T04:05:06.123457Z"),
        ("2031-02-03T04:05:06.999999-05:30", "2031-02-03T09:35:06.999999Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ):
        made = user_key(client, expires_at=sent)
        assert made["expires_at"] == kept
        assert one_of(client, made["id"])["expires_at"] == kept


def test_an_expired_key_ends_by_itself(served: Served, client: httpx.Client) -> None:
    made = user_key(client, expires_at=soon(seconds=1.5))
    assert works(served, made["key"])
    wait_until(lambda: not works(served, made["key"]))
    assert datetime.now(UTC) >= moment(made["expires_at"])
    assert one_of(client, made["id"], status="REVOKED")["status"] == "REVOKED"
    assert made["id"] not in ids(client)
    assert_problem(refresh(client, made["id"]), 422, "validation-error", "expired")


def test_revoke_ends_a_key_at_once(served: Served, client: httpx.Client) -> None:
    made = user_key(client)
    assert works(served, made["key"])
    for _ in range(2):
        response = revoke(client, made["id"])
        assert (response.status_code, response.content) == (204, b"")
        with acting(served, made["key"]) as one:
            response = one.get("/v2/spaces")
            assert_problem(response, 401, "authentication-required", "revoked")
            assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_revokes_itself(served: Served, client: httpx.Client) -> None:
    organization, space = space_of(client)
    made = service_key(client, organization, {space: "READ_ONLY"})
    with acting(served, made["key"]) as one:
        assert revoke(one, made["id"]).status_code == 204
    assert not works(served, made["key"])


@pytest.mark.parametrize(
    ("id", "status", "slug"),
    [
        ("garbage", 400, "invalid-request"),
        (make_id("User", 1, "aBcDeFgHiJ"), 400, "invalid-request"),
        (make_id("ApiKey", 999_999_999, "aBcDeFgHiJ"), 404, "not-found"),
    ],
)
def test_an_id_that_leads_nowhere(client: httpx.Client, id: str, status: int, slug: str) -> None:
    assert_problem(revoke(client, id), status, slug)
    assert_problem(refresh(client, id), status, slug)


def test_an_id_cannot_be_guessed(served: Served, client: httpx.Client) -> None:
    made = user_key(client)
    for call in (refresh, revoke):
        assert_problem(call(client, guessed(made["id"])), 404, "not-found")
    assert works(served, made["key"])


def test_refresh_replaces_a_key(served: Served, client: httpx.Client) -> None:
    old = user_key(client, description="kept")
    new = ok(refresh(client, old["id"]))
    check_members(new, "key")
    assert new["id"] != old["id"]
    assert new["key"] != old["key"]
    same = ("name", "description", "key_type", "created_by_user_id", "status")
    assert [new[name] for name in same] == [old[name] for name in same]
    assert new.get("expires_at") is None
    assert works(served, new["key"])
    assert not works(served, old["key"])
    assert one_of(client, old["id"], status="REVOKED")["status"] == "REVOKED"
    assert new["id"] in ids(client)


def test_a_refreshed_service_key_acts_as_the_same_bot(served: Served, client: httpx.Client) -> None:
    organization, space = space_of(client)
    old = service_key(client, organization, {space: "MEMBER"})
    with acting(served, old["key"]) as one:
        new = ok(refresh(one, old["id"]))
    check_members(new, "key")
    assert ids(client, space_id=space) == {new["id"]}
    with acting(served, new["key"]) as one:
        assert [s["id"] for s in ok(one.get("/v2/spaces"))["spaces"]] == [space]
    assert_problem(refresh(client, old["id"]), 422, "validation-error", "replaced")


def test_a_grace_period_ends_by_itself(served: Served, client: httpx.Client) -> None:
    old = user_key(client)
    new = ok(refresh(client, old["id"], {"grace_period_seconds": 2}))
    assert works(served, old["key"])
    assert works(served, new["key"])
    assert one_of(client, old["id"])["status"] == "ACTIVE"
    wait_until(lambda: not works(served, old["key"]))
    assert works(served, new["key"])
    assert one_of(client, old["id"], status="REVOKED")["status"] == "REVOKED"


def test_a_key_in_its_grace_period_can_be_revoked(served: Served, client: httpx.Client) -> None:
    old = user_key(client)
    new = ok(refresh(client, old["id"], {"grace_period_seconds": 86_400}))
    assert revoke(client, old["id"]).status_code == 204
    assert not works(served, old["key"])
    assert works(served, new["key"])


def test_a_grace_period_makes_no_key_live_longer(client: httpx.Client) -> None:
    old = user_key(client, expires_at=soon(hours=1))
    ok(refresh(client, old["id"], {"grace_period_seconds": 86_400}))
    assert one_of(client, old["id"])["expires_at"] == old["expires_at"]


def test_the_expiry_of_a_refreshed_key(client: httpx.Client) -> None:
    hour, day, sooner = soon(hours=1), soon(days=1), soon(minutes=5)
    forever = user_key(client)
    assert moment(
        ok(refresh(client, forever["id"], {"expires_at": day}))["expires_at"]
    ) == datetime.fromisoformat(day)
    kept = user_key(client, expires_at=hour)
    assert ok(refresh(client, kept["id"]))["expires_at"] == kept["expires_at"]
    same = user_key(client, expires_at=hour)
    new = ok(refresh(client, same["id"], {"expires_at": same["expires_at"]}))
    assert new["expires_at"] == same["expires_at"]
    shorter = user_key(client, expires_at=hour)
    new = ok(refresh(client, shorter["id"], {"expires_at": sooner}))
    assert moment(new["expires_at"]) == datetime.fromisoformat(sooner)


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 400, "body"),
        ([], 400, "body"),
        ({"expires_at": "2031-01-01T00:00:00Z"}, 422, "expires_at"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "expires_at"),
        ({"expires_at": "2030-01-01T00:00:00"}, 400, "expires_at"),
        ({"expires_at": 5}, 400, "expires_at"),
        ({"grace_period_seconds": -1}, 422, "grace_period_seconds"),
        ({"grace_period_seconds": 86_401}, 422, "grace_period_seconds"),
        ({"grace_period_seconds": 10**30}, 422, "grace_period_seconds"),
        ({"grace_period_seconds": "5"}, 400, "grace_period_seconds"),
        ({"grace_period_seconds": 1.5}, 400, "grace_period_seconds"),
        ({"grace": 5}, 422, "grace"),
    ],
)
def test_a_bad_refresh_changes_nothing(
    served: Served, client: httpx.Client, body: object, status: int, detail: str
) -> None:
    made = user_key(client, expires_at="2030-06-01T00:00:00Z")
    before = ids(client)
    slug = "validation-error" if status == 422 else "invalid-request"
    assert_problem(refresh(client, made["id"], body), status, slug, detail)
    assert works(served, made["key"])
    assert ids(client) == before


def test_a_revoked_key_is_not_refreshed(client: httpx.Client) -> None:
    made = user_key(client)
    assert revoke(client, made["id"]).status_code == 204
    before = ids(client)
    assert_problem(refresh(client, made["id"]), 422, "validation-error", "revoked")
    assert ids(client) == before


def test_of_two_refreshes_at_once_one_wins(served: Served, client: httpx.Client) -> None:
    for _ in range(5):
        made = user_key(client)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _, id=made["id"]: refresh(client, id), range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422]
        assert len([k for k in listed(client) if k["name"] == made["name"]]) == 1
        (new,) = [answer.json()["key"] for answer in answers if answer.status_code == 200]
        assert works(served, new)
        assert not works(served, made["key"])


def test_last_used_at_appears_with_use(served: Served, client: httpx.Client) -> None:
    made = user_key(client)
    assert made.get("last_used_at") is None
    assert one_of(client, made["id"]).get("last_used_at") is None
    assert works(served, made["key"])
    wait_until(lambda: one_of(client, made["id"]).get("last_used_at") is not None)
    used = one_of(client, made["id"])
    check_members(used)
    assert moment(made["created_at"]) <= moment(used["last_used_at"]) <= datetime.now(UTC)
    for _ in range(3):
        assert works(served, made["key"])
    assert one_of(client, made["id"])["last_used_at"] == used["last_used_at"]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_key_has_no_address_of_its_own(client: httpx.Client, method: str) -> None:
    made = user_key(client)
    assert_problem(send(client, method, f"{KEYS}/{made['id']}"), 404, "not-found")
