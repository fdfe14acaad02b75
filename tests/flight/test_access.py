"""Who may do what over Arrow Flight: both commands, with every role, in the key's space and others.

And what keys there are: those of REST, refused in the same words.
"""

from __future__ import annotations

import httpx
import pyarrow as pa
import pytest
from pyarrow import flight

from exempla.flight.service import NEEDS
from tests.api.helpers import default_space, make_dataset, numbered, ok, send, unique
from tests.api.key_support import (
    KEYS,
    ROLES,
    new_organization,
    new_space,
    service_key,
    user_key,
)
from tests.flight.client import connect, create, read, refusal, ticket
from tests.serving import Served

TABLE = pa.table({"n": [1, 2]})


def test_each_command_needs_a_role() -> None:
    assert set(NEEDS) == {"createDataset", "getDataset"}


@pytest.mark.parametrize("role", ROLES)
def test_a_key_acts_in_its_own_spaces_by_its_role(
    served: Served, client: httpx.Client, role: str
) -> None:
    organization = new_organization(client)
    own, other = new_space(client, organization), new_space(client, organization)
    key = str(service_key(client, organization, {own: role})["key"])
    mine = make_dataset(client, numbered(2), space_id=own)
    theirs = make_dataset(client, numbered(2), space_id=other)

    assert read(served, key, datasetId=mine.id).num_rows == 2
    assert read(served, key, spaceId=own, datasetName=mine.name).num_rows == 2
    if NEEDS["createDataset"].name == "MEMBER" and role == "READ_ONLY":
        problem = refusal(create, served, own, unique(), TABLE, key)
        assert problem.status == 403
        assert problem.detail == "this needs the role MEMBER; yours is READ_ONLY here"
    else:
        created = create(served, own, unique(), TABLE, key)
        assert read(served, key, datasetId=created)["n"].to_pylist() == [1, 2]

    hidden = [
        refusal(read, served, key, datasetId=theirs.id),
        refusal(read, served, key, spaceId=other, datasetName=theirs.name),
        refusal(create, served, other, unique(), TABLE, key),
    ]
    assert [problem.status for problem in hidden] == [404] * 3


def test_no_key_no_answer(served: Served, client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    with connect(served) as connection:
        problem = refusal(lambda: connection.do_get(ticket(datasetId=dataset.id)).read_all())
    assert problem == (401, "no API key was sent; send it as the header `auth-token-bin`")
    for wrong in ("", "exk_unknown_to_this_server_0123456789", "ü", "Bearer"):
        problem = refusal(read, served, wrong, datasetId=dataset.id)
        assert problem.status == 401
        assert "auth-token-bin" in problem.detail
        problem = refusal(create, served, dataset.space_id, unique(), TABLE, wrong)
        assert problem.status == 401


def test_the_header_of_rest_is_accepted_too(served: Served, client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    for sent in (f"Bearer {served.key}", served.key):
        by_rest = flight.FlightCallOptions(headers=[(b"authorization", sent.encode())])
        with connect(served) as connection:
            assert connection.do_get(ticket(datasetId=dataset.id), by_rest).read_all().num_rows == 1


def test_a_key_that_is_revoked_ends_at_once(served: Served, client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    key = user_key(client)
    secret = str(key["key"])
    assert read(served, secret, datasetId=dataset.id).num_rows == 1
    assert send(client, "PUT", f"{KEYS}/{key['id']}/revoke").status_code == 204
    problem = refusal(read, served, secret, datasetId=dataset.id)
    assert "unknown, revoked or expired" in problem.detail


def test_the_use_of_a_key_is_noted(served: Served, client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1), space_id=default_space(client))
    key = user_key(client)
    read(served, str(key["key"]), datasetId=dataset.id)
    keys = ok(client.get(KEYS))["api_keys"]
    assert next(one for one in keys if one["id"] == key["id"])["last_used_at"] is not None
