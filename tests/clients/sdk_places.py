"""Scenarios of the `arize` SDK about spaces and organizations."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from tests.clients.sdk_support import (
    SPACE,
    Client,
    fields,
    holds,
    numbered,
    refusal,
    same,
    scenario,
    scenario_only_in,
    unique,
    unused_id,
)


def _default_organization(client: Client) -> str:
    found: str = client.organizations.get(organization=SPACE).id
    return found


def _organization(client: Client) -> Any:
    return client.organizations.create(name=unique("faculty"))


def _space(client: Client, stem: str = "laboratory") -> Any:
    return client.spaces.create(name=unique(stem), organization_id=_default_organization(client))


def _names(client: Client, **filters: object) -> list[str]:
    """Return the names of all spaces that the filters leave, page by page."""
    return _all_names(lambda cursor: client.spaces.list(limit=2, cursor=cursor, **filters))


def _all_names(page: Callable[[str | None], Any]) -> list[str]:
    names: list[str] = []
    cursor = None
    while True:
        answer = page(cursor)
        found = answer.spaces if hasattr(answer, "spaces") else answer.organizations
        names += [one.name for one in found]
        cursor = answer.pagination.next_cursor
        same(answer.pagination.has_more, cursor is not None)
        if cursor is None:
            return names


@scenario
def live_with_an_organization(client: Client) -> None:
    organizations = client.organizations
    name, renamed = unique("Größe"), unique("faculty")
    made = organizations.create(name=name, description="All who read.\nAnd write.")
    same((made.name, made.description), (name, "All who read.\nAnd write."))
    same(organizations.get(organization=made.id), made)
    same(organizations.get(organization=name), made)
    changed = organizations.update(organization=name, name=renamed)
    same((changed.id, changed.name, changed.description), (made.id, renamed, made.description))
    changed = organizations.update(organization=made.id, description="Few.")
    same((changed.name, changed.description), (renamed, "Few."))
    same(changed.created_at, made.created_at)
    same(organizations.delete(organization=renamed), None)
    refusal(404, organizations.get, organization=made.id)


@scenario
def live_with_a_space(client: Client) -> None:
    spaces = client.spaces
    name, renamed = unique("Größe"), unique("laboratory")
    organization = _default_organization(client)
    made = spaces.create(name=name, organization_id=organization, description="For tests.")
    same((made.name, made.description), (name, "For tests."))
    same(spaces.get(space=made.id), made)
    same(spaces.get(space=name), made)
    changed = spaces.update(space=name, name=renamed)
    same((changed.id, changed.name, changed.description), (made.id, renamed, "For tests."))
    changed = spaces.update(space=made.id, description="For more tests.")
    same((changed.name, changed.description), (renamed, "For more tests."))
    same(changed.created_at, made.created_at)
    same(spaces.delete(space=renamed), None)
    refusal(404, spaces.get, space=made.id)


@scenario_only_in("8.61", "earlier releases take None as left out")
def clear_a_description(client: Client) -> None:
    name = unique("laboratory")
    organization = client.organizations.create(name=name, description="Short-lived.")
    cleared = client.organizations.update(organization=name, description=None)
    same((cleared.name, cleared.description), (name, ""))
    client.spaces.create(name=name, organization_id=organization.id, description="Short-lived.")
    cleared = client.spaces.update(space=name, description=None)
    same((cleared.name, cleared.description), (name, ""))


@scenario
def list_spaces_page_by_page(client: Client) -> None:
    organization = _organization(client).id
    names = [unique(stem) for stem in ("Blue room", "red Room", "green hall")]
    for name in names:
        client.spaces.create(name=name, organization_id=organization)
    same(_names(client, organization_id=organization), names[::-1])
    same(_names(client, organization_id=organization, name="ROOM"), names[1::-1])
    same(_names(client, organization_id=organization, name="cellar"), [])


@scenario
def list_organizations_page_by_page(client: Client) -> None:
    tag = unique("tag")
    names = [f"{stem} {tag}" for stem in ("Physics", "Law", "Music")]
    for name in names:
        client.organizations.create(name=name)
    found = _all_names(
        lambda cursor: client.organizations.list(name=tag.upper(), limit=2, cursor=cursor)
    )
    same(found, names[::-1])


@scenario
def work_in_a_space_of_ones_own(client: Client) -> None:
    space = _space(client)
    name = unique("questions")
    for place in (space.name, SPACE):
        client.datasets.create(name=name, space=place, examples=numbered(2))
    found = client.datasets.list(space=space.id).datasets
    same([(dataset.name, dataset.space_id) for dataset in found], [(name, space.id)])
    client.datasets.append_examples(dataset=name, space=space.name, examples=[{"n": 2}])
    same(len(fields(client, found[0].id)), 3)
    same(len(fields(client, client.datasets.get(dataset=name, space=SPACE).id)), 2)
    client.spaces.delete(space=space.id)
    refusal(404, client.datasets.get, dataset=found[0].id)
    same(client.datasets.get(dataset=name, space=SPACE).name, name)


@scenario
def delete_an_organization_with_all_in_it(client: Client) -> None:
    organization = _organization(client)
    space = client.spaces.create(name=unique("hall"), organization_id=organization.id)
    dataset = client.datasets.create(name="inside", space=space.id, examples=numbered(1))
    client.organizations.delete(organization=organization.id)
    refusal(404, client.organizations.get, organization=organization.id)
    refusal(404, client.spaces.get, space=space.id)
    refusal(404, client.datasets.get, dataset=dataset.id)


@scenario
def a_name_that_two_spaces_have_is_ambiguous(client: Client) -> None:
    errors = importlib.import_module("arize.exceptions.spaces")
    name = unique("twins")
    made = [
        client.spaces.create(name=name, organization_id=_organization(client).id) for _ in range(2)
    ]
    try:
        answer = client.spaces.get(space=name)
    except errors.AmbiguousNameError:
        same([client.spaces.get(space=one.id) for one in made], made)
    else:
        raise AssertionError(f"found {answer!r}")


@scenario
def refused_changes_of_spaces(client: Client) -> None:
    spaces, organization = client.spaces, _organization(client).id
    kept, other = (
        spaces.create(name=unique("kept"), organization_id=organization) for _ in range(2)
    )
    call = {"organization_id": organization}
    holds(refusal(409, spaces.create, name=other.name, **call), other.name)
    holds(refusal(409, spaces.update, space=kept.id, name=other.name), other.name)
    holds(refusal(422, spaces.create, name=" ", **call), "name")
    holds(refusal(422, spaces.update, space=kept.id, name=" "), "name")
    holds(refusal(400, spaces.create, name="x", organization_id=kept.id), "organization_id")
    refusal(404, spaces.create, name="x", organization_id=unused_id("Organization"))
    for call in (spaces.get, spaces.delete):
        refusal(404, call, space=unused_id("Space"))
        refusal(400, call, space=organization)
    same(spaces.list(organization_id=organization).spaces, [other, kept])


@scenario_only_in("8.61", "earlier releases have none of these settings")
def refused_settings_of_spaces_that_exempla_lacks(client: Client) -> None:
    space = _space(client)
    call = {"name": unique("hidden"), "organization_id": _default_organization(client)}
    holds(refusal(422, client.spaces.create, **call, is_private=True), "is_private")
    settings = {
        "is_private": True,
        "ml_models_enabled": True,
        "gradient_start_color": "#102030",
        "gradient_end_color": "#405060",
        "default_llm_integration": None,
        "default_agent_runtime": None,
    }
    for name, value in settings.items():
        holds(refusal(422, client.spaces.update, space=space.id, **{name: value}), name)
    same(client.spaces.get(space=space.id), space)


@scenario
def refused_changes_of_organizations(client: Client) -> None:
    organizations = client.organizations
    kept, other = _organization(client), _organization(client)
    holds(refusal(409, organizations.create, name=other.name), other.name)
    holds(refusal(409, organizations.update, organization=kept.id, name=other.name), other.name)
    holds(refusal(422, organizations.create, name=" "), "name")
    holds(refusal(422, organizations.update, organization=kept.id, name=" "), "name")
    for call in (organizations.get, organizations.delete):
        refusal(404, call, organization=unused_id("Organization"))
        refusal(400, call, organization=unused_id("Space"))
    same(organizations.get(organization=kept.id), kept)
