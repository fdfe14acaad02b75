"""Examples: insert, list, search without a filter, delete. Updates are in `test_patch_*.py`."""

from __future__ import annotations

import uuid
from itertools import pairwise
from typing import Any

import httpx
import msgspec
import pytest

from tests.api.helpers import (
    Dataset,
    Page,
    assert_problem,
    delete_examples,
    get_dataset,
    guessed,
    line_of_versions,
    make_dataset,
    moment,
    new_version,
    numbered,
    ok,
    patch,
    read_bytes,
    read_fields,
    read_pages,
    read_version,
    send,
    snapshot,
    three,
    version_ids,
)


def insert(client: httpx.Client, dataset: Dataset, count: int, **query: str) -> httpx.Response:
    """Append numbered examples."""
    body = {"examples": numbered(count, start=100)}
    return send(client, "POST", dataset.examples_url, body, **query)


def get_page(client: httpx.Client, dataset: Dataset, **query: str) -> Page:
    """Return one page of examples."""
    response = client.get(dataset.examples_url, params=query)
    assert response.status_code == 200, response.text
    return msgspec.json.decode(response.content, type=Page)


def next_page(client: httpx.Client, dataset: Dataset, page: Page, **query: str) -> Page:
    """Return the page after this one."""
    assert isinstance(page.pagination.next_cursor, str)
    return get_page(client, dataset, cursor=page.pagination.next_cursor, **query)


# Insert


@pytest.mark.parametrize("position", [0, 1, 2], ids=["oldest", "middle", "latest"])
def test_insert_appends_to_the_addressed_version_alone(client: httpx.Client, position: int) -> None:
    dataset, versions = line_of_versions(client)
    before = [read_bytes(client, dataset, version) for version in versions]
    fields = read_fields(client, dataset, versions[position])
    answer = ok(insert(client, dataset, 2, dataset_version_id=versions[position]), 201)
    assert read_fields(client, dataset, versions[position]) == fields + numbered(2, start=100)
    ids = [example["id"] for example in read_version(client, dataset.id, versions[position])]
    assert ids == [*dataset.example_ids, *answer["example_ids"]]
    for index, version in enumerate(versions):
        assert (read_bytes(client, dataset, version) == before[index]) == (index != position)


@pytest.mark.parametrize("query", [{}, {"dataset_version_id": ""}], ids=["omitted", "empty"])
def test_insert_answers_as_an_update_does(client: httpx.Client, query: dict[str, str]) -> None:
    dataset, versions = line_of_versions(client)
    answer = ok(insert(client, dataset, 3, **query), 201)
    now = get_dataset(client, dataset)
    assert answer == {
        **{name: value for name, value in now.items() if name != "versions"},
        "dataset_version_id": versions[2],
        "example_ids": [one["id"] for one in read_version(client, dataset.id)][3:],
    }


def test_ids_are_uuids_that_sort_by_creation(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(20))
    ok(insert(client, dataset, 20), 201)
    found = read_version(client, dataset.id)
    ids = [example["id"] for example in found]
    assert ids == sorted(set(ids))
    for id in ids:
        assert uuid.UUID(id).version == 7
        assert str(uuid.UUID(id)) == id
    times = [moment(example["created_at"]) for example in found]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert all(example["updated_at"] == example["created_at"] for example in found)


def test_an_example_has_its_fields_and_what_the_server_manages(client: httpx.Client) -> None:
    dataset = make_dataset(client, [{"question": "2 + 2?", "answer": None}])
    (example,) = read_version(client, dataset.id)
    assert set(example) == {"id", "created_at", "updated_at", "question", "answer"}


def test_an_insert_after_a_delete_goes_to_the_end(client: httpx.Client) -> None:
    dataset = three(client)
    ok(delete_examples(client, dataset, dataset.version_id, dataset.example_ids[1:]))
    added = ok(insert(client, dataset, 2), 201)["example_ids"]
    ids = [example["id"] for example in read_version(client, dataset.id)]
    assert ids == [dataset.example_ids[0], *added]
    assert not set(added) & set(dataset.example_ids)


# List


