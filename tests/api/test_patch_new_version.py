"""`PATCH /v2/datasets/{id}/examples` with `new_version`: rule 5 of the contract."""

from __future__ import annotations

import httpx
import pytest

from tests.api.helpers import (
    Example,
    assert_problem,
    delete_examples,
    get_dataset,
    line_of_versions,
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
    unique,
    version_ids,
)

BLANK_NAMES = [" ", "   ", "\t", "\n", "\r\n", "\u00a0", "\u3000", " \t\u2003 "]


@pytest.mark.parametrize("position", [0, 1, 2], ids=["oldest", "middle", "latest"])
def test_rule_5_a_new_version_is_the_addressed_one_with_the_update(
    client: httpx.Client, position: int
) -> None:
    dataset, versions = line_of_versions(client)
    ok(delete_examples(client, dataset, versions[1], [dataset.example_ids[0]]))
    ok(send(client, "POST", dataset.examples_url, {"examples": numbered(2)}), 201)
    before = [read_bytes(client, dataset, version) for version in versions]
    expected = read_fields(client, dataset, versions[position])
    expected[-1]["answer"] = "new"
    last = read_version(client, dataset.id, versions[position])[-1]["id"]
    name = unique("version")
    items = [{"id": last, "answer": "new"}]
    answer = ok(patch(client, dataset, items, versions[position], new_version=name))
    made = answer["dataset_version_id"]
    assert answer["example_ids"] == [last]
    assert read_fields(client, dataset, made) == expected
    assert [read_bytes(client, dataset, version) for version in versions] == before
    assert version_ids(client, dataset) == [made, *versions[::-1]]
    assert get_dataset(client, dataset)["versions"][0]["name"] == name


def test_rule_5_the_new_version_is_the_latest_and_goes_its_own_way(client: httpx.Client) -> None:
    dataset = three(client)
    made = new_version(client, dataset, [{"id": dataset.example_ids[0], "answer": "Cusco"}])
    first = read_bytes(client, dataset, dataset.version_id)
    answer = ok(patch(client, dataset, [{"id": dataset.example_ids[0], "answer": "Lima!"}]))
    assert answer["dataset_version_id"] == made
    assert read_bytes(client, dataset, dataset.version_id) == first
    second = read_bytes(client, dataset, made)
    ok(patch(client, dataset, [{"id": dataset.example_ids[0], "x": 1}], dataset.version_id))
    assert read_bytes(client, dataset, made) == second
    assert read_bytes(client, dataset) == second


def test_rule_5_untouched_examples_are_the_same_bytes_in_the_new_version(
    client: httpx.Client,
) -> None:
    dataset = three(client)
    made = new_version(client, dataset, [{"id": dataset.example_ids[0], "answer": "Cusco"}])
    old, new = (read_texts(client, dataset.id, v) for v in (dataset.version_id, made))
    assert new[1:] == old[1:]
    assert new[0] | {"answer": "", "updated_at": ""} == old[0] | {"answer": "", "updated_at": ""}


@pytest.mark.parametrize("items", [[{"id": "nobody", "a": 1}], [{"id": "nobody"}]])
def test_rule_5_a_new_version_is_created_even_when_no_id_matched(
    client: httpx.Client, items: list[Example]
) -> None:
    dataset = three(client)
    before = read_bytes(client, dataset)
    name = unique("version")
    answer = ok(patch(client, dataset, items, new_version=name))
    assert answer["example_ids"] == []
    assert version_ids(client, dataset) == [answer["dataset_version_id"], dataset.version_id]
    assert read_bytes(client, dataset) == before


def test_rule_5_a_taken_name_is_a_conflict_and_changes_nothing(client: httpx.Client) -> None:
    dataset = three(client)
    name = unique("version")
    items = [{"id": dataset.example_ids[0], "answer": "changed"}]
    ok(patch(client, dataset, items, new_version=name))
    before = snapshot(client, dataset)
    for taken in (name, dataset.version_name):
        for version in (None, dataset.version_id):
            response = patch(client, dataset, items, version, new_version=taken)
            assert_problem(response, 409, "conflict", taken)
    assert snapshot(client, dataset) == before


def test_rule_5_another_dataset_may_have_a_version_of_the_name(client: httpx.Client) -> None:
    name = unique("version")
    for dataset in (three(client), three(client)):
        ok(patch(client, dataset, [{"id": "nobody"}], new_version=name))


@pytest.mark.parametrize("name", [*BLANK_NAMES, "v" * 256, "é" * 256, "😀" * 256])
def test_rule_5_a_blank_or_too_long_name_is_refused(client: httpx.Client, name: str) -> None:
    dataset = three(client)
    before = snapshot(client, dataset)
    items = [{"id": dataset.example_ids[0], "answer": "changed"}]
    response = patch(client, dataset, items, new_version=name)
    assert_problem(response, 422, "validation-error", "new_version")
    assert snapshot(client, dataset) == before


@pytest.mark.parametrize("name", ["v" * 255, "é" * 255, "😀" * 255, "x", "' \" \\ / % _ ;", "null"])
def test_rule_5_any_other_name_is_kept_as_sent(client: httpx.Client, name: str) -> None:
    dataset = three(client)
    ok(patch(client, dataset, [{"id": "nobody"}], new_version=name))
    assert get_dataset(client, dataset)["versions"][0]["name"] == name
