"""What the tests of keys, roles and annotations share: make keys, and act with them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.api.conftest import connect
from tests.api.helpers import ok, send, unique
from tests.serving import Served

Answer = dict[str, Any]

KEYS = "/v2/api-keys"
CONFIGS = "/v2/annotation-configs"
ROLES = ("READ_ONLY", "MEMBER", "ADMIN")


def role(name: str) -> Answer:
    """Return a role as requests and answers write it."""
    return {"type": "PREDEFINED", "name": name}


def new_organization(client: httpx.Client) -> str:
    """Make an organization and return its id."""
    made = ok(send(client, "POST", "/v2/organizations", {"name": unique("organization")}), 201)
    return str(made["id"])


def new_space(client: httpx.Client, organization: str) -> str:
    """Make a space in an organization and return its id."""
    body = {"name": unique("space"), "organization_id": organization}
    return str(ok(send(client, "POST", "/v2/spaces", body), 201)["id"])


def service_body(organization: str, roles: dict[str, str | None], **members: object) -> Answer:
    """Ask for a service key with these roles by space; None leaves the role out."""
    spaces = [
        {"space_id": space} | ({"role": role(name)} if name else {})
        for space, name in roles.items()
    ]
    assigned = [{"org_id": organization, "spaces": spaces}]
    return {"key_type": "SERVICE", "name": unique("bot"), "organizations": assigned, **members}


def create_key(client: httpx.Client, body: Answer) -> Answer:
    """Make a key and return the answer."""
    return ok(send(client, "POST", KEYS, body), 201)


def soon(**delta: float) -> str:
    """Return a time after now, as the SDK writes it."""
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


def user_key(client: httpx.Client, **members: object) -> Answer:
    """Make a key of the caller's own."""
    return create_key(client, {"key_type": "USER", "name": unique("key"), **members})


def service_key(client: httpx.Client, organization: str, roles: dict[str, str | None]) -> Answer:
    """Make a service key with these roles by space."""
    return create_key(client, service_body(organization, roles))


def listed(client: httpx.Client, **query: str) -> list[Answer]:
    """Return all keys that a list has, page by page."""
    found: list[Answer] = []
    while True:
        page = ok(client.get(KEYS, params={"limit": "100", **query}))
        found += page["api_keys"]
        if not page["pagination"]["has_more"]:
            return found
        query["cursor"] = page["pagination"]["next_cursor"]


@contextmanager
def acting(served: Served, secret: str) -> Iterator[httpx.Client]:
    """Give a client that sends this key."""
    with connect(served, Authorization=f"Bearer {secret}") as http:
        yield http


def works(served: Served, secret: str) -> bool:
    """Tell whether the server accepts the key."""
    with acting(served, secret) as http:
        status = http.get("/v2/spaces", params={"limit": "1"}).status_code
    assert status in (200, 401)
    return status == 200


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for a condition that comes true by itself, or fail."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def make_config(client: httpx.Client, space: str, name: str = "", **members: object) -> Answer:
    """Make an annotation config, of the type `FREEFORM` if none is given."""
    body = {
        "name": name or unique("config"),
        "space_id": space,
        "annotation_config_type": "FREEFORM",
        **members,
    }
    return ok(send(client, "POST", CONFIGS, body), 201)


def make_tag(client: httpx.Client, space: str, name: str = "", **members: object) -> Answer:
    """Make a tag; its name is unique if none is given."""
    body = {"name": name or unique("tag"), "space_id": space, **members}
    return ok(send(client, "POST", "/v2/tags", body), 201)
