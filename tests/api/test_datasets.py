"""Datasets: create, get, rename, delete; their lists are in `test_dataset_lists.py`."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.api.helpers import (
    Dataset,
    assert_problem,
    default_space,
    delete_examples,
    get_dataset,
    guessed,
    id_parts,
    list_datasets,
    make_dataset,
    make_id,
    make_space,
    moment,
    new_version,
    numbered,
    ok,
    patch,
    read_bytes,
    read_fields,
    send,
    snapshot,
    three,
    unique,
    version_ids,
)

MEMBERS = {"id", "name", "space_id", "created_at", "updated_at"}
VERSION_MEMBERS = {"id", "name", "dataset_id", "created_at", "updated_at"}
ODD_NAMES = [
    "n" * 221,
    "  inner  space  ",
    "100% _sure_ \\ yes",
    "Grüße 日本語 😀",
    "' \" ` ; --",
    "null",
]


def rename(client: httpx.Client, dataset: Dataset, name: object) -> httpx.Response:
    """Give a dataset another name."""
    return send(client, "PATCH", dataset.url, {"name": name})


# Create


def test_create_answers_the_dataset_with_its_first_version(client: httpx.Client) -> None:
    name, space = unique(), default_space(client)
    body = {"name": name, "space_id": space, "examples": numbered(3)}
    made = ok(send(client, "POST", "/v2/datasets", body), 201)
    assert set(made) == MEMBERS | {"versions"}
    assert (made["name"], made["space_id"]) == (name, space)
    (version,) = made["versions"]
    assert set(version) == VERSION_MEMBERS
    assert version["name"].strip()
    assert version["dataset_id"] == made["id"]
    assert id_parts(made["id"])[0] == "Dataset"
    assert id_parts(version["id"])[0] == "DatasetVersion"
    for times in (made, version):
        assert moment(times["created_at"]) <= moment(times["updated_at"])
    assert ok(client.get(f"/v2/datasets/{made['id']}")) == made


def test_create_keeps_the_examples_in_order(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1_000))
    assert read_fields(client, dataset) == numbered(1_000)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_create_keeps_the_name_as_sent(client: httpx.Client, name: str) -> None:
    name = name + " " + unique("x")
    dataset = make_dataset(client, numbered(1), name[:255])
    assert get_dataset(client, dataset)["name"] == name[:255]


def test_a_name_is_unique_in_its_space_only(client: httpx.Client) -> None:
    dataset = three(client)
    before = snapshot(client, dataset)
    body = {"name": dataset.name, "space_id": dataset.space_id, "examples": numbered(1)}
    response = send(client, "POST", "/v2/datasets", body)
    assert_problem(response, 409, "conflict", dataset.name)
    assert snapshot(client, dataset) == before
    make_dataset(client, numbered(1), dataset.name, make_space(client))


def test_ids_cannot_be_guessed_from_each_other(client: httpx.Client) -> None:
    suffixes = {id_parts(three(client).id)[2] for _ in range(5)}
    assert len(suffixes) == 5
    assert all(len(suffix) >= 4 for suffix in suffixes)


# Get


def test_get_has_the_versions_newest_first(client: httpx.Client) -> None:
    dataset = three(client)
    made = [dataset.version_id]
    for position in (0, 1, 0):
        made.append(new_version(client, dataset, version=made[position]))
    now = get_dataset(client, dataset)
    assert set(now) == MEMBERS | {"versions"}
    assert [version["id"] for version in now["versions"]] == made[::-1]
    assert all(set(version) == VERSION_MEMBERS for version in now["versions"])
    assert all(version["dataset_id"] == dataset.id for version in now["versions"])
    times = [moment(version["created_at"]) for version in now["versions"]]
    assert times == sorted(times, reverse=True)


BAD_IDS = [
    ("not-an-id", 400),
    ("%00", 400),
    ("%F0%9F%98%80", 400),
    ("%ff", 400),
    (make_id("Space", 1, "aBcDeFgHiJ"), 400),
    (make_id("dataset", 1, "aBcDeFgHiJ"), 400),
    (make_id("Dataset", "one", "aBcDeFgHiJ"), 400),
    (make_id("Dataset", 1, ""), 400),
    (make_id("Dataset", 999_999_999, "aBcDeFgHiJ"), 404),
]


@pytest.mark.parametrize(("id", "status"), BAD_IDS)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_id_that_leads_nowhere(client: httpx.Client, method: str, id: str, status: int) -> None:
    response = send(client, method, f"/v2/datasets/{id}", {"name": "x"})
    slug = "invalid-request" if status == 400 else "not-found"
    assert_problem(response, status, slug, "dataset")


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, 2**63, 10**30])
def test_an_id_with_an_odd_number_is_a_client_error(client: httpx.Client, number: int) -> None:
    response = client.get(f"/v2/datasets/{make_id('Dataset', number, 'aBcDeFgHiJ')}")
    assert response.status_code in {400, 404}
    slug = "invalid-request" if response.status_code == 400 else "not-found"
    assert_problem(response, response.status_code, slug)


def test_a_guessed_id_is_not_found(client: httpx.Client) -> None:
    dataset = three(client)
    before = snapshot(client, dataset)
    url = f"/v2/datasets/{guessed(dataset.id)}"
    for method in ("GET", "PATCH", "DELETE"):
        assert_problem(send(client, method, url, {"name": "x"}), 404, "not-found")
    assert snapshot(client, dataset) == before


# Rename


def test_rename_changes_the_name_and_nothing_else(client: httpx.Client) -> None:
    dataset = three(client)
    before, content = get_dataset(client, dataset), read_bytes(client, dataset)
    name = unique("renamed")
    answer = ok(rename(client, dataset, name))
    assert answer["name"] == name
    after = get_dataset(client, dataset)
    assert after == {**before, "name": name, "updated_at": after["updated_at"]}
    assert answer["updated_at"] == after["updated_at"]
    assert read_bytes(client, dataset) == content
    assert [one["id"] for one in list_datasets(client, name=name)] == [dataset.id]
    make_dataset(client, numbered(1), dataset.name)  # the old name is free


def test_rename_to_a_name_that_is_taken_is_a_conflict(client: httpx.Client) -> None:
    dataset, other = three(client), three(client)
    before = snapshot(client, dataset)
    assert_problem(rename(client, dataset, other.name), 409, "conflict", other.name)
    assert snapshot(client, dataset) == before
    assert ok(rename(client, dataset, dataset.name))["name"] == dataset.name


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": ""}, 422),
        ({"name": " \t"}, 422),
        ({"name": "n" * 256}, 422),
        ({}, 422),
        ({"name": "x", "space_id": "y"}, 422),
        ({"name": None}, 400),
        ({"name": 7}, 400),
        ([], 400),
        (b"", 400),
        (b'{"name":"\\ud800"}', 400),
        (b'{"name":"\xff"}', 400),
    ],
)
def test_rename_refuses_bad_bodies(client: httpx.Client, body: object, status: int) -> None:
    dataset = three(client)
    before = snapshot(client, dataset)
    slug = "invalid-request" if status == 400 else "validation-error"
    assert_problem(send(client, "PATCH", dataset.url, body), status, slug)
    assert snapshot(client, dataset) == before


# Delete


def test_a_deleted_dataset_is_gone_for_every_route(client: httpx.Client) -> None:
    dataset = three(client)
    response = client.delete(dataset.url)
    assert (response.status_code, response.content) == (204, b"")
    item = {"id": dataset.example_ids[0], "a": 1}
    gone = [
        client.get(dataset.url),
        client.delete(dataset.url),
        rename(client, dataset, unique()),
        client.get(dataset.examples_url),
        client.get(dataset.examples_url, params={"dataset_version_id": dataset.version_id}),
        send(client, "POST", f"{dataset.examples_url}/search", {}),
        send(client, "POST", dataset.examples_url, {"examples": numbered(1)}),
        patch(client, dataset, [item]),
        patch(client, dataset, [item], new_version="next"),
        delete_examples(client, dataset, dataset.version_id, dataset.example_ids[:1]),
    ]
    for answer in gone:
        assert_problem(answer, 404, "not-found")
    assert list_datasets(client, name=dataset.name) == []


def test_the_name_of_a_deleted_dataset_is_free(client: httpx.Client) -> None:
    dataset = three(client)
    assert client.delete(dataset.url).status_code == 204
    again = make_dataset(client, numbered(2), dataset.name)
    assert again.id != dataset.id
    assert read_fields(client, again) == numbered(2)


# Times

Change = Callable[[httpx.Client, Dataset], object]
CHANGES: dict[str, Change] = {
    "update in place": lambda c, d: ok(patch(c, d, [{"id": d.example_ids[0], "a": 1}])),
    "update an old version": lambda c, d: ok(
        patch(c, d, [{"id": d.example_ids[0], "a": 2}], d.version_id)
    ),
    "new version": lambda c, d: new_version(c, d, [{"id": d.example_ids[0], "a": 3}]),
    "new version without changes": lambda c, d: new_version(c, d),
    "insert": lambda c, d: ok(send(c, "POST", d.examples_url, {"examples": numbered(1)}), 201),
    "delete": lambda c, d: ok(delete_examples(c, d, d.version_id, d.example_ids[2:])),
    "rename": lambda c, d: ok(rename(c, d, unique())),
}


def test_the_time_of_update_moves_with_every_change(client: httpx.Client) -> None:
    dataset = three(client)
    first = get_dataset(client, dataset)
    seen = [moment(first["updated_at"])]
    for name, change in CHANGES.items():
        change(client, dataset)
        now = get_dataset(client, dataset)
        assert moment(now["updated_at"]) > seen[-1], name
        assert now["created_at"] == first["created_at"]
        seen.append(moment(now["updated_at"]))
    assert len(version_ids(client, dataset)) == 3
