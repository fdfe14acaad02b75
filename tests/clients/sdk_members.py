"""Scenarios of the `arize` SDK about what Exempla lacks: members of spaces and organizations."""

from __future__ import annotations

import importlib

from tests.clients.sdk_support import SPACE, Client, refusal, scenario, unused_id


@scenario
def refused_501_for_members_of_a_space(client: Client) -> None:
    role = importlib.import_module("arize.spaces.types").PredefinedSpaceRole(name="MEMBER")
    call = {"space": SPACE, "user_id": unused_id("User")}
    refusal(501, client.spaces.add_user, **call, role=role)
    refusal(501, client.spaces.remove_user, **call)


@scenario
def refused_501_for_members_of_an_organization(client: Client) -> None:
    role = importlib.import_module("arize.organizations.types").PredefinedOrgRole(name="MEMBER")
    call = {"organization": SPACE, "user_id": unused_id("User")}
    refusal(501, client.organizations.add_user, **call, role=role)
    refusal(501, client.organizations.remove_user, **call)