@pytest.mark.parametrize("limit", [1, 2, 7, 19, 20, 21, 500])
def test_pages_of_any_size_show_every_example_once_in_order(
    client: httpx.Client, limit: int
) -> None:
    dataset = make_dataset(client, numbered(20))
    pages = read_pages(client, dataset.id, limit=limit)
    assert [id for page in pages for id in page.ids] == list(dataset.example_ids)
    assert [len(page.ids) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert 1 <= len(pages[-1].ids) <= limit


def test_a_page_has_50_examples_unless_told_and_at_most_500(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(501))
    assert get_page(client, dataset).ids == list(dataset.example_ids[:50])
    assert get_page(client, dataset, limit="", cursor="").ids == list(dataset.example_ids[:50])
    assert get_page(client, dataset, limit="500").ids == list(dataset.example_ids[:500])


def test_a_page_of_large_examples_is_short_and_goes_on(client: httpx.Client) -> None:
    texts = [{"text": letter * 12_000_000} for letter in "abcd"]
    dataset = make_dataset(client, texts[:2])
    ok(send(client, "POST", dataset.examples_url, {"examples": texts[2:]}), 201)
    pages = read_pages(client, dataset.id, limit=500)
    assert [len(page.ids) for page in pages] == [2, 2]
    found = [example["text"] for page in pages for example in page.texts]
    assert found == [f'"{one["text"]}"' for one in texts]


def test_an_empty_version_has_one_empty_page(client: httpx.Client) -> None:
    dataset = three(client)
    ok(delete_examples(client, dataset, dataset.version_id, dataset.example_ids))
    answer = ok(client.get(dataset.examples_url))
    assert answer == {"examples": [], "pagination": {"has_more": False}}


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ({"limit": "0"}, 422, "limit"),
        ({"limit": "-3"}, 422, "limit"),
        ({"limit": "501"}, 422, "limit"),
        ({"limit": "9" * 5_000}, 422, "limit"),
        ({"limit": "abc"}, 400, "limit"),
        ({"limit": "1e2"}, 400, "limit"),
        ({"limit": " "}, 400, "limit"),
        ({"cursor": "garbage"}, 400, "cursor"),
        ({"cursor": "=="}, 400, "cursor"),
        ({"cursor": "\0"}, 400, "cursor"),
        ({"cursor": "RGF0YXNldDoxOmFCY0Q="}, 400, "cursor"),
        ({"cursor": "x" * 5_000}, 400, "cursor"),
        ({"dataset_version_id": "garbage"}, 400, "dataset_version_id"),
        ({"dataset_version_id": "RGF0YXNldDoxOmFCY0Q="}, 400, "dataset_version_id"),
    ],
)
def test_list_refuses_bad_parameters(
    client: httpx.Client, query: dict[str, str], status: int, detail: str
) -> None:
    response = client.get(three(client).examples_url, params=query)
    slug = "invalid-request" if status == 400 else "validation-error"
    assert_problem(response, status, slug, detail)


def test_a_version_must_be_of_the_dataset(client: httpx.Client) -> None:
    dataset, other = three(client), three(client)
    for version in (guessed(dataset.version_id), new_version(client, other), other.version_id):
        response = client.get(dataset.examples_url, params={"dataset_version_id": version})
        assert_problem(response, 404, "not-found")


def test_a_cursor_serves_only_the_list_that_gave_it(client: httpx.Client) -> None:
    dataset, other = three(client), three(client)
    second = new_version(client, dataset)
    page = get_page(client, dataset, limit="1", dataset_version_id=dataset.version_id)
    cursor = str(page.pagination.next_cursor)
    another_version = {"cursor": cursor, "dataset_version_id": second}
    response = client.get(dataset.examples_url, params=another_version)
    assert_problem(response, 400, "invalid-request", "cursor")
    another_list = client.get("/v2/datasets", params={"cursor": cursor})
    assert_problem(another_list, 400, "invalid-request", "cursor")
    another_dataset = client.get(other.examples_url, params={"cursor": cursor})
    assert another_dataset.status_code in {400, 404}
    cursor_of_datasets = ok(client.get("/v2/datasets", params={"limit": "1"}))["pagination"]
    response = client.get(
        dataset.examples_url, params={"cursor": cursor_of_datasets["next_cursor"]}
    )
    assert_problem(response, 400, "invalid-request", "cursor")


def test_pages_stay_in_the_version_they_began_in(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(6))
    expected = read_version(client, dataset.id)
    first = get_page(client, dataset, limit="2")
    changes = [{"id": id, "n": -1} for id in dataset.example_ids]
    latest = new_version(client, dataset, changes)
    ok(insert(client, dataset, 2), 201)
    ok(delete_examples(client, dataset, latest, dataset.example_ids[2:4]))
    second = next_page(client, dataset, first, limit="2")
    third = next_page(client, dataset, second, limit="2")
    assert first.ids + second.ids + third.ids == [example["id"] for example in expected]
    assert [text["n"] for text in second.texts + third.texts] == ["2", "3", "4", "5"]
    assert not third.pagination.has_more


def test_pages_are_stable_while_others_write_to_the_version(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(8))
    ids = list(dataset.example_ids)
    first = get_page(client, dataset, limit="3")
    seen, last_seen, not_seen = ids[0], ids[2], ids[4]
    ok(delete_examples(client, dataset, dataset.version_id, [seen, last_seen, not_seen]))
    ok(patch(client, dataset, [{"id": ids[1], "n": -1}, {"id": ids[5], "n": -5}]))
    added = ok(insert(client, dataset, 1), 201)["example_ids"]
    second = next_page(client, dataset, first, limit="3")
    assert second.ids == [ids[3], ids[5], ids[6]]
    assert [text["n"] for text in second.texts] == ["3", "-5", "6"]
    third = next_page(client, dataset, second, limit="3")
    assert third.ids == [ids[7], *added]
    assert not third.pagination.has_more


