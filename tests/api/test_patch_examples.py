"""`PATCH /v2/datasets/{id}/examples`: the rules of the contract, 1 to 8.

Rule 5, on new versions, has a module of its own: `test_patch_new_version.py`.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.helpers import (
    Example,
    assert_problem,
    delete_examples,
    get_dataset,
    line_of_versions,
    make_dataset,
    moment,
    new_version,
    numbered,
    ok,
    patch,
    read_bytes,
    read_fields,
    read_texts,
    read_version,
    send,
    snapshot,
    three,
    version_ids,
)

UNKNOWN_IDS = [
    "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000",
    "not a uuid",
    " ",
    "\0",
    "' OR 1=1 --",
    "%",
    "é😀",
    "x" * 10_000,
]


def changed(fields: Example, **changes: object) -> Example:
    """Return fields with some of them replaced or added."""
    return {**fields, **changes}


# Rule 1: what may be sent.


@pytest.mark.parametrize("field", ["created_at", "updated_at", "annotations"])
@pytest.mark.parametrize("value", ["2020-01-01T00:00:00Z", None, []], ids=["text", "null", "list"])
def test_rule_1_a_managed_field_is_refused(client: httpx.Client, field: str, value: object) -> None:
    dataset = three(client)
    before = snapshot(client, dataset)
    first, second, _ = dataset.example_ids
    items: list[Example] = [{"id": first, "answer": "changed"}, {"id": second, field: value}]
    response = patch(client, dataset, items)
    assert_problem(
        response,
        422,
        "validation-error",
        f"examples[1].{field} is managed by the system and cannot be set",
    )
    assert snapshot(client, dataset) == before


def test_rule_1_an_id_twice_is_refused(client: httpx.Client) -> None:
    dataset = three(client)
    before = snapshot(client, dataset)
    first, second, _ = dataset.example_ids
    items = [{"id": first, "a": 1}, {"id": second, "a": 1}, {"id": first, "b": 2}]
    assert_problem(patch(client, dataset, items), 422, "validation-error", "examples[2].id")
    assert snapshot(client, dataset) == before


def test_rule_1_an_example_with_only_an_id_is_accepted_and_changes_nothing(
    client: httpx.Client,
) -> None:
    dataset = three(client)
    before = read_bytes(client, dataset)
    answer = ok(patch(client, dataset, [{"id": dataset.example_ids[1]}]))
    assert answer["example_ids"] == [dataset.example_ids[1]]
    assert read_bytes(client, dataset) == before


# Rule 2: given fields are replaced whole or added; the others stay.


def test_rule_2_given_fields_are_replaced_or_added_and_the_others_stay(
    client: httpx.Client,
) -> None:
    dataset = three(client)
    before = read_fields(client, dataset)
    changes = {"answer": "5", "checked": True}
    ok(patch(client, dataset, [{"id": dataset.example_ids[1], **changes}]))
    after = read_fields(client, dataset)
    assert after == [before[0], changed(before[1], **changes), before[2]]


def test_rule_2_an_object_is_replaced_whole_not_merged(client: httpx.Client) -> None:
    dataset = three(client)
    ok(patch(client, dataset, [{"id": dataset.example_ids[0], "meta": {"level": 9}}]))
    assert read_fields(client, dataset)[0]["meta"] == {"level": 9}


@pytest.mark.parametrize("field", ["answer", "new"])
def test_rule_2_null_is_stored_as_null(client: httpx.Client, field: str) -> None:
    dataset = three(client)
    before = read_fields(client, dataset)
    ok(patch(client, dataset, [{"id": dataset.example_ids[0], field: None}]))
    assert read_fields(client, dataset)[0] == changed(before[0], **{field: None})


def test_rule_2_the_times_of_the_updated_example_alone_change(client: httpx.Client) -> None:
    dataset = three(client)
    before = read_version(client, dataset.id)
    ok(patch(client, dataset, [{"id": dataset.example_ids[1], "answer": "5"}]))
    after = read_version(client, dataset.id)
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1]["created_at"] == before[1]["created_at"]
    assert moment(after[1]["updated_at"]) > moment(before[1]["updated_at"])


# Rule 3: ids that are not in the addressed version are ignored.


@pytest.mark.parametrize("id", UNKNOWN_IDS, ids=[repr(id)[:20] for id in UNKNOWN_IDS])
def test_rule_3_an_unknown_id_is_ignored(client: httpx.Client, id: str) -> None:
    dataset = three(client)
    before = read_fields(client, dataset)
    items = [{"id": id, "answer": "x"}, {"id": dataset.example_ids[2], "answer": "lime"}]
    answer = ok(patch(client, dataset, items))
    assert answer["example_ids"] == [dataset.example_ids[2]]
    assert read_fields(client, dataset) == [*before[:2], changed(before[2], answer="lime")]


def test_rule_3_an_id_of_another_dataset_or_version_is_ignored(client: httpx.Client) -> None:
    dataset, other = three(client), three(client)
    latest = new_version(client, dataset)
    added = ok(send(client, "POST", dataset.examples_url, {"examples": numbered(1)}), 201)[
        "example_ids"
    ]
    ok(delete_examples(client, dataset, latest, [dataset.example_ids[0]]))
    before = snapshot(client, other), snapshot(client, dataset)
    to_first = [{"id": added[0], "a": 1}, {"id": other.example_ids[0], "a": 1}]
    assert ok(patch(client, dataset, to_first, dataset.version_id))["example_ids"] == []
    to_latest = [{"id": dataset.example_ids[0], "a": 1}]
    assert ok(patch(client, dataset, to_latest, latest))["example_ids"] == []
    assert (snapshot(client, other), snapshot(client, dataset)) == before


# Rule 4: in place, one version alone.


@pytest.mark.parametrize("position", [0, 1, 2], ids=["oldest", "middle", "latest"])
@pytest.mark.parametrize(
    "members", [{}, {"new_version": None}, {"new_version": ""}], ids=["absent", "null", "empty"]
)
def test_rule_4_without_new_version_the_addressed_version_alone_changes(
    client: httpx.Client, position: int, members: dict[str, Any]
) -> None:
    dataset, versions = line_of_versions(client)
    before = [read_bytes(client, dataset, version) for version in versions]
    fields = read_fields(client, dataset, versions[position])
    items = [{"id": dataset.example_ids[1], "answer": "five"}]
    answer = ok(patch(client, dataset, items, versions[position], **members))
    assert answer["dataset_version_id"] == versions[position]
    assert version_ids(client, dataset) == versions[::-1]
    fields[1]["answer"] = "five"
    assert read_fields(client, dataset, versions[position]) == fields
    for index, version in enumerate(versions):
        assert (read_bytes(client, dataset, version) == before[index]) == (index != position)


@pytest.mark.parametrize("version", [None, ""], ids=["omitted", "empty"])
def test_rule_4_the_latest_version_is_addressed_if_none_is_given(
    client: httpx.Client, version: str | None
) -> None:
    dataset, versions = line_of_versions(client)
    answer = ok(patch(client, dataset, [{"id": dataset.example_ids[0], "a": 1}], version))
    assert answer["dataset_version_id"] == versions[2]


def test_rule_4_the_times_of_the_addressed_version_alone_change(client: httpx.Client) -> None:
    dataset, versions = line_of_versions(client)
    before = {v["id"]: v for v in get_dataset(client, dataset)["versions"]}
    ok(patch(client, dataset, [{"id": dataset.example_ids[0], "a": 1}], versions[1]))
    after = {v["id"]: v for v in get_dataset(client, dataset)["versions"]}
    assert {id for id in after if after[id] != before[id]} == {versions[1]}
    assert moment(after[versions[1]]["updated_at"]) > moment(before[versions[1]]["updated_at"])
    assert after[versions[1]]["created_at"] == before[versions[1]]["created_at"]


# Rule 6: all or nothing.


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        ({"created_at": "2020-01-01T00:00:00Z"}, 422),
        ({"id": 7}, 400),
        ({"id": ""}, 422),
        ({}, 200),
    ],
    ids=["managed field", "number as id", "empty id", "nothing wrong"],
)
@pytest.mark.parametrize("new", ["", "next"], ids=["in place", "new version"])
def test_rule_6_one_invalid_item_in_a_thousand_changes_nothing(
    client: httpx.Client, bad: Example, status: int, new: str
) -> None:
    dataset = make_dataset(client, numbered(1_000))
    before = snapshot(client, dataset)
    items: list[Example] = [{"id": id, "answer": "changed"} for id in dataset.example_ids]
    items[998] |= bad
    response = patch(client, dataset, items, new_version=new)
    if status == 200:  # the same request without the mistake does change all
        assert ok(response)["example_ids"] == list(dataset.example_ids)
        assert all("answer" in fields for fields in read_fields(client, dataset))
        return
    slug = "validation-error" if status == 422 else "invalid-request"
    assert_problem(response, status, slug, f"examples[998].{next(iter(bad))}")
    assert snapshot(client, dataset) == before


# Rule 7: the answer.


@pytest.mark.parametrize("new", ["", "next"], ids=["in place", "new version"])
def test_rule_7_the_answer_is_the_dataset_the_version_and_the_ids_in_request_order(
    client: httpx.Client, new: str
) -> None:
    dataset = three(client)
    a, b, c = dataset.example_ids
    items: list[Example] = [
        {"id": c, "x": 1},
        {"id": "nobody", "x": 1},
        {"id": a, "x": 1},
        {"id": b},
    ]
    answer = ok(patch(client, dataset, items, new_version=new))
    now = get_dataset(client, dataset)
    assert answer == {
        **{name: value for name, value in now.items() if name != "versions"},
        "dataset_version_id": now["versions"][0]["id"],
        "example_ids": [c, a, b],
    }
    assert (answer["id"], answer["name"]) == (dataset.id, dataset.name)
    assert answer["space_id"] == dataset.space_id
    assert moment(answer["updated_at"]) > moment(answer["created_at"])
    assert (answer["dataset_version_id"] == dataset.version_id) == (not new)


@pytest.mark.parametrize("new", ["", "next"], ids=["in place", "new version"])
def test_rule_7_a_thousand_ids_are_in_request_order(client: httpx.Client, new: str) -> None:
    dataset = make_dataset(client, numbered(1_000))
    ids = [dataset.example_ids[index * 7 % 1_000] for index in range(1_000)]
    items = [{"id": id, "n": -1} for id in ids]
    assert ok(patch(client, dataset, items, new_version=new))["example_ids"] == ids


# Rule 8, in short; test_exact_values.py has the rest.


def test_rule_8_a_value_comes_back_as_it_was_sent(client: httpx.Client) -> None:
    dataset = three(client)
    value = '{"z":1.0, "a":[1e400,-0, 12345678901234567890],"\\u0041":"\\/"}'
    body = f'{{"examples":[{{"id":"{dataset.example_ids[1]}","answer":{value}}}]}}'
    ok(send(client, "PATCH", dataset.examples_url, body.encode()))
    assert read_texts(client, dataset.id)[1]["answer"] == value
