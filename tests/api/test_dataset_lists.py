"""Lists of datasets: filters, pages, bad parameters."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.helpers import (
    assert_problem,
    default_space,
    get_dataset,
    guessed,
    list_datasets,
    make_dataset,
    make_id,
    make_space,
    numbered,
    ok,
    send,
    three,
    unique,
)

MEMBERS = {"id", "name", "space_id", "created_at", "updated_at"}


def names(datasets: list[dict[str, Any]]) -> list[str]:
    """Return the names of the datasets."""
    return [dataset["name"] for dataset in datasets]


def all_pages(client: httpx.Client, limit: int, **query: str) -> list[dict[str, Any]]:
    """Return all datasets, read in pages of this size."""
    found: list[dict[str, Any]] = []
    query["limit"] = str(limit)
    while True:
        answer = ok(client.get("/v2/datasets", params=query))
        found += answer["datasets"]
        assert len(answer["datasets"]) <= limit
        if not answer["pagination"]["has_more"]:
            assert answer["pagination"] == {"has_more": False}
            return found
        query["cursor"] = answer["pagination"]["next_cursor"]


def test_a_list_is_newest_first_and_without_versions(client: httpx.Client) -> None:
    space = make_space(client)
    made = [make_dataset(client, numbered(1), space_id=space) for _ in range(3)]
    found = list_datasets(client, space_id=space)
    assert [dataset["id"] for dataset in found] == [dataset.id for dataset in made[::-1]]
    for dataset, one in zip(made[::-1], found, strict=True):
        now = get_dataset(client, dataset)
        assert one == {member: now[member] for member in MEMBERS}


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Capital Cities", "capital"),
        ("capital cities", "CITIES"),
        ("Capital Cities", "l c"),
        ("ÄRGER über Größe", "ärger ÜBER grö"),
        ("ΛΌΓΟΣ", "λόγο"),
        ("100% sure", "0% s"),
        ("snake_case", "e_c"),
        ("back\\slash", "\\"),
        ("it's", "'"),
        ("😀 faces", "😀"),
    ],
)
@pytest.mark.parametrize("parameter", ["name", "space_name"])
def test_names_are_found_by_any_part_in_any_case(
    client: httpx.Client, parameter: str, name: str, part: str
) -> None:
    full = f"{name} {unique('x')}"
    space = make_space(client, full if parameter == "space_name" else "")
    own = full if parameter == "name" else ""
    dataset = make_dataset(client, numbered(1), own, space)
    other = make_dataset(client, numbered(1), space_id=make_space(client))
    found = {one["id"] for one in all_pages(client, 100, **{parameter: part})}
    assert dataset.id in found
    assert other.id not in found


@pytest.mark.parametrize("part", ["%", "_", "\\", "a%c", "a_c"])
def test_a_wildcard_of_the_database_means_itself(client: httpx.Client, part: str) -> None:
    space = make_space(client)
    make_dataset(client, numbered(1), f"abc {unique('x')}", space)
    assert list_datasets(client, space_id=space, name=part) == []


def test_the_filters_apply_together(client: httpx.Client) -> None:
    here, there = make_space(client), make_space(client)
    wanted = make_dataset(client, numbered(1), f"Alpha {unique('x')}", here)
    make_dataset(client, numbered(1), f"Beta {unique('x')}", here)
    make_dataset(client, numbered(1), f"Alpha {unique('x')}", there)
    assert names(list_datasets(client, space_id=here, name="alpha")) == [wanted.name]


def test_a_filter_given_as_an_empty_string_counts_as_omitted(client: httpx.Client) -> None:
    dataset = three(client)
    found = list_datasets(client, space_id="", space_name="", name="", limit="", cursor="")
    assert dataset.id in [one["id"] for one in found]


def test_a_space_that_does_not_exist_has_no_datasets_to_list(client: httpx.Client) -> None:
    response = client.get("/v2/datasets", params={"space_id": guessed(default_space(client))})
    if response.status_code == 200:
        assert response.json() == {"datasets": [], "pagination": {"has_more": False}}
    else:
        assert_problem(response, 404, "not-found")


@pytest.fixture
def many(client: httpx.Client) -> tuple[str, list[str]]:
    """A space with 102 datasets: its id, and their ids, newest first."""
    space = make_space(client)
    made = []
    for _ in range(102):
        body = {"name": unique(), "space_id": space, "examples": numbered(1)}
        made.append(ok(send(client, "POST", "/v2/datasets", body), 201)["id"])
    return space, made[::-1]


def test_pages_show_each_dataset_once(client: httpx.Client, many: tuple[str, list[str]]) -> None:
    space, ids = many
    for limit in (1, 34, 100):
        found = all_pages(client, limit, space_id=space)
        assert [one["id"] for one in found] == ids
    assert len(list_datasets(client, space_id=space)) == 50
    assert len(list_datasets(client, space_id=space, limit="100")) == 100


def test_pages_are_stable_while_datasets_come_and_go(client: httpx.Client) -> None:
    space = make_space(client)
    made = [make_dataset(client, numbered(1), space_id=space) for _ in range(6)][::-1]
    first = ok(client.get("/v2/datasets", params={"space_id": space, "limit": "3"}))
    make_dataset(client, numbered(1), space_id=space)
    for gone in (made[0], made[2], made[4]):  # seen, the last seen, not seen yet
        assert client.delete(gone.url).status_code == 204
    cursor = first["pagination"]["next_cursor"]
    rest = list_datasets(client, space_id=space, limit="3", cursor=cursor)
    assert [one["id"] for one in rest] == [made[3].id, made[5].id]


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ({"limit": "0"}, 422, "limit"),
        ({"limit": "-1"}, 422, "limit"),
        ({"limit": "101"}, 422, "limit"),
        ({"limit": "9" * 5_000}, 422, "limit"),
        ({"limit": "abc"}, 400, "limit"),
        ({"limit": "1.5"}, 400, "limit"),
        ({"limit": "٣"}, 400, "limit"),
        ({"cursor": "garbage"}, 400, "cursor"),
        ({"cursor": "😀"}, 400, "cursor"),
        ({"space_id": "garbage"}, 400, "space_id"),
        ({"space_id": make_id("Dataset", 1, "aBcDeFgHiJ")}, 400, "space_id"),
    ],
)
def test_list_refuses_bad_parameters(
    client: httpx.Client, query: dict[str, str], status: int, detail: str
) -> None:
    response = client.get("/v2/datasets", params=query)
    slug = "invalid-request" if status == 400 else "validation-error"
    assert_problem(response, status, slug, detail)