def test_an_update_leaves_the_order_alone(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(5))
    for id in reversed(dataset.example_ids):
        ok(patch(client, dataset, [{"id": id, "n": 0}]))
    latest = new_version(client, dataset, [{"id": dataset.example_ids[2], "n": 9}])
    for version in (dataset.version_id, latest):
        (page,) = read_pages(client, dataset.id, version)
        assert page.ids == list(dataset.example_ids)


# Search


def test_search_without_a_filter_is_a_list(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(5))
    old = dataset.version_id
    latest = new_version(client, dataset, [{"id": dataset.example_ids[0], "n": -1}])
    url = f"{dataset.examples_url}/search"
    for body, query in (
        ({}, {}),
        ({"filter": None}, {}),
        ({"dataset_version_id": old, "limit": 2}, {"dataset_version_id": old, "limit": "2"}),
        ({"dataset_version_id": latest, "limit": 500}, {"dataset_version_id": latest}),
        ({"dataset_version_id": "", "cursor": ""}, {}),
    ):
        answer = ok(send(client, "POST", url, body))
        assert answer == ok(client.get(dataset.examples_url, params=query))
    first = ok(send(client, "POST", url, {"limit": 3}))
    rest = {"limit": 3, "cursor": first["pagination"]["next_cursor"]}
    second = ok(send(client, "POST", url, rest))
    found = [example["id"] for example in first["examples"] + second["examples"]]
    assert found == list(dataset.example_ids)


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"filter": ""}, 422, "filter"),
        ({"filter": " \t\n"}, 422, "filter"),
        ({"filter": 7}, 400, "filter"),
        ({"limit": 0}, 422, "limit"),
        ({"limit": 501}, 422, "limit"),
        ({"limit": -1}, 422, "limit"),
        ({"limit": 10**30}, 422, "limit"),
        ({"limit": "5"}, 400, "limit"),
        ({"limit": 1.5}, 400, "limit"),
        ({"limit": True}, 400, "limit"),
        ({"cursor": "garbage"}, 400, "cursor"),
        ({"dataset_version_id": "garbage"}, 400, "dataset_version_id"),
        ({"where": "n = 1"}, 422, "where"),
        ([], 400, "body"),
        (b"", 400, "body"),
    ],
)
def test_search_refuses_bad_bodies(
    client: httpx.Client, body: object, status: int, detail: str
) -> None:
    response = send(client, "POST", f"{three(client).examples_url}/search", body)
    slug = "invalid-request" if status == 400 else "validation-error"
    assert_problem(response, status, slug, detail)


# Delete


@pytest.mark.parametrize("position", [0, 1, 2], ids=["oldest", "middle", "latest"])
def test_delete_takes_examples_out_of_the_addressed_version_alone(
    client: httpx.Client, position: int
) -> None:
    dataset, versions = line_of_versions(client)
    before = [read_bytes(client, dataset, version) for version in versions]
    fields = read_fields(client, dataset, versions[position])
    a, b, c = dataset.example_ids
    answer = ok(delete_examples(client, dataset, versions[position], [c, "nobody", a]))
    assert set(answer) == {"completed", "deleted_example_ids", "not_deleted_example_ids"}
    assert answer["completed"] is True
    assert sorted(answer["deleted_example_ids"]) == sorted([a, c])
    assert answer["not_deleted_example_ids"] == ["nobody"]
    assert read_fields(client, dataset, versions[position]) == [fields[1]]
    assert [one["id"] for one in read_version(client, dataset.id, versions[position])] == [b]
    for index, version in enumerate(versions):
        assert (read_bytes(client, dataset, version) == before[index]) == (index != position)
    assert version_ids(client, dataset) == versions[::-1]


def test_delete_is_idempotent(client: httpx.Client) -> None:
    dataset = three(client)
    ids = list(dataset.example_ids[:2])
    ok(delete_examples(client, dataset, dataset.version_id, ids))
    before = snapshot(client, dataset)
    again = ok(delete_examples(client, dataset, dataset.version_id, ids))
    assert again["completed"] is True
    assert again["deleted_example_ids"] == []
    assert sorted(again["not_deleted_example_ids"]) == sorted(ids)
    assert snapshot(client, dataset)[1:] == before[1:]


def test_delete_takes_any_text_for_an_id(client: httpx.Client) -> None:
    dataset = three(client)
    ids = ["\0", " ", "😀", "' OR 1=1 --", "%", "x" * 10_000]
    before = snapshot(client, dataset)
    answer: dict[str, Any] = ok(delete_examples(client, dataset, dataset.version_id, ids))
    assert sorted(answer["not_deleted_example_ids"]) == sorted(ids)
    assert snapshot(client, dataset)[1:] == before[1:]
