"""Scenarios of the `arize` SDK about API keys."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.clients.sdk_support import (
    SPACE,
    Client,
    create,
    fields,
    holds,
    ids,
    new_client,
    numbered,
    refusal,
    same,
    scenario,
    unique,
    unused_id,
)

LIMIT_S = 15


def _types() -> Any:
    return importlib.import_module("arize.api_keys.types")


def _role(name: str) -> Any:
    """Return a role in a space, as this release of the SDK wants it."""
    types = _types()
    kind = getattr(types, "SpaceRoleAssignmentRequest", types.SpaceRoleAssignment)
    return kind.from_dict({"type": "PREDEFINED", "name": name})


def _in_later(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def _same_moment(found: datetime, sent: datetime) -> None:
    assert abs(found - sent) < timedelta(milliseconds=1), found


def _works(key: str) -> bool:
    """Say whether the server takes this key."""
    errors = importlib.import_module("arize._generated.api_client.exceptions")
    try:
        new_client(api_key=key).datasets.list(limit=1)
    except errors.UnauthorizedException:
        return False
    return True


def _wait_until_refused(key: str) -> None:
    end = time.monotonic() + LIMIT_S
    while _works(key):
        assert time.monotonic() < end, "the key still works"
        time.sleep(0.2)


def _listed(client: Client, **filters: object) -> dict[str, Any]:
    """Return all keys that the filters leave, by id, page by page."""
    found: list[Any] = []
    cursor = None
    while True:
        page = client.api_keys.list(limit=100, cursor=cursor, **filters)
        found += page.api_keys
        cursor = page.pagination.next_cursor
        same(page.pagination.has_more, cursor is not None)
        if cursor is None:
            return {key.id: key for key in (getattr(one, "actual_instance", one) for one in found)}


def _statuses() -> tuple[Any, Any]:
    types = _types()
    return types.ApiKeyStatus.ACTIVE, types.ApiKeyStatus.REVOKED


def _kinds() -> tuple[Any, Any]:
    types = _types()
    return types.ApiKeyType.USER, types.ApiKeyType.SERVICE


def _own_space(client: Client) -> Any:
    organization = client.organizations.get(organization=SPACE).id
    return client.spaces.create(name=unique("vault"), organization_id=organization)


def _service_key(client: Client, space: Any, role: str | None, name: str = "") -> Any:
    """Make a key that has this role in this space alone."""
    types = _types()
    binding = types.SpaceBinding(space=space.id, **({} if role is None else {"role": _role(role)}))
    organization = client.organizations.get(organization=SPACE).id
    return client.api_keys.create_service_key(
        name=name or unique("robot"),
        orgs=[types.OrgBinding(org_id=organization, spaces=[binding])],
    )


def _dataset_in(client: Client, space: Any) -> Any:
    name = unique("secrets")
    return client.datasets.create(name=name, space=space.id, examples=numbered(2))


@scenario
def create_a_key_of_ones_own(client: Client) -> None:
    active, _ = _statuses()
    user, _ = _kinds()
    name = unique("laptop")
    made = client.api_keys.create(name=name, description="For the train ☃")
    same((made.name, made.description), (name, "For the train ☃"))
    same((str(made.key_type), made.status, made.expires_at), ("USER", active, None))
    assert made.created_by_user_id
    assert made.created_at.tzinfo is not None
    assert made.redacted_key
    assert made.key not in made.redacted_key
    dataset = create(new_client(api_key=made.key), numbered(2))
    same(fields(client, dataset.id), numbered(2))
    listed = _listed(client)[made.id]
    same((listed.name, listed.description, listed.status), (name, made.description, active))
    same((listed.redacted_key, listed.created_at), (made.redacted_key, made.created_at))
    same(listed.created_by_user_id, made.created_by_user_id)
    assert made.key not in repr(listed)
    same(made.id in _listed(client, key_type=user), True)


@scenario
def the_secret_is_not_shown_again(client: Client) -> None:
    made = client.api_keys.create(name=unique("laptop"))
    for status in _statuses():
        assert made.key not in repr(client.api_keys.list(limit=100, status=status))


@scenario
def a_key_ends_when_it_expires(client: Client) -> None:
    end = _in_later(3600)
    made = client.api_keys.create(name=unique("guest"), expires_at=end)
    _same_moment(made.expires_at, end)
    _same_moment(_listed(client)[made.id].expires_at, end)
    assert _works(made.key)
    end = _in_later(1)
    _wait_until_refused(client.api_keys.create(name=unique("guest"), expires_at=end).key)
    assert datetime.now(UTC) >= end
    call = {"name": unique("guest"), "expires_at": _in_later(-1)}
    holds(refusal(422, client.api_keys.create, **call), "expires_at")


@scenario
def revoke_a_key(client: Client) -> None:
    active, revoked = _statuses()
    made = client.api_keys.create(name=unique("lost"))
    assert _works(made.key)
    for _ in range(2):
        same(client.api_keys.revoke(api_key_id=made.id), None)
        assert not _works(made.key)
    same(made.id in _listed(client), False)
    same(made.id in _listed(client, status=active), False)
    same(_listed(client, status=revoked)[made.id].status, revoked)


@scenario
def refresh_a_key(client: Client) -> None:
    active, _ = _statuses()
    made = client.api_keys.create(name=unique("yearly"), description="Renewed each year")
    fresh = client.api_keys.refresh(api_key_id=made.id)
    same((fresh.name, fresh.description), (made.name, made.description))
    same((fresh.status, fresh.expires_at), (active, None))
    assert fresh.key != made.key
    assert _works(fresh.key)
    assert not _works(made.key)
    named = [key for key in _listed(client).values() if key.name == made.name]
    same([key.id for key in named], [fresh.id])


@scenario
def refresh_a_key_with_time_to_change_over(client: Client) -> None:
    for seconds in (3600, 1):
        made = client.api_keys.create(name=unique("yearly"))
        end = _in_later(7200)
        fresh = client.api_keys.refresh(
            api_key_id=made.id, expires_at=end, grace_period_seconds=seconds
        )
        _same_moment(fresh.expires_at, end)
        if seconds == 1:
            _wait_until_refused(made.key)
        same(_works(made.key), seconds > 1)
        assert _works(fresh.key)


@scenario
def list_keys_by_kind_space_and_user(client: Client) -> None:
    user, service = _kinds()
    space, other = _own_space(client), _own_space(client)
    own = client.api_keys.create(name=unique("laptop"))
    robots = [_service_key(client, space, "MEMBER").id for _ in range(3)]
    apart = _service_key(client, other, "MEMBER").id
    same(sorted(_listed(client, space=space.id, key_type=service)), sorted(robots))
    same(sorted(_listed(client, space=space.name)), sorted(robots))
    found = _listed(client, key_type=user)
    same((own.id in found, apart in found), (True, False))
    found = _listed(client, key_type=service)
    same((own.id in found, apart in found), (False, True))
    assert own.id in _listed(client, user_id=own.created_by_user_id)
    pages = [client.api_keys.list(space=space.id, key_type=service, limit=2)]
    cursor = pages[0].pagination.next_cursor
    pages.append(client.api_keys.list(space=space.id, key_type=service, limit=2, cursor=cursor))
    same([len(page.api_keys) for page in pages], [2, 1])


@scenario
def a_service_key_says_what_it_may(client: Client) -> None:
    space = _own_space(client)
    made = _service_key(client, space, "READ_ONLY", name := unique("robot"))
    same((made.name, str(made.key_type)), (name, "SERVICE"))
    assert made.bot_user.id
    assert made.bot_user.name
    (organization,) = made.bot_user.organizations
    same(organization.org_id, client.organizations.get(organization=SPACE).id)
    same([one.space_id for one in organization.spaces], [space.id])
    same(organization.spaces[0].role.actual_instance.name.value, "READ_ONLY")
    plain = _service_key(client, space, None).bot_user.organizations[0].spaces[0]
    same(plain.role.actual_instance.name.value, "MEMBER")


def _own_and_foreign(client: Client, role: str) -> tuple[Client, Any, Any]:
    """Return a client of a new key, a dataset of its space, and one of another space."""
    space = _own_space(client)
    key = _service_key(client, space, role).key
    own, foreign = _dataset_in(client, space), _dataset_in(client, _own_space(client))
    return new_client(api_key=key), own, foreign


def _nothing_foreign(robot: Client, own: Any, foreign: Any) -> None:
    """Fail unless what is in another space does not exist for this client."""
    same([one.id for one in robot.datasets.list().datasets], [own.id])
    same([one.id for one in robot.spaces.list().spaces], [own.space_id])
    refusal(404, robot.spaces.get, space=foreign.space_id)
    datasets = robot.datasets
    calls: list[tuple[Callable[..., object], dict[str, object]]] = [
        (datasets.get, {}),
        (datasets.delete, {}),
        (datasets.update, {"name": "mine"}),
        (datasets.list_examples, {}),
        (datasets.append_examples, {"examples": [{"n": 2}]}),
        (datasets.update_examples, {"examples": [{"id": "x", "n": 2}]}),
    ]
    for call, arguments in calls:
        refusal(404, call, dataset=foreign.id, **arguments)
    place = foreign.space_id
    refusal(404, datasets.create, name="mine", space=place, examples=numbered(1))


@scenario
def a_read_only_key_reads_and_no_more(client: Client) -> None:
    robot, own, foreign = _own_and_foreign(client, "READ_ONLY")
    same(fields(robot, own.id), numbered(2))
    _nothing_foreign(robot, own, foreign)
    known = ids(robot, own.id)
    datasets = robot.datasets
    calls: list[tuple[Callable[..., object], dict[str, object]]] = [
        (datasets.delete, {}),
        (datasets.update, {"name": "mine"}),
        (datasets.append_examples, {"examples": [{"n": 2}]}),
        (datasets.update_examples, {"examples": [{"id": known[0], "n": 2}]}),
        (
            datasets.delete_examples,
            {"dataset_version_id": own.versions[0].id, "examples": known},
        ),
    ]
    for call, arguments in calls:
        refusal(403, call, dataset=own.id, **arguments)
    refusal(403, datasets.create, name="mine", space=own.space_id, examples=numbered(1))
    refusal(403, robot.spaces.delete, space=own.space_id)
    same(fields(client, own.id), numbered(2))


@scenario
def a_member_key_writes_in_its_space(client: Client) -> None:
    robot, own, foreign = _own_and_foreign(client, "MEMBER")
    _nothing_foreign(robot, own, foreign)
    robot.datasets.append_examples(dataset=own.id, examples=[{"n": 2}])
    same([row["n"] for row in fields(robot, own.id)], [0, 1, 2])
    made = _dataset_in(robot, client.spaces.get(space=own.space_id))
    robot.datasets.delete(dataset=made.id)
    refusal(403, robot.spaces.delete, space=own.space_id)
    same(fields(client, foreign.id), numbered(2))


@scenario
def an_admin_key_of_a_space_changes_the_space(client: Client) -> None:
    robot, own, foreign = _own_and_foreign(client, "ADMIN")
    _nothing_foreign(robot, own, foreign)
    name = unique("renamed")
    same(robot.spaces.update(space=own.space_id, name=name).name, name)
    robot.datasets.delete(dataset=own.id)


@scenario
def a_revoked_service_key_is_refused(client: Client) -> None:
    made = _service_key(client, _own_space(client), "MEMBER")
    assert _works(made.key)
    fresh = client.api_keys.refresh(api_key_id=made.id)
    same((_works(made.key), _works(fresh.key)), (False, True))
    client.api_keys.revoke(api_key_id=fresh.id)
    same(_works(fresh.key), False)


@scenario
def refused_keys(client: Client) -> None:
    keys = client.api_keys
    holds(refusal(422, keys.create, name=" "), "name")
    types = _types()
    organization = client.organizations.get(organization=SPACE).id
    space = types.SpaceBinding(space=unused_id("Space"))
    binding = types.OrgBinding(org_id=organization, spaces=[space])
    refusal(404, keys.create_service_key, name=unique("robot"), orgs=[binding])
    for call in (keys.revoke, keys.refresh):
        refusal(404, call, api_key_id=unused_id("ApiKey"))
        refusal(400, call, api_key_id=organization)
    revoked = keys.create(name=unique("lost"))
    keys.revoke(api_key_id=revoked.id)
    assert _works(keys.create(name=revoked.name).key)
