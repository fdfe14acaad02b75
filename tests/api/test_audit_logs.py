"""The audit log: every administrative act is in it, once, and nothing can change it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

from exempla.api.access import NEEDS, NOT_IN_AUDIT_LOG
from exempla.store.engines import Engine
from exempla.store.setup import open_engine
from tests.api.helpers import (
    assert_problem,
    default_space,
    make_dataset,
    numbered,
    ok,
    send,
    unique,
)
from tests.api.key_support import (
    KEYS,
    acting,
    make_tag,
    new_organization,
    new_space,
    service_body,
    service_key,
)
from tests.api.test_access import ROUTES, TAKES_THE_SPACE_ALONG, World, world  # noqa: F401
from tests.conftest import ENGINES
from tests.flight.client import create
from tests.serving import Served, exempla_here
from tests.store.conftest import settings_for

LOGS = "/v2/audit-logs"
Entry = dict[str, Any]


def entries(client: httpx.Client, **query: str | Sequence[str]) -> list[Entry]:
    """Return all entries that the query finds, page by page, with their variables read."""
    found: list[Entry] = []
    cursor = ""
    while True:
        page = ok(client.get(LOGS, params={"limit": "100", "cursor": cursor, **query}))
        found += [log | {"variables": json.loads(log["variables"])} for log in page["logs"]]
        if not page["pagination"]["has_more"]:
            return found
        cursor = page["pagination"]["next_cursor"]


CHANGES = [
    name
    for name in ROUTES
    if name.split()[0] in ("POST", "PUT", "PATCH", "DELETE") and not name.endswith("/search")
]


@pytest.mark.parametrize(
    "name", [name for name in CHANGES if name not in TAKES_THE_SPACE_ALONG | NOT_IN_AUDIT_LOG]
)
def test_every_act_is_logged_once(world: World, name: str) -> None:  # noqa: F811
    call = ROUTES[name].prepare(world)
    before = entries(world.admin)
    answer = send(world.admin, name.split()[0], call.url, call.body)
    assert answer.status_code == ROUTES[name].status
    new = entries(world.admin)
    assert new[1:] == before
    assert new[0]["operation_name"] == name
    assert new[0]["operation_type"] == "MUTATION"
    assert new[0]["ip"] == "127.0.0.1"
    made = answer.json().get("id") if answer.content else None
    addressed = new[0]["variables"].values()
    assert made is None or made in new[0]["variables"]["ids"] or made in addressed
    if name == "POST /v2/datasets" or call.body == b"":
        assert new[0]["operation_text"] is None
    else:
        assert json.loads(new[0]["operation_text"]) == call.body


@pytest.mark.parametrize("name", sorted(NOT_IN_AUDIT_LOG))
def test_writes_of_examples_are_in_their_history_alone(
    world: World,  # noqa: F811
    name: str,
) -> None:
    call = ROUTES[name].prepare(world)
    before = entries(world.admin)
    answer = send(world.admin, name.split()[0], call.url, call.body)
    assert answer.status_code == ROUTES[name].status
    assert entries(world.admin) == before
    assert name in NEEDS


def test_deletions_that_take_much_along_are_logged(client: httpx.Client) -> None:
    organization = new_organization(client)
    new_space(client, organization)
    space = new_space(client, organization)
    assert client.delete(f"/v2/spaces/{space}").status_code == 204
    assert client.delete(f"/v2/organizations/{organization}").status_code == 204
    second, first = entries(client)[:2]
    assert first["operation_name"] == "DELETE /v2/spaces/{space_id}"
    assert first["variables"]["space_id"] == space
    assert second["operation_name"] == "DELETE /v2/organizations/{org_id}"
    assert second["variables"]["org_id"] == organization


def test_what_is_refused_or_only_read_is_not_logged(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    before = entries(client)
    assert send(client, "PATCH", dataset.url, {"name": ""}).status_code == 422
    assert send(client, "PATCH", "/v2/datasets/x", {"name": "x"}).status_code == 400
    assert client.get(dataset.url).status_code == 200
    tag = make_tag(client, dataset.space_id)
    assert send(client, "POST", "/v2/tags", {**tag, "id": ""}).status_code == 422
    assert [entry["operation_name"] for entry in entries(client)[: -len(before)]] == [
        "POST /v2/tags"
    ]


def test_a_request_that_is_sent_again_is_logged_once(client: httpx.Client) -> None:
    before = len(entries(client))
    headers = {"Idempotency-Key": unique("key"), "Content-Type": "application/json"}
    body = json.dumps({"name": unique()}).encode()
    for _ in range(3):
        answer = client.post("/v2/organizations", content=body, headers=headers)
        assert answer.status_code == 201
    assert len(entries(client)) == before + 1


def test_it_tells_who_and_with_which_key_and_no_secret(
    served: Served, client: httpx.Client
) -> None:
    organization = new_organization(client)
    space = new_space(client, organization)
    made = service_key(client, organization, {space: "ADMIN"})
    with acting(served, made["key"]) as bot:
        tag = make_tag(bot, space, color="RED")
        own = ok(send(bot, "POST", KEYS, service_body(organization, {space: "READ_ONLY"})), 201)
        fresh = ok(send(bot, "POST", f"{KEYS}/{made['id']}/refresh", {}))
    with acting(served, fresh["key"]) as bot:
        assert bot.put(f"{KEYS}/{own['id']}/revoke").status_code == 204
    revoked, refreshed, created, tagged, by_admin = entries(client)[:5]
    assert tagged["user_id"] == made["bot_user"]["id"] == revoked["user_id"]
    assert tagged["variables"] == {"key_id": made["id"], "ids": [tag["id"]]}
    assert json.loads(tagged["operation_text"])["color"] == "RED"
    assert created["variables"]["ids"] == [own["id"]]
    assert refreshed["variables"] == {
        "api_key_id": made["id"],
        "key_id": made["id"],
        "ids": [fresh["id"]],
    }
    assert revoked["variables"]["key_id"] == fresh["id"]
    assert revoked["variables"]["api_key_id"] == own["id"]
    assert by_admin["user_id"] != made["bot_user"]["id"]
    assert entries(client, user_id=made["bot_user"]["id"]) == [revoked, refreshed, created, tagged]
    everything = client.get(LOGS, params={"limit": "100"}).text
    for secret in (made["key"], own["key"], fresh["key"], served.key):
        assert secret not in everything


def test_a_long_body_is_cut(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    schema = {"schema": {"description": "x" * 20_000}}
    url = f"/api/v1/datasets/{dataset.id}/schema"
    assert send(client, "PUT", url, schema).status_code == 200
    assert len(entries(client)[0]["operation_text"]) == 10_000


def test_flight_and_the_commands_are_logged(tmp_path: Path) -> None:
    served = Served.start("--data-dir", str(tmp_path))
    with acting(served, served.key) as http:
        (first,) = entries(http)
        assert (first["operation_name"], first["ip"]) == ("exempla serve", "")
        id = create(served, default_space(http), "numbers", pa.table({"n": [1, 2]}))
        flags = ("--data-dir", str(tmp_path))
        secret = exempla_here("keys", "create", "--name", "ci", *flags).stdout.strip()
        key = ok(http.get(KEYS))["api_keys"][0]["id"]
        assert exempla_here("keys", "revoke", key, *flags).returncode == 0
        revoked, created, loaded, _ = entries(http)
        assert loaded["operation_name"] == "createDataset"
        assert loaded["ip"] == "127.0.0.1"
        assert loaded["variables"]["name"] == "numbers"
        assert loaded["variables"]["ids"] == [id]
        assert created["operation_name"] == "exempla keys create"
        assert created["variables"]["name"] == "ci"
        assert revoked["operation_name"] == "exempla keys revoke"
        assert created["variables"]["ids"] == revoked["variables"]["ids"] == [key]
        assert secret not in http.get(LOGS).text
    assert served.stop() == 0


def test_filters_and_pages(client: httpx.Client) -> None:
    space = default_space(client)
    for number in range(5):
        make_tag(client, space)
        if number % 2:
            new_organization(client)
    everything = entries(client)
    tags = [one for one in everything if one["operation_name"] == "POST /v2/tags"]
    assert len(tags) >= 5
    assert entries(client, operation_name="POST /v2/tags", limit="2") == tags
    both = ["POST /v2/tags", "POST /v2/organizations"]
    assert entries(client, operation_name=both) == [
        one for one in everything if one["operation_name"] in both
    ]
    assert entries(client, operation_name="post /v2/tags") == []
    assert entries(client, operation_type="MUTATION") == everything
    for kind in ("QUERY", "SUBSCRIPTION"):
        assert entries(client, operation_type=kind) == []
    newest, middle, oldest = everything[0], everything[2], everything[4]
    between = entries(client, start_time=oldest["created_at"], end_time=middle["created_at"])
    assert between == everything[2:5]
    assert entries(client, start_time=newest["created_at"]) == everything[:1]
    without_zone = newest["created_at"].removesuffix("Z")
    assert entries(client, start_time=without_zone) == everything[:1]
    # 30 days before the end, unless a start is given.
    assert entries(client, end_time="2020-01-01T00:00:00Z") == []
    assert entries(client, start_time="2020-01-01T00:00:00+00:00") == everything


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"start_time": "yesterday"}, 400),
        ({"end_time": "2026-13-01T00:00:00Z"}, 400),
        ({"user_id": "x"}, 400),
        ({"cursor": "x"}, 400),
        ({"operation_type": "READ"}, 422),
        ({"operation_name": ["x"] * 21}, 422),
        ({"operation_name": "x" * 256}, 422),
        ({"limit": "101"}, 422),
    ],
)
def test_bad_queries(client: httpx.Client, query: Any, status: int) -> None:
    kind = "invalid-request" if status == 400 else "validation-error"
    assert_problem(client.get(LOGS, params=query), status, kind, next(iter(query)))


def test_nothing_but_get_is_answered(client: httpx.Client) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert client.request(method, LOGS).status_code == 405


@pytest.mark.parametrize("engine", ENGINES)
def test_the_database_refuses_to_change_it(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    make: Callable[[], str] = request.getfixturevalue("new_postgres_url")
    settings = settings_for(engine, tmp_path, make)
    flags = (
        ["--database-url", settings.database_url]
        if settings.database_url
        else ["--data-dir", str(tmp_path)]
    )
    assert Served.start(*flags).stop() == 0
    opened: Engine = open_engine(settings)
    connection: Any = opened.connect()
    statements = ["UPDATE audit_logs SET ip = 'x'", "DELETE FROM audit_logs"]
    if engine == "postgres":
        statements.append("TRUNCATE audit_logs")
    else:
        statements.append("UPDATE audit_logs SET id = id + 1 WHERE id = 1")
    for statement in statements:
        with pytest.raises(opened.Error, match="the audit log cannot be changed"):
            connection.execute(statement)
        connection.rollback()
    assert connection.execute("SELECT operation_name FROM audit_logs").fetchall() == [
        ("exempla serve",)
    ]
    connection.close()
